/* SPDX-License-Identifier: MIT
 *
 * Stored series: whatever was sealed is read back in each resolution as a rollup of all samples says, also when samples
 * came in pieces that end anywhere; what is old goes, what is damaged is left out.
 */
#include "metrics/series_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/store/fixture.h"

#define UUID "GPU-1"
#define BEGIN INT64_C(1700000000000)
#define MINUTE_MS INT64_C(60000)
#define DAY_MS (1440 * MINUTE_MS)

enum { SAMPLES = 20000 };

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void add(struct fixture *f, const char *uuid, const struct source_sample *samples, int count)
{
    struct series_batch b;

    assert_int_equal(series_batch_init(&b, uuid, samples, count), 0);
    assert_int_equal(store_begin(f->writer, &f->e), 0);
    if (series_store_add(f->writer, &b, &f->e))
        fail_msg("%s", f->e.text);
    assert_int_equal(store_commit(f->writer, &f->e), 0);
    series_batch_fini(&b);
}

/* Samples with gaps, stored in pieces of any length. */
static struct source_sample *fill(struct fixture *f, uint64_t seed)
{
    struct source_sample *s = calloc(SAMPLES, sizeof *s);
    int64_t at = BEGIN;

    assert_non_null(s);
    for (int i = 0; i < SAMPLES; i++) {
        s[i].wall_ms = at;
        for (int k = 0; k < SERIES_COUNT; k++)
            if (next(&seed) % 20)
                source_set(&s[i], series_field[k], (int64_t)(next(&seed) % 100));
        at += 5000 + (next(&seed) % 500 ? 0 : (int64_t)(next(&seed) % 40000000));
    }
    for (int from = 0; from < SAMPLES;) {
        const int most = 1 + (int)(next(&seed) % 300), left = SAMPLES - from;
        int count = 1;

        while (count < (most < left ? most : left) && s[from + count].wall_ms < s[from].wall_ms + 30 * MINUTE_MS)
            count++;
        add(f, UUID, s + from, count);
        from += count;
    }
    return s;
}

static void reads(struct fixture *f, enum series_resolution r, const struct source_sample *s, int64_t step)
{
    struct rollup found, expected;
    const int64_t end = s[SAMPLES - 1].wall_ms + 1;
    const struct series_range ranges[] = {{UUID, end - 200 * step, end},
                                          {UUID, s[SAMPLES / 2].wall_ms / step * step, end / step * step - 50 * step}};

    for (int k = 0; k < 2; k++) {
        const int64_t from = ranges[k].from_ms / step * step;
        const struct series_range range = {UUID, from,
                                           ranges[k].to_ms < from + 900 * step ? ranges[k].to_ms : from + 900 * step};
        rollup_init(&found, step);
        rollup_init(&expected, step);
        assert_int_equal(series_store_read(f->writer, &range, r, &found, &f->e), 0);
        for (int i = 0; i < SAMPLES; i++)
            if (s[i].wall_ms >= range.from_ms && s[i].wall_ms < range.to_ms)
                assert_int_equal(rollup_add(&expected, &s[i]), 0);
        assert_int_equal(found.count, expected.count);
        assert_true(found.count > 0);
        assert_memory_equal(found.rows, expected.rows, (size_t)found.count * sizeof *found.rows);
        rollup_fini(&found);
        rollup_fini(&expected);
    }
}

static void each_resolution_says_the_same(void **state)
{
    struct fixture *f = *state;
    struct source_sample *s = fill(f, 5), other = {.wall_ms = s[7].wall_ms};
    int64_t last = 1;

    source_set(&other, SOURCE_BUSY, 77);
    add(f, "GPU-2", &other, 1);
    reads(f, SERIES_SAMPLES, s, 1000);
    reads(f, SERIES_SAMPLES, s, 7000);
    reads(f, SERIES_MINUTES, s, 5 * MINUTE_MS);
    reads(f, SERIES_QUARTERS, s, 15 * MINUTE_MS);
    reads(f, SERIES_HOURS, s, 60 * MINUTE_MS);
    reads(f, SERIES_HOURS, s, 180 * MINUTE_MS);
    assert_int_equal(series_store_last(f->writer, UUID, &last, &f->e), 0);
    assert_int_equal(last, s[SAMPLES - 1].wall_ms);
    assert_int_equal(series_store_last(f->writer, "GPU-3", &last, &f->e), 0);
    assert_int_equal(last, 0);
    free(s);
}

