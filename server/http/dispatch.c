/* SPDX-License-Identifier: MIT
 *
 * The way of a request through the access handler. What is refused before the handler is remembered and answered when
 * the body was read and dropped, so that the client hears it; only framing that cannot be trusted and bodies too
 * large to read are answered at once, with Connection: close.
 *
 * The order of the checks is part of the contract (reliability.md S22): whoever is not logged in gets the same 401
 * for a route that exists, one that does not, and a method that does not.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>

#include "auth/access.h"
#include "base/clock.h"
#include "base/fs.h"
#include "server/http/request_impl.h"
#include "server/http/static.h"

#define DRAIN_MAX (4u * 1024 * 1024) /* of a refused body: read so much, then cut */
#define PACE_BYTES 65536u            /* of a body: one more second each */

/* Types that a body may have. */
static const struct {
    const char *name;
    enum http_media media;
} media_types[] = {
    {"application/json", HTTP_MEDIA_JSON}, {"text/yaml", HTTP_MEDIA_YAML},
    {"application/yaml", HTTP_MEDIA_YAML}, {"application/x-yaml", HTTP_MEDIA_YAML},
    {"text/x-yaml", HTTP_MEDIA_YAML},      {"text/plain", HTTP_MEDIA_TEXT},
    {"text/csv", HTTP_MEDIA_CSV},          {"application/x-www-form-urlencoded", HTTP_MEDIA_FORM},
    {"application/x-tar", HTTP_MEDIA_TAR}, {"application/gzip", HTTP_MEDIA_TAR},
    {"application/zstd", HTTP_MEDIA_TAR},
};

/* ---- guard ---- */

struct header_list {
    struct guard_header items[GUARD_MAX_HEADERS + 1];
    size_t count;
};

static enum MHD_Result collect_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct header_list *l = cls;

    (void)kind;
    l->items[l->count++] = (struct guard_header){name, value};
    return l->count <= GUARD_MAX_HEADERS ? MHD_YES : MHD_NO;
}

/* The size of a head that the library cut up in place; 0 from 1.0 on, which refuses bad lines by itself and may cut
 * differently. */
static size_t head_size(struct MHD_Connection *c)
{
#if MHD_VERSION < 0x01000000
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    return info ? info->header_size : 0;
#else
    (void)c;
    return 0;
#endif
}

static int check_guard(struct request *r, const char *method, const char *version, struct err *e)
{
    struct header_list list = {.count = 0};
    struct guard_input in = {
        .method = method, .version = version, .path = r->path, .head_size = head_size(r->connection)};
    const struct http_config *c = &r->server->config;

    r->foreign = c->foreign && r->raw_path && c->is_foreign(r->raw_path);
    if (r->foreign)
        in.path = r->raw_path;

    MHD_get_connection_values(r->connection, MHD_HEADER_KIND, collect_header, &list);
    in.headers = list.items;
    in.header_count = list.count;
    if (guard_check(&in, &r->framing, e) != GUARD_OK)
        return -1;
    /* The library reads chunks more liberally than proxies do (bare LF, extensions), and shows nothing of it: so
     * nothing that could have been smuggled behind a chunked body is ever read. */
    r->close = r->framing.chunked;
    r->method = route_method_parse(method);
    return r->raw_query && !r->foreign ? request_impl_parse_fields(r, r->raw_query, &r->query, e) : 0;
}

/* ---- who, where ---- */

/* A cookie is sent by the browser on its own, whoever made it call: apps of jobs are the same site for it, on another
 * port or a neighbouring host. A mutating call must also show that a script of ours made it (S9). */
static int check_csrf(const struct request *r, struct err *e)
{
    const char *mark = request_header(r, "X-Drover-Csrf");
    const char *site = request_header(r, "Sec-Fetch-Site");

    if (r->who.kind != IDENTITY_SESSION)
        return 0;
    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return err_set(e, ERR_FORBIDDEN, "A call with a session cookie must come from the portal itself.");
    if (request_method(r) != HTTP_GET && (!mark || strcmp(mark, "1") != 0))
        return err_set(e, ERR_FORBIDDEN, "A call with a session cookie needs the header X-Drover-Csrf: 1.");
    return 0;
}

static int authenticate(struct request *r, struct err *e)
{
    const struct http_config *c = &r->server->config;

    if (!c->authenticate)
        return 0;
    if (c->authenticate(c->context, r, &r->who, e)) {
        memset(&r->who, 0, sizeof(r->who));
        return -1;
    }
    return 0;
}

