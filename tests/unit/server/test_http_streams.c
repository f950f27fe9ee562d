/* SPDX-License-Identifier: MIT
 *
 * The hub and the tail behind a real server: order, filters, rights, resuming, resets, quotas, pings, clients that
 * leave, and the shutdown with open streams.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "server/http/http.h"
#include "server/http/hub.h"
#include "server/http/reply.h"
#include "server/http/request.h"
#include "server/http/tail.h"

#define WAIT_MS 60000

struct world {
    struct http_server *server;
    struct hub *hub;
    struct tail *tail;
    char folder[64];
    char log[96];
    atomic_bool complete; /* the log has ended */
    atomic_int closed;    /* sources closed */
    atomic_bool banned;   /* bob may not listen any more */
    int replays;
};

static bool may_see(void *ctx, const struct identity *who, const struct hub_event *ev)
{
    struct world *w = ctx;

    if (!ev)
        return !(atomic_load(&w->banned) && !strcmp(who->user, "bob"));
    return strcmp(who->user, "bob") != 0 || !strcmp(ev->user, "bob");
}

/* A database that knows events 1 to 3. */
static int replay(void *ctx, const char *after_id, hub_sink_fn *give, void *sink)
{
    static const char *const ids[] = {"1", "2", "3"};
    struct world *w = ctx;
    int after = after_id[0] - '0';

    w->replays++;
    if (after < 0 || after > 3 || after_id[1])
        return -1;
    for (int i = after; i < 3; i++) {
        struct hub_event ev = {ids[i], "job", "{\"old\":true}", "bob~a", "default", "bob"};

        if (give(sink, &ev))
            break;
    }
    return 0;
}

static int on_stream(struct request *r, void *context, struct err *e)
{
    struct world *w = context;
    const char *job;

    if (request_query(r, "job", &job, e))
        return -1;
    return hub_reply(w->hub, r, job, request_header(r, "Last-Event-ID"), e);
}

static bool log_complete(void *ctx)
{
    struct world *w = ctx;

    return atomic_load(&w->complete);
}

static void log_done(void *ctx)
{
    struct world *w = ctx;

    atomic_fetch_add(&w->closed, 1);
}

static int on_log(struct request *r, void *context, struct err *e)
{
    struct world *w = context;
    struct tail_file f = {
        .fd = open(w->log, O_RDONLY | O_CLOEXEC), .complete = log_complete, .done = log_done, .ctx = w};
    struct tail_range range = {.limit = -1};
    struct tail_source src;
    int64_t any[2] = {0, INT64_MAX};
    int64_t offset = 0;

    if (request_query_int(r, "offset", any, &offset, e) || request_query_int(r, "limit", any, &range.limit, e) ||
        request_query_bool(r, "follow", &range.follow, e) || tail_open_file(&f, &src, e))
        return -1;
    range.offset = (uint64_t)offset;
    return tail_reply(w->tail, r, &src, &range, e);
}

static const struct route routes[] = {
    {HTTP_GET, "/stream", on_stream, ACCESS_USER, .help = ""},
    {HTTP_GET, "/log", on_log, ACCESS_USER, .help = ""},
};

static int authenticate(void *context, const struct request *r, struct identity *out, struct err *e)
{
    const char *a = request_header(r, "Authorization");

    (void)context;
    (void)e;
    out->kind = IDENTITY_TOKEN;
    snprintf(out->user, sizeof(out->user), "%s", a ? a : "alice");
    return 0;
}

static struct world *start(const struct hub_config *changes)
{
    struct world *w = calloc(1, sizeof(*w));
    struct hub_config hc = changes ? *changes : (struct hub_config){0};
    struct http_config c = {.routes = routes, .route_count = 2, .authenticate = authenticate, .context = w};
    struct err e = {0};