/* Points of a resolution, all times. */
static int points(struct fixture *f, enum series_resolution r)
{
    const struct series_range all = {UUID, 0, INT64_MAX / 2};
    struct rollup found;

    rollup_init(&found, 60 * MINUTE_MS);
    assert_int_equal(series_store_read(f->writer, &all, r, &found, &f->e), 0);
    const int count = found.count;
    rollup_fini(&found);
    return count;
}

static void forget(struct fixture *f, const struct series_keep *keep, int64_t now)
{
    assert_int_equal(store_begin(f->writer, &f->e), 0);
    assert_int_equal(series_store_forget(f->writer, keep, now, &f->e), 0);
    assert_int_equal(store_commit(f->writer, &f->e), 0);
}

static void what_is_old_goes(void **state)
{
    struct fixture *f = *state;
    struct source_sample s = {.wall_ms = BEGIN};
    const struct series_keep keep = {{1, 3, 10, 0}};

    source_set(&s, SOURCE_BUSY, 1);
    add(f, UUID, &s, 1);
    forget(f, &keep, BEGIN + DAY_MS);
    assert_int_equal(points(f, SERIES_SAMPLES), 1);
    forget(f, &keep, BEGIN + DAY_MS + 1);
    assert_int_equal(points(f, SERIES_SAMPLES), 0);
    assert_int_equal(points(f, SERIES_MINUTES), 1);
    forget(f, &keep, BEGIN + 4 * DAY_MS);
    assert_int_equal(points(f, SERIES_MINUTES), 0);
    forget(f, &keep, BEGIN + 11 * DAY_MS);
    assert_int_equal(points(f, SERIES_QUARTERS), 0);
    forget(f, &keep, BEGIN + 99999 * DAY_MS);
    assert_int_equal(points(f, SERIES_HOURS), 1);
}

static void what_is_damaged_is_left_out(void **state)
{
    static const struct store_sql damage = {"UPDATE gpu_series SET data = substr(data, 1, length(data) - 1)"};
    struct fixture *f = *state;
    struct source_sample s = {.wall_ms = BEGIN};

    source_set(&s, SOURCE_BUSY, 1);
    add(f, UUID, &s, 1);
    assert_int_equal(store_begin(f->writer, &f->e), 0);
    assert_int_equal(stmt_exec(store_stmt(f->writer, &damage, &f->e), &f->e), 0);
    assert_int_equal(store_commit(f->writer, &f->e), 0);
    assert_int_equal(points(f, SERIES_SAMPLES), 0);
    assert_int_equal(points(f, SERIES_HOURS), 0);
    s.wall_ms += 5000;
    add(f, UUID, &s, 1); /* and what comes is kept again */
    assert_int_equal(points(f, SERIES_SAMPLES), 1);
    assert_int_equal(points(f, SERIES_HOURS), 1);
}

static void resolutions_are_chosen(void **state)
{
    const struct series_keep keep = {{7, 30, 365, 0}};
    const int64_t now = BEGIN + 4000 * DAY_MS;
    static const struct {
        int64_t age_days, step, then;
        enum series_resolution r;
    } cases[] = {
        {1, 1000, 1000, SERIES_SAMPLES},
        {1, MINUTE_MS - 1, MINUTE_MS - 1, SERIES_SAMPLES},
        {1, MINUTE_MS + 1, 2 * MINUTE_MS, SERIES_MINUTES},
        {8, 1000, MINUTE_MS, SERIES_MINUTES},
        {31, 1000, 15 * MINUTE_MS, SERIES_QUARTERS},
        {31, 20 * MINUTE_MS, 30 * MINUTE_MS, SERIES_QUARTERS},
        {366, 1000, 60 * MINUTE_MS, SERIES_HOURS},
        {3999, 61 * MINUTE_MS, 120 * MINUTE_MS, SERIES_HOURS},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t step = cases[i].step;

        assert_int_equal(series_resolve(&keep, now - cases[i].age_days * DAY_MS, now, &step), cases[i].r);
        assert_int_equal(step, cases[i].then);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_resolution_says_the_same, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(what_is_old_goes, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(what_is_damaged_is_left_out, fixture_setup, fixture_teardown),
        cmocka_unit_test(resolutions_are_chosen),
    };

    return cmocka_run_group_tests_name("series_store", tests, NULL, NULL);
}
