/* SPDX-License-Identifier: MIT
 *
 * The route table: a row says everything about a route; the matcher is compiled from the rows at start. Dispatch,
 * access, body limits and the API's description all read the same rows.
 */
#ifndef DROVER_SERVER_HTTP_ROUTE_H
#define DROVER_SERVER_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/access.h"

struct err;
struct request;

enum http_method {
    HTTP_GET,
    HTTP_HEAD, /* never in a row: every GET row answers it */
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_METHOD_COUNT
};

/* Content types of a request body, as bits. */
enum http_media {
    HTTP_MEDIA_NONE = 0, /* no body came */
    HTTP_MEDIA_JSON = 1, /* application/json */
    HTTP_MEDIA_YAML = 2, /* text/yaml, application/yaml, application/x-yaml */
    HTTP_MEDIA_TEXT = 4, /* text/plain */
    HTTP_MEDIA_FORM = 8, /* application/x-www-form-urlencoded */
    HTTP_MEDIA_CSV = 16, /* text/csv */
    HTTP_MEDIA_TAR = 32, /* application/x-tar, application/gzip, application/zstd */
    HTTP_MEDIA_ANY = 64, /* any at all, or none named; alone */
};

/* Answers one request: calls one reply_* function, or request_suspend and later, from any thread, reply_* and
 * request_resume. Returns 0, or -1 with `e` set, which is then the reply. `context` is http_config.context. Runs on an
 * HTTP thread with the whole body present; must not block but on a read-only query. */
typedef int route_handler_fn(struct request *r, void *context, struct err *e);

/* One row. Zero fields take the defaults named here. */
struct route {
    enum http_method method;
    const char *path; /* "/api/v2/jobs/{job}/attempts/{attempt}"; {x} stands for one segment */
    route_handler_fn *handler;
    enum access access; /* required */
    unsigned media;     /* accepted bodies, bits of http_media; 0 = JSON only */
    size_t body_limit;  /* bytes; 0 = 64 KiB */
    bool spool;         /* the body goes to a file as it comes (request_spool); http_config.spool_limit bounds it */
    const char *help;   /* one line */
    bool secret_path;   /* a parameter is a secret: logs name the pattern instead */
    /* For the API's description; names are those of server/api/schema/. */
    const char *query; /* the schema whose properties are the query's fields; NULL = none are read */
    const char *takes; /* the schema of the body; NULL = none is read */
    const char *reply; /* every success: status and schema, the usual one first: "202 JobSubmitted", "200 Log 304" */
};

#define ROUTE_BODY_LIMIT (64u * 1024u)
#define ROUTE_MAX_PARAMS 8
#define ROUTE_PREFIX "/api/v2"
#define ROUTE_ALIAS "/rest-server/api/v2" /* OpenPAI's gateway; the same rows */

/* One captured segment: percent-decoded, valid UTF-8, no slash, no control character. */
struct route_param {
    const char *name; /* of the row; not NUL-terminated: name_len bytes */
    size_t name_len;
    const char *value; /* NUL-terminated, in the path that was matched (which is cut up) */
};

/* Outcome of a match. Pure data. */
struct route_match {
    const struct route *route; /* NULL: no such path, or not with this method */
    unsigned allowed;          /* bit per http_method that the path has; 0 = no such path */
    struct route_param params[ROUTE_MAX_PARAMS];
    size_t param_count;
};

struct router;

/* Compiles a table (borrowed, must outlive the router). Refuses rows with bad patterns, too many parameters or the same
 * method and shape twice. Literal segments win over {x}. NULL on error. */
struct router *route_compile(const struct route *rows, size_t count, struct err *e);
void route_destroy(struct router *r);
/* Matches a decoded path, which is changed: segments become NUL-terminated strings that `out` borrows. The alias
 * prefix and, below the prefix, the singular nouns (/user, /group) and one trailing slash are understood. Any
 * thread. */
void route_match(const struct router *r, enum http_method method, char *path, struct route_match *out);
/* Writes an Allow value ("GET, HEAD, PUT") for the bits; `out` holds at least 64 bytes. */
void route_allow(unsigned allowed, char *out, size_t size);
/* "GET", ...; never NULL. And back: HTTP_METHOD_COUNT for an unknown name. */
const char *route_method_name(enum http_method m);
enum http_method route_method_parse(const char *name);

#endif
