/* SPDX-License-Identifier: MIT
 *
 * The shared server and client of the HTTP tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "server/http/http.h"
#include "server/http/reply.h"
#include "server/http/request.h"
#include "server/http/static_files.h"

#include "world.h"

#define REPLY_MAX (2 * WORLD_LARGE)

static int on_echo(struct request *r, void *context, struct err *e)
{
    size_t len;
    const char *body = request_body(r, &len);

    (void)context;
    (void)e;
    reply_bytes(r, 200, "text/plain", body, len);
    return 0;
}

static int on_evil(struct request *r, void *context, struct err *e)
{
    struct world *w = context;

    (void)e;
    atomic_fetch_add(&w->evil, 1);
    reply_text(r, 200, "text/plain", "evil");
    return 0;
}

static int on_show(struct request *r, void *context, struct err *e)
{
    struct buf b;
    const char *q;
    int64_t n = -1;
    int64_t range[2] = {0, 100};
    bool flag = false;

    (void)context;
    if (request_query(r, "q", &q, e) || request_query_int(r, "n", range, &n, e) ||
        request_query_bool(r, "flag", &flag, e))
        return -1;
    buf_init(&b, 4096);
    buf_addf(&b, "name=%s q=%s n=%lld flag=%d user=%s", request_param(r, "name"), q ? q : "-", (long long)n, flag,
             request_identity(r)->user);
    reply_text(r, 200, "text/plain", buf_str(&b));
    buf_fini(&b);
    return 0;
}

/* Also what a handler may do wrong: a header with a line break, and a second reply. */
static int on_number(struct request *r, void *context, struct err *e)
{
    char text[32];
    int64_t n;

    (void)context;
    if (request_param_int(r, "n", 5, &n, e))
        return -1;
    snprintf(text, sizeof(text), "number %lld", (long long)n);
    reply_header(r, "X-Bad", "a\r\nX-Injected: b");
    reply_text(r, 200, "text/plain", text);
    reply_text(r, 200, "text/plain", "second");
    return 0;
}

static int on_form(struct request *r, void *context, struct err *e)
{
    const char *user;

    (void)context;
    if (request_form(r, "username", &user, e))
        return -1;
    reply_text(r, 200, "text/plain", user ? user : "-");
    return 0;
}

static int on_park(struct request *r, void *context, struct err *e)
{
    struct world *w = context;

    (void)e;
    request_suspend(r);
    pthread_mutex_lock(&w->lock);
    w->waiting = r;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    return 0;
}

static int on_fail(struct request *r, void *context, struct err *e)
{
    (void)r;
    (void)context;
    err_set(e, ERR_INVALID_PROTOCOL, "bad \"thing\"");
    return err_at(e, 3, 7);
}

static int on_silent(struct request *r, void *context, struct err *e)
{
    (void)r;
    (void)context;
    (void)e;
    return 0;
}

/* A stream of "tick" that parks between pieces; a helper thread wakes it. */
struct ticker {
    struct request *request;
    pthread_t thread;
    bool started;
    int left;
};

static void *wake_later(void *arg)
{
    struct ticker *t = arg;

    reply_wake(t->request);
    return NULL;
}

static ssize_t ticker_read(void *ctx, uint64_t at, char *out, size_t n)
{
    struct ticker *t = ctx;

    (void)n;
    if (t->started)
        pthread_join(t->thread, NULL);
    t->started = false;
    if (t->left == 0)
        return REPLY_END;
    if (at % 8 == 4) { /* after every second piece */
        static const char more[4] = "tock";

        t->left--;
        memcpy(out, more, 4);
        return 4;
    }
    if (t->left % 2 == 0) {
        t->left--;
        reply_park(t->request);
        t->started = pthread_create(&t->thread, NULL, wake_later, t) == 0;
        return REPLY_WAIT;
    }
    memcpy(out, "tick", 4);
    return 4;
}

static void ticker_close(void *ctx)
{
    struct ticker *t = ctx;

    if (t->started)
        pthread_join(t->thread, NULL);
    free(t);
}

static int on_ticks(struct request *r, void *context, struct err *e)
{
    struct ticker *t = calloc(1, sizeof(*t));
    struct reply_source src = {.ctx = t, .read = ticker_read, .close = ticker_close};

    (void)context;
    (void)e;
    t->request = r;
    t->left = 8;
    reply_stream(r, 200, "text/plain", -1, &src);
    return 0;
}

