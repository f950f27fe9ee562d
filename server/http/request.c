/* SPDX-License-Identifier: MIT
 *
 * Requests: their making, what handlers read of them, parking and waking.
 *
 * A parked request is in the server's list, so that a shutdown finds everything that waits.
 */
#include "server/http/request.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/http/mask.h"
#include "server/http/request_impl.h"

#define MAX_FIELDS 64

static void read_peer(struct request *r)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = info ? info->client_addr : NULL;
    const void *bytes = NULL;

    if (a && a->sa_family == AF_INET)
        bytes = &((const struct sockaddr_in *)(const void *)a)->sin_addr;
    else if (a && a->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
    if (!bytes || !inet_ntop(a->sa_family, bytes, r->ip, sizeof(r->ip)))
        memcpy(r->ip, "?", 2);
}

/* Splits the target before libmicrohttpd decodes it. */
static int read_target(struct request *r, const char *target)
{
    char *mark;

    r->raw_path = arena_strdup(r->arena, target);
    if (!r->raw_path)
        return -1;
    mark = strchr(r->raw_path, '?');
    if (mark) {
        *mark = '\0';
        r->raw_query = mark + 1;
    }
    r->path = arena_strdup(r->arena, r->raw_path);
    if (!r->path)
        return -1;
    if (guard_decode_path(r->path))
        r->path = NULL;
    return 0;
}

struct request *request_impl_create(struct http_server *s, struct MHD_Connection *c, const char *target)
{
    struct request *r = calloc(1, sizeof(*r));
    const union MHD_ConnectionInfo *info;

    if (!r)
        return NULL;
    r->server = s;
    r->connection = c;
    r->now = s->config.clock();
    id_make(r->now.wall, r->id);
    buf_init(&r->body, 1);
    r->spool = -1;
    info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    const struct peer *peer = info ? info->socket_context : NULL;
    r->deadline = peer ? peer->deadline : NULL;
    read_peer(r);
    r->arena = arena_pool_take(s->arenas);
    if (!r->arena || read_target(r, target)) {
        request_impl_destroy(r);
        return NULL;
    }
    return r;
}

void request_impl_destroy(struct request *r)
{
    if (!r)
        return;
    request_impl_close_stream(r);
    request_impl_close_protocol(r);
    if (r->response)
        MHD_destroy_response(r->response);
    atomic_fetch_sub(&r->server->held, r->held);
    buf_fini(&r->body);
    if (r->spool >= 0)
        (void)close(r->spool);
    arena_pool_give(r->server->arenas, r->arena);
    free(r);
}

int request_impl_parse_fields(struct request *r, char *text, struct request_fields *out, struct err *e)
{
    size_t max = 1;

    for (const char *s = text; *s; s++)
        max += *s == '&';
    if (max > MAX_FIELDS)
        return err_set(e, ERR_BAD_REQUEST, "There are more than %d fields.", MAX_FIELDS);
    out->items = arena_calloc(r->arena, max, sizeof(*out->items));
    if (!out->items)
        return err_set(e, ERR_INTERNAL, "out of memory");
    for (char *s = text; s;) {
        char *next = strchr(s, '&');
        char *value;

        if (next)
            *next++ = '\0';
        value = strchr(s, '=');
        if (value)
            *value++ = '\0';
        else
            value = s + strlen(s);
        if (guard_decode_field(s) || guard_decode_field(value))
            return err_set(e, ERR_BAD_REQUEST, "A field of the query or form is not well encoded.");
        if (*s)
            out->items[out->count++] = (struct request_field){s, value};
        s = next;
    }
    return 0;
}

struct arena *request_arena(struct request *r)
{
    return r->arena;
}

enum http_method request_method(const struct request *r)
{
    return r->method == HTTP_HEAD ? HTTP_GET : r->method;
}

const char *request_path(const struct request *r)
{
    return r->path ? r->path : "";
}

const char *request_object(const struct request *r)
{
    const struct route *row = r->match.route;
    char *shown;

    if (row && row->secret_path)
        return row->path;
    shown = arena_alloc(r->arena, strlen(request_path(r)) + 1);
    if (!shown)
        return "";
    mask_path(request_path(r), row != NULL, shown);
    return shown;
}

bool *request_recorded(struct request *r)
{
    return &r->recorded;
}

enum err_code request_refusal(const struct request *r)
{
    return r->refused;
}

const struct route *request_route(const struct request *r)
{
    return r->match.route;
}

const char *request_param(const struct request *r, const char *name)
{
    for (size_t i = 0; i < r->match.param_count; i++) {
        const struct route_param *p = &r->match.params[i];

        if (!strncmp(p->name, name, p->name_len) && name[p->name_len] == '\0')
            return p->value;
    }
    return NULL;
}

/* A decimal integer without sign tricks or blanks. */
static bool parse_int(const char *s, int64_t *out)
{
    const char *digits = *s == '-' ? s + 1 : s;
    char *end;

    if (!*digits || strspn(digits, "0123456789") != strlen(digits))
        return false;
    errno = 0;
    *out = strtoll(s, &end, 10);
    return errno == 0 && *end == '\0';
}

