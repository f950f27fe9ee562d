/* SPDX-License-Identifier: MIT
 *
 * A real server in this process, spoken to over raw sockets: framing attacks, the order of refusals, bodies, parked
 * requests, deadlines and the shutdown. The witness of the smuggling tests is a counter that only a second request
 * could raise.
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

#define REPLY_MAX (1024 * 1024)

/* What the handlers leave for the tests. */
struct world {
    struct http_server *server;
    atomic_int evil; /* times that GET /api/v2/evil ran */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct request *waiting; /* parked by POST /api/v2/park */
    int pauses;              /* of the slow stream */
};

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

static const struct route routes[] = {
    {HTTP_POST, "/api/v2/echo", on_echo, ACCESS_ANON, HTTP_MEDIA_JSON | HTTP_MEDIA_TEXT, 1000, ""},
    {HTTP_PUT, "/api/v2/echo", on_echo, ACCESS_ANON, HTTP_MEDIA_JSON | HTTP_MEDIA_TEXT, 1000, ""},
    {HTTP_DELETE, "/api/v2/echo", on_echo, ACCESS_ANON, HTTP_MEDIA_JSON | HTTP_MEDIA_TEXT, 1000, ""},
    {HTTP_PATCH, "/api/v2/echo", on_echo, ACCESS_ANON, HTTP_MEDIA_JSON | HTTP_MEDIA_TEXT, 1000, ""},
    {HTTP_GET, "/api/v2/echo", on_echo, ACCESS_ANON, HTTP_MEDIA_JSON | HTTP_MEDIA_TEXT, 1000, ""},
    {HTTP_GET, "/api/v2/evil", on_evil, ACCESS_ANON, 0, 0, ""},
    {HTTP_GET, "/api/v2/show/{name}", on_show, ACCESS_USER, 0, 0, ""},
    {HTTP_PUT, "/api/v2/show/{name}", on_echo, ACCESS_USER, 0, 0, ""},
    {HTTP_GET, "/api/v2/root", on_show, ACCESS_ADMIN, 0, 0, ""},
    {HTTP_POST, "/api/v2/form", on_form, ACCESS_ANON, HTTP_MEDIA_FORM, 0, ""},
    {HTTP_POST, "/api/v2/park", on_park, ACCESS_ANON, 0, 0, ""},
    {HTTP_GET, "/api/v2/fail", on_fail, ACCESS_ANON, 0, 0, ""},
    {HTTP_GET, "/api/v2/silent", on_silent, ACCESS_ANON, 0, 0, ""},
    {HTTP_GET, "/api/v2/ticks", on_ticks, ACCESS_ANON, 0, 0, ""},
    {HTTP_GET, "/api/v2/hang", on_hang, ACCESS_ANON, 0, 0, ""},
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

static struct world *start(const struct http_config *changes)
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

static void stop(struct world *w)
{
    http_server_destroy(w->server, 2000);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

static int dial(const struct world *w)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(http_server_port(w->server))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static void say(int fd, const char *text, size_t len)
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
static char *hear(int fd)
{
    char *all = calloc(1, REPLY_MAX + 1);
    size_t have = 0;
    ssize_t n = 1;

    while (n > 0 && have < REPLY_MAX) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        if (poll(&p, 1, 15000) <= 0)
            fail_msg("the server neither answers nor closes; so far: %s", all);
        n = recv(fd, all + have, REPLY_MAX - have, 0);
        if (n > 0)
            have += (size_t)n;
    }
    close(fd);
    return all;
}

static char *ask_n(const struct world *w, const char *text, size_t len)
{
    int fd = dial(w);

    say(fd, text, len);
    return hear(fd);
}

static char *ask(const struct world *w, const char *text)
{
    return ask_n(w, text, strlen(text));
}

static int status_of(const char *reply)
{
    int status = 0;

    sscanf(reply, "HTTP/1.1 %d", &status);
    return status;
}

static unsigned count_of(const char *text, const char *what)
{
    unsigned n = 0;

    for (; (text = strstr(text, what)) != NULL; text++)
        n++;
    return n;
}

static void expect(const struct world *w, const char *request, int status, const char *part)
{
    char *reply = ask(w, request);

    if (status_of(reply) != status || (part && !strstr(reply, part)))
        fail_msg("for\n%s\nwanted %d with \"%s\", got\n%s", request, status, part ? part : "", reply);
    if (!strstr(reply, "X-Request-Id: ") || !strstr(reply, "X-Content-Type-Options: nosniff") ||
        !strstr(reply, "Referrer-Policy: no-referrer") || !strstr(reply, "Content-Security-Policy: ") ||
        strstr(reply, "\r\nServer:"))
        fail_msg("standing headers are wrong:\n%s", reply);
    free(reply);
}

#define H "Host: x\r\nConnection: close\r\n"
#define EVIL "GET /api/v2/evil HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

/* ---- tests ---- */

static void test_answers(void **state)
{
    struct world *w = start(NULL);

    (void)state;
    expect(w, "GET /api/v2/evil HTTP/1.1\r\n" H "\r\n", 200, "\r\n\r\nevil");
    expect(w, "GET /rest-server/api/v2/evil HTTP/1.1\r\n" H "\r\n", 200, "\r\n\r\nevil");
    expect(w, "GET /api/v2/evil HTTP/1.1\r\n" H "\r\n", 200, "Cache-Control: no-store");
    expect(w, "GET /api/v2/evil HTTP/1.1\r\n" H "\r\n", 200, "default-src 'none'; frame-ancestors 'none'\r\n");
    expect(w, "GET /api/v2/show/a%20b?q=x%2Fy+z&n=7&flag=true HTTP/1.1\r\n" H "Authorization: Bearer alice\r\n\r\n",
           200, "name=a b q=x/y z n=7 flag=1 user=alice");
    expect(w, "GET /api/v2/show/x?q=1&q=2 HTTP/1.1\r\n" H "Authorization: Bearer alice\r\n\r\n", 400,
           "InvalidParametersError");
    expect(w, "GET /api/v2/show/x?n=101 HTTP/1.1\r\n" H "Authorization: Bearer alice\r\n\r\n", 400, "from 0 to 100");
    expect(w, "GET /api/v2/show/x?q=%00 HTTP/1.1\r\n" H "Authorization: Bearer alice\r\n\r\n", 400, "BadRequestError");
    expect(w, "GET /api/v2/fail HTTP/1.1\r\n" H "\r\n", 400, "\"line\":3");
    expect(w, "GET /api/v2/fail HTTP/1.1\r\n" H "\r\n", 400, "Content-Type: application/problem+json");
    expect(w, "GET /api/v2/silent HTTP/1.1\r\n" H "\r\n", 500, "UnknownError");
    stop(w);
}

static void test_head(void **state)
{
    struct world *w = start(NULL);
    char *reply = ask(w, "HEAD /api/v2/evil HTTP/1.1\r\n" H "\r\n");

    (void)state;
    assert_int_equal(status_of(reply), 200);
    assert_non_null(strstr(reply, "Content-Length: 4"));
    assert_string_equal(strstr(reply, "\r\n\r\n"), "\r\n\r\n");
    free(reply);
    stop(w);
}

static void test_bodies(void **state)
{
    struct world *w = start(NULL);
    char big[4096];

    (void)state;
    expect(w, "POST /api/v2/echo HTTP/1.1\r\n" H "Content-Type: application/json\r\nContent-Length: 5\r\n\r\n[1,2]",
           200, "\r\n\r\n[1,2]");
    expect(w, "DELETE /api/v2/echo HTTP/1.1\r\n" H "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nab", 200,
           "\r\n\r\nab");
    expect(w, "DELETE /api/v2/echo HTTP/1.1\r\n" H "Content-Type: application/json\r\n\r\n", 200, NULL);
    expect(w,
           "PUT /api/v2/echo HTTP/1.1\r\n" H
           "Content-Type: application/json; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
           "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
           200, "\r\n\r\nabcde");
    expect(w, "POST /api/v2/echo HTTP/1.1\r\n" H "Content-Type: text/yaml\r\nContent-Length: 2\r\n\r\nab", 415,
           "UnsupportedMediaTypeError");
    expect(w, "POST /api/v2/echo HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab", 415, NULL);
    expect(w,
           "POST /api/v2/echo HTTP/1.1\r\n" H "Content-Type: text/plain; charset=utf-16\r\nContent-Length: 2\r\n\r\nab",
           415, NULL);
    expect(w,
           "POST /api/v2/form HTTP/1.1\r\n" H
           "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 21\r\n\r\nusername=a%2Bb&x=1+2+3",
           200, "\r\n\r\na+b");
    expect(w,
           "POST /api/v2/form HTTP/1.1\r\n" H
           "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\nusername=%",
           400, "BadRequestError");
    snprintf(big, sizeof(big),
             "POST /api/v2/echo HTTP/1.1\r\n" H "Content-Type: text/plain\r\nContent-Length: 1001\r\n\r\n%01001d", 7);
    expect(w, big, 413, "PayloadTooLargeError");
    snprintf(big, sizeof(big),
             "POST /api/v2/echo HTTP/1.1\r\n" H "Content-Type: text/plain\r\nContent-Length: 1000\r\n\r\n%01000d", 7);
    expect(w, big, 200, "00007");
    snprintf(big, sizeof(big),
             "POST /api/v2/echo HTTP/1.1\r\n" H
             "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n%01001d\r\n0\r\n\r\n",
             7);
    expect(w, big, 413, "PayloadTooLargeError");
    stop(w);
}

/* A body too large to be read is refused without waiting for it. */
static void test_huge_body_at_once(void **state)
{
    struct world *w = start(NULL);

    (void)state;
    expect(
        w,
        "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 99999999999\r\n\r\nabc",
        413, "Connection: close");
    expect(
        w,
        "PATCH /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 99999999999\r\n\r\nabc",
        413, "Connection: close");
    expect(w,
           "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2000\r\n"
           "Expect: 100-continue\r\n\r\n",
           413, "Connection: close");
    stop(w);
}

static void test_big_refused_body_is_drained(void **state)
{
    struct world *w = start(NULL);
    size_t size = 2 * 1024 * 1024;
    char *text = malloc(size + 256);
    int head = snprintf(text, 256,
                        "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/plain\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        size);
    char *reply;

    (void)state;
    memset(text + head, 'x', size);
    reply = ask_n(w, text, (size_t)head + size);
    assert_int_equal(status_of(reply), 413);
    free(reply);
    free(text);
    stop(w);
}

/* Each of these smuggled EVIL past some server. The counter must stay at nought. */
static const struct {
    const char *name;
    const char *head; /* EVIL follows it */
} smuggles[] = {
    {"two lengths", "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n"
                    "Content-Length: 60\r\n\r\n"},
    {"same length twice", "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n"
                          "Content-Length: 0\r\n\r\n"},
    {"length list",
     "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 0, 60\r\n\r\n"},
    {"signed length",
     "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: +0\r\n\r\n"},
    {"hex length", "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 0x0\r\n\r\n"},
    {"length and chunked", "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"chunked and length", "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
                           "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"},
    {"length with blank", "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length : 60\r\n"
                          "\r\n"},
    {"put, two lengths", "PUT /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n"
                         "Content-Length: 60\r\n\r\n"},
    {"patch, two lengths", "PATCH /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n"
                           "Content-Length: 60\r\n\r\n"},
    {"delete, two lengths", "DELETE /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
                            "Content-Length: 3\r\nContent-Length: 60\r\n\r\nabc"},
    {"get, two lengths", "GET /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"
                         "Content-Length: 60\r\n\r\nabc"},
    {"chunked twice",
     "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"
     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"two hosts", "GET /api/v2/echo HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"},
    {"host with blank", "GET /api/v2/echo HTTP/1.1\r\nHost: x y\r\n\r\n"},
    {"two authorizations", "GET /api/v2/echo HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n"},
    {"two cookies", "GET /api/v2/echo HTTP/1.1\r\nHost: x\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n"},
    {"trace", "TRACE /api/v2/echo HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"connect", "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"lower-case method", "get /api/v2/echo HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"http2 preface", "PRI * HTTP/2.0\r\nHost: x\r\n\r\nSM\r\n\r\n"},
    {"absolute target", "GET http://x/api/v2/echo HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"dot segments", "GET /api/v2/../v2/echo HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"encoded dot segments", "GET /api/v2/%2e%2e/v2/echo HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"encoded slash", "GET /api/v2%2fecho HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"encoded NUL", "GET /api/v2/echo%00 HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"bad hex", "GET /api/v2/%zz HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"invalid UTF-8", "GET /api/v2/%c0%af HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"no host", "GET /api/v2/echo HTTP/1.1\r\nA: b\r\n\r\n"},
};

static void test_smuggling(void **state)
{
    struct world *w = start(NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(smuggles) / sizeof(smuggles[0]); i++) {
        struct buf b;
        char *reply;

        buf_init(&b, 4096);
        buf_addf(&b, "%s%s", smuggles[i].head, EVIL);
        reply = ask(w, buf_str(&b));
        /* Some are refused by libmicrohttpd itself, which then sends its header lines twice. */
        if ((status_of(reply) != 400 && status_of(reply) != 505) || strstr(reply, "HTTP/1.1 200"))
            fail_msg("%s: got\n%s", smuggles[i].name, reply);
        if (atomic_load(&w->evil))
            fail_msg("%s: the second request ran", smuggles[i].name);
        free(reply);
        buf_fini(&b);
    }
    stop(w);
}

static void test_too_many_headers(void **state)
{
    struct world *w = start(NULL);
    struct buf b;

    (void)state;
    buf_init(&b, 65536);
    buf_adds(&b, "GET /api/v2/evil HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 64; i++)
        buf_addf(&b, "A%d: b\r\n", i);
    buf_adds(&b, "\r\n");
    expect(w, buf_str(&b), 431, "HeaderFieldsTooLargeError");
    buf_fini(&b);
    stop(w);
}

/* Two good requests on one connection are both answered: refusing is not all the server does. */
static void test_pipelining(void **state)
{
    struct world *w = start(NULL);
    char *reply =
        ask(w, "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc"
               "GET /api/v2/show/x HTTP/1.1\r\nHost: x\r\n\r\n" EVIL);

    (void)state;
    assert_int_equal(count_of(reply, "HTTP/1.1 200"), 2);
    assert_int_equal(count_of(reply, "HTTP/1.1 401"), 1);
    assert_int_equal(atomic_load(&w->evil), 1);
    free(reply);
    stop(w);
}

/* Everything without login is the same 401, byte by byte but for the request id and the date. */
static void test_same_401(void **state)
{
    static const char *const requests[] = {
        "GET /api/v2/show/x HTTP/1.1\r\n" H "\r\n",
        "DELETE /api/v2/show/x HTTP/1.1\r\n" H "\r\n",
        "GET /api/v2/root HTTP/1.1\r\n" H "\r\n",
        "GET /api/v2/none HTTP/1.1\r\n" H "\r\n",
        "GET /nothing/here HTTP/1.1\r\n" H "\r\n",
        "POST /nothing HTTP/1.1\r\n" H "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        "PUT /api/v2/show/x HTTP/1.1\r\n" H "Content-Type: x/y\r\nContent-Length: 2\r\n\r\n{}",
        "OPTIONS /api/v2/evil HTTP/1.1\r\n" H "\r\n",
        "POST /api/v2/evil HTTP/1.1\r\n" H "\r\n",
    };
    struct world *w = start(NULL);
    char *first = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        char *reply = ask(w, requests[i]);
        static const char *const blank[] = {"X-Request-Id: ", "urn:uuid:", "Date: "};

        assert_int_equal(status_of(reply), 401);
        for (size_t k = 0; k < sizeof(blank) / sizeof(blank[0]); k++) {
            char *at = strstr(reply, blank[k]);

            assert_non_null(at);
            memset(at + strlen(blank[k]), '?', 29);
            if (k < 2)
                memset(at + strlen(blank[k]), '?', 36);
        }
        if (first)
            assert_string_equal(reply, first);
        else
            first = strdup(reply);
        free(reply);
    }
    assert_non_null(strstr(first, "Guest is not allowed to do this operation."));
    free(first);
    stop(w);
}

static void test_access(void **state)
{
    struct world *w = start(NULL);

    (void)state;
    expect(w, "GET /api/v2/none HTTP/1.1\r\n" H "Authorization: Bearer alice\r\n\r\n", 404, "NoApiError");
    expect(w, "DELETE /api/v2/show/x HTTP/1.1\r\n" H "Authorization: Bearer alice\r\n\r\n", 405,
           "Allow: GET, HEAD, PUT\r\n");
    expect(w, "GET /api/v2/root HTTP/1.1\r\n" H "Authorization: Bearer alice\r\n\r\n", 403,
           "Non-admin is not allow to do this operation.");
    expect(w, "GET /api/v2/root HTTP/1.1\r\n" H "Authorization: Bearer root\r\n\r\n", 200, "user=root");
    expect(w, "GET /api/v2/show/x HTTP/1.1\r\n" H "Authorization: Bearer forged\r\n\r\n", 401,
           "Your token is invalid.");
    expect(w, "GET /api/v2/show/x HTTP/1.1\r\n" H "Cookie: drover=alice\r\n\r\n", 200, "user=alice");
    expect(w, "PUT /api/v2/show/x HTTP/1.1\r\n" H "Cookie: drover=alice\r\n\r\n", 403, "X-Drover-Csrf");
    expect(w, "PUT /api/v2/show/x HTTP/1.1\r\n" H "Cookie: drover=alice\r\nX-Drover-Csrf: 1\r\n\r\n", 200, NULL);
    expect(w,
           "PUT /api/v2/show/x HTTP/1.1\r\n" H
           "Cookie: drover=alice\r\nX-Drover-Csrf: 1\r\nSec-Fetch-Site: cross-site\r\n\r\n",
           403, "portal itself");
    stop(w);
}

static void test_static_files(void **state)
{
    struct world *w = start(NULL);

    (void)state;
    expect(w, "GET / HTTP/1.1\r\n" H "\r\n", 200, "<!doctype html>");
    expect(w, "GET / HTTP/1.1\r\n" H "\r\n", 200, "require-trusted-types-for 'script'");
    expect(w, "GET / HTTP/1.1\r\n" H "\r\n", 200, "Cache-Control: no-cache");
    expect(w, "GET /jobs/a~b HTTP/1.1\r\n" H "\r\n", 401, NULL);
    expect(w, "GET / HTTP/1.1\r\n" H "If-None-Match: \"bb\"\r\n\r\n", 304, "ETag: \"bb\"");
    expect(w, "GET /assets/app-12345678.js HTTP/1.1\r\n" H "\r\n", 200, "let plain;");
    expect(w, "GET /assets/app-12345678.js HTTP/1.1\r\n" H "\r\n", 200, "immutable");
    expect(w, "GET /assets/app-12345678.js HTTP/1.1\r\n" H "Accept-Encoding: br, gzip\r\n\r\n", 200,
           "Content-Encoding: gzip");
    expect(w, "GET /assets/app-12345678.js HTTP/1.1\r\n" H "Accept-Encoding: gzip\r\n\r\n", 200, "\r\n\r\nGZIPPED");
    expect(w, "GET /assets/app-12345678.js HTTP/1.1\r\n" H "Accept-Encoding: gzip;q=0\r\n\r\n", 200, "let plain;");
    expect(w,
           "GET /assets/app-12345678.js HTTP/1.1\r\n" H "If-None-Match: W/\"aa-gz\"\r\nAccept-Encoding: gzip\r\n\r\n",
           304, NULL);
    expect(w, "GET /assets/../index.html HTTP/1.1\r\n" H "\r\n", 400, NULL);
    expect(w, "GET /assets/none.js HTTP/1.1\r\n" H "\r\n", 401, NULL);
    expect(w, "POST / HTTP/1.1\r\n" H "\r\n", 401, NULL);
    stop(w);
}

static struct request *wait_parked(struct world *w)
{
    struct request *r;

    pthread_mutex_lock(&w->lock);
    while (!w->waiting)
        pthread_cond_wait(&w->changed, &w->lock);
    r = w->waiting;
    w->waiting = NULL;
    pthread_mutex_unlock(&w->lock);
    return r;
}

#define PARK "POST /api/v2/park HTTP/1.1\r\n" H "\r\n"

static void test_suspend_and_resume(void **state)
{
    struct world *w = start(NULL);

    (void)state;
    for (int i = 0; i < 50; i++) {
        int fd = dial(w);
        struct request *r;
        char *reply;

        say(fd, PARK, strlen(PARK));
        r = wait_parked(w);
        reply_text(r, 202, "text/plain", "done");
        request_resume(r);
        reply = hear(fd);
        assert_int_equal(status_of(reply), 202);
        assert_non_null(strstr(reply, "\r\n\r\ndone"));
        free(reply);
    }
    stop(w);
}

/* A client that leaves while its request waits must not make the pointer in the mailbox dangle. */
static void test_client_leaves_while_suspended(void **state)
{
    struct world *w = start(NULL);
    int fd = dial(w);
    struct request *r;

    (void)state;
    say(fd, PARK, strlen(PARK));
    r = wait_parked(w);
    close(fd);
    expect(w, EVIL, 200, "evil");
    assert_string_equal(request_ip(r), "127.0.0.1");
    reply_text(r, 202, "text/plain", "done");
    request_resume(r);
    expect(w, EVIL, 200, "evil");
    stop(w);
}

static void test_streams(void **state)
{
    struct world *w = start(NULL);
    char *reply = ask(w, "GET /api/v2/ticks HTTP/1.1\r\n" H "\r\n");

    (void)state;
    assert_int_equal(status_of(reply), 200);
    assert_int_equal(count_of(reply, "tick"), 4);
    assert_non_null(strstr(reply, "Transfer-Encoding: chunked"));
    assert_non_null(strstr(reply, "\r\n0\r\n\r\n"));
    free(reply);
    expect(w, "HEAD /api/v2/ticks HTTP/1.1\r\n" H "\r\n", 200, NULL);
    stop(w);
}

/* Suspended requests get 503, streams end, and the daemon stops. */
static void test_shutdown(void **state)
{
    struct world *w = start(NULL);
    int parked = dial(w);
    int stream = dial(w);
    int idle = dial(w);
    char byte[512];
    char *reply;

    (void)state;
    say(parked, PARK, strlen(PARK));
    wait_parked(w);
    say(stream, "GET /api/v2/hang HTTP/1.1\r\n" H "\r\n", strlen("GET /api/v2/hang HTTP/1.1\r\n" H "\r\n"));
    assert_true(recv(stream, byte, sizeof(byte), 0) > 0);
    say(idle, "GET /api/v2/evil HTTP/1.1\r\nHost: x\r\n\r\n", strlen("GET /api/v2/evil HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(recv(idle, byte, sizeof(byte), 0) > 0);
    http_server_quiesce(w->server);
    http_server_quiesce(w->server);
    say(idle, EVIL, strlen(EVIL));
    reply = hear(idle);
    assert_int_equal(status_of(reply), 503);
    free(reply);
    http_server_destroy(w->server, 10);
    w->server = NULL;
    reply = hear(parked);
    assert_int_equal(status_of(reply), 503);
    assert_non_null(strstr(reply, "ServiceBusyError"));
    free(reply);
    reply = hear(stream);
    free(reply);
    stop(w);
}

/* A byte now and then does not hold a connection: the deadline is absolute. */
static void test_slow_headers(void **state)
{
    struct http_config c = {.header_ms = 300, .body_ms = 300, .body_ms_per_64k = 1, .idle_ms = 300};
    struct world *w = start(&c);
    int fd = dial(w);
    char *reply;
    int sent = 0;

    (void)state;
    say(fd, "GET /api/v2/evil HTTP/1.1\r\n", 27);
    while (sent < 200) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        if (send(fd, "A", 1, MSG_NOSIGNAL) != 1 || poll(&p, 1, 50) > 0)
            break;
        sent++;
    }
    assert_in_range(sent, 2, 100);
    reply = hear(fd);
    assert_int_equal(status_of(reply), 0);
    free(reply);
    /* A body that never comes, a connection that asks nothing, and one that asks nothing more. */
    reply = ask(w, "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nabc");
    assert_int_equal(status_of(reply), 0);
    free(reply);
    reply = ask(w, "");
    assert_string_equal(reply, "");
    free(reply);
    reply = ask(w, "GET /api/v2/evil HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(status_of(reply), 200);
    free(reply);
    stop(w);
}

static void test_refuses_bad_tables(void **state)
{
    struct http_config c = {.address = "not an address"};
    struct err e = {0};

    (void)state;
    assert_null(http_server_create(&c, &e));
    assert_int_equal(e.code, ERR_INVALID_PARAMETERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_huge_body_at_once),
        cmocka_unit_test(test_big_refused_body_is_drained),
        cmocka_unit_test(test_smuggling),
        cmocka_unit_test(test_too_many_headers),
        cmocka_unit_test(test_pipelining),
        cmocka_unit_test(test_same_401),
        cmocka_unit_test(test_access),
        cmocka_unit_test(test_static_files),
        cmocka_unit_test(test_suspend_and_resume),
        cmocka_unit_test(test_client_leaves_while_suspended),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_shutdown),
        cmocka_unit_test(test_slow_headers),
        cmocka_unit_test(test_refuses_bad_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