static ssize_t hang_read(void *ctx, uint64_t at, char *out, size_t n)
{
    (void)at;
    (void)out;
    (void)n;
    reply_park(ctx);
    return REPLY_WAIT;
}

static void hang_close(void *ctx)
{
    (void)ctx;
}

static int on_hang(struct request *r, void *context, struct err *e)
{
    struct reply_source src = {.ctx = r, .read = hang_read, .close = hang_close};

    (void)context;
    (void)e;
    reply_stream(r, 200, "text/event-stream", -1, &src);
    return 0;
}

static int on_large(struct request *r, void *context, struct err *e)
{
    static const char piece[] = "xxxxxxxxxxxxxxxx";
    struct buf b;

    (void)context;
    (void)e;
    buf_init(&b, WORLD_LARGE);
    while (b.len < WORLD_LARGE)
        assert_int_equal(buf_add(&b, piece, sizeof(piece) - 1), 0);
    reply_json(r, 200, &b);
    return 0;
}

/* More than fits into its buffer. */
static int on_overfull(struct request *r, void *context, struct err *e)
{
    static const char piece[100];
    struct buf b;

    (void)context;
    (void)e;
    buf_init(&b, 150);
    assert_int_equal(buf_add(&b, piece, sizeof(piece)), 0);
    assert_int_equal(buf_add(&b, piece, sizeof(piece)), -1);
    reply_json(r, 200, &b);
    return 0;
}

static ssize_t long_read(void *ctx, uint64_t at, char *out, size_t n)
{
    (void)ctx;
    (void)at;
    memset(out, 'x', n);
    return (ssize_t)n;
}

static int on_long(struct request *r, void *context, struct err *e)
{
    struct reply_source src = {.ctx = r, .read = long_read, .close = hang_close};

    (void)context;
    (void)e;
    reply_stream(r, 200, "text/plain", WORLD_LARGE, &src);
    return 0;
}

static const struct route routes[] = {
    {HTTP_POST, "/api/v2/echo", on_echo, ACCESS_ANON, .media = HTTP_MEDIA_JSON | HTTP_MEDIA_TEXT, .body_limit = 1000,
     .help = ""},
    {HTTP_PUT, "/api/v2/echo", on_echo, ACCESS_ANON, .media = HTTP_MEDIA_JSON | HTTP_MEDIA_TEXT, .body_limit = 1000,
     .help = ""},
    {HTTP_DELETE, "/api/v2/echo", on_echo, ACCESS_ANON, .media = HTTP_MEDIA_JSON | HTTP_MEDIA_TEXT, .body_limit = 1000,
     .help = ""},
    {HTTP_PATCH, "/api/v2/echo", on_echo, ACCESS_ANON, .media = HTTP_MEDIA_JSON | HTTP_MEDIA_TEXT, .body_limit = 1000,
     .help = ""},
    {HTTP_GET, "/api/v2/echo", on_echo, ACCESS_ANON, .media = HTTP_MEDIA_JSON | HTTP_MEDIA_TEXT, .body_limit = 1000,
     .help = ""},
    {HTTP_GET, "/api/v2/evil", on_evil, ACCESS_ANON, .help = ""},
    {HTTP_GET, "/api/v2/show/{name}", on_show, ACCESS_USER, .help = ""},
    {HTTP_PUT, "/api/v2/show/{name}", on_echo, ACCESS_USER, .help = ""},
    {HTTP_GET, "/api/v2/root", on_show, ACCESS_ADMIN, .help = ""},
    {HTTP_GET, "/api/v2/number/{n}", on_number, ACCESS_ANON, .help = ""},
    {HTTP_POST, "/api/v2/form", on_form, ACCESS_ANON, .media = HTTP_MEDIA_FORM, .help = ""},
    {HTTP_POST, "/api/v2/park", on_park, ACCESS_ANON, .help = ""},
    {HTTP_GET, "/api/v2/fail", on_fail, ACCESS_ANON, .help = ""},
    {HTTP_GET, "/api/v2/silent", on_silent, ACCESS_ANON, .help = ""},
    {HTTP_GET, "/api/v2/ticks", on_ticks, ACCESS_ANON, .help = ""},
    {HTTP_GET, "/api/v2/hang", on_hang, ACCESS_ANON, .help = ""},
    {HTTP_GET, "/api/v2/large", on_large, ACCESS_ANON, .help = ""},
    {HTTP_GET, "/api/v2/overfull", on_overfull, ACCESS_ANON, .help = ""},
    {HTTP_GET, "/api/v2/long", on_long, ACCESS_ANON, .help = ""},
};