    assert_non_null(w);
    snprintf(w->folder, sizeof(w->folder), "/tmp/drover-test-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->log, sizeof(w->log), "%s/log", w->folder);
    hc.allowed = may_see;
    hc.replay = replay;
    hc.ctx = w;
    w->hub = hub_create(&hc, &e);
    w->tail = tail_create(2, 2, &e);
    w->server = http_server_create(&c, &e);
    if (!w->hub || !w->tail || !w->server || http_server_start(w->server, &e))
        fail_msg("%s", e.text);
    return w;
}

static void stop(struct world *w)
{
    http_server_quiesce(w->server);
    hub_close(w->hub);
    tail_close(w->tail);
    http_server_destroy(w->server, 2000);
    assert_int_equal(hub_streams(w->hub), 0);
    hub_destroy(w->hub);
    tail_destroy(w->tail);
    unlink(w->log);
    rmdir(w->folder);
    free(w);
}

static void publish(struct world *w, const char *id, const char *job, const char *user)
{
    struct hub_event ev = {id, "job", "{\"new\":true}", job, "default", user};

    assert_int_equal(hub_publish(w->hub, &ev), 0);
}

/* ---- a client ---- */

struct client {
    int fd;
    char text[65536];
    size_t len;
};

static struct client *open_client(const struct world *w, const char *path, const char *headers)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(http_server_port(w->server))};
    struct client *c = calloc(1, sizeof(*c));
    char text[1024];
    int n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, headers);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(send(c->fd, text, (size_t)n, MSG_NOSIGNAL), n);
    return c;
}

/* Reads once; false at the end of the connection. */
static bool read_more(struct client *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    ssize_t n;

    if (poll(&p, 1, WAIT_MS) <= 0)
        fail_msg("nothing came; so far: %s", c->text);
    n = recv(c->fd, c->text + c->len, sizeof(c->text) - 1 - c->len, 0);
    if (n <= 0)
        return false;
    c->len += (size_t)n;
    return true;
}

static void expect(struct client *c, const char *part)
{
    while (!strstr(c->text, part))
        if (!read_more(c))
            fail_msg("closed before \"%s\" came; got: %s", part, c->text);
}

static void expect_end(struct client *c)
{
    while (read_more(c))
        ;
}

static void close_client(struct client *c)
{
    close(c->fd);
    free(c);
}

static bool holds(const struct client *c, const char *part)
{
    return strstr(c->text, part) != NULL;
}

/* ---- hub ---- */

static void test_events_in_order(void **state)
{
    struct world *w = start(NULL);
    struct client *c = open_client(w, "/stream", "");

    (void)state;
    expect(c, "retry: ");
    assert_true(holds(c, "Content-Type: text/event-stream"));
    assert_true(holds(c, "Cache-Control: no-store"));
    for (int i = 10; i < 300; i++) {
        char id[16];

        snprintf(id, sizeof(id), "%d", i);
        publish(w, id, "bob~a", "bob");
    }
    expect(c, "id: 299\nevent: job\ndata: {\"new\":true}\n\n");
    for (int i = 10; i < 299; i++) {
        char one[32];
        char two[32];

        snprintf(one, sizeof(one), "id: %d\n", i);
        snprintf(two, sizeof(two), "id: %d\n", i + 1);
        assert_true(strstr(c->text, one) && strstr(c->text, one) < strstr(c->text, two));
    }
    close_client(c);
    stop(w);
}

static void test_filter_and_rights(void **state)
{
    struct world *w = start(NULL);
    struct client *one = open_client(w, "/stream?job=bob~b", "");
    struct client *bob = open_client(w, "/stream", "Authorization: bob\r\n");

    (void)state;
    expect(one, "retry: ");
    expect(bob, "retry: ");
    publish(w, "10", "bob~a", "bob");
    publish(w, "11", "bob~b", "bob");
    publish(w, "12", "eve~c", "eve");
    publish(w, "13", "bob~b", "bob");
    expect(one, "id: 13\n");
    expect(bob, "id: 13\n");
    assert_true(holds(one, "id: 11\n"));
    assert_false(holds(one, "id: 10\n") || holds(one, "id: 12\n"));
    assert_true(holds(bob, "id: 10\n") && holds(bob, "id: 11\n"));
    assert_false(holds(bob, "id: 12\n"));
    close_client(one);
    close_client(bob);
    stop(w);
}

