/* SPDX-License-Identifier: MIT
 *
 * The same server attacked: framing, slow and leaving clients; and how connections wait, stream and end. The witness of
 * the smuggling tests is a counter that only a second request could raise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
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
#include "world.h"

/* A body too large to be read is refused without waiting for it. */
static void test_huge_body_at_once(void **state)
{
    struct world *w = world_start(NULL);

    (void)state;
    world_expect(
        w,
        "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 99999999999\r\n\r\nabc",
        413, "Connection: close");
    world_expect(
        w,
        "PATCH /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 99999999999\r\n\r\nabc",
        413, "Connection: close");
    world_expect(w,
                 "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2000\r\n"
                 "Expect: 100-continue\r\n\r\n",
                 413, "Connection: close");
    world_stop(w);
}

static void test_big_refused_body_is_drained(void **state)
{
    struct world *w = world_start(NULL);
    size_t size = 2 * 1024 * 1024;
    char *text = malloc(size + 256);
    int head = snprintf(text, 256,
                        "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/plain\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        size);
    char *reply;

    (void)state;
    memset(text + head, 'x', size);
    reply = world_ask_n(w, text, (size_t)head + size);
    assert_int_equal(world_status_of(reply), 413);
    free(reply);
    free(text);
    world_stop(w);
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
    struct world *w = world_start(NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(smuggles) / sizeof(smuggles[0]); i++) {
        struct buf b;
        char *reply;

        buf_init(&b, 4096);
        buf_addf(&b, "%s%s", smuggles[i].head, EVIL);
        reply = world_ask(w, buf_str(&b));
        /* Some are refused by libmicrohttpd itself, which then sends its header lines twice. */
        if ((world_status_of(reply) != 400 && world_status_of(reply) != 505) || strstr(reply, "HTTP/1.1 200"))
            fail_msg("%s: got\n%s", smuggles[i].name, reply);
        if (atomic_load(&w->evil))
            fail_msg("%s: the second request ran", smuggles[i].name);
        free(reply);
        buf_fini(&b);
    }
    world_stop(w);
}

static void test_too_many_headers(void **state)
{
    struct world *w = world_start(NULL);
    struct buf b;

    (void)state;
    buf_init(&b, 65536);
    buf_adds(&b, "GET /api/v2/evil HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 64; i++)
        buf_addf(&b, "A%d: b\r\n", i);
    buf_adds(&b, "\r\n");
    world_expect(w, buf_str(&b), 431, "HeaderFieldsTooLargeError");
    buf_fini(&b);
    world_stop(w);
}

/* Two good requests on one connection are both answered: refusing is not all the server does. */
static void test_pipelining(void **state)
{
    struct world *w = world_start(NULL);
    char *reply =
        world_ask(w, "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc"
                     "GET /api/v2/show/x HTTP/1.1\r\nHost: x\r\n\r\n" EVIL);

    (void)state;
    assert_int_equal(world_count_of(reply, "HTTP/1.1 200"), 2);
    assert_int_equal(world_count_of(reply, "HTTP/1.1 401"), 1);
    assert_int_equal(atomic_load(&w->evil), 1);
    free(reply);
    world_stop(w);
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
    struct world *w = world_start(NULL);

    (void)state;
    for (int i = 0; i < 50; i++) {
        int fd = world_dial(w);
        struct request *r;
        char *reply;

        world_say(fd, PARK, strlen(PARK));
        r = wait_parked(w);
        reply_text(r, 202, "text/plain", "done");
        request_resume(r);
        reply = world_hear(fd);
        assert_int_equal(world_status_of(reply), 202);
        assert_non_null(strstr(reply, "\r\n\r\ndone"));
        free(reply);
    }
    world_stop(w);
}

/* A client that leaves while its request waits must not make the pointer in the mailbox dangle. */
static void test_client_leaves_while_suspended(void **state)
{
    struct world *w = world_start(NULL);
    int fd = world_dial(w);
    struct request *r;

    (void)state;
    world_say(fd, PARK, strlen(PARK));
    r = wait_parked(w);
    close(fd);
    world_expect(w, EVIL, 200, "evil");
    assert_string_equal(request_ip(r), "127.0.0.1");
    reply_text(r, 202, "text/plain", "done");
    request_resume(r);
    world_expect(w, EVIL, 200, "evil");
    world_stop(w);
}

static void test_streams(void **state)
{
    struct world *w = world_start(NULL);
    char *reply = world_ask(w, "GET /api/v2/ticks HTTP/1.1\r\n" H "\r\n");

    (void)state;
    assert_int_equal(world_status_of(reply), 200);
    assert_int_equal(world_count_of(reply, "tick"), 4);
    assert_non_null(strstr(reply, "Transfer-Encoding: chunked"));
    assert_non_null(strstr(reply, "\r\n0\r\n\r\n"));
    free(reply);
    world_expect(w, "HEAD /api/v2/ticks HTTP/1.1\r\n" H "\r\n", 200, NULL);
    world_stop(w);
}

/* Suspended requests get 503, streams end, and the daemon stops. */
static void test_shutdown(void **state)
{
    struct world *w = world_start(NULL);
    int parked = world_dial(w);
    int stream = world_dial(w);
    int idle = world_dial(w);
    char byte[512];
    char *reply;

    (void)state;
    world_say(parked, PARK, strlen(PARK));
    wait_parked(w);
    world_say(stream, "GET /api/v2/hang HTTP/1.1\r\n" H "\r\n", strlen("GET /api/v2/hang HTTP/1.1\r\n" H "\r\n"));
    assert_true(recv(stream, byte, sizeof(byte), 0) > 0);
    world_say(idle, "GET /api/v2/evil HTTP/1.1\r\nHost: x\r\n\r\n",
              strlen("GET /api/v2/evil HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(recv(idle, byte, sizeof(byte), 0) > 0);
    http_server_quiesce(w->server);
    http_server_quiesce(w->server);
    world_say(idle, EVIL, strlen(EVIL));
    reply = world_hear(idle);
    assert_int_equal(world_status_of(reply), 503);
    free(reply);
    http_server_destroy(w->server, 10);
    w->server = NULL;
    reply = world_hear(parked);
    assert_int_equal(world_status_of(reply), 503);
    assert_non_null(strstr(reply, "ServiceBusyError"));
    free(reply);
    reply = world_hear(stream);
    free(reply);
    world_stop(w);
}

/* A byte now and then does not hold a connection: the deadline is absolute. */
static void test_slow_headers(void **state)
{
    struct http_config c = {.header_ms = 1000, .body_ms = 1000, .body_ms_per_64k = 1, .idle_ms = 1000};
    struct world *w = world_start(&c);
    int fd = world_dial(w);
    char *reply;
    int sent = 0;

    (void)state;
    world_say(fd, "GET /api/v2/evil HTTP/1.1\r\n", 27);
    while (sent < 400) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        if (send(fd, "A", 1, MSG_NOSIGNAL) != 1 || poll(&p, 1, 50) > 0)
            break;
        sent++;
    }
    assert_in_range(sent, 1, 399); /* some 20; without a deadline all */
    reply = world_hear(fd);
    assert_int_equal(world_status_of(reply), 0);
    free(reply);
    /* A body that never comes, a connection that asks nothing, and one that asks nothing more. */
    reply = world_ask(
        w, "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nabc");
    assert_int_equal(world_status_of(reply), 0);
    free(reply);
    reply = world_ask(w, "");
    assert_string_equal(reply, "");
    free(reply);
    reply = world_ask(w, "GET /api/v2/evil HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(world_status_of(reply), 200);
    free(reply);
    world_stop(w);
}

/* Nor does a body of which very much is announced and a byte comes now and then; one that comes at its pace has time.
 */
static void test_slow_body(void **state)
{
    static const char head[] = "POST /api/v2/echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
                               "Content-Length: 200000\r\n\r\n";
    static char block[100000];
    struct http_config c = {.body_ms = 1000, .body_ms_per_64k = 3600000};
    struct world *w = world_start(&c);
    int fd = world_dial(w), brisk = world_dial(w);
    struct pollfd p = {.fd = brisk, .events = POLLIN};
    int sent = 0;

    (void)state;
    memset(block, 'a', sizeof(block));
    world_say(brisk, head, sizeof(head) - 1);
    world_say(brisk, block, sizeof(block));
    world_say(fd, head, sizeof(head) - 1);
    while (sent < 1200) {
        struct pollfd slow = {.fd = fd, .events = POLLIN};

        if (send(fd, "A", 1, MSG_NOSIGNAL) != 1 || poll(&slow, 1, 50) > 0)
            break;
        sent++;
    }
    assert_in_range(sent, 1, 1199);
    close(fd);
    /* By now the other one is late, too, but for what it has brought. */
    assert_int_equal(poll(&p, 1, 1000), 0);
    close(brisk);
    world_stop(w);
}

static unsigned open_connections(const struct world *w)
{
    unsigned open;

    http_server_counts(w->server, &open, NULL);
    return open;
}

/* Nor does a reply that is read a byte now and then; one that is read at its pace has time, however large it is. */
static void slow_reader(const char *ask)
{
    struct http_config c = {.body_ms = 3000, .body_ms_per_64k = 3600000};
    struct world *w = world_start(&c);
    int fd = world_dial_narrow(w, 2048), brisk = world_dial_narrow(w, 65536), turns = 0;
    char *block = malloc(WORLD_LARGE), *rest;

    world_say(brisk, ask, strlen(ask));
    assert_int_equal(recv(brisk, block, WORLD_LARGE / 4, MSG_WAITALL), WORLD_LARGE / 4);
    world_say(fd, ask, strlen(ask));
    assert_int_equal(recv(fd, block, 1, MSG_WAITALL), 1);
    while (open_connections(w) > 1 && turns++ < 1000)
        if (recv(fd, block, 1, MSG_DONTWAIT) != 1 || poll(NULL, 0, 50))
            break;
    assert_in_range(turns, 1, 999); /* some 70; libmicrohttpd itself ends who reads nothing for a minute */
    close(fd);
    /* By now the other one is late, too, but for what it has taken. */
    rest = world_hear(brisk);
    assert_true(strlen(rest) > WORLD_LARGE - WORLD_LARGE / 4);
    free(rest);
    free(block);
    world_stop(w);
}

static void test_slow_reader(void **state)
{
    (void)state;
    slow_reader("GET /api/v2/large HTTP/1.1\r\n" H "\r\n");
    slow_reader("GET /api/v2/long HTTP/1.1\r\n" H "\r\n");
}

/* How much of large replies is in memory is bounded: others are told to ask again, and small ones are served. */
static void test_large_replies_together(void **state)
{
    static const char ask[] = "GET /api/v2/large HTTP/1.1\r\n" H "\r\n";
    struct http_config c = {.held_max = 2 * WORLD_LARGE};
    struct world *w = world_start(&c);
    int fds[2], turns = 0, status = 503;
    char byte;

    (void)state;
    for (int i = 0; i < 2; i++) {
        fds[i] = world_dial_narrow(w, 2048);
        world_say(fds[i], ask, sizeof(ask) - 1);
        assert_int_equal(recv(fds[i], &byte, 1, MSG_WAITALL), 1);
    }
    world_expect(w, ask, 503, "Ask again");
    world_expect(w, EVIL, 200, "evil");
    close(fds[0]);
    while (status == 503 && turns++ < 1200) {
        char *reply = world_ask(w, ask);

        status = world_status_of(reply);
        free(reply);
        (void)poll(NULL, 0, status == 503 ? 50 : 0);
    }
    assert_int_equal(status, 200);
    close(fds[1]);
    world_stop(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_huge_body_at_once),
        cmocka_unit_test(test_big_refused_body_is_drained),
        cmocka_unit_test(test_smuggling),
        cmocka_unit_test(test_too_many_headers),
        cmocka_unit_test(test_pipelining),
        cmocka_unit_test(test_suspend_and_resume),
        cmocka_unit_test(test_client_leaves_while_suspended),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_shutdown),
        cmocka_unit_test(test_slow_headers),
        cmocka_unit_test(test_slow_body),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_large_replies_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
