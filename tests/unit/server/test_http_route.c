/* SPDX-License-Identifier: MIT
 *
 * The router: what matches which row, what it captures, which tables it refuses; and the look-up of static files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "server/http/route.h"
#include "server/http/static.h"
#include "server/http/static_files.h"

static int handler(struct request *r, void *context, struct err *e)
{
    (void)r;
    (void)context;
    (void)e;
    return 0;
}

#define ROW(m, p)                                                                                                      \
    {                                                                                                                  \
        HTTP_##m, p, handler, ACCESS_USER, .help = ""                                                                  \
    }

static const struct route rows[] = {
    ROW(GET, "/api/v2/"),                                                                          /* 0 */
    ROW(GET, "/api/v2/jobs"),                                                                      /* 1 */
    ROW(POST, "/api/v2/jobs"),                                                                     /* 2 */
    ROW(GET, "/api/v2/jobs/{job}"),                                                                /* 3 */
    ROW(PUT, "/api/v2/jobs/{job}/executionType"),                                                  /* 4 */
    ROW(GET, "/api/v2/jobs/{job}/attempts/{attempt}/taskRoles/{role}/taskIndex/{index}/attempts"), /* 5 */
    ROW(GET, "/api/v2/users/{name}"),                                                              /* 6 */
    ROW(PUT, "/api/v2/users/me"),                                                                  /* 7 */
    ROW(PUT, "/api/v2/users/{name}/group"),                                                        /* 8 */
    ROW(GET, "/healthz"),                                                                          /* 9 */
};

/* row -1 = no row; allowed as text. */
static const struct {
    enum http_method method;
    const char *path;
    int row;
    const char *allowed, *first;
} cases[] = {
    {HTTP_GET, "/api/v2/", 0, "GET, HEAD", NULL},
    {HTTP_GET, "/api/v2", -1, "", NULL},
    {HTTP_GET, "/api/v2/jobs", 1, "GET, HEAD, POST", NULL},
    {HTTP_HEAD, "/api/v2/jobs", 1, "GET, HEAD, POST", NULL},
    {HTTP_POST, "/api/v2/jobs", 2, "GET, HEAD, POST", NULL},
    {HTTP_DELETE, "/api/v2/jobs", -1, "GET, HEAD, POST", NULL},
    {HTTP_GET, "/api/v2/jobs/", 1, "GET, HEAD, POST", NULL},
    {HTTP_GET, "/api/v2/jobs//", -1, "", NULL},
    {HTTP_GET, "//api/v2/jobs", -1, "", NULL},
    {HTTP_GET, "/api/v2/jobs/a~b", 3, "GET, HEAD", "a~b"},
    {HTTP_GET, "/api/v2/jobs/a~b/", 3, "GET, HEAD", "a~b"},
    {HTTP_GET, "/api/v2//", -1, "", NULL},
    {HTTP_GET, "/healthz/", -1, "", NULL},
    {HTTP_PUT, "/api/v2/jobs/a~b/executionType", 4, "PUT", "a~b"},
    {HTTP_GET, "/api/v2/jobs/a~b/executiontype", -1, "", NULL},
    {HTTP_GET, "/api/v2/jobs/j/attempts/1/taskRoles/r/taskIndex/2/attempts", 5, "GET, HEAD", "j"},
    {HTTP_GET, "/api/v2/users/me", 6, "GET, HEAD, PUT", "me"},
    {HTTP_PUT, "/api/v2/users/me", 7, "PUT", NULL},
    {HTTP_PUT, "/api/v2/users/me/group", 8, "PUT", "me"},
    {HTTP_GET, "/healthz", 9, "GET, HEAD", NULL},
    {HTTP_GET, "/rest-server/api/v2/jobs", 1, "GET, HEAD, POST", NULL},
    {HTTP_GET, "/rest-server/api/v2/jobs/x", 3, "GET, HEAD", "x"},
    {HTTP_GET, "/rest-server/healthz", -1, "", NULL},
    {HTTP_GET, "/rest-server/api/v2x/jobs", -1, "", NULL},
    {HTTP_GET, "/rest-server/rest-server/api/v2/jobs", -1, "", NULL},
    {HTTP_GET, "/", -1, "", NULL},
    {HTTP_GET, "/api", -1, "", NULL},
    {HTTP_GET, "", -1, "", NULL},
    {HTTP_GET, "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z", -1, "", NULL},
};

static void test_matching(void **state)
{
    struct err e = {0};
    struct router *r = route_compile(rows, sizeof(rows) / sizeof(rows[0]), &e);

    (void)state;
    assert_non_null(r);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *path = strdup(cases[i].path);
        struct route_match m;
        char allow[64];
        int row;

        route_match(r, cases[i].method, path, &m);
        row = m.route ? (int)(m.route - rows) : -1;
        route_allow(m.allowed, allow, sizeof(allow));
        if (row != cases[i].row || (cases[i].row < 0 && strcmp(allow, cases[i].allowed) != 0))
            fail_msg("%s %s: row %d, allowed %s", route_method_name(cases[i].method), cases[i].path, row, allow);
        if (cases[i].first) {
            assert_in_range(m.param_count, 1, ROUTE_MAX_PARAMS);
            assert_string_equal(m.params[0].value, cases[i].first);
        }
        free(path);
    }
    route_destroy(r);
}

