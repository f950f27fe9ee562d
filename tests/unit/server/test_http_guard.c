/* SPDX-License-Identifier: MIT
 *
 * The request guard and the decoding of paths and fields: tables of what passes and what does not.
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
#include "server/http/guard.h"

#define MAX 6

/* One request: headers end at the first row without a name, unless the name is tested itself. */
static const struct {
    enum guard_verdict want;
    const char *method, *version, *path;
    struct guard_header headers[MAX];
    size_t count;
} cases[] = {
    {GUARD_OK, "GET", "HTTP/1.1", "/", {{"Host", "x"}}, 1},
    {GUARD_OK, "GET", "HTTP/1.0", "/", {{"host", "127.0.0.1:7780"}}, 1},
    {GUARD_OK, "OPTIONS", "HTTP/1.1", "/a", {{"HOST", "[::1]:80"}}, 1},
    {GUARD_OK, "POST", "HTTP/1.1", "/a", {{"Host", "x"}, {"Content-Length", "12"}}, 2},
    {GUARD_OK, "PUT", "HTTP/1.1", "/a", {{"Host", "x"}, {"Transfer-Encoding", "Chunked"}}, 2},
    {GUARD_OK, "PATCH", "HTTP/1.1", "/a", {{"Host", "x"}, {"Accept", "a"}, {"Accept", "b"}}, 3},
    {GUARD_OK, "DELETE", "HTTP/1.1", "/a", {{"Host", "x"}, {"X", NULL}}, 2},
    {GUARD_METHOD, "get", "HTTP/1.1", "/", {{"Host", "x"}}, 1},
    {GUARD_METHOD, "TRACE", "HTTP/1.1", "/", {{"Host", "x"}}, 1},
    {GUARD_METHOD, "CONNECT", "HTTP/1.1", "/", {{"Host", "x"}}, 1},
    {GUARD_METHOD, "", "HTTP/1.1", "/", {{"Host", "x"}}, 1},
    {GUARD_METHOD, NULL, "HTTP/1.1", "/", {{"Host", "x"}}, 1},
    {GUARD_VERSION, "GET", "HTTP/2.0", "/", {{"Host", "x"}}, 1},
    {GUARD_VERSION, "GET", "HTTP/1.1 ", "/", {{"Host", "x"}}, 1},
    {GUARD_VERSION, "GET", "HTTP/0.9", "/", {{"Host", "x"}}, 1},
    {GUARD_VERSION, "GET", NULL, "/", {{"Host", "x"}}, 1},
    {GUARD_HOST, "GET", "HTTP/1.1", "/", {{"A", "x"}}, 1},
    {GUARD_HOST, "GET", "HTTP/1.1", "/", {{"Host", "x"}, {"host", "x"}}, 2},
    {GUARD_HOST, "GET", "HTTP/1.1", "/", {{"Host", ""}}, 1},
    {GUARD_HOST, "GET", "HTTP/1.1", "/", {{"Host", NULL}}, 1},
    {GUARD_HOST, "GET", "HTTP/1.1", "/", {{"Host", "a b"}}, 1},
    {GUARD_HOST, "GET", "HTTP/1.1", "/", {{"Host", "a/b"}}, 1},
    {GUARD_HOST, "GET", "HTTP/1.1", "/", {{"Host", "a@b"}}, 1},
    {GUARD_HEADER_NAME, "GET", "HTTP/1.1", "/", {{"Host", "x"}, {"", "y"}}, 2},
    {GUARD_HEADER_NAME, "GET", "HTTP/1.1", "/", {{"Host", "x"}, {NULL, "y"}}, 2},
    {GUARD_HEADER_NAME, "GET", "HTTP/1.1", "/", {{"Host", "x"}, {"Content-Length ", "5"}}, 2},
    {GUARD_HEADER_NAME, "GET", "HTTP/1.1", "/", {{"Host", "x"}, {"A\tB", "5"}}, 2},
    {GUARD_HEADER_NAME, "GET", "HTTP/1.1", "/", {{"Host", "x"}, {"A(B)", "5"}}, 2},
    {GUARD_HEADER_NAME, "GET", "HTTP/1.1", "/", {{"Host", "x"}, {"\xc3\xa4", "5"}}, 2},
    {GUARD_HEADER_NAME, "GET", "HTTP/1.1", "/", {{"Host", "x"}, {"content_Length", "5"}}, 2},
    {GUARD_HEADER_NAME, "GET", "HTTP/1.1", "/", {{"Host", "x"}, {"Transfer_Encoding", "chunked"}}, 2},
    {GUARD_OK, "GET", "HTTP/1.1", "/", {{"Host", "x"}, {"Content_Type", "a"}, {"Content_Lengths", "5"}}, 3},
    {GUARD_HEADER_VALUE, "GET", "HTTP/1.1", "/", {{"Host", "x"}, {"A", "b\rc"}}, 2},
    {GUARD_HEADER_VALUE, "GET", "HTTP/1.1", "/", {{"Host", "x"}, {"A", "b\nSet-Cookie: c"}}, 2},
    {GUARD_HEADER_VALUE, "GET", "HTTP/1.1", "/", {{"Host", "x"}, {"A", "\x7f"}}, 2},
    {GUARD_CONTENT_LENGTH,
     "POST",
     "HTTP/1.1",
     "/",
     {{"Host", "x"}, {"Content-Length", "1"}, {"content-length", "1"}},
     3},
    {GUARD_CONTENT_LENGTH, "POST", "HTTP/1.1", "/", {{"Host", "x"}, {"Content-Length", "-1"}}, 2},
    {GUARD_CONTENT_LENGTH, "POST", "HTTP/1.1", "/", {{"Host", "x"}, {"Content-Length", "+1"}}, 2},
    {GUARD_CONTENT_LENGTH, "POST", "HTTP/1.1", "/", {{"Host", "x"}, {"Content-Length", "0x1"}}, 2},
    {GUARD_CONTENT_LENGTH, "POST", "HTTP/1.1", "/", {{"Host", "x"}, {"Content-Length", "1,1"}}, 2},
    {GUARD_CONTENT_LENGTH, "POST", "HTTP/1.1", "/", {{"Host", "x"}, {"Content-Length", ""}}, 2},
    {GUARD_CONTENT_LENGTH, "POST", "HTTP/1.1", "/", {{"Host", "x"}, {"Content-Length", "1 "}}, 2},
    {GUARD_CONTENT_LENGTH, "POST", "HTTP/1.1", "/", {{"Host", "x"}, {"Content-Length", "99999999999999999999"}}, 2},
    {GUARD_TRANSFER, "POST", "HTTP/1.1", "/", {{"Host", "x"}, {"Transfer-Encoding", "gzip"}}, 2},
    {GUARD_TRANSFER, "POST", "HTTP/1.1", "/", {{"Host", "x"}, {"Transfer-Encoding", "xchunked"}}, 2},
    {GUARD_TRANSFER, "POST", "HTTP/1.1", "/", {{"Host", "x"}, {"Transfer-Encoding", "gzip, chunked"}}, 2},
    {GUARD_TRANSFER, "POST", "HTTP/1.1", "/", {{"Host", "x"}, {"Transfer-Encoding", "chunked "}}, 2},
    {GUARD_TRANSFER, "POST", "HTTP/1.1", "/", {{"Host", "x"}, {"Transfer-Encoding", NULL}}, 2},
    {GUARD_TRANSFER,
     "POST",
     "HTTP/1.1",
     "/",
     {{"Host", "x"}, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}},
     3},
    {GUARD_BOTH_LENGTHS,
     "POST",
     "HTTP/1.1",
     "/",
     {{"Host", "x"}, {"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}},
     3},
    {GUARD_BOTH_LENGTHS,
     "POST",
     "HTTP/1.1",
     "/",
     {{"Host", "x"}, {"Content-Length", "0"}, {"Transfer-Encoding", "chunked"}},
     3},
    {GUARD_REPEATED, "GET", "HTTP/1.1", "/", {{"Host", "x"}, {"Authorization", "a"}, {"authorization", "b"}}, 3},
    {GUARD_REPEATED, "GET", "HTTP/1.1", "/", {{"Host", "x"}, {"Cookie", "a"}, {"Cookie", "a"}}, 3},
    {GUARD_REPEATED, "GET", "HTTP/1.1", "/", {{"Host", "x"}, {"Content-Type", "a"}, {"Content-Type", "a"}}, 3},
    {GUARD_PATH, "GET", "HTTP/1.1", NULL, {{"Host", "x"}}, 1},
    {GUARD_PATH, "GET", "HTTP/1.1", "", {{"Host", "x"}}, 1},
    {GUARD_PATH, "GET", "HTTP/1.1", "*", {{"Host", "x"}}, 1},
    {GUARD_PATH, "GET", "HTTP/1.1", "http://x/", {{"Host", "x"}}, 1},
    {GUARD_PATH, "GET", "HTTP/1.1", "/..", {{"Host", "x"}}, 1},
    {GUARD_PATH, "GET", "HTTP/1.1", "/.", {{"Host", "x"}}, 1},
    {GUARD_PATH, "GET", "HTTP/1.1", "/a/../b", {{"Host", "x"}}, 1},
    {GUARD_PATH, "GET", "HTTP/1.1", "/a/./b", {{"Host", "x"}}, 1},
    {GUARD_PATH, "GET", "HTTP/1.1", "/a/..", {{"Host", "x"}}, 1},
    {GUARD_OK, "GET", "HTTP/1.1", "/a/...", {{"Host", "x"}}, 1},
    {GUARD_OK, "GET", "HTTP/1.1", "/.a/..b", {{"Host", "x"}}, 1},
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct guard_input in = {.method = cases[i].method,
                                 .version = cases[i].version,
                                 .path = cases[i].path,
                                 .headers = cases[i].headers,
                                 .header_count = cases[i].count};
        struct guard_body body;
        struct err e = {0};
        enum guard_verdict got = guard_check(&in, &body, &e);

        if (got != cases[i].want)
            fail_msg("case %zu: wanted %d, got %d", i, cases[i].want, got);
        assert_int_equal(e.code == ERR_NONE, got == GUARD_OK);
        if (got != GUARD_OK)
            assert_int_equal(e.code, ERR_BAD_REQUEST);
    }
}

