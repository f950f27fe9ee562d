/* SPDX-License-Identifier: MIT
 *
 * A real server in this process, spoken to over raw sockets: answers, bodies, the order of refusals, static files.
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

static void test_answers(void **state)
{
    struct world *w = world_start(NULL);

    (void)state;
    world_expect(w, "GET /api/v2/evil HTTP/1.1\r\n" H "\r\n", 200, "\r\n\r\nevil");
    world_expect(w, "GET /rest-server/api/v2/evil HTTP/1.1\r\n" H "\r\n", 200, "\r\n\r\nevil");
    world_expect(w, "GET /api/v2/evil HTTP/1.1\r\n" H "\r\n", 200, "Cache-Control: no-store");
    world_expect(w, "GET /api/v2/evil HTTP/1.1\r\n" H "\r\n", 200, "default-src 'none'; frame-ancestors 'none'\r\n");
    world_expect(w,
                 "GET /api/v2/show/a%20b?q=x%2Fy+z&n=7&flag=true HTTP/1.1\r\n" H "Authorization: Bearer alice\r\n\r\n",
                 200, "name=a b q=x/y z n=7 flag=1 user=alice");
    world_expect(w, "GET /api/v2/show/x?q=1&q=2 HTTP/1.1\r\n" H "Authorization: Bearer alice\r\n\r\n", 400,
                 "InvalidParametersError");
    world_expect(w, "GET /api/v2/show/x?n=101 HTTP/1.1\r\n" H "Authorization: Bearer alice\r\n\r\n", 400,
                 "from 0 to 100");
    world_expect(w, "GET /api/v2/show/x?q=%00 HTTP/1.1\r\n" H "Authorization: Bearer alice\r\n\r\n", 400,
                 "BadRequestError");
    world_expect(w, "GET /api/v2/fail HTTP/1.1\r\n" H "\r\n", 400, "\"line\":3");
    world_expect(w, "GET /api/v2/fail HTTP/1.1\r\n" H "\r\n", 400, "Content-Type: application/problem+json");
    world_expect(w, "GET /api/v2/silent HTTP/1.1\r\n" H "\r\n", 500, "UnknownError");
    world_expect(w, "GET /api/v2/overfull HTTP/1.1\r\n" H "\r\n", 500, "UnknownError"); /* and its memory is freed */
    world_stop(w);
}

static void test_parameters(void **state)
{
    static const char *const numbers[] = {"4", "x", "5x", "+7", "99999999999999999999", "-9"};
    struct world *w = world_start(NULL);
    struct buf b;
    char *reply;

    (void)state;
    reply = world_ask(w, "GET /api/v2/number/7 HTTP/1.1\r\n" H "\r\n");
    assert_non_null(strstr(reply, "\r\n\r\nnumber 7"));
    assert_null(strstr(reply, "X-Bad"));
    assert_null(strstr(reply, "X-Injected"));
    assert_null(strstr(reply, "second"));
    free(reply);
    buf_init(&b, 8192);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        buf_reset(&b);
        buf_addf(&b, "GET /api/v2/number/%s HTTP/1.1\r\n" H "\r\n", numbers[i]);
        world_expect(w, buf_str(&b), 400, "InvalidParametersError");
    }
    world_expect(w, "GET /api/v2/show/x?flag=0&n=0&&novalue HTTP/1.1\r\n" H "Authorization: Bearer alice\r\n\r\n", 200,
                 "n=0 flag=0");
    world_expect(w, "GET /api/v2/show/x?flag=yes HTTP/1.1\r\n" H "Authorization: Bearer alice\r\n\r\n", 400,
                 "true or false");
    buf_reset(&b);
    buf_adds(&b, "GET /api/v2/evil?a");
    for (int i = 0; i < 64; i++)
        buf_adds(&b, "&a");
    buf_adds(&b, " HTTP/1.1\r\n" H "\r\n");
    world_expect(w, buf_str(&b), 400, "more than 64 fields");
    buf_fini(&b);
    world_stop(w);
}

static void test_form_with_nul(void **state)
{
    static const char text[] = "POST /api/v2/form HTTP/1.1\r\n" H
                               "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 12\r\n\r\n"
                               "username=a\0b";
    struct world *w = world_start(NULL);
    char *reply = world_ask_n(w, text, sizeof(text) - 1);

    (void)state;
    assert_int_equal(world_status_of(reply), 400);
    free(reply);
    world_expect(w,
                 "POST /api/v2/form HTTP/1.1\r\n" H
                 "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 21\r\n\r\nusername=a&username=b",
                 400, "given twice");
    world_stop(w);
}