static int find_route(struct request *r, struct err *e)
{
    const struct http_config *c = &r->server->config;
    char *path = r->foreign ? NULL : arena_strdup(r->arena, r->path); /* the matcher cuts it up */

    if (r->foreign) {
        r->match = (struct route_match){.route = c->foreign, .allowed = ~0u};
        return 0;
    }
    if (!path)
        return err_set(e, ERR_INTERNAL, "out of memory");
    route_match(r->server->router, r->method, path, &r->match);
    if (!r->match.allowed && request_method(r) == HTTP_GET)
        r->file = static_find(c->files, c->file_count, r->path);
    return 0;
}

static int check_limit(struct request *r, const struct identity *who, struct err *e)
{
    const struct http_config *c = &r->server->config;

    return c->limit ? c->limit(c->context, r, who, e) : 0;
}

/* Who calls, and whether they may once more now; an anonymous caller was counted by address. 0 or -1. */
static int identify(struct request *r, struct err *e)
{
    if (authenticate(r, e))
        return -1;
    if (r->who.kind == IDENTITY_NONE)
        return access_check(ACCESS_USER, &r->who, e); /* the same words for every route */
    return check_limit(r, &r->who, e);
}

static int check_access(struct request *r, struct err *e)
{
    const struct route *row = r->match.route;
    enum access need = row ? row->access : ACCESS_USER;

    if (r->file)
        return 0;
    if (check_limit(r, NULL, e))
        return -1;
    if (need == ACCESS_ANON)
        return 0;
    if (identify(r, e))
        return -1;
    if (!r->match.allowed)
        return err_set(e, ERR_NO_API, "There is no such API.");
    if (!row) {
        char allow[64];

        route_allow(r->match.allowed, allow, sizeof(allow));
        reply_header(r, "Allow", allow);
        return err_set(e, ERR_METHOD, "This path takes %s.", allow);
    }
    if (r->who.read_only && request_method(r) != HTTP_GET)
        return err_set(e, ERR_FORBIDDEN, "This token may only read.");
    return access_check(need, &r->who, e) || check_csrf(r, e) ? -1 : 0;
}

/* ---- body ---- */

static bool has_body(const struct request *r)
{
    return r->framing.chunked || r->framing.length > 0;
}

static uint64_t body_limit(const struct request *r)
{
    if (r->match.route && r->match.route->spool)
        return r->server->config.spool_limit;
    return r->match.route && r->match.route->body_limit ? r->match.route->body_limit : ROUTE_BODY_LIMIT;
}

/* The type without parameters; a charset other than UTF-8 is none of ours. */
static enum http_media parse_media(const char *value)
{
    if (!value)
        return HTTP_MEDIA_NONE;
    size_t n = strcspn(value, "; \t");
    const char *charset = strcasestr(value, "charset=");

    if (charset) {
        charset += strlen("charset=");
        charset += *charset == '"';
        if (strncasecmp(charset, "utf-8", 5) != 0 && strncasecmp(charset, "us-ascii", 8) != 0)
            return HTTP_MEDIA_NONE;
    }
    for (size_t i = 0; i < sizeof(media_types) / sizeof(media_types[0]); i++)
        if (strlen(media_types[i].name) == n && !strncasecmp(media_types[i].name, value, n))
            return media_types[i].media;
    return HTTP_MEDIA_NONE;
}

static int too_large(const struct request *r, struct err *e)
{
    return err_set(e, ERR_TOO_LARGE, "The body may have at most %llu bytes.", (unsigned long long)body_limit(r));
}

static int spool_failed(struct err *e)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return err_set(e, ERR_NO_SPACE, "The server has no space left for this body.");
    return err_errno(e, errno, "cannot store the body");
}

/* Where the body goes: memory, or a file that is gone with the request unless the handler names it. */
static int open_body(struct request *r, struct err *e)
{
    const char *dir = r->server->config.spool_dir;

    if (!r->match.route->spool) {
        r->body.max = body_limit(r) + 1; /* and the NUL behind it */
        return 0;
    }
    errno = ENOENT;
    r->spool = dir ? open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
    return r->spool < 0 ? spool_failed(e) : 0;
}

static int check_body(struct request *r, struct err *e)
{
    unsigned accepted = r->match.route && r->match.route->media ? r->match.route->media : HTTP_MEDIA_JSON;

    if (!has_body(r) || !r->match.route)
        return 0;
    if (r->framing.length > body_limit(r))
        return too_large(r, e);
    if (accepted & HTTP_MEDIA_ANY)
        return open_body(r, e);
    r->media = parse_media(request_header(r, "Content-Type"));
    if (!(r->media & accepted))
        return err_set(e, ERR_MEDIA_TYPE, "This route does not take a body of that Content-Type.");
    return open_body(r, e);
}

