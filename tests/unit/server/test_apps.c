/* SPDX-License-Identifier: MIT
 *
 * The proxy's own judgements: which headers go through, what a cookie or a place becomes, what a ticket opens, how the
 * head of a WebSocket's answer is read, which paths are an app's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "server/app_grants.h"
#include "server/app_head.h"
#include "server/apps.h"

static const struct app_place below = {.prefix = "/jobs/a~b/apps/c", .host = "h:1"};
static const struct app_place whole = {.prefix = "/jobs/a~b/apps/c", .host = "h:1", .whole = true};
static const struct app_place keeps = {.prefix = "/jobs/a~b/apps/c", .host = "h:1", .keep = true};

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void no_login_and_nothing_of_a_connection_goes_through(void **state)
{
    static const char *const never[] = {
        "Authorization",  "cookie",          "HOST", "Connection",          "Upgrade", "Transfer-Encoding",
        "Content-Length", "X-Forwarded-For", "TE",   "Proxy-Authorization", "X-Mine"};
    (void)state;
    for (size_t i = 0; i < COUNT(never); i++)
        assert_false(app_headers_request(never[i], "close, X-Mine"));
    assert_true(app_headers_request("X-Mine", "close"));
    assert_true(app_headers_request("Accept", NULL));
    assert_true(app_headers_request("X-Min", "X-Mine"));
    assert_false(app_headers_reply("Service-Worker-Allowed", NULL));
    assert_false(app_headers_reply("Set-Cookie", NULL));
    assert_true(app_headers_reply("Content-Type", NULL));
}

static void expect_cookie(const char *value, const char *want)
{
    struct buf out;

    buf_init(&out, 0);
    app_headers_cookie(value, &out);
    assert_string_equal(buf_str(&out), want);
    buf_fini(&out);
}

static void our_cookies_are_taken_out(void **state)
{
    (void)state;
    expect_cookie("drover=x", "");
    expect_cookie("a=1; drover=x; b=2;__Host-drover=y ;  drover-app=z; __Secure-drover-app=z", "a=1; b=2");
    expect_cookie(" DROVER = x; drovers=1", "drovers=1");
    expect_cookie("", "");
}

static void a_secret_is_there_once_and_fits(void **state)
{
    char out[5];
    (void)state;
    assert_true(app_headers_secret("a=1; drover-app=abcd", false, out, sizeof out));
    assert_string_equal(out, "abcd");
    assert_false(app_headers_secret("drover-app=abcde", false, out, sizeof out));
    assert_false(app_headers_secret("drover-app=a; drover-app=b", false, out, sizeof out));
    assert_false(app_headers_secret("drover-app=abcd", true, out, sizeof out));
    assert_false(app_headers_secret(NULL, false, out, sizeof out));
}

static void expect_set(const char *value, const struct app_place *p, const char *want)
{
    struct buf out;

    buf_init(&out, 0);
    assert_int_equal(app_headers_set_cookie(value, p, &out), want != NULL);
    if (want)
        assert_string_equal(buf_str(&out), want);
    buf_fini(&out);
}

static void an_app_sets_cookies_for_its_own_place(void **state)
{
    (void)state;
    expect_set("a=1", &below, "a=1; Path=/jobs/a~b/apps/c/");
    expect_set("a=1; Path=/; Domain=x.org; HttpOnly", &below, "a=1; HttpOnly; Path=/jobs/a~b/apps/c/");
    expect_set("a=1; path=/jobs/a~b/apps/c/x", &below, "a=1; Path=/jobs/a~b/apps/c/x");
    expect_set("a=1; path=/jobs/a~b/apps/c/../d", &below, "a=1; Path=/jobs/a~b/apps/c/");
    expect_set("a=1; path=/jobs/a~b/apps/cc", &below, "a=1; Path=/jobs/a~b/apps/c/");
    expect_set("a=1; domain=x.org", &whole, "a=1; Path=/");
    expect_set("drover=1", &below, NULL);
    expect_set("drover-app=1", &whole, NULL);
    expect_set("__Host-a=1; Secure; Path=/", &below, NULL);
    expect_set("__secure-a=1", &below, NULL);
    expect_set("=1", &below, NULL);
    expect_set("a", &below, NULL);
}

static void expect_place(const char *value, const struct app_place *p, const char *want)
{
    struct buf out;

    buf_init(&out, 0);
    app_headers_location(value, p, &out);
    assert_string_equal(buf_str(&out), want);
    buf_fini(&out);
}

static void a_place_of_the_app_stays_in_its_prefix(void **state)
{
    (void)state;
    expect_place("/x", &below, "/jobs/a~b/apps/c/x");
    expect_place("http://h:1/x?y", &below, "/jobs/a~b/apps/c/x?y");
    expect_place("/jobs/a~b/apps/c/x", &below, "/jobs/a~b/apps/c/x");
    expect_place("/jobs/a~b/apps/cc", &below, "/jobs/a~b/apps/c/jobs/a~b/apps/cc");
    expect_place("x", &below, "x");
    expect_place("//evil/x", &below, "//evil/x");
    expect_place("https://other/x", &below, "https://other/x");
    expect_place("/lab", &keeps, "/lab");
}

static void an_origin_is_the_hosts(void **state)
{
    (void)state;
    assert_true(app_headers_same_origin(NULL, "h:1"));
    assert_true(app_headers_same_origin("http://H:1", "h:1"));
    assert_false(app_headers_same_origin("http://h:2", "h:1"));
    assert_false(app_headers_same_origin("null", "h:1"));
}

static void a_ticket_opens_one_place_once_and_not_late(void **state)
{
    struct app_grants *g = app_grants_create();
    struct app_grant grant = {.who = {.user = "ana"}, .job = "J", .prefix = "/p"}, got = {.prefix = "/q"};
    char ticket[SESSION_ID_SIZE], cookie[SESSION_ID_SIZE];
    (void)state;
    app_grants_ticket(g, &grant, 1000, ticket);
    assert_false(app_grants_redeem(g, ticket, 1000, cookie, &got));
    assert_false(app_grants_find(g, ticket, 1000, &got)); /* it is no cookie */
    memcpy(got.prefix, "/p", 3);
    assert_true(app_grants_redeem(g, ticket, 1000, cookie, &got));
    assert_string_equal(got.who.user, "ana");
    assert_false(app_grants_redeem(g, ticket, 1000, cookie, &got));
    app_grants_ticket(g, &grant, 1000, ticket);
    assert_false(app_grants_redeem(g, ticket, 1000 + APP_TICKET_MS, cookie, &got));
    app_grants_destroy(g);
}

