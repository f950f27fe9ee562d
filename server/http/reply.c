/* SPDX-License-Identifier: MIT
 *
 * Replies: bodies become a libmicrohttpd response at once; headers are kept with the request and added when it is
 * queued on the connection's own thread.
 */
#include "server/http/reply.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/json.h"
#include "base/log.h"
#include "server/http/request_impl.h"
#include "server/http/static_files.h"

#define BLOCK 16384 /* bytes asked of a stream at once; must fit the connection's memory */

struct header {
    const char *name;
    const char *value;
};

/* On every reply. */
static const struct header common_headers[] = {
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
};

#define LARGE 65536 /* a reply whose reader is watched */
#define API_POLICY "default-src 'none'; frame-ancestors 'none'"
#define PORTAL_POLICY                                                                                                  \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "              \
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
/* xterm.js writes its styles into the page: on a page of its own, so that no other has to allow that. */
#define TERMINAL_POLICY                                                                                                \
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "                  \
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "               \
    "require-trusted-types-for 'script'"

void reply_header(struct request *r, const char *name, const char *value)
{
    struct request_header *h;

    for (const char *s = value; *s; s++) {
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f) {
            log_error("http_header", "request=%s header=%s has control characters and was dropped", r->id, name);
            return;
        }
    }
    h = arena_alloc(r->arena, sizeof(*h));
    if (!h)
        return;
    h->name = name;
    h->value = arena_strdup(r->arena, value);
    h->next = r->headers;
    if (h->value)
        r->headers = h;
}

void reply_header_copy(struct request *r, const char *name, const char *value)
{
    const char *copy = arena_strdup(r->arena, name);

    if (copy)
        reply_header(r, copy, value);
}

void reply_bare(struct request *r)
{
    r->bare = true;
}

static bool has_header(const struct request *r, const char *name)
{
    for (const struct request_header *h = r->headers; h; h = h->next)
        if (!strcmp(h->name, name))
            return true;
    return false;
}

/* Takes over a response. A second reply to one request is a bug of the handler: the first one stays. */
static void set_response(struct request *r, int status, const char *type, struct MHD_Response *response)
{
    if (r->replied) {
        log_error("http_reply", "request=%s replied twice (%d, then %d)", r->id, r->status, status);
        if (response)
            MHD_destroy_response(response);
        return;
    }
    r->replied = true;
    r->response = response;
    r->status = status;
    if (type)
        reply_header(r, "Content-Type", type);
}

static void set_bytes(struct request *r, int status, const char *type, struct MHD_Response *response, size_t len)
{
    if (!r->replied)
        r->sent = len;
    set_response(r, status, type, response);
}

/* Whether there is room for a reply that stays in memory until it was taken. One alone always has it. */
static bool hold(struct request *r, size_t len)
{
    unsigned long long before;

    if (len <= LARGE || r->replied)
        return true;
    before = atomic_fetch_add(&r->server->held, len);
    r->held = len;
    if (!before || before + len <= r->server->config.held_max)
        return true;
    atomic_fetch_sub(&r->server->held, len);
    r->held = 0;
    return false;
}

static void reply_later(struct request *r)
{
    struct err e = {0};

    (void)err_set(&e, ERR_BUSY, "Too many large answers are being read just now. Ask again, or for less at once.");
    reply_error(r, &e);
}

void reply_bytes(struct request *r, int status, const char *type, const void *data, size_t len)
{
    if (!hold(r, len)) {
        reply_later(r);
        return;
    }
    set_bytes(r, status, type,
              MHD_create_response_from_buffer(len, (void *)(uintptr_t)(len ? data : ""), MHD_RESPMEM_MUST_COPY), len);
}

void request_impl_constant(struct request *r, const char *type, const void *data, size_t len)
{
    set_bytes(r, 200, type, MHD_create_response_from_buffer(len, (void *)(uintptr_t)data, MHD_RESPMEM_PERSISTENT), len);
}

void reply_text(struct request *r, int status, const char *type, const char *text)
{
    reply_bytes(r, status, type, text, strlen(text));
}

void reply_empty(struct request *r, int status)
{
    reply_bytes(r, status, NULL, NULL, 0);
}

/* A malloc'ed body, which the response frees. */
static void reply_taken(struct request *r, int status, const char *type, struct buf *body)
{
    size_t len = 0;
    char *data = buf_take(body, &len);
    struct MHD_Response *response = NULL;

    if (data)
        response = MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE);
    if (!response)
        free(data);
    set_bytes(r, status, type, response, len);
}

