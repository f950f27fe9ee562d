/* SPDX-License-Identifier: MIT
 *
 * Rollups of random samples with gaps against a recount that looks at all samples for each span, straight, by way of
 * finer ones, and by way of their bytes.
 */
#include "metrics/rollup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

enum { SAMPLES = 3000 };

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void sample(uint64_t *seed, int64_t at, struct source_sample *out)
{
    *out = (struct source_sample){.wall_ms = at};
    for (int f = 0; f < SERIES_COUNT; f++)
        if (next(seed) % 10)
            source_set(out, series_field[f], f == 2 ? (int64_t)(next(seed) << 8) : (int64_t)(next(seed) % 101) - 5);
}

static struct source_sample *history(uint64_t *seed)
{
    struct source_sample *s = calloc(SAMPLES, sizeof *s);
    int64_t at = 1700000000000 + (int64_t)(next(seed) % 10000000);

    assert_non_null(s);
    for (int i = 0; i < SAMPLES; i++) {
        sample(seed, at, &s[i]);
        at += 5000 + (int64_t)(next(seed) % 3);
        if (next(seed) % 300 == 0)
            at += (int64_t)(next(seed) % 20000000); /* nobody looked */
    }
    return s;
}

/* What a cell must be. */
static struct rollup_cell recount(const struct source_sample *s, int64_t begin, int64_t width, int f)
{
    struct rollup_cell c = {0, 0, INT64_MAX, INT64_MIN};

    for (int i = 0; i < SAMPLES; i++) {
        const int64_t v = s[i].value[series_field[f]];

        if (s[i].wall_ms / width * width != begin || !source_has(&s[i], series_field[f]))
            continue;
        c.count++;
        c.sum += v;
        c.min = v < c.min ? v : c.min;
        c.max = v > c.max ? v : c.max;
    }
    return c.count ? c : (struct rollup_cell){0};
}

static void is_exact(const struct rollup *r, const struct source_sample *s)
{
    int64_t total = 0, there = 0;

    for (int i = 0; i < r->count; i++) {
        assert_true(i == 0 || r->rows[i].begin_ms > r->rows[i - 1].begin_ms);
        for (int f = 0; f < SERIES_COUNT; f++) {
            const struct rollup_cell c = recount(s, r->rows[i].begin_ms, r->width_ms, f);

            assert_memory_equal(&r->rows[i].cells[f], &c, sizeof c);
            total += c.count;
        }
    }
    for (int i = 0; i < SAMPLES; i++)
        for (int f = 0; f < SERIES_COUNT; f++)
            there += source_has(&s[i], series_field[f]);
    assert_int_equal(total, there); /* no span is missing */
}

static void recounts(void **state)
{
    (void)state;
    for (uint64_t seed = 3, round = 0; round < 2; round++) {
        struct source_sample *s = history(&seed);
        struct rollup minutes, quarters, hours, back;
        struct buf out;

        rollup_init(&minutes, 60000);
        rollup_init(&quarters, 900000);
        rollup_init(&hours, 3600000);
        rollup_init(&back, 900000);
        for (int i = 0; i < SAMPLES; i++)
            assert_int_equal(rollup_add(&minutes, &s[i]), 0);
        assert_int_equal(rollup_add_all(&quarters, &minutes), 0);
        assert_int_equal(rollup_add_all(&hours, &quarters), 0);
        is_exact(&minutes, s);
        is_exact(&quarters, s);
        is_exact(&hours, s);
        buf_init(&out, 0);
        assert_int_equal(rollup_seal(&minutes, &out), 0);
        assert_int_equal(rollup_unseal(&back, out.data, out.len, 0, INT64_MAX), 0);
        is_exact(&back, s);
        buf_fini(&out);
        rollup_fini(&minutes);
        rollup_fini(&quarters);
        rollup_fini(&hours);
        rollup_fini(&back);
        free(s);
    }
}

static void sealed_samples_are_read(void **state)
{
    uint64_t seed = 11;
    struct source_sample *s = history(&seed);
    struct rollup r;
    struct buf out;

    (void)state;
    rollup_init(&r, 60000);
    buf_init(&out, 0);
    assert_int_equal(series_seal(&out, s, SAMPLES), 0);
    assert_int_equal(rollup_unseal_samples(&r, out.data, out.len, s[5].wall_ms, s[7].wall_ms), 0);
    int64_t most = 0;
    for (int i = 0; i < r.count; i++)
        most += r.rows[i].cells[0].count;
    assert_int_equal(most, source_has(&s[5], series_field[0]) + source_has(&s[6], series_field[0]));
    assert_int_equal(rollup_unseal_samples(&r, out.data, out.len, 0, s[5].wall_ms), 0);
    assert_int_equal(rollup_unseal_samples(&r, out.data, out.len, s[7].wall_ms, INT64_MAX), 0);
    is_exact(&r, s);                                                         /* in whatever order */
    assert_int_equal(rollup_unseal(&r, out.data, out.len, 0, INT64_MAX), 1); /* another table */
    assert_int_equal(rollup_unseal_samples(&r, out.data, out.len - 1, 0, INT64_MAX), 1);
    buf_fini(&out);
    rollup_fini(&r);
    free(s);
}

static void rows_have_an_end(void **state)
{
    struct source_sample s = {0};
    struct rollup r;

    (void)state;
    rollup_init(&r, 1000);
    source_set(&s, SOURCE_BUSY, 1);
    for (; r.count < ROLLUP_ROWS_MAX; s.wall_ms += 1000)
        assert_int_equal(rollup_add(&r, &s), 0);
    assert_int_equal(rollup_add(&r, &s), -1);
    s.wall_ms = 0;
    assert_int_equal(rollup_add(&r, &s), 0);
    assert_true(rollup_mean(&r.rows[0].cells[0]) == 1.0);
    rollup_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recounts),
        cmocka_unit_test(sealed_samples_are_read),
        cmocka_unit_test(rows_have_an_end),
    };

    return cmocka_run_group_tests_name("rollup", tests, NULL, NULL);
}
