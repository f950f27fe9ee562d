/* SPDX-License-Identifier: MIT
 *
 * A WebSocket to the server: curl connects (TLS, time-outs, no proxy on loopback), the handshake is ours, and what
 * comes after it is for libwslay, with the two callbacks below. One thread.
 */
#ifndef DROVER_TUI_WEBSOCKET_H
#define DROVER_TUI_WEBSOCKET_H

#include <stddef.h>
#include <sys/types.h>

#include "tui/transfer.h"

#define WEBSOCKET_HEAD_MAX 16384

struct websocket {
    struct transfer transfer;
    curl_socket_t fd; /* to poll; bytes may wait although it is not readable */
    char early[WEBSOCKET_HEAD_MAX];
    size_t early_len, early_at; /* what came behind the reply's head */
};

/* Connects and shakes hands. On error nothing is left; a refusal of the server's is in `e` with its words. `w` must not
 * move afterwards. 0 or -1. */
int websocket_open(struct websocket *w, const struct endpoint *to, const char *path, struct err *e);
void websocket_close(struct websocket *w);
/* As recv and send of a non-blocking socket: -1 with errno EAGAIN; 0 at the end. */
ssize_t websocket_recv(struct websocket *w, void *out, size_t len);
ssize_t websocket_send(struct websocket *w, const void *data, size_t len);

#endif
