/* SPDX-License-Identifier: MIT
 *
 * Searching a log in one go and in pieces, while it grows, and with an expression that would never come back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/pattern.h"
#include "engines/local/log_search.h"
#include "engines/local/logs.h"

struct found {
    int64_t lines[8], offsets[8];
    char last[LOG_HIT_TEXT];
    size_t count, stop_at;
};

static int take(void *ctx, const struct log_hit *hit)
{
    struct found *f = ctx;

    if (f->count < 8) {
        f->lines[f->count] = hit->line;
        f->offsets[f->count] = hit->offset;
    }
    memcpy(f->last, hit->text, sizeof f->last);
    return ++f->count == f->stop_at;
}

/* An attempt's folder with one log. */
struct folder {
    char path[64];
    struct logs logs;
};

static int set_up(void **state)
{
    static struct folder f;

    snprintf(f.path, sizeof f.path, "/tmp/drover-search-XXXXXX");
    if (!mkdtemp(f.path))
        return -1;
    f.logs.dir = open(f.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    f.logs.fd = openat(f.logs.dir, "all", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    *state = &f;
    return f.logs.fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    struct folder *f = *state;

    logs_close(&f->logs);
    return fs_remove_tree(AT_FDCWD, f->path) ? -1 : 0;
}

static void put(struct folder *f, const char *text, size_t len)
{
    assert_int_equal(fs_write_all(f->logs.fd, text, len), 0);
}

static void complete(struct folder *f)
{
    assert_int_equal(fs_write_atomic_at(f->logs.dir, "exit", "", 0, NULL), 0);
}

/* Goes on from where s stands. */
static int look(struct folder *f, struct log_search *s, const char *expression, struct found *out)
{
    struct err e = {0};
    struct pattern *p = pattern_create(expression, strlen(expression), &e);

    assert_non_null(p);
    s->pattern = p;
    s->scratch = pattern_scratch_create();
    s->fn = take;
    s->ctx = out;
    if (!s->till_mono)
        s->till_mono = INT64_MAX;
    int rc = log_search_run(s, &f->logs, &e);
    pattern_scratch_destroy(s->scratch);
    pattern_destroy(p);
    return rc;
}

#define LOG "one\ntwo error\nthree\n\nfive error\n"

static void hits_have_their_places(void **state)
{
    struct log_search s = {.line = 1};
    struct found f = {.count = 0};

    put(*state, LOG, sizeof LOG - 1);
    complete(*state);
    assert_int_equal(look(*state, &s, "err?or", &f), 1);
    assert_int_equal(f.count, 2);
    assert_int_equal(f.lines[0], 2);
    assert_int_equal(f.offsets[0], 4);
    assert_int_equal(f.lines[1], 5);
    assert_string_equal(f.last, "five error");
    assert_int_equal(s.offset, sizeof LOG - 1);
    assert_int_equal(s.line, 6);
}

static void it_goes_on_where_it_stopped(void **state)
{
    struct log_search s = {.line = 1};
    struct found f = {.stop_at = 1};

    put(*state, LOG, sizeof LOG - 1);
    complete(*state);
    assert_int_equal(look(*state, &s, "error", &f), 0);
    assert_int_equal(s.line, 3);
    assert_int_equal(s.offset, 14);
    f.stop_at = 0;
    assert_int_equal(look(*state, &s, "error", &f), 1);
    assert_int_equal(f.count, 2);
    assert_int_equal(f.lines[1], 5);
}

static void half_a_line_is_left_for_the_next_time(void **state)
{
    struct log_search s = {.line = 1};
    struct found f = {.count = 0};

    put(*state, "x\nan er", 7);
    assert_int_equal(look(*state, &s, "error", &f), 1);
    assert_int_equal(s.offset, 2);
    put(*state, "ror", 3);
    complete(*state);
    assert_int_equal(look(*state, &s, "error", &f), 1);
    assert_int_equal(f.count, 1);
    assert_int_equal(f.lines[0], 2);
}

static void large_logs_and_long_lines(void **state)
{
    static char line[100000];
    struct log_search s = {.line = 1};
    struct found f = {.count = 0};

    memset(line, 'a', sizeof line);
    memcpy(line + 70000, "needle", 6);
    for (int i = 0; i < 20; i++) {
        put(*state, line, sizeof line);
        put(*state, "\n", 1);
    }
    complete(*state);
    assert_int_equal(look(*state, &s, "needle", &f), 1);
    assert_int_equal(f.count, 20);
    assert_int_equal(f.lines[7], 8);
    assert_non_null(strstr(f.last, "needle"));
    assert_int_equal(s.line, 21);
}

static void an_expression_that_never_comes_back_is_given_up(void **state)
{
    static char line[4000];
    struct log_search s = {.line = 1};
    struct found f = {.count = 0};

    memset(line, 'a', sizeof line);
    line[sizeof line - 1] = '\n';
    put(*state, line, sizeof line);
    put(*state, "b\n", 2);
    complete(*state);
    assert_int_equal(look(*state, &s, "^(a|a?)+$|b", &f), 1);
    assert_int_equal(s.given_up, 1);
    assert_int_equal(f.count, 1);
    assert_int_equal(f.lines[0], 2);
}

static void the_clock_stops_it(void **state)
{
    struct log_search s = {.line = 1, .till_mono = 1};
    struct found f = {.count = 0};

    for (int i = 0; i < 20000; i++)
        put(*state, "a line of twenty-five ch\n", 25);
    complete(*state);
    assert_int_equal(look(*state, &s, "nothing", &f), 0);
    assert_true(s.offset > 0 && s.offset < 20000 * 25);
    assert_int_equal(s.line, s.offset / 25 + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hits_have_their_places),
        TEST(it_goes_on_where_it_stopped),
        TEST(half_a_line_is_left_for_the_next_time),
        TEST(large_logs_and_long_lines),
        TEST(an_expression_that_never_comes_back_is_given_up),
        TEST(the_clock_stops_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
