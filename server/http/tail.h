/* SPDX-License-Identifier: MIT
 *
 * Sends a growing byte source (a job's log), with follow: what is there at once, then what comes, until the source is
 * complete and every byte was sent. A thread looks at followed sources ten times a second, only while there are any.
 */
#ifndef DROVER_SERVER_HTTP_TAIL_H
#define DROVER_SERVER_HTTP_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct request;
struct tail;

/* The bytes. `size` and `complete` are called on the tail's thread too, at the same time as `pread`. */
struct tail_source {
    void *ctx;
    int64_t (*size)(void *ctx); /* bytes so far; -1 = cannot tell: the reply is cut */
    ssize_t (*pread)(void *ctx, void *out, size_t n, uint64_t at); /* as pread(2) */
    bool (*complete)(void *ctx);                                   /* no byte will come any more */
    void (*close)(void *ctx);                                      /* once, always; NULL = nothing to do */
};

/* Which bytes. */
struct tail_range {
    uint64_t offset;  /* first byte */
    int64_t limit;    /* at most so many; -1 = no limit */
    bool follow;      /* stay until complete */
    const char *type; /* Content-Type; NULL = text/plain; charset=utf-8 */
};

/* `followers` at once (0 = 256), `per_user` (0 = 16). Starts the thread. NULL on error. */
struct tail *tail_create(unsigned followers, unsigned per_user, struct err *e);
/* Answers the request. `src` is copied and closed in any case. Sets X-Drover-Log-Size, -Offset and -Complete. An offset
 * behind the end gives no bytes (with follow: waits for them). -1 with ERR_TOO_MANY over a quota of followers. */
int tail_reply(struct tail *t, struct request *r, const struct tail_source *src, const struct tail_range *range,
               struct err *e);
/* Ends all follows and refuses new ones. */
void tail_close(struct tail *t);
/* After http_server_destroy. NULL ok. */
void tail_destroy(struct tail *t);

/* A source over an open regular file (opened with O_NOFOLLOW | O_NONBLOCK: a job may have put a FIFO there), which it
 * takes over. `complete` (with ctx; NULL = always complete) says whether
 * the writer has ended; `done` is called with ctx at the end (NULL ok). 0, or -1 (fd closed, done called) when it is no
 * regular file. */
struct tail_file {
    int fd;
    bool (*complete)(void *ctx);
    void (*done)(void *ctx);
    void *ctx;
};
int tail_open_file(const struct tail_file *f, struct tail_source *out, struct err *e);

#endif
