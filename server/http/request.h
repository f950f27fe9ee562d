/* SPDX-License-Identifier: MIT
 *
 * One HTTP request: what a handler may read of it, and how it waits for the core.
 *
 *   first call ── guard, route, access ──► body ──► handler ──► reply ──► completed
 *                                                     │  ▲
 *                                             suspend ▼  │ reply, resume (any thread)
 *                                                   waiting
 *
 * A request lives until its reply was sent or its connection died, and never dies while suspended: a pointer in the
 * core's mailbox is good until request_resume, and only until then.
 */
#ifndef DROVER_SERVER_HTTP_REQUEST_H
#define DROVER_SERVER_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/identity.h"
#include "base/clock.h"
#include "base/err.h"
#include "server/http/route.h"

struct arena;
struct request;

/* Memory with the request's life; one thread at a time: the HTTP thread, and between suspend and resume the other. */
struct arena *request_arena(struct request *r);
enum http_method request_method(const struct request *r); /* HEAD arrives as HTTP_GET */
/* The path as matched, percent-decoded, under /api/v2 when it came by the alias. */
const char *request_path(const struct request *r);
/* The path to write down: as request_path, but the pattern of a row whose path holds a secret. */
const char *request_object(const struct request *r);
/* Set by whoever has written the call into the audit log; then http_config.observe need not. Never NULL. */
bool *request_recorded(struct request *r);
/* Why it was refused; ERR_NONE when it was not, or not yet. */
enum err_code request_refusal(const struct request *r);
/* The row that matched; NULL for static files. */
const struct route *request_route(const struct request *r);
/* The value of {name} in the row's pattern; NULL when the pattern has no such name. */
const char *request_param(const struct request *r, const char *name);
/* {name} as a decimal number of at least `min`; 0, or -1 with ERR_INVALID_PARAMETERS. */
int request_param_int(const struct request *r, const char *name, int64_t min, int64_t *out, struct err *e);
/* Query field by exact name, decoded, valid UTF-8 without control characters; *out is NULL when absent. Given twice:
 * -1 with ERR_INVALID_PARAMETERS. */
int request_query(const struct request *r, const char *name, const char **out, struct err *e);
/* For a field that may be given several times: its nth value, from 0; NULL: there are no more. */
const char *request_query_nth(const struct request *r, const char *name, size_t n);
/* As a number within min..max, as a boolean ("true", "false", "1", "0"); *out is left alone when absent. */
int request_query_int(const struct request *r, const char *name, int64_t range[2], int64_t *out, struct err *e);
int request_query_bool(const struct request *r, const char *name, bool *out, struct err *e);
/* A request header by name (any case), or NULL. Borrowed. */
const char *request_header(const struct request *r, const char *name);
/* The path and the query as they were sent; "" without a query. Of requests for http_config.foreign. */
const char *request_raw_path(const struct request *r);
const char *request_raw_query(const struct request *r);
/* The method's own name, HEAD too. */
const char *request_method_name(const struct request *r);
/* Gives every header, in order; on the request's own HTTP thread. */
typedef void request_header_fn(void *ctx, const char *name, const char *value);
void request_headers_each(const struct request *r, request_header_fn *give, void *ctx);
/* The body, NUL-terminated behind `len` bytes; "" and 0 when none came. Borrowed. */
const char *request_body(const struct request *r, size_t *len);
/* The body of a route with `spool`: an unnamed file on the file system of http_config.spool_dir, which linkat can name;
 * -1 when none came. Borrowed. */
int request_spool(const struct request *r);
enum http_media request_media(const struct request *r);
/* Fields of an urlencoded body, as request_query. */
int request_form(const struct request *r, const char *name, const char **out, struct err *e);
/* Who calls; never NULL. */
const struct identity *request_identity(const struct request *r);
/* UUID of this request: X-Request-Id, the log and the audit record carry it. */
const char *request_id(const struct request *r);
/* The client's address without port, "127.0.0.1". */
const char *request_ip(const struct request *r);
/* The moment it came in. */
struct clock_now request_now(const struct request *r);
/* http_config.context. */
void *request_context(const struct request *r);

/* Parks the request; only from its handler, which then returns 0. */
void request_suspend(struct request *r);
/* Lets the HTTP thread send the reply that was set since. Exactly once per suspend, from any thread. The pointer is
 * dead afterwards. */
void request_resume(struct request *r);

#endif