static const struct static_file files[] = {
    {"/assets/app-12345678.js", "text/javascript; charset=utf-8", "\"aa\"", (const unsigned char *)"let plain;", 10,
     (const unsigned char *)"GZIPPED", 7, 1},
    {"/index.html", "text/html; charset=utf-8", "\"bb\"", (const unsigned char *)"<!doctype html>", 15, NULL, 0, 0},
};

/* "Bearer alice" is a user, "Bearer root" an admin, cookie drover=alice a session, anything else is bad. */
static int authenticate(void *context, const struct request *r, struct identity *out, struct err *e)
{
    const char *a = request_header(r, "Authorization");
    const char *c = request_header(r, "Cookie");

    (void)context;
    if (c && !strcmp(c, "drover=alice"))
        out->kind = IDENTITY_SESSION;
    else if (a && (!strcmp(a, "Bearer alice") || !strcmp(a, "Bearer root")))
        out->kind = IDENTITY_TOKEN;
    else if (a || c)
        return err_set(e, ERR_UNAUTHORIZED, "Your token is invalid.");
    if (out->kind != IDENTITY_NONE) {
        out->admin = a && !strcmp(a, "Bearer root");
        snprintf(out->user, sizeof(out->user), "%s", out->admin ? "root" : "alice");
    }
    return 0;
}

struct world *world_start(const struct http_config *changes)
{
    struct world *w = calloc(1, sizeof(*w));
    struct http_config c = changes ? *changes : (struct http_config){0};
    struct err e = {0};

    assert_non_null(w);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    c.routes = routes;
    c.route_count = sizeof(routes) / sizeof(routes[0]);
    c.files = files;
    c.file_count = sizeof(files) / sizeof(files[0]);
    c.authenticate = authenticate;
    c.context = w;
    w->server = http_server_create(&c, &e);
    if (!w->server || http_server_start(w->server, &e))
        fail_msg("%s", e.text);
    assert_int_not_equal(http_server_port(w->server), 0);
    return w;
}

void world_stop(struct world *w)
{
    http_server_destroy(w->server, 2000);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

int world_dial(const struct world *w)
{
    return world_dial_narrow(w, 0);
}

int world_dial_narrow(const struct world *w, int bytes)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(http_server_port(w->server))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    if (bytes)
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

void world_say(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

        if (n <= 0)
            return; /* the server closed: the reply tells */
        text += n;
        len -= (size_t)n;
    }
}

/* Everything until the server closes; the caller frees. */
char *world_hear(int fd)
{
    char *all = calloc(1, REPLY_MAX + 1);
    size_t have = 0;
    ssize_t n = 1;

    while (n > 0 && have < REPLY_MAX) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        if (poll(&p, 1, 60000) <= 0)
            fail_msg("the server neither answers nor closes; so far: %s", all);
        n = recv(fd, all + have, REPLY_MAX - have, 0);
        if (n > 0)
            have += (size_t)n;
    }
    close(fd);
    return all;
}

char *world_ask_n(const struct world *w, const char *text, size_t len)
{
    int fd = world_dial(w);

    world_say(fd, text, len);
    return world_hear(fd);
}

char *world_ask(const struct world *w, const char *text)
{
    return world_ask_n(w, text, strlen(text));
}

int world_status_of(const char *reply)
{
    return strncmp(reply, "HTTP/1.1 ", 9) ? 0 : (int)strtol(reply + 9, NULL, 10);
}

unsigned world_count_of(const char *text, const char *what)
{
    unsigned n = 0;

    for (; (text = strstr(text, what)) != NULL; text++)
        n++;
    return n;
}

void world_expect(const struct world *w, const char *request, int status, const char *part)
{
    char *reply = world_ask(w, request);

    if (world_status_of(reply) != status || (part && !strstr(reply, part)))
        fail_msg("for\n%s\nwanted %d with \"%s\", got\n%s", request, status, part ? part : "", reply);
    if (!strstr(reply, "X-Request-Id: ") || !strstr(reply, "X-Content-Type-Options: nosniff") ||
        !strstr(reply, "Referrer-Policy: no-referrer") || !strstr(reply, "Content-Security-Policy: ") ||
        strstr(reply, "\r\nServer:"))
        fail_msg("standing headers are wrong:\n%s", reply);
    free(reply);
}
