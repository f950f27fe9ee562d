/* SPDX-License-Identifier: MIT
 *
 * CSV: what spreadsheets write is read, what is broken is refused with its place, at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/csv.h"
#include "base/err.h"

/* Rows as "line:[a][b]". */
static int show(void *ctx, const struct csv_row *row)
{
    struct buf *b = ctx;

    buf_addf(b, "%s%d:", b->len ? " " : "", row->line);
    for (size_t i = 0; i < row->count; i++)
        buf_addf(b, "[%s]", row->fields[i]);
    return 0;
}

static void check(const char *text, const char *want)
{
    struct arena *a = arena_create(0);
    struct buf b;
    struct err e = {0};

    buf_init(&b, 0);
    if (csv_read(a, text, strlen(text), &(struct csv_sink){show, &b}, &e))
        fail_msg("%s: %s", text, e.text);
    assert_string_equal(buf_str(&b), want);
    buf_fini(&b);
    arena_destroy(a);
}

static void check_bad(const char *text, size_t len, int line, int column)
{
    struct arena *a = arena_create(0);
    struct buf b;
    struct err e = {0};

    buf_init(&b, 0);
    assert_int_equal(csv_read(a, text, len, &(struct csv_sink){show, &b}, &e), -1);
    assert_int_equal(e.code, ERR_INVALID_PARAMETERS);
    assert_int_equal(e.line, line);
    assert_int_equal(e.column, column);
    buf_fini(&b);
    arena_destroy(a);
}

static void rows_and_quotes(void **state)
{
    (void)state;
    check("", "");
    check("a,b\n1,2\n", "1:[a][b] 2:[1][2]");
    check("a,b\r\n1,2", "1:[a][b] 2:[1][2]");
    check("\xef\xbb\xbf"
          "a\n",
          "1:[a]");
    check("a;b\n1,5;2\n", "1:[a][b] 2:[1,5][2]");
    check("\"x;y\",b\n", "1:[x;y][b]");
    check("a,\"say \"\"hi\"\"\"\n", "1:[a][say \"hi\"]");
    check("\"two\nlines\",b\nc,d\n", "1:[two\nlines][b] 3:[c][d]");
    check("\"two\r\nlines\"\n", "1:[two\r\nlines]");
    check("\n\na,\n\n", "3:[a][]");
    check("\"\"\n", "1:[]"); /* a field that is there, and empty */
    check(",\n", "1:[][]");
}

static void broken_text_has_a_place(void **state)
{
    char wide[2 * CSV_MAX_FIELDS + 3];
    char *big = malloc(CSV_MAX_FIELD + 2);

    (void)state;
    check_bad("a,b\n1,\"open\n2,3\n", 15, 2, 3);
    check_bad("a\nb\"c\n", 6, 2, 2);
    check_bad("\"a\"b\n", 5, 1, 4);
    check_bad("a\nb\0c\n", 6, 2, 2);
    check_bad("a\n\xff\n", 4, 2, 1);
    check_bad("a\rb\n", 4, 1, 2);
    memset(wide, ',', sizeof wide);
    check_bad(wide, CSV_MAX_FIELDS, 1, CSV_MAX_FIELDS + 1);
    memset(big, 'x', CSV_MAX_FIELD + 1);
    check_bad(big, CSV_MAX_FIELD + 1, 1, CSV_MAX_FIELD + 1);
    free(big);
}

/* Megabytes of each kind of nonsense are refused in a moment, whatever their size. */
static void nonsense_costs_little(void **state)
{
    static const struct {
        const char *begin;
        char fill;
    } kinds[] = {{"a,b\n", '\0'}, {"a,b\n\"", 'x'}, {"", ','}, {"", '"'}, {"a", '\r'}, {"", '\xc3'}};
    size_t len = 8u << 20;
    char *text = malloc(len);
    struct timespec before, after;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct arena *a = arena_create(0);
        struct buf b;
        struct err e = {0};

        buf_init(&b, 0);
        memset(text, kinds[i].fill, len);
        memcpy(text, kinds[i].begin, strlen(kinds[i].begin));
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
        assert_int_equal(csv_read(a, text, len, &(struct csv_sink){show, &b}, &e), -1);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
        assert_true(after.tv_sec - before.tv_sec <= 3 * TEST_TIME_SCALE);
        assert_true(arena_used(a) < 2 << 20);
        buf_fini(&b);
        arena_destroy(a);
    }
    free(text);
}

static int stop(void *ctx, const struct csv_row *row)
{
    (void)row;
    return ++*(int *)ctx;
}

static void a_reader_may_stop(void **state)
{
    struct arena *a = arena_create(0);
    struct err e = {0};
    int rows = 6;

    (void)state;
    assert_int_equal(csv_read(a, "a\nb\n", 4, &(struct csv_sink){stop, &rows}, &e), 7);
    arena_destroy(a);
}

static void what_is_written_is_read_and_no_formula(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    csv_put(&b, "plain");
    buf_addc(&b, ',');
    csv_put(&b, "a,\"b\"\n");
    buf_addc(&b, ',');
    csv_put(&b, "=HYPERLINK(1)");
    buf_addc(&b, ',');
    csv_put(&b, "");
    buf_addc(&b, '\n');
    assert_string_equal(buf_str(&b), "plain,\"a,\"\"b\"\"\n\",\"'=HYPERLINK(1)\",\n");
    check(buf_str(&b), "1:[plain][a,\"b\"\n]['=HYPERLINK(1)][]");
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_quotes),
        cmocka_unit_test(broken_text_has_a_place),
        cmocka_unit_test(nonsense_costs_little),
        cmocka_unit_test(a_reader_may_stop),
        cmocka_unit_test(what_is_written_is_read_and_no_formula),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