static void test_resume(void **state)
{
    struct world *w = start(NULL);
    struct client *c;

    (void)state;
    publish(w, "3", "bob~a", "bob");
    publish(w, "4", "bob~a", "bob");
    publish(w, "5", "bob~a", "bob");
    c = open_client(w, "/stream", "Last-Event-ID: 4\r\n"); /* from the ring */
    expect(c, "id: 5\n");
    assert_false(holds(c, "id: 4\n"));
    assert_int_equal(w->replays, 0);
    close_client(c);
    c = open_client(w, "/stream", "Last-Event-ID: 1\r\n"); /* 2 from the database, 3 to 5 from the ring */
    expect(c, "id: 5\n");
    assert_true(holds(c, "id: 2\nevent: job\ndata: {\"old\":true}"));
    assert_true(holds(c, "id: 3\nevent: job\ndata: {\"new\":true}"));
    assert_true(strstr(c->text, "id: 2\n") < strstr(c->text, "id: 3\n"));
    close_client(c);
    c = open_client(w, "/stream", "Last-Event-ID: 77\r\n"); /* nobody knows it */
    expect(c, "id: 5\nevent: reset\ndata: {}\n\n");
    publish(w, "6", "bob~a", "bob");
    expect(c, "id: 6\n");
    close_client(c);
    stop(w);
}

/* A ring of eight, and a client that does not read: it is told to start over. */
static void test_laggard(void **state)
{
    struct hub_config hc = {.ring_events = 8};
    struct world *w = start(&hc);
    struct client *c = open_client(w, "/stream", "");
    char *big = malloc(60001);
    struct hub_event ev = {"", "job", big, "bob~a", "default", "bob"};
    char id[16];
    bool reset = false;

    (void)state;
    expect(c, "retry: ");
    memset(big, 'x', 60000);
    big[60000] = '\0';
    ev.id = id;
    for (int i = 100; i < 400; i++) { /* 18 MB: more than sockets hold */
        snprintf(id, sizeof(id), "%d", i);
        assert_int_equal(hub_publish(w->hub, &ev), 0);
    }
    while (!reset) {
        c->len = 0;
        assert_true(read_more(c));
        c->text[c->len] = '\0';
        reset = holds(c, "event: reset");
    }
    close_client(c);
    free(big);
    stop(w);
}

static void test_pings_and_lost_rights(void **state)
{
    struct hub_config hc = {.ping_ms = 20};
    struct world *w = start(&hc);
    struct client *c = open_client(w, "/stream", "Authorization: bob\r\nConnection: close\r\n");

    (void)state;
    expect(c, ": ping\n\n");
    atomic_store(&w->banned, true);
    expect_end(c);
    close_client(c);
    stop(w);
}

static void test_pings_find_dead_clients(void **state)
{
    struct hub_config hc = {.ping_ms = 10};
    struct world *w = start(&hc);
    struct client *c = open_client(w, "/stream", "");

    (void)state;
    expect(c, "retry: ");
    assert_int_equal(hub_streams(w->hub), 1);
    close_client(c);
    for (int i = 0; hub_streams(w->hub) && i < WAIT_MS; i++)
        poll(NULL, 0, 1);
    assert_int_equal(hub_streams(w->hub), 0);
    stop(w);
}

static void test_quotas(void **state)
{
    struct hub_config hc = {.streams = 3, .per_user = 2};
    struct world *w = start(&hc);
    struct client *c[5];

    (void)state;
    for (int i = 0; i < 2; i++) {
        c[i] = open_client(w, "/stream", "");
        expect(c[i], "retry: ");
    }
    c[2] = open_client(w, "/stream", "Connection: close\r\n");
    expect(c[2], "429");
    expect(c[2], "TooManyRequestsError");
    c[3] = open_client(w, "/stream", "Authorization: bob\r\n");
    expect(c[3], "retry: ");
    c[4] = open_client(w, "/stream", "Authorization: eve\r\n");
    expect(c[4], "429");
    for (int i = 0; i < 5; i++)
        close_client(c[i]);
    stop(w);
}

static void test_shutdown_ends_streams(void **state)
{
    struct world *w = start(NULL);
    struct client *c = open_client(w, "/stream", "");

    (void)state;
    expect(c, "retry: ");
    stop(w);
    expect_end(c);
    assert_true(holds(c, "\r\n0\r\n\r\n"));
    close_client(c);
}

static void test_refuses_events_of_two_lines(void **state)
{
    struct world *w = start(NULL);
    struct hub_event ev = {"1", "job", "{}\nid: 2", "a~b", "c", "a"};

    (void)state;
    assert_int_equal(hub_publish(w->hub, &ev), -1);
    stop(w);
}

/* ---- tail ---- */