int request_param_int(const struct request *r, const char *name, int64_t min, int64_t *out, struct err *e)
{
    const char *s = request_param(r, name);
    int64_t v;

    if (!s || !parse_int(s, &v) || v < min)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" in the path must be a whole number of at least %lld.", name,
                       (long long)min);
    *out = v;
    return 0;
}

static int find_field(const struct request_fields *f, const char *name, const char **out, struct err *e)
{
    *out = NULL;
    for (size_t i = 0; i < f->count; i++) {
        if (strcmp(f->items[i].name, name) != 0)
            continue;
        if (*out)
            return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" is given twice.", name);
        *out = f->items[i].value;
    }
    return 0;
}

int request_query(const struct request *r, const char *name, const char **out, struct err *e)
{
    return find_field(&r->query, name, out, e);
}

const char *request_query_nth(const struct request *r, const char *name, size_t n)
{
    for (size_t i = 0; i < r->query.count; i++)
        if (!strcmp(r->query.items[i].name, name) && !n--)
            return r->query.items[i].value;
    return NULL;
}

int request_form(const struct request *r, const char *name, const char **out, struct err *e)
{
    return find_field(&r->form, name, out, e);
}

int request_query_int(const struct request *r, const char *name, int64_t range[2], int64_t *out, struct err *e)
{
    const char *s;
    int64_t v;

    if (request_query(r, name, &s, e))
        return -1;
    if (!s)
        return 0;
    if (!parse_int(s, &v) || v < range[0] || v > range[1])
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" must be a whole number from %lld to %lld.", name,
                       (long long)range[0], (long long)range[1]);
    *out = v;
    return 0;
}

int request_query_bool(const struct request *r, const char *name, bool *out, struct err *e)
{
    const char *s;

    if (request_query(r, name, &s, e))
        return -1;
    if (!s)
        return 0;
    if (!strcmp(s, "true") || !strcmp(s, "1"))
        *out = true;
    else if (!strcmp(s, "false") || !strcmp(s, "0"))
        *out = false;
    else
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" must be true or false.", name);
    return 0;
}

const char *request_header(const struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

const char *request_raw_path(const struct request *r)
{
    return r->raw_path ? r->raw_path : "";
}

const char *request_raw_query(const struct request *r)
{
    return r->raw_query ? r->raw_query : "";
}

const char *request_method_name(const struct request *r)
{
    return route_method_name(r->method);
}

struct header_giver {
    request_header_fn *give;
    void *ctx;
};

static enum MHD_Result give_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    const struct header_giver *g = cls;

    (void)kind;
    g->give(g->ctx, name, value ? value : "");
    return MHD_YES;
}

void request_headers_each(const struct request *r, request_header_fn *give, void *ctx)
{
    struct header_giver g = {give, ctx};

    MHD_get_connection_values(r->connection, MHD_HEADER_KIND, give_header, &g);
}

const char *request_body(const struct request *r, size_t *len)
{
    if (len)
        *len = r->body.len;
    return buf_str(&r->body);
}

int request_spool(const struct request *r)
{
    return r->spool;
}

enum http_media request_media(const struct request *r)
{
    return r->media;
}

const struct identity *request_identity(const struct request *r)
{
    return &r->who;
}

const char *request_id(const struct request *r)
{
    return r->id;
}

const char *request_ip(const struct request *r)
{
    return r->ip;
}

struct clock_now request_now(const struct request *r)
{
    return r->now;
}

void *request_context(const struct request *r)
{
    return r->server->config.context;
}

/* libmicrohttpd is called outside the lock: suspend and resume make system calls. The order stays right all the same:
 * a request is in the list only while it is suspended, and whoever takes it out, alone, resumes it. */
void request_impl_park(struct request *r)
{
    struct http_server *s = r->server;

    MHD_suspend_connection(r->connection);
    pthread_mutex_lock(&s->lock);
    r->parked = true;
    r->prev_parked = NULL;
    r->next_parked = s->parked;
    if (s->parked)
        s->parked->prev_parked = r;
    s->parked = r;
    pthread_mutex_unlock(&s->lock);
}

/* Under the server's lock. */
static void unlink_parked(struct request *r)
{
    struct http_server *s = r->server;

    r->parked = false;
    if (r->prev_parked)
        r->prev_parked->next_parked = r->next_parked;
    else
        s->parked = r->next_parked;
    if (r->next_parked)
        r->next_parked->prev_parked = r->prev_parked;
}

void request_impl_wake(struct request *r)
{
    struct http_server *s = r->server;
    bool parked;

    pthread_mutex_lock(&s->lock);
    parked = r->parked;
    if (parked)
        unlink_parked(r);
    pthread_mutex_unlock(&s->lock);
    if (parked)
        MHD_resume_connection(r->connection);
}

void request_impl_wake_all(struct http_server *s)
{
    pthread_mutex_lock(&s->lock);
    while (s->parked) {
        struct request *r = s->parked;

        unlink_parked(r);
        MHD_resume_connection(r->connection);
    }
    pthread_mutex_unlock(&s->lock);
}

void request_suspend(struct request *r)
{
    request_impl_park(r);
}

void request_resume(struct request *r)
{
    request_impl_wake(r);
}