static void test_counts_and_addresses(void **state)
{
    struct world *w = world_start(NULL);
    struct http_config six = {.address = "::1"};
    struct http_config taken = {.port = http_server_port(w->server)};
    struct http_server *s;
    struct err e = {0};
    unsigned open = 1;
    uint64_t requests = 0;

    (void)state;
    world_expect(w, "GET /api/v2/evil HTTP/1.1\r\n" H "\r\n", 200, NULL);
    for (int i = 0; requests == 0 && i < 5000; i++) { /* counted a moment after the reply */
        poll(NULL, 0, 1);
        http_server_counts(w->server, &open, &requests);
    }
    assert_int_equal(requests, 1);
    assert_false(http_server_secure(w->server));
    assert_null(http_server_create(&taken, &e)); /* two servers on one port */
    assert_int_equal(e.code, ERR_INTERNAL);
    s = http_server_create(&six, &e);
    if (s) { /* a machine may have no IPv6 */
        assert_int_equal(http_server_start(s, &e), 0);
        http_server_destroy(s, 0);
    }
    http_server_destroy(NULL, 0);
    world_stop(w);
}

static void test_head(void **state)
{
    struct world *w = world_start(NULL);
    char *reply = world_ask(w, "HEAD /api/v2/evil HTTP/1.1\r\n" H "\r\n");

    (void)state;
    assert_int_equal(world_status_of(reply), 200);
    assert_non_null(strstr(reply, "Content-Length: 4"));
    assert_string_equal(strstr(reply, "\r\n\r\n"), "\r\n\r\n");
    free(reply);
    world_stop(w);
}

static void test_bodies(void **state)
{
    struct world *w = world_start(NULL);
    char big[4096];

    (void)state;
    world_expect(w,
                 "POST /api/v2/echo HTTP/1.1\r\n" H "Content-Type: application/json\r\nContent-Length: 5\r\n\r\n[1,2]",
                 200, "\r\n\r\n[1,2]");
    world_expect(w, "DELETE /api/v2/echo HTTP/1.1\r\n" H "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nab", 200,
                 "\r\n\r\nab");
    world_expect(w, "DELETE /api/v2/echo HTTP/1.1\r\n" H "Content-Type: application/json\r\n\r\n", 200, NULL);
    world_expect(w,
                 "PUT /api/v2/echo HTTP/1.1\r\n" H
                 "Content-Type: application/json; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
                 200, "\r\n\r\nabcde");
    world_expect(w, "POST /api/v2/echo HTTP/1.1\r\n" H "Content-Type: text/yaml\r\nContent-Length: 2\r\n\r\nab", 415,
                 "UnsupportedMediaTypeError");
    world_expect(w, "POST /api/v2/echo HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab", 415, NULL);
    world_expect(
        w, "POST /api/v2/echo HTTP/1.1\r\n" H "Content-Type: text/plain; charset=utf-16\r\nContent-Length: 2\r\n\r\nab",
        415, NULL);
    world_expect(w,
                 "POST /api/v2/form HTTP/1.1\r\n" H
                 "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 21\r\n\r\nusername=a%2Bb&x=1+2+3",
                 200, "\r\n\r\na+b");
    world_expect(w,
                 "POST /api/v2/form HTTP/1.1\r\n" H
                 "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\nusername=%",
                 400, "BadRequestError");
    snprintf(big, sizeof(big),
             "POST /api/v2/echo HTTP/1.1\r\n" H "Content-Type: text/plain\r\nContent-Length: 1001\r\n\r\n%01001d", 7);
    world_expect(w, big, 413, "PayloadTooLargeError");
    snprintf(big, sizeof(big),
             "POST /api/v2/echo HTTP/1.1\r\n" H "Content-Type: text/plain\r\nContent-Length: 1000\r\n\r\n%01000d", 7);
    world_expect(w, big, 200, "00007");
    snprintf(big, sizeof(big),
             "POST /api/v2/echo HTTP/1.1\r\n" H
             "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n%01001d\r\n0\r\n\r\n",
             7);
    world_expect(w, big, 413, "PayloadTooLargeError");
    world_stop(w);
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
    struct world *w = world_start(NULL);
    char *first = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        char *reply = world_ask(w, requests[i]);
        static const char *const blank[] = {"X-Request-Id: ", "urn:uuid:", "Date: "};

        assert_int_equal(world_status_of(reply), 401);
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
    world_stop(w);
}