/* A body has its time for what has come, not for what was announced: a few bytes of very many would hold a slot long.
 */
static void set_body_deadline(struct request *r)
{
    const struct http_config *c = &r->server->config;
    int64_t allowed = c->body_ms + (int64_t)(r->received / PACE_BYTES) * c->body_ms_per_64k;
    int64_t left = allowed - (clock_read().mono - r->body_mono);

    deadline_set(r->server->deadline, r->deadline, !has_body(r) ? -1 : left > 0 ? left : 0);
}

/* Whether a refused body is worth reading: not when the client waits for our word, and not for ever. */
static bool will_drain(const struct request *r)
{
    return !request_header(r, "Expect") && r->framing.length <= DRAIN_MAX;
}

static enum MHD_Result refuse_now(struct request *r, const struct err *e)
{
    r->close = true;
    reply_error(r, e);
    return request_impl_send(r);
}

/* ---- the three steps ---- */

enum MHD_Result dispatch_begin(struct request *r, const char *method, const char *version)
{
    struct err e = {0};

    r->phase = REQUEST_BODY;
    if (check_guard(r, method, version, &e))
        return refuse_now(r, &e);
    if (atomic_load(&r->server->draining)) {
        err_set(&e, ERR_BUSY, "The server is shutting down.");
        return refuse_now(r, &e);
    }
    if (find_route(r, &e) || check_access(r, &e) || check_body(r, &e)) {
        if (has_body(r) && !will_drain(r))
            return refuse_now(r, &e);
        r->refusal = e;
    }
    r->body_mono = clock_read().mono;
    set_body_deadline(r);
    return MHD_YES;
}

enum MHD_Result dispatch_body(struct request *r, const char *data, size_t len)
{
    if (r->phase != REQUEST_BODY)
        return MHD_YES; /* answered already; the connection closes */
    r->received += len;
    if (r->received % PACE_BYTES < len)
        set_body_deadline(r);
    if (r->refusal.code == ERR_NONE && r->received > body_limit(r)) {
        (void)too_large(r, &r->refusal);
        buf_fini(&r->body);
    }
    if (r->refusal.code != ERR_NONE)
        return r->received <= DRAIN_MAX ? MHD_YES : MHD_NO;
    if (r->spool >= 0) {
        if (fs_write_all(r->spool, data, len))
            (void)spool_failed(&r->refusal);
        return MHD_YES;
    }
    if (r->match.route && buf_add(&r->body, data, len))
        err_set(&r->refusal, ERR_BUSY, "The server is out of memory.");
    return MHD_YES;
}

static void run_handler(struct request *r)
{
    struct err e = {0};

    if (r->media == HTTP_MEDIA_FORM) {
        char *text = arena_strndup(r->arena, buf_str(&r->body), r->body.len);

        if (!text)
            err_set(&e, ERR_INTERNAL, "out of memory");
        else if (strlen(text) != r->body.len)
            err_set(&e, ERR_BAD_REQUEST, "The form has a NUL byte.");
        else
            request_impl_parse_fields(r, text, &r->form, &e);
    }
    if (e.code == ERR_NONE && !r->match.route->handler(r, r->server->config.context, &e))
        return;
    reply_error(r, &e);
}

/* The handler's turn. Afterwards the request belongs to another thread when it was parked: only the local copy of that
 * fact may be looked at. */
static enum MHD_Result handle(struct request *r)
{
    const union MHD_ConnectionInfo *info;
    struct err e = {0};

    r->phase = REQUEST_HANDLED;
    deadline_set(r->server->deadline, r->deadline, -1);
    if (r->refusal.code != ERR_NONE) {
        reply_error(r, &r->refusal);
    } else if (r->file) {
        static_reply(r, r->file);
    } else {
        run_handler(r);
        info = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_SUSPENDED);
        if (info && info->suspended == MHD_YES)
            return MHD_YES;
    }
    if (!r->replied) {
        err_set(&e, ERR_INTERNAL, "no reply from the handler");
        reply_error(r, &e);
    }
    return request_impl_send(r);
}

enum MHD_Result dispatch_finish(struct request *r)
{
    struct err e = {0};

    if (r->phase == REQUEST_BODY)
        return handle(r);
    if (r->phase != REQUEST_HANDLED)
        return MHD_YES;
    if (!r->replied) { /* woken by the shutdown */
        err_set(&e, ERR_BUSY, "The server is shutting down.");
        r->close = true;
        reply_error(r, &e);
    }
    return request_impl_send(r);
}