static void test_body(void **state)
{
    const struct guard_header length[] = {{"Host", "x"}, {"Content-Length", "007"}};
    const struct guard_header chunked[] = {{"Host", "x"}, {"Transfer-Encoding", "chunked"}};
    struct guard_input in = {
        .method = "POST", .version = "HTTP/1.1", .path = "/", .headers = length, .header_count = 2};
    struct guard_body b = {0};

    (void)state;
    assert_int_equal(guard_check(&in, &b, NULL), GUARD_OK);
    assert_true(b.has_length && !b.chunked && b.length == 7);
    in.headers = chunked;
    assert_int_equal(guard_check(&in, &b, NULL), GUARD_OK);
    assert_true(b.chunked && !b.has_length && b.length == 0);
    in.header_count = 1;
    assert_int_equal(guard_check(&in, &b, NULL), GUARD_OK);
    assert_true(!b.chunked && !b.has_length && b.length == 0);
}

/* A head as the library leaves it: cut up where it lies, with NULs where line ends, blanks and colons were. Only lines
 * that ended in CRLF lie behind each other without a gap. */
static enum guard_verdict lines_verdict(const char *head, size_t size, const char *version, const char *name,
                                        const char *value)
{
    const struct guard_header h[] = {{version + 10, version + 16}, {name, value}};
    const struct guard_input in = {
        .method = head, .version = version, .path = "/", .headers = h, .header_count = 2, .head_size = size};

    return guard_check(&in, NULL, NULL);
}

