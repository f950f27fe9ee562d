/* SPDX-License-Identifier: MIT
 *
 * Replies. Exactly one of the body functions per request; headers before it. Every reply, errors of the guard too,
 * carries X-Request-Id and the security headers; an API reply is never stored by caches.
 */
#ifndef DROVER_SERVER_HTTP_REPLY_H
#define DROVER_SERVER_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;
struct err;
struct request;

/* Adds a header to the coming reply. A value with control bytes is dropped and logged. Constant names only. */
void reply_header(struct request *r, const char *name, const char *value);
/* As reply_header; the name is copied, too. */
void reply_header_copy(struct request *r, const char *name, const char *value);
/* The coming reply is somebody else's: without the standing headers but X-Request-Id and HSTS. */
void reply_bare(struct request *r);
/* Sends finished JSON; takes the buffer's content and leaves it empty. A bad buffer becomes a 500. */
void reply_json(struct request *r, int status, struct buf *body);
/* Sends a string with the given Content-Type; copied. */
void reply_text(struct request *r, int status, const char *type, const char *text);
/* Sends bytes; copied. */
void reply_bytes(struct request *r, int status, const char *type, const void *data, size_t len);
/* Status and no body (204, 304). */
void reply_empty(struct request *r, int status);
/* The one error body: application/problem+json with code, message, type, title, status, detail, instance, and errors[]
 * when the place is known. 401 adds WWW-Authenticate; 429 and 503 add Retry-After: 1 unless one was set. */
void reply_error(struct request *r, const struct err *e);
/* The same body into `out`, for those who have no request at hand (batch results, tests). 0 or -1. */
int reply_error_body(struct buf *out, const struct err *e, const char *request_id);

/* Where a streamed reply comes from. Called on the HTTP thread, never twice at once. */
struct reply_source {
    void *ctx;
    /* Up to `n` bytes into `out`; REPLY_END at the end, REPLY_FAILED to cut the connection, REPLY_WAIT when there is
     * nothing now: then `park` was called before, under the lock that the waker takes. */
    ssize_t (*read)(void *ctx, uint64_t offset, char *out, size_t n);
    void (*close)(void *ctx); /* once, always */
    bool watched;             /* it has its own watch on slow readers, also where the size is known */
};
#define REPLY_WAIT 0
#define REPLY_END (-1)
#define REPLY_FAILED (-2)

/* Streams. `size` in bytes when known, else -1 (chunked). `src` is copied; its close is called also on failure. */
void reply_stream(struct request *r, int status, const char *type, int64_t size, const struct reply_source *src);
/* For sources: parks the connection from within read, and wakes it from any thread. Wake exactly once per park, and
 * hold the same lock around both. */
void reply_park(struct request *r);
void reply_wake(struct request *r);
/* Another protocol on the connection, after 101. The request lives until the socket was given back. */
struct reply_socket {
    int fd;            /* non-blocking; not ours to close */
    const char *early; /* bytes that came behind the request's head; good during `begin` */
    size_t early_len;
    void *handle;
};
struct reply_protocol {
    const char *name; /* for the header Upgrade */
    void *ctx;
    /* The socket is yours, until reply_socket_close. On the HTTP thread: must not block. */
    void (*begin)(void *ctx, const struct reply_socket *socket);
    void (*lost)(void *ctx); /* instead of `begin`: the connection ended before */
};
/* Answers 101. 0, or -1 with ERR_BAD_REQUEST for what cannot be upgraded: then neither function is called. */
int reply_upgrade(struct request *r, const struct reply_protocol *p, struct err *e);
/* Gives the socket back; the connection closes. Any thread, once. */
void reply_socket_close(const struct reply_socket *socket);

/* Whether the client of a parked request has closed its end: libmicrohttpd does not see that. Any thread. */
bool reply_peer_gone(const struct request *r);

#endif
