/* SPDX-License-Identifier: MIT
 *
 * The HTTP server over libmicrohttpd: epoll threads, the request guard, absolute deadlines, routes and static files.
 *
 * Order of a shutdown: http_server_quiesce (no new connection, new requests get 503); hub_close and tail_close (streams
 * end); the core answers what it holds; http_server_destroy (waits for replies, answers what is still suspended with
 * 503, stops the threads).
 */
#ifndef DROVER_SERVER_HTTP_HTTP_H
#define DROVER_SERVER_HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "server/http/route.h"

struct err;
struct http_server;
struct identity;
struct request;
struct static_file;
struct tls;

/* Fills `out` from the request's Authorization and Cookie headers: 0 (kind IDENTITY_NONE when there are none), or -1
 * with ERR_UNAUTHORIZED for bad ones, or another error. On an HTTP thread. */
typedef int http_authenticate_fn(void *context, const struct request *r, struct identity *out, struct err *e);
/* Whether one more request of this caller is taken now: 0, or -1 with ERR_TOO_MANY (Retry-After set). Asked twice:
 * with `who` NULL before it is known who calls, then with whoever is logged in. On an HTTP thread. */
typedef int http_limit_fn(void *context, struct request *r, const struct identity *who, struct err *e);
/* What became of a request. */
struct http_reply {
    int status;
    uint64_t bytes; /* of the body */
    int64_t ms;     /* from its first line to its last byte */
};
/* Told about each finished request, for access log, audit and metrics. On an HTTP thread. */
typedef void http_observe_fn(void *context, struct request *r, const struct http_reply *reply);

/* Zero fields take the defaults named here. Copied, but for what pointers refer to. */
struct http_config {
    const char *address;     /* numeric IPv4 or IPv6; NULL = 127.0.0.1 */
    uint16_t port;           /* 0 = the kernel chooses */
    unsigned threads;        /* 0 = 2 */
    unsigned connections;    /* at most; 0 = 1024 */
    unsigned per_ip;         /* at most per address; 0 = 512 */
    int64_t header_ms;       /* from connect, or from the first byte after a reply, to the end of the headers; 10,000 */
    int64_t body_ms;         /* for a body, and for taking a reply: 12,000, and ... */
    int64_t body_ms_per_64k; /* ... 1,000 for each 64 KiB that have come, or were taken of the reply */
    uint64_t held_max;       /* bytes of replies above 64 KiB that are being taken, all together; 128 MiB */
    int64_t idle_ms;         /* between two requests of a connection; 30,000 */
    const char *spool_dir;   /* for bodies of routes with `spool`; NULL: those are refused */
    uint64_t spool_limit;    /* bytes of such a body */
    bool secure;             /* clients reach us by TLS (ours or a proxy's): __Host- cookie, HSTS */
    struct tls *tls;         /* borrowed; NULL = plain HTTP */
    const struct route *routes;
    size_t route_count;
    /* Requests for somebody else's pages (server/apps.h), told by their path as it was sent: this row answers them,
     * with any method and body; neither path nor query is decoded. NULL = none. */
    const struct route *foreign;
    bool (*is_foreign)(const char *raw_path);
    const struct static_file *files; /* sorted by path, as static_files() gives them; NULL = none */
    size_t file_count;
    http_authenticate_fn *authenticate; /* NULL: nobody is ever logged in */
    http_limit_fn *limit;               /* may be NULL */
    http_observe_fn *observe;           /* may be NULL */
    struct clock_now (*clock)(void);    /* NULL = clock_read */
    void *context;                      /* handed to handlers and hooks */
};

/* Checks and compiles, binds the socket, starts nothing. NULL on error. */
struct http_server *http_server_create(const struct http_config *c, struct err *e);
/* Starts the threads. 0 or -1. */
int http_server_start(struct http_server *s, struct err *e);
/* The port bound, also when 0 was asked for. */
uint16_t http_server_port(const struct http_server *s);
/* Whether http_config.secure was set. */
bool http_server_secure(const struct http_server *s);
/* Accepts no more connections and answers new requests with 503. Any thread; may be called twice. */
void http_server_quiesce(struct http_server *s);
/* Waits up to `wait_ms` for requests in progress, then answers those still suspended with 503 and stops. Nobody may
 * call request_resume afterwards. NULL ok. Not from an HTTP thread. */
void http_server_destroy(struct http_server *s, int64_t wait_ms);
/* Open connections now and refused ones since the start, for metrics. */
void http_server_counts(const struct http_server *s, unsigned *open, uint64_t *requests);

#endif
