/* SPDX-License-Identifier: MIT
 *
 * A WebSocket to an app. The app is asked first, on the call's thread; only when it agrees does the browser hear 101.
 * From then on frames go through as bytes, both ways, each with a buffer of PIPE bytes: a side that does not read is
 * not read for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "server/app_head.h"
#include "server/app_impl.h"
#include "server/http/reply.h"
#include "server/http/request.h"

enum {
    PIPE = 64 << 10,
    REQUEST_MAX = 64 << 10,
    HANDSHAKE_MS = 30 * 1000,
    LINGER_MS = 5 * 1000, /* for the other side, after one has ended */
    TICK_MS = 500
};

enum { BROWSER, APP, SIDES };

/* What one side has sent, for the other. */
struct pipe {
    char data[PIPE];
    size_t len;
    bool ended, shut; /* nothing comes any more; the other was told */
};

struct app_socket {
    struct app_call call;
    struct request *r; /* until it was resumed */
    struct buf order;  /* the handshake's request */
    int fd;            /* to the app; -1 */
    char head[APP_HEAD_MAX];
    size_t head_len;
    pthread_mutex_t lock;
    pthread_cond_t turn;
    bool begun, lost; /* under the lock */
    struct reply_socket socket;
    struct pipe from[SIDES];
};

static void release(struct app_socket *x)
{
    if (x->fd >= 0)
        close(x->fd);
    buf_fini(&x->order);
    pthread_cond_destroy(&x->turn);
    pthread_mutex_destroy(&x->lock);
    free(x);
}

/* ---- the handshake with the app ---- */

/* Waits for the app; false: too long, or the call may not go on. */
static bool wait_app(struct app_socket *x, short events, int64_t until)
{
    while (app_call_holds(&x->call) && clock_read().mono < until && !reply_peer_gone(x->r)) {
        struct pollfd p = {.fd = x->fd, .events = events};

        if (poll(&p, 1, TICK_MS) > 0)
            return true;
    }
    return false;
}

static int connect_app(struct app_socket *x, int64_t until)
{
    const struct sockaddr_in a = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)x->call.grant.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    int failed = 0;
    socklen_t len = sizeof(failed);

    x->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (x->fd < 0)
        return -1;
    (void)setsockopt(x->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (!connect(x->fd, (const struct sockaddr *)(const void *)&a, sizeof(a)))
        return 0;
    if (errno != EINPROGRESS || !wait_app(x, POLLOUT, until))
        return -1;
    return getsockopt(x->fd, SOL_SOCKET, SO_ERROR, &failed, &len) || failed ? -1 : 0;
}

static int send_order(struct app_socket *x, int64_t until)
{
    for (size_t at = 0; at < x->order.len;) {
        ssize_t n = send(x->fd, x->order.data + at, x->order.len - at, MSG_NOSIGNAL);

        if (n > 0)
            at += (size_t)n;
        else if (n < 0 && errno != EINTR && (errno != EAGAIN || !wait_app(x, POLLOUT, until)))
            return -1;
    }
    return 0;
}

/* Reads the head; what came behind it goes to the browser. Its length, or 0. */
static size_t read_head(struct app_socket *x, int64_t until)
{
    for (;;) {
        ssize_t n = recv(x->fd, x->head + x->head_len, sizeof(x->head) - x->head_len, 0);

        if (n < 0 && errno == EAGAIN && wait_app(x, POLLIN, until))
            continue;
        if (n <= 0 && !(n < 0 && errno == EINTR))
            return 0;
        x->head_len += n > 0 ? (size_t)n : 0;

        size_t end = app_head_end(x->head, x->head_len);

        if (end) {
            x->from[APP].len = x->head_len - end;
            memcpy(x->from[APP].data, x->head + end, x->from[APP].len);
            return end;
        }
        if (x->head_len == sizeof(x->head))
            return 0;
    }
}

/* 0, or -1 with `e`. */
static int shake(struct app_socket *x, struct app_head *head, struct err *e)
{
    const int64_t until = clock_read().mono + HANDSHAKE_MS;
    const char *upgrade;
    size_t len;

    if (connect_app(x, until) || send_order(x, until))
        return err_set(e, ERR_BAD_GATEWAY, "The app cannot be reached.");
    len = read_head(x, until);
    if (!len || app_head_parse(x->head, len, head))
        return err_set(e, ERR_BAD_GATEWAY, "The app does not answer as a WebSocket does.");
    upgrade = app_head_get(head, "Upgrade");
    if (head->status != 101 || !upgrade || strcasecmp(upgrade, "websocket") != 0)
        return err_set(e, ERR_BAD_GATEWAY, "The app refuses the WebSocket: it answers %d.", head->status);
    return 0;
}

/* ---- the browser's side ---- */

static void on_begin(void *ctx, const struct reply_socket *socket)
{
    struct app_socket *x = ctx;

    pthread_mutex_lock(&x->lock);
    x->socket = *socket;
    if (socket->early_len <= PIPE) { /* it fits: a connection's memory is smaller */
        memcpy(x->from[BROWSER].data, socket->early, socket->early_len);
        x->from[BROWSER].len = socket->early_len;
    }
    x->begun = true;
    pthread_cond_signal(&x->turn);
    pthread_mutex_unlock(&x->lock);
}

static void on_lost(void *ctx)
{
    struct app_socket *x = ctx;

    pthread_mutex_lock(&x->lock);
    x->lost = true;
    pthread_cond_signal(&x->turn);
    pthread_mutex_unlock(&x->lock);
}