static void append(const struct world *w, const char *text)
{
    int fd = open(w->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void test_log_parts(void **state)
{
    struct world *w = start(NULL);
    struct client *c;

    (void)state;
    append(w, "0123456789");
    c = open_client(w, "/log", "Connection: close\r\n");
    expect_end(c);
    assert_true(holds(c, "\r\n\r\n0123456789"));
    assert_true(holds(c, "Content-Length: 10"));
    assert_true(holds(c, "X-Drover-Log-Size: 10"));
    assert_true(holds(c, "X-Drover-Log-Complete: false"));
    assert_true(holds(c, "Content-Type: text/plain; charset=utf-8"));
    assert_true(holds(c, "X-Content-Type-Options: nosniff"));
    close_client(c);
    c = open_client(w, "/log?offset=3&limit=4", "Connection: close\r\n");
    expect_end(c);
    assert_true(holds(c, "X-Drover-Log-Offset: 3"));
    assert_string_equal(strstr(c->text, "\r\n\r\n"), "\r\n\r\n3456");
    close_client(c);
    c = open_client(w, "/log?offset=11", "Connection: close\r\n");
    expect_end(c);
    assert_true(holds(c, "Content-Length: 0"));
    close_client(c);
    assert_int_equal(atomic_load(&w->closed), 3);
    stop(w);
}

static void test_follow(void **state)
{
    struct world *w = start(NULL);
    struct client *c;

    (void)state;
    append(w, "first\n");
    c = open_client(w, "/log?follow=true", "Connection: close\r\n");
    expect(c, "first\n");
    append(w, "second\n");
    expect(c, "second\n");
    append(w, "last\n");
    atomic_store(&w->complete, true);
    expect_end(c);
    assert_true(holds(c, "last\n"));
    assert_true(holds(c, "\r\n0\r\n\r\n"));
    close_client(c);
    c = open_client(w, "/log?follow=true&offset=6&limit=3", "Connection: close\r\n");
    expect_end(c);
    assert_true(holds(c, "\r\nsec\r\n"));
    close_client(c);
    stop(w);
}

static void test_follower_quota_and_leaving(void **state)
{
    struct world *w = start(NULL);
    struct client *c[3];

    (void)state;
    append(w, "x");
    for (int i = 0; i < 2; i++) {
        c[i] = open_client(w, "/log?follow=1", "");
        expect(c[i], "\r\nx\r\n");
    }
    c[2] = open_client(w, "/log?follow=1", "");
    expect(c[2], "429");
    close_client(c[2]);
    close_client(c[0]);
    for (int i = 0; atomic_load(&w->closed) < 2 && i < WAIT_MS; i++)
        poll(NULL, 0, 1);
    assert_int_equal(atomic_load(&w->closed), 2); /* the refused one, and the one that left */
    c[0] = open_client(w, "/log?follow=1", "");
    expect(c[0], "200 OK");
    /* A shutdown cuts the log, it does not pretend that it has ended. */
    stop(w);
    expect_end(c[1]);
    assert_false(holds(c[1], "\r\n0\r\n\r\n"));
    close_client(c[0]);
    close_client(c[1]);
}

static void test_only_regular_files(void **state)
{
    struct world *w = start(NULL);
    struct client *c;

    (void)state;
    assert_int_equal(mkfifo(w->log, 0600), 0);
    /* Opened by the handler without O_NONBLOCK it would hang; the API opens with it. Here the writer is ours. */
    int keep = open(w->log, O_RDWR | O_CLOEXEC);
    c = open_client(w, "/log", "Connection: close\r\n");
    expect(c, "404");
    expect(c, "NoTaskLogError");
    close_client(c);
    close(keep);
    stop(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_in_order),
        cmocka_unit_test(test_filter_and_rights),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_laggard),
        cmocka_unit_test(test_pings_and_lost_rights),
        cmocka_unit_test(test_pings_find_dead_clients),
        cmocka_unit_test(test_quotas),
        cmocka_unit_test(test_shutdown_ends_streams),
        cmocka_unit_test(test_refuses_events_of_two_lines),
        cmocka_unit_test(test_log_parts),
        cmocka_unit_test(test_follow),
        cmocka_unit_test(test_follower_quota_and_leaving),
        cmocka_unit_test(test_only_regular_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