void reply_json(struct request *r, int status, struct buf *body)
{
    struct err e = {0};

    if (body->bad) {
        buf_fini(body);
        err_set(&e, ERR_INTERNAL, "The answer could not be built.");
        reply_error(r, &e);
        return;
    }
    if (!hold(r, body->len)) {
        buf_fini(body);
        reply_later(r);
        return;
    }
    reply_taken(r, status, "application/json", body);
}

static void write_places(struct json_out *j, const struct err *e)
{
    json_out_key(j, "errors");
    json_out_array(j);
    json_out_object(j);
    if (e->pointer[0])
        json_out_kstring(j, "pointer", e->pointer);
    if (e->line > 0)
        json_out_kint(j, "line", e->line);
    if (e->column > 0)
        json_out_kint(j, "column", e->column);
    json_out_kstring(j, "detail", e->text);
    json_out_object_end(j);
    json_out_array_end(j);
}

int reply_error_body(struct buf *out, const struct err *e, const char *request_id)
{
    struct json_out j;
    char urn[16 + ID_SIZE];

    snprintf(urn, sizeof(urn), "urn:uuid:%.*s", ID_SIZE - 1, request_id);
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_kstring(&j, "code", err_name(e->code));
    json_out_kstring(&j, "message", e->text[0] ? e->text : err_title(e->code));
    json_out_kstring(&j, "type", "about:blank");
    json_out_kstring(&j, "title", err_title(e->code));
    json_out_kint(&j, "status", err_status(e->code));
    json_out_kstring(&j, "detail", e->text[0] ? e->text : err_title(e->code));
    /* Names the occurrence, not the path: a 401 must read the same whether the path exists or not. */
    json_out_kstring(&j, "instance", urn);
    if (e->line > 0 || e->pointer[0])
        write_places(&j, e);
    json_out_object_end(&j);
    return out->bad ? -1 : 0;
}

void reply_error(struct request *r, const struct err *e)
{
    struct err shown = *e;
    struct buf body;

    if (shown.code == ERR_NONE)
        shown.code = ERR_INTERNAL;
    if (shown.code == ERR_INTERNAL) {
        /* What went wrong inside is for the log; the client gets the id to quote. */
        log_error("http_internal", "request=%s path=%s %s", r->id, request_object(r), e->text);
        snprintf(shown.text, sizeof(shown.text), "Something went wrong on the server; its log names this request.");
    }
    if (!r->replied)
        r->refused = shown.code;
    buf_init(&body, 16384);
    reply_error_body(&body, &shown, r->id);
    if (shown.code == ERR_UNAUTHORIZED)
        reply_header(r, "WWW-Authenticate", "Bearer");
    if ((shown.code == ERR_TOO_MANY || shown.code == ERR_BUSY) && !has_header(r, "Retry-After"))
        reply_header(r, "Retry-After", "1");
    reply_taken(r, err_status(shown.code), "application/problem+json", &body);
    buf_fini(&body);
}

/* ---- streams ---- */

static ssize_t stream_read(void *cls, uint64_t at, char *out, size_t max)
{
    struct request_stream *st = cls;
    ssize_t n;

    if (!st->request)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (atomic_load(&st->request->server->stopping))
        return MHD_CONTENT_READER_END_OF_STREAM;
    n = st->source.read(st->source.ctx, at, out, max);
    if (n > 0)
        st->request->sent += (uint64_t)n;
    if (n == REPLY_FAILED)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    return n == REPLY_END ? MHD_CONTENT_READER_END_OF_STREAM : n;
}

/* Request and response end in either order, on the same thread; the first one closes the source. */
static void stream_close(struct request_stream *st)
{
    if (!st->request)
        return;
    st->request->stream = NULL;
    st->request = NULL;
    st->source.close(st->source.ctx);
}

static void stream_free(void *cls)
{
    stream_close(cls);
    free(cls);
}

void request_impl_close_stream(struct request *r)
{
    if (r->stream)
        stream_close(r->stream);
}

void reply_stream(struct request *r, int status, const char *type, int64_t size, const struct reply_source *src)
{
    struct request_stream *st = r->replied ? NULL : calloc(1, sizeof(*st));
    struct MHD_Response *response = NULL;

    if (st)
        response = MHD_create_response_from_callback(size < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)size, BLOCK, stream_read,
                                                     st, stream_free);
    if (!response) {
        free(st);
        src->close(src->ctx);
    } else {
        st->request = r;
        st->source = *src;
        st->sized = size >= 0 && !src->watched;
        r->stream = st;
    }
    set_response(r, status, type, response);
}