/* Tells the browser; whether its socket is ours then. */
static bool answer(struct app_socket *x, const struct app_head *head, struct err *e)
{
    const struct reply_protocol p = {.name = "websocket", .ctx = x, .begin = on_begin, .lost = on_lost};
    const char *connection = app_head_get(head, "Connection");
    struct request *r = x->r;

    if (reply_upgrade(r, &p, e))
        return false;
    app_call_guard(&x->call, r);
    for (size_t i = 0; i < head->count; i++)
        if (app_headers_reply(head->fields[i].name, connection))
            reply_header_copy(r, head->fields[i].name, head->fields[i].value);
    request_resume(r);
    pthread_mutex_lock(&x->lock);
    while (!x->begun && !x->lost)
        pthread_cond_wait(&x->turn, &x->lock);
    pthread_mutex_unlock(&x->lock);
    return x->begun;
}

/* ---- bytes ---- */

static bool again(void)
{
    return errno == EAGAIN || errno == EINTR;
}

/* Reads of a side what there is room for. False: it broke. */
static bool take(struct pipe *p, int fd)
{
    ssize_t n = recv(fd, p->data + p->len, PIPE - p->len, 0);

    if (n > 0)
        p->len += (size_t)n;
    else if (n == 0)
        p->ended = true;
    return n >= 0 || again();
}

/* Sends to the other side, and its end behind all. False: it broke. */
static bool give(struct pipe *p, int fd)
{
    ssize_t n = p->len ? send(fd, p->data, p->len, MSG_NOSIGNAL) : 0;

    if (n > 0) {
        p->len -= (size_t)n;
        memmove(p->data, p->data + n, p->len);
    }
    if (p->ended && !p->len && !p->shut) {
        p->shut = true;
        (void)shutdown(fd, SHUT_WR);
    }
    return n >= 0 || again();
}

static struct pollfd watch(const struct pipe *in, const struct pipe *out, int fd)
{
    short events = (short)((!in->ended && in->len < PIPE ? POLLIN : 0) | (out->len ? POLLOUT : 0));

    return (struct pollfd){.fd = events ? fd : -1, .events = events}; /* its end would be told again and again */
}

static bool move(struct app_socket *x, const struct pollfd p[SIDES], const int fd[SIDES])
{
    for (int i = 0; i < SIDES; i++)
        if (p[i].revents && p[i].events & POLLIN && !take(&x->from[i], fd[i]))
            return false;
    return give(&x->from[BROWSER], fd[APP]) && give(&x->from[APP], fd[BROWSER]);
}

static void pump(struct app_socket *x)
{
    const int fd[SIDES] = {[BROWSER] = x->socket.fd, [APP] = x->fd};
    const int on = 1;
    struct pipe *b = &x->from[BROWSER], *a = &x->from[APP];
    int64_t linger = 0;

    (void)setsockopt(fd[BROWSER], SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    while (app_call_holds(&x->call) && !(b->shut && a->shut)) {
        struct pollfd p[SIDES] = {[BROWSER] = watch(b, a, fd[BROWSER]), [APP] = watch(a, b, fd[APP])};

        if (poll(p, SIDES, TICK_MS) < 0 && errno != EINTR)
            return;
        if (!move(x, p, fd))
            return;
        if ((b->shut || a->shut) && !linger)
            linger = clock_read().mono + LINGER_MS;
        if (linger && clock_read().mono > linger)
            return;
    }
}

static void run(struct app_call *c)
{
    struct app_socket *x = (struct app_socket *)c;
    struct app_head head = {0};
    struct err e = {0};

    if (!shake(x, &head, &e) && answer(x, &head, &e)) {
        pump(x);
        reply_socket_close(&x->socket);
    } else if (e.code) {
        reply_error(x->r, &e);
        request_resume(x->r);
    }
    app_call_end(c);
    release(x);
}

/* ---- making ---- */

static void add_header(void *ctx, const char *name, const char *value)
{
    buf_addf(ctx, "%s: %s\r\n", name, value);
}

struct passing {
    struct buf *out;
    const char *connection;
};

static void pass_header(void *ctx, const char *name, const char *value)
{
    const struct passing *p = ctx;

    p->out->bad |= app_headers_pass(name, value, p->connection, add_header, p->out) != 0;
}

int app_socket_begin(struct apps *s, struct request *r, const struct apps_order *o, struct err *e)
{
    struct app_socket *x = request_method(r) == HTTP_GET ? calloc(1, sizeof(*x)) : NULL;
    struct passing p = {.connection = request_header(r, "Connection")};

    if (!x)
        return request_method(r) == HTTP_GET ? err_set(e, ERR_INTERNAL, "out of memory")
                                             : err_set(e, ERR_BAD_REQUEST, "A WebSocket begins with GET.");
    app_call_init(&x->call, s, o);
    x->call.run = run;
    x->r = r;
    x->fd = -1;
    pthread_mutex_init(&x->lock, NULL);
    pthread_cond_init(&x->turn, NULL);
    buf_init(&x->order, REQUEST_MAX);
    p.out = &x->order;
    buf_addf(&x->order, "GET %s HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", o->target);
    app_call_forwarded(s, r, o, add_header, &x->order);
    request_headers_each(r, pass_header, &p);
    buf_adds(&x->order, "\r\n");
    if (x->order.bad) {
        release(x);
        return err_set(e, ERR_HEADERS_TOO_LARGE, "The head of the WebSocket's request is too large.");
    }
    request_suspend(r);
    if (!app_call_start(&x->call, e))
        return 0;
    release(x);
    reply_error(r, e);
    request_resume(r);
    return 0;
}
