/* SPDX-License-Identifier: MIT
 *
 * The text frames of a shell's WebSocket: one JSON object, one member. Pure functions, so that they can be fuzzed.
 *
 *   client  {"resize": [rows, columns]}   {"signal": "INT"}   {"eof": true}
 *   server  {"exit": N}   {"error": {"code": C, "message": M}}
 */
#ifndef DROVER_SERVER_SHELL_FRAME_H
#define DROVER_SERVER_SHELL_FRAME_H

#include <stddef.h>

struct buf;
struct err;

#define SHELL_FRAME_TEXT_MAX 1024 /* bytes of a text frame */
#define SHELL_SIDE_MAX 4096       /* rows or columns of a terminal */

enum shell_frame_kind { SHELL_FRAME_RESIZE, SHELL_FRAME_SIGNAL, SHELL_FRAME_EOF };

struct shell_frame {
    enum shell_frame_kind kind;
    int rows, columns; /* 1 to SHELL_SIDE_MAX */
    int signal;        /* INT, TERM, HUP, QUIT, KILL, USR1, USR2, TSTP, CONT, WINCH */
};

/* Reads a client's text frame. 0, or -1 with ERR_INVALID_PARAMETERS. Any thread. */
int shell_frame_read(const char *text, size_t len, struct shell_frame *out, struct err *e);
/* Writes a server's. */
void shell_frame_write_exit(struct buf *out, int status);
void shell_frame_write_error(struct buf *out, const struct err *e);

#endif