static void test_all_params(void **state)
{
    struct router *r = route_compile(rows, sizeof(rows) / sizeof(rows[0]), NULL);
    char path[] = "/api/v2/jobs/j/attempts/1/taskRoles/r/taskIndex/2/attempts";
    static const char *const want[] = {"j", "1", "r", "2"};
    static const char *const names[] = {"job", "attempt", "role", "index"};
    struct route_match m;

    (void)state;
    route_match(r, HTTP_GET, path, &m);
    assert_int_equal(m.param_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(m.params[i].value, want[i]);
        assert_int_equal(m.params[i].name_len, strlen(names[i]));
        assert_memory_equal(m.params[i].name, names[i], strlen(names[i]));
    }
    route_destroy(r);
}

static void test_bad_tables(void **state)
{
    static const struct route bad[][2] = {
        {ROW(GET, "/a"), ROW(GET, "/a")},
        {ROW(GET, "/a/{x}"), ROW(GET, "/a/{y}")},
        {ROW(GET, "a"), ROW(GET, "/b")},
        {ROW(GET, ""), ROW(GET, "/b")},
        {ROW(GET, "/a{x}"), ROW(GET, "/b")},
        {ROW(GET, "/{x}y"), ROW(GET, "/b")},
        {ROW(GET, "/{}"), ROW(GET, "/b")},
        {ROW(HEAD, "/a"), ROW(GET, "/b")},
        {ROW(GET, "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"), ROW(GET, "/b")},
        {{HTTP_GET, "/a", NULL, ACCESS_USER, .help = ""}, ROW(GET, "/b")},
        {{HTTP_GET, NULL, handler, ACCESS_USER, .help = ""}, ROW(GET, "/b")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err e = {0};

        if (route_compile(bad[i], 2, &e))
            fail_msg("table %zu was accepted", i);
        assert_int_equal(e.code, ERR_INTERNAL);
    }
    route_destroy(NULL);
}

static void test_methods(void **state)
{
    char small[12];

    (void)state;
    for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++)
        assert_int_equal(route_method_parse(route_method_name((enum http_method)m)), m);
    assert_int_equal(route_method_parse("Get"), HTTP_METHOD_COUNT);
    assert_int_equal(route_method_parse(""), HTTP_METHOD_COUNT);
    route_allow(0xff, small, sizeof(small)); /* what does not fit is left out whole */
    assert_string_equal(small, "GET, HEAD");
}

/* ---- static files ---- */

static const struct static_file files[] = {
    {.path = "/assets/a.js"}, {.path = "/favicon.ico"}, {.path = "/index.html"}, {.path = "/jobs/x.png"}};

static void test_static_look_up(void **state)
{
    static const struct {
        const char *path, *found;
    } looks[] = {
        {"/", "/index.html"},
        {"/index.html", "/index.html"},
        {"/jobs/x.png", "/jobs/x.png"},
        {"/assets/a.js", "/assets/a.js"},
        {"/favicon.ico", "/favicon.ico"},
        {"/login", NULL},
        {"/jobs", NULL},
        {"/assets/b.js", NULL},
        {"/assets/", NULL},
        {"/Index.html", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        const struct static_file *f = static_find(files, 4, looks[i].path);

        if ((f == NULL) != (looks[i].found == NULL) || (f && strcmp(f->path, looks[i].found) != 0))
            fail_msg("%s gave %s", looks[i].path, f ? f->path : "nothing");
    }
    assert_null(static_find(NULL, 0, "/"));
}

static void test_gzip_negotiation(void **state)
{
    (void)state;
    assert_true(static_accepts_gzip("gzip"));
    assert_true(static_accepts_gzip("br, GZIP;q=0.5"));
    assert_true(static_accepts_gzip("*"));
    assert_true(static_accepts_gzip("gzip ; q=1"));
    assert_false(static_accepts_gzip(NULL));
    assert_false(static_accepts_gzip(""));
    assert_false(static_accepts_gzip("br"));
    assert_false(static_accepts_gzip("gzip;q=0"));
    assert_false(static_accepts_gzip("gzip; q=0.000"));
    assert_false(static_accepts_gzip("gzipx, xgzip"));
}

static void test_entity_tags(void **state)
{
    (void)state;
    assert_true(static_tag_matches("\"a\"", "\"a\""));
    assert_true(static_tag_matches("W/\"a\"", "\"a\""));
    assert_true(static_tag_matches("\"b\" , \"a\"", "\"a\""));
    assert_true(static_tag_matches("*", "\"a\""));
    assert_false(static_tag_matches(NULL, "\"a\""));
    assert_false(static_tag_matches("", "\"a\""));
    assert_false(static_tag_matches("a", "\"a\""));
    assert_false(static_tag_matches("\"A\"", "\"a\""));
    assert_false(static_tag_matches("W/", "\"a\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matching),       cmocka_unit_test(test_all_params),
        cmocka_unit_test(test_bad_tables),     cmocka_unit_test(test_methods),
        cmocka_unit_test(test_static_look_up), cmocka_unit_test(test_gzip_negotiation),
        cmocka_unit_test(test_entity_tags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
