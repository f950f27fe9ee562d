/* SPDX-License-Identifier: MIT
 *
 * The head of an app's answer to a WebSocket's handshake: the one reply that libcurl does not read for us.
 */
#ifndef DROVER_SERVER_APP_HEAD_H
#define DROVER_SERVER_APP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#define APP_HEAD_MAX (16 * 1024)
#define APP_HEAD_FIELDS 64

struct app_head_field {
    const char *name, *value; /* NUL-terminated in the head, blanks around the value cut off */
};

struct app_head {
    int status;
    size_t count;
    struct app_head_field fields[APP_HEAD_FIELDS];
};

/* Where the head ends in `len` bytes: behind its empty line; 0 when it is not all there yet. */
size_t app_head_end(const char *data, size_t len);
/* Cuts up a whole head of `len` bytes, in place: HTTP/1.1 and three digits, lines that end in CRLF, names that are
 * tokens, values without control bytes, none folded. 0, or -1 for anything else. */
int app_head_parse(char *data, size_t len, struct app_head *out);
/* The value of a field by name (any case); NULL when it is not there, or twice. */
const char *app_head_get(const struct app_head *h, const char *name);

#endif
