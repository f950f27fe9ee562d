/* SPDX-License-Identifier: MIT
 *
 * Reads a stream of server-sent events, in whatever pieces it comes. Bounded: a line or an event that is too long is
 * dropped whole.
 */
#ifndef DROVER_TUI_SSE_H
#define DROVER_TUI_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define SSE_LINE_MAX 65536 /* bytes of a line, and of an event's data */

/* Gets one event. `type` is "message" when the stream named none. Borrowed during the call. */
typedef void sse_event(void *ctx, const char *type, const char *data);

/* The reader. Embedded. */
struct sse {
    struct buf line;
    struct buf data;
    char type[64];
    char id[64]; /* of the last event that had one; for ?lastEventId= */
    bool after_cr;
    bool has_data;
    sse_event *on_event;
    void *ctx;
};

/* An empty reader that calls `on_event`. */
void sse_init(struct sse *s, sse_event *on_event, void *ctx);
/* Reads the next bytes. */
void sse_feed(struct sse *s, const char *bytes, size_t len);
/* Forgets a half-read event (the connection broke), keeps the id. */
void sse_restart(struct sse *s);
/* Frees it. */
void sse_fini(struct sse *s);

#endif