static void test_lines(void **state)
{
    static const char whole[] = "GET\0/\0HTTP/1.1\0\0Host\0 x\0\0A\0 b\0\0\0";
    static const char bare_lf[] = "GET\0/\0HTTP/1.1\0\0Host\0 x\0A\0 b\0\0\0";
    static const char with_nul[] = "GET\0/\0HTTP/1.1\0\0Host\0 x\0\0\0A\0 b\0\0\0";

    (void)state;
    assert_int_equal(lines_verdict(whole, sizeof(whole), whole + 6, whole + 25, whole + 28), GUARD_OK);
    assert_int_equal(lines_verdict(whole, sizeof(whole) - 1, whole + 6, whole + 25, whole + 28), GUARD_LINES);
    assert_int_equal(lines_verdict(whole, sizeof(whole) + 1, whole + 6, whole + 25, whole + 28), GUARD_LINES);
    assert_int_equal(lines_verdict(bare_lf, sizeof(bare_lf), bare_lf + 6, bare_lf + 24, bare_lf + 27), GUARD_LINES);
    assert_int_equal(lines_verdict(with_nul, sizeof(with_nul), with_nul + 6, with_nul + 26, with_nul + 29),
                     GUARD_LINES);
    /* a folded field was moved elsewhere */
    assert_int_equal(lines_verdict(whole, sizeof(whole), whole + 6, "A", "b c"), GUARD_LINES);
    assert_int_equal(lines_verdict(whole, sizeof(whole), whole + 6, whole + 25, NULL), GUARD_LINES);
}

