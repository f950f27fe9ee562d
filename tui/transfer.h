/* SPDX-License-Identifier: MIT
 *
 * One HTTP exchange with the server on a libcurl easy handle: the only place that sets curl options. client.c performs
 * it at once, fetch.c many at a time.
 */
#ifndef DROVER_TUI_TRANSFER_H
#define DROVER_TUI_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define TRANSFER_MAX_BODY (16u << 20) /* bytes of a reply that is kept */

struct err;

/* Where to and as whom. Strings are borrowed and must outlive the transfers. */
struct endpoint {
    const char *url;    /* "http://127.0.0.1:7780", without a path */
    const char *token;  /* or NULL before login */
    int64_t timeout_ms; /* for a whole reply, or for the first byte of a stream */
};

/* What to ask. Borrowed until the transfer is finished. */
struct transfer_request {
    const char *method; /* "GET", ... */
    const char *path;   /* "/api/v2/jobs?limit=1", already escaped */
    const char *type;   /* Content-Type of the body, or NULL */
    const char *body;   /* or NULL */
    size_t body_len;
    /* For a large body instead: gives its next bytes, `source_len` in all, or CURL_READFUNC_ABORT. Then timeout_ms
     * bounds the time without any progress. */
    size_t (*source)(void *ctx, char *out, size_t room);
    void *source_ctx;
    int64_t source_len;
    /* For a stream: gets the bytes of a 2xx reply as they come; returns what it took (all, or CURL_WRITEFUNC_PAUSE).
     * NULL: the body is collected. */
    size_t (*sink)(void *ctx, const char *bytes, size_t len);
    void *ctx;
};

/* The exchange. Public only for embedding. */
struct transfer {
    CURL *easy;
    struct curl_slist *headers;
    struct transfer_request request;
    struct buf url;
    struct buf body;    /* the reply, or the error reply of a stream */
    long status;        /* 0 until the status line came */
    int64_t log_size;   /* X-Drover-Log-Size, -1 when absent */
    int64_t log_offset; /* X-Drover-Log-Offset, -1 when absent */
    int64_t deadline;   /* mono ms for a stream's first byte; 0 = none */
    bool late;          /* the deadline passed */
    bool too_large;
};

/* Checks an endpoint: http or https, a host, no path, no user; the token has only characters of a token. 0 or -1. */
int transfer_check(const struct endpoint *to, struct err *e);
/* Prepares the handle. On error nothing is left to free. `t` must not move afterwards. */
int transfer_init(struct transfer *t, const struct endpoint *to, const struct transfer_request *r, struct err *e);
/* Instead of an exchange: only connects, for curl_easy_recv and curl_easy_send. 0 with the socket to poll, or -1. */
int transfer_connect(struct transfer *t, curl_socket_t *fd, struct err *e);
/* Judges the end of the exchange: 0 for a 2xx reply, else -1 with the server's words and place, or the reason that
 * there is no reply: ERR_BUSY = not reached or not available, ERR_TIMEOUT = no answer in time. */
int transfer_result(const struct transfer *t, CURLcode code, struct err *e);
/* Frees everything. */
void transfer_fini(struct transfer *t);
/* Decodes an error reply into `e` (-1). Never trusts it to be JSON. Pure; for fuzzing too. */
int transfer_error(long status, const char *body, size_t len, struct err *e);
/* Appends `s` percent-encoded for one path segment or query value. */
void transfer_escape(struct buf *out, const char *s);

#endif