static void test_access(void **state)
{
    struct world *w = world_start(NULL);

    (void)state;
    world_expect(w, "GET /api/v2/none HTTP/1.1\r\n" H "Authorization: Bearer alice\r\n\r\n", 404, "NoApiError");
    world_expect(w, "DELETE /api/v2/show/x HTTP/1.1\r\n" H "Authorization: Bearer alice\r\n\r\n", 405,
                 "Allow: GET, HEAD, PUT\r\n");
    world_expect(w, "GET /api/v2/root HTTP/1.1\r\n" H "Authorization: Bearer alice\r\n\r\n", 403,
                 "Non-admin is not allow to do this operation.");
    world_expect(w, "GET /api/v2/root HTTP/1.1\r\n" H "Authorization: Bearer root\r\n\r\n", 200, "user=root");
    world_expect(w, "GET /api/v2/show/x HTTP/1.1\r\n" H "Authorization: Bearer forged\r\n\r\n", 401,
                 "Your token is invalid.");
    world_expect(w, "GET /api/v2/show/x HTTP/1.1\r\n" H "Cookie: drover=alice\r\n\r\n", 200, "user=alice");
    world_expect(w, "PUT /api/v2/show/x HTTP/1.1\r\n" H "Cookie: drover=alice\r\n\r\n", 403, "X-Drover-Csrf");
    world_expect(w, "PUT /api/v2/show/x HTTP/1.1\r\n" H "Cookie: drover=alice\r\nX-Drover-Csrf: 1\r\n\r\n", 200, NULL);
    world_expect(w,
                 "PUT /api/v2/show/x HTTP/1.1\r\n" H
                 "Cookie: drover=alice\r\nX-Drover-Csrf: 1\r\nSec-Fetch-Site: cross-site\r\n\r\n",
                 403, "portal itself");
    /* A page of an app, on another port of the same host, is sent the cookie, too. */
    world_expect(w, "GET /api/v2/show/x HTTP/1.1\r\n" H "Cookie: drover=alice\r\nSec-Fetch-Site: same-site\r\n\r\n",
                 403, "portal itself");
    world_expect(w, "GET /api/v2/show/x HTTP/1.1\r\n" H "Cookie: drover=alice\r\nSec-Fetch-Site: none\r\n\r\n", 200,
                 "user=alice");
    world_stop(w);
}

static void test_static_files(void **state)
{
    struct world *w = world_start(NULL);

    (void)state;
    world_expect(w, "GET / HTTP/1.1\r\n" H "\r\n", 200, "<!doctype html>");
    world_expect(w, "GET / HTTP/1.1\r\n" H "\r\n", 200, "require-trusted-types-for 'script'");
    world_expect(w, "GET / HTTP/1.1\r\n" H "\r\n", 200, "Cache-Control: no-cache");
    world_expect(w, "GET /jobs/a~b HTTP/1.1\r\n" H "\r\n", 401, NULL);
    world_expect(w, "GET / HTTP/1.1\r\n" H "If-None-Match: \"bb\"\r\n\r\n", 304, "ETag: \"bb\"");
    world_expect(w, "GET /assets/app-12345678.js HTTP/1.1\r\n" H "\r\n", 200, "let plain;");
    world_expect(w, "GET /assets/app-12345678.js HTTP/1.1\r\n" H "\r\n", 200, "immutable");
    world_expect(w, "GET /assets/app-12345678.js HTTP/1.1\r\n" H "Accept-Encoding: br, gzip\r\n\r\n", 200,
                 "Content-Encoding: gzip");
    world_expect(w, "GET /assets/app-12345678.js HTTP/1.1\r\n" H "Accept-Encoding: gzip\r\n\r\n", 200,
                 "\r\n\r\nGZIPPED");
    world_expect(w, "GET /assets/app-12345678.js HTTP/1.1\r\n" H "Accept-Encoding: gzip;q=0\r\n\r\n", 200,
                 "let plain;");
    world_expect(
        w, "GET /assets/app-12345678.js HTTP/1.1\r\n" H "If-None-Match: W/\"aa-gz\"\r\nAccept-Encoding: gzip\r\n\r\n",
        304, NULL);
    world_expect(w, "GET /assets/../index.html HTTP/1.1\r\n" H "\r\n", 400, NULL);
    world_expect(w, "GET /assets/none.js HTTP/1.1\r\n" H "\r\n", 401, NULL);
    world_expect(w, "POST / HTTP/1.1\r\n" H "\r\n", 401, NULL);
    world_stop(w);
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
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_form_with_nul),
        cmocka_unit_test(test_counts_and_addresses),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_same_401),
        cmocka_unit_test(test_access),
        cmocka_unit_test(test_static_files),
        cmocka_unit_test(test_refuses_bad_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
