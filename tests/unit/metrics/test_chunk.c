/* SPDX-License-Identifier: MIT
 *
 * Sealed chunks: what is sealed comes back exactly, whatever it is; bytes that were cut or changed are refused, or give
 * a table that is as good as any other.
 */
#include "metrics/chunk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

enum { COLUMNS = 5 };

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* A cell of one of the ways in which figures go. */
static int64_t cell(uint64_t *seed, int kind, int64_t before, int row)
{
    switch (kind) {
    case 0:
        return 80 * INT64_C(1073741824);
    case 1:
        return next(seed) % 8 ? before : (int64_t)(next(seed) % 101);
    case 2:
        return 3 * (int64_t)row * row - 1000 * (int64_t)row;
    case 3:
        return next(seed) % 3 ? CHUNK_NONE : -(int64_t)(next(seed) % 1000000);
    case 4:
        return next(seed) % 40 ? 210 + 15 * (int64_t)(next(seed) % 100) : INT64_MAX - (int64_t)(next(seed) % 2);
    case 5:
        return CHUNK_NONE;
    default: {
        const int64_t v = (int64_t)next(seed);

        return v == CHUNK_NONE ? 0 : v;
    }
    }
}

static int64_t *table(uint64_t *seed, int rows)
{
    int64_t *cells = calloc((size_t)rows * COLUMNS, sizeof *cells);

    assert_non_null(cells);
    cells[0] = (int64_t)(next(seed) % 2000000000000u);
    for (int i = 1; i < rows; i++)
        cells[i] = cells[i - 1] + 1 + (int64_t)(next(seed) % 9 ? 4999 : next(seed) % 100000);
    for (int c = 1; c < COLUMNS; c++) {
        const int kind = (int)(next(seed) % 7);

        for (int i = 0; i < rows; i++)
            cells[c * rows + i] = cell(seed, kind, i ? cells[c * rows + i - 1] : 0, i);
    }
    return cells;
}

static void holds(const struct chunk *c, int column, const int64_t *cells)
{
    int64_t min = 0, max = 0;
    uint64_t sum = 0;
    int count = 0;

    for (int i = 0; i < c->rows; i++) {
        if (cells[i] == CHUNK_NONE)
            continue;
        min = !count || cells[i] < min ? cells[i] : min;
        max = !count || cells[i] > max ? cells[i] : max;
        sum += (uint64_t)cells[i];
        count++;
    }
    assert_int_equal(c->column[column].count, count);
    assert_true(c->column[column].sum.min == min && c->column[column].sum.max == max);
    assert_true(c->column[column].sum.sum == (int64_t)sum);
}

static void comes_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1, round = 1; round <= 400; round++) {
        const int rows = round % 50 == 0 ? CHUNK_ROWS_MAX : 1 + (int)(next(&seed) % 300);
        int64_t *cells = table(&seed, rows), *back = calloc((size_t)rows, sizeof *back);
        struct chunk c;
        struct buf out;

        buf_init(&out, 0);
        assert_non_null(back);
        assert_int_equal(chunk_seal(&out, cells, rows, COLUMNS), 0);
        assert_int_equal(chunk_open(&c, out.data, out.len), 0);
        assert_int_equal(c.rows, rows);
        assert_int_equal(c.columns, COLUMNS);
        for (int i = 0; i < COLUMNS; i++) {
            holds(&c, i, cells + (size_t)i * (size_t)rows);
            assert_int_equal(chunk_column(&c, i, back), 0);
            assert_memory_equal(back, cells + (size_t)i * (size_t)rows, (size_t)rows * sizeof *back);
        }
        buf_fini(&out);
        free(cells);
        free(back);
    }
}

static void what_never_changes_is_small(void **state)
{
    int64_t cells[2 * 720];
    struct buf out;

    (void)state;
    for (int i = 0; i < 720; i++) {
        cells[i] = 1700000000000 + 5000 * (int64_t)i;
        cells[720 + i] = 0;
    }
    buf_init(&out, 0);
    assert_int_equal(chunk_seal(&out, cells, 720, 2), 0);
    assert_in_range(out.len, 10, 60);
    buf_fini(&out);
}

static void times_must_grow(void **state)
{
    int64_t cells[] = {5, 5, 1, 1}, none[] = {CHUNK_NONE, 1};
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    assert_int_equal(chunk_seal(&out, cells, 2, 2), -1);
    assert_int_equal(chunk_seal(&out, none, 1, 2), -1);
    assert_int_equal(chunk_seal(&out, cells, 0, 1), -1);
    assert_int_equal(chunk_seal(&out, cells, 1, CHUNK_COLUMNS_MAX + 1), -1);
    assert_int_equal(out.len, 0);
    buf_fini(&out);
}

/* Bytes of its own size, so that a reader beyond their end is found. Whether they are a chunk. */
static int read_all(const char *bytes, size_t len)
{
    int64_t *cells = calloc(CHUNK_ROWS_MAX, sizeof *cells);
    char *copy = malloc(len + 1);
    struct chunk c;

    assert_non_null(cells);
    assert_non_null(copy);
    memcpy(copy + 1, bytes, len);
    int bad = chunk_open(&c, copy + 1, len) != 0;
    if (!bad)
        assert_true(c.rows >= 1 && c.rows <= CHUNK_ROWS_MAX && c.columns <= CHUNK_COLUMNS_MAX);
    for (int i = 0; !bad && i < c.columns; i++)
        if (chunk_column(&c, i, cells))
            bad = 1;
        else
            holds(&c, i, cells);
    free(copy);
    free(cells);
    return !bad;
}

static void damage_is_found(void **state)
{
    int undetected = 0, flips = 0;

    (void)state;
    for (uint64_t seed = 7, round = 0; round < 6; round++) {
        const int rows = 1 + (int)(next(&seed) % 70);
        int64_t *cells = table(&seed, rows);
        struct buf out;

        buf_init(&out, 0);
        assert_int_equal(chunk_seal(&out, cells, rows, COLUMNS), 0);
        for (size_t cut = 0; cut < out.len; cut++)
            assert_false(read_all(out.data, cut));
        for (size_t bit = 0; bit < 8 * out.len; bit++, flips++) {
            out.data[bit / 8] = (char)(out.data[bit / 8] ^ 1 << bit % 8);
            undetected += read_all(out.data, out.len);
            out.data[bit / 8] = (char)(out.data[bit / 8] ^ 1 << bit % 8);
        }
        buf_fini(&out);
        free(cells);
    }
    assert_in_range(undetected, 0, flips / 20); /* what they say of themselves tells most */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(what_never_changes_is_small),
        cmocka_unit_test(times_must_grow),
        cmocka_unit_test(damage_is_found),
    };

    return cmocka_run_group_tests_name("chunk", tests, NULL, NULL);
}