static void test_header_count(void **state)
{
    struct guard_header h[GUARD_MAX_HEADERS + 1];
    struct guard_input in = {
        .method = "GET", .version = "HTTP/1.1", .path = "/", .headers = h, .header_count = GUARD_MAX_HEADERS};
    struct err e = {0};

    (void)state;
    h[0] = (struct guard_header){"Host", "x"};
    for (size_t i = 1; i <= GUARD_MAX_HEADERS; i++)
        h[i] = (struct guard_header){"A", "b"};
    assert_int_equal(guard_check(&in, NULL, &e), GUARD_OK);
    in.header_count++;
    assert_int_equal(guard_check(&in, NULL, &e), GUARD_HEADER_COUNT);
    assert_int_equal(e.code, ERR_HEADERS_TOO_LARGE);
}

/* `want` NULL = refused. */
static const struct {
    const char *in, *path, *field;
} encodings[] = {
    {"/a/b", "/a/b", "/a/b"},
    {"/%41%62", "/Ab", "/Ab"},
    {"/a+b", "/a+b", "/a b"},
    {"/%2b", "/+", "/+"},
    {"/%7E~", "/~~", "/~~"},
    {"/a%20b", "/a b", "/a b"},
    {"/a%3Fb%23", "/a?b#", "/a?b#"},
    {"/%252e", "/%2e", "/%2e"}, /* decoded once */
    {"/%e4%bd%a0", "/\xe4\xbd\xa0", "/\xe4\xbd\xa0"},
    {"/a%2fb", NULL, "/a/b"},
    {"/a%2Fb", NULL, "/a/b"},
    {"/a%5cb", NULL, "/a\\b"},
    {"/%00", NULL, NULL},
    {"/a%00b", NULL, NULL},
    {"/%0a", NULL, NULL},
    {"/%0D%0AX", NULL, NULL},
    {"/%1b[0m", NULL, NULL},
    {"/%7f", NULL, NULL},
    {"/a\tb", NULL, NULL},
    {"/\x01", NULL, NULL},
    {"/%", NULL, NULL},
    {"/%4", NULL, NULL},
    {"/%4g", NULL, NULL},
    {"/%g4", NULL, NULL},
    {"/%%41", NULL, NULL},
    {"/% 1", NULL, NULL},
    {"/%c0%ae", NULL, NULL},       /* overlong dot */
    {"/%e0%80%af", NULL, NULL},    /* overlong slash */
    {"/%ed%a0%80", NULL, NULL},    /* surrogate */
    {"/%f4%90%80%80", NULL, NULL}, /* past U+10FFFF */
    {"/%ff", NULL, NULL},
    {"/\xe4\xbd", NULL, NULL},
    {"", "", ""},
};

static void test_decoding(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
        char *path = strdup(encodings[i].in);
        char *field = strdup(encodings[i].in);
        int path_rc = guard_decode_path(path);
        int field_rc = guard_decode_field(field);

        if ((path_rc == 0) != (encodings[i].path != NULL) || (field_rc == 0) != (encodings[i].field != NULL))
            fail_msg("case %zu (%s): path %d, field %d", i, encodings[i].in, path_rc, field_rc);
        if (encodings[i].path)
            assert_string_equal(path, encodings[i].path);
        if (encodings[i].field)
            assert_string_equal(field, encodings[i].field);
        free(path);
        free(field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),        cmocka_unit_test(test_body),     cmocka_unit_test(test_lines),
        cmocka_unit_test(test_header_count), cmocka_unit_test(test_decoding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