static void a_cookie_opens_until_it_ends_or_is_dropped(void **state)
{
    struct app_grants *g = app_grants_create();
    struct app_grant grant = {.who = {.user = "ana"}, .prefix = "/p"}, got = grant;
    char ticket[SESSION_ID_SIZE], cookie[SESSION_ID_SIZE];
    (void)state;
    app_grants_ticket(g, &grant, 0, ticket);
    assert_true(app_grants_redeem(g, ticket, 0, cookie, &got));
    got.port = 7;
    app_grants_update(g, cookie, &got);
    got.port = 0;
    assert_true(app_grants_find(g, cookie, APP_GRANT_MS - 1, &got));
    assert_int_equal(got.port, 7);
    assert_false(app_grants_find(g, cookie, APP_GRANT_MS, &got));
    app_grants_drop(g, cookie);
    assert_false(app_grants_find(g, cookie, 1, &got));
    app_grants_destroy(g);
}

static void one_user_takes_nobody_elses_places(void **state)
{
    struct app_grants *g = app_grants_create();
    struct app_grant ana = {.who = {.user = "ana"}, .prefix = "/p"}, eve = {.who = {.user = "eve"}, .prefix = "/p"},
                     got = ana;
    char first[SESSION_ID_SIZE], eves[SESSION_ID_SIZE], more[SESSION_ID_SIZE], cookie[SESSION_ID_SIZE];
    (void)state;
    app_grants_ticket(g, &ana, 0, first);
    app_grants_ticket(g, &eve, 0, eves);
    for (int i = 0; i < APP_GRANTS_PER_USER; i++)
        app_grants_ticket(g, &eve, 0, more);
    assert_false(app_grants_redeem(g, eves, 0, cookie, &got)); /* her oldest went */
    assert_true(app_grants_redeem(g, first, 0, cookie, &got));
    app_grants_destroy(g);
}

static void heads_are_read_strictly(void **state)
{
    static const char *const bad[] = {"HTTP/1.1 101\r\n",
                                      "\r\n\r\n",
                                      "HTTP/1.0 101 x\r\n\r\n",
                                      "HTTP/1.1 099 x\r\n\r\n",
                                      "HTTP/1.1 101x\r\n\r\n",
                                      "HTTP/1.1 200 OK\r\nA\r\n\r\n",
                                      "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
                                      "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
                                      "HTTP/1.1 200 OK\r\nA: b\nB: c\r\n\r\n",
                                      "HTTP/1.1 200 OK\r\n\r\nmore"};
    char text[256];
    struct app_head h;
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        snprintf(text, sizeof text, "%s", bad[i]);
        assert_int_equal(app_head_parse(text, strlen(text), &h), -1);
    }
    snprintf(text, sizeof text, "HTTP/1.1 101 Switching\r\nUpgrade:  websocket \r\nA: 1\r\na: 2\r\n\r\n");
    assert_int_equal(app_head_end(text, strlen(text)), strlen(text));
    assert_int_equal(app_head_end(text, strlen(text) - 1), 0);
    assert_int_equal(app_head_parse(text, strlen(text), &h), 0);
    assert_int_equal(h.status, 101);
    assert_string_equal(app_head_get(&h, "upgrade"), "websocket");
    assert_null(app_head_get(&h, "A"));
}

static void paths_of_apps(void **state)
{
    (void)state;
    assert_true(apps_is_path("/jobs/a~b/apps/c"));
    assert_true(apps_is_path("/jobs/a~b/apps/c/d/e"));
    assert_false(apps_is_path("/jobs/a~b/apps/"));
    assert_false(apps_is_path("/jobs/a~b/app/c"));
    assert_false(apps_is_path("/api/v2/jobs/a~b/apps/c"));
    assert_false(apps_is_path("/jobs"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_login_and_nothing_of_a_connection_goes_through),
        cmocka_unit_test(our_cookies_are_taken_out),
        cmocka_unit_test(a_secret_is_there_once_and_fits),
        cmocka_unit_test(an_app_sets_cookies_for_its_own_place),
        cmocka_unit_test(a_place_of_the_app_stays_in_its_prefix),
        cmocka_unit_test(an_origin_is_the_hosts),
        cmocka_unit_test(a_ticket_opens_one_place_once_and_not_late),
        cmocka_unit_test(a_cookie_opens_until_it_ends_or_is_dropped),
        cmocka_unit_test(one_user_takes_nobody_elses_places),
        cmocka_unit_test(heads_are_read_strictly),
        cmocka_unit_test(paths_of_apps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