void reply_park(struct request *r)
{
    request_impl_park(r);
}

void reply_wake(struct request *r)
{
    request_impl_wake(r);
}

bool reply_peer_gone(const struct request *r)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct pollfd p = {.fd = info ? info->connect_fd : -1, .events = POLLRDHUP};

    return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/* ---- another protocol ---- */

static void on_upgrade(void *cls, struct MHD_Connection *c, void *state, const char *early, size_t early_len, int fd,
                       struct MHD_UpgradeResponseHandle *handle)
{
    struct request *r = cls;
    const struct reply_socket s = {.fd = fd, .early = early, .early_len = early_len, .handle = handle};
    const int on = 1;

    (void)c;
    (void)state;
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* with TLS it is no TCP socket: harmless */
    r->upgraded = true;
    r->protocol.begin(r->protocol.ctx, &s);
}

int reply_upgrade(struct request *r, const struct reply_protocol *p, struct err *e)
{
    struct MHD_Response *response;

    if (r->method != HTTP_GET || r->framing.chunked || r->framing.length)
        return err_set(e, ERR_BAD_REQUEST, "Only a GET without a body can be upgraded.");
    response = MHD_create_response_for_upgrade(on_upgrade, r);
    if (!response)
        return err_set(e, ERR_INTERNAL, "out of memory");
    r->protocol = *p;
    set_response(r, MHD_HTTP_SWITCHING_PROTOCOLS, NULL, response);
    reply_header(r, "Upgrade", p->name);
    return 0;
}

void reply_socket_close(const struct reply_socket *s)
{
    (void)MHD_upgrade_action(s->handle, MHD_UPGRADE_ACTION_CLOSE);
}

void request_impl_close_protocol(struct request *r)
{
    if (r->protocol.lost && !r->upgraded)
        r->protocol.lost(r->protocol.ctx);
}

/* ---- sending ---- */

static const char *policy_of(const struct request *r)
{
    if (!r->file)
        return API_POLICY;
    return strcmp(r->file->path, "/terminal.html") != 0 ? PORTAL_POLICY : TERMINAL_POLICY;
}

static void add_standing_headers(struct request *r)
{

    for (size_t i = 0; !r->bare && i < sizeof(common_headers) / sizeof(common_headers[0]); i++)
        MHD_add_response_header(r->response, common_headers[i].name, common_headers[i].value);
    MHD_add_response_header(r->response, "X-Request-Id", r->id);
    if (!r->bare && !has_header(r, "Content-Security-Policy"))
        MHD_add_response_header(r->response, "Content-Security-Policy", policy_of(r));
    if (!has_header(r, "Cache-Control"))
        MHD_add_response_header(r->response, "Cache-Control", "no-store");
    if (r->server->config.secure)
        MHD_add_response_header(r->response, "Strict-Transport-Security", "max-age=31536000; includeSubDomains");
    if (r->close)
        MHD_add_response_header(r->response, "Connection", "close");
    for (const struct request_header *h = r->headers; h; h = h->next)
        MHD_add_response_header(r->response, h->name, h->value);
}

/* A reply has its time for what was taken of it, as a body has for what came: who reads nothing of a large one would
 * hold a slot, and its memory, for long. Streams without an end watch their readers themselves. */
static void set_reply_deadline(struct request *r)
{
    const struct http_config *c = &r->server->config;
    bool endless = r->protocol.begin || (r->stream && !r->stream->sized);

    if (endless)
        deadline_set(r->server->deadline, r->deadline, -1);
    else if (r->stream || r->sent > LARGE)
        deadline_pace(r->server->deadline, r->deadline, c->body_ms, c->body_ms_per_64k);
    else
        deadline_set(r->server->deadline, r->deadline, c->body_ms);
}

enum MHD_Result request_impl_send(struct request *r)
{
    enum MHD_Result rc;

    if (!r->response)
        return MHD_NO; /* out of memory: only closing is left */
    add_standing_headers(r);
    set_reply_deadline(r);
    rc = MHD_queue_response(r->connection, (unsigned)r->status, r->response);
    /* The connection holds the response from now on; for a stream the request keeps knowing its source. */
    MHD_destroy_response(r->response);
    r->response = NULL;
    r->phase = REQUEST_QUEUED;
    return rc;
}
