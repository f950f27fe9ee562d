/* SPDX-License-Identifier: MIT
 *
 * Curves of random uses of a GPU against a recount over all samples: at every length there are at most 1,000 points,
 * they hold all that was sampled, and survive being written and read in the middle.
 */
#include "metrics/curve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "metrics/source.h"

enum { SAMPLES = 30000, PERIOD_MS = 5000 };

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void sample(uint64_t *seed, int64_t at, struct source_sample *out)
{
    *out = (struct source_sample){.wall_ms = at, .lost = next(seed) % 50 == 0};
    if (next(seed) % 10)
        source_set(out, SOURCE_BUSY, (int64_t)(next(seed) % 101));
    if (next(seed) % 10)
        source_set(out, SOURCE_MEMORY_USED, (int64_t)next(seed));
}

/* What the point of that time must be. */
static struct curve_point recount(const struct source_sample *s, int count, int64_t slot, int64_t width)
{
    struct curve_point p = {.slot = slot, .memory_max = -1};

    for (int i = 0; i < count; i++) {
        if (s[i].wall_ms / width != slot || s[i].lost)
            continue;
        if (source_has(&s[i], SOURCE_BUSY)) {
            const int64_t busy = s[i].value[SOURCE_BUSY];

            p.busy_ms += PERIOD_MS;
            p.percent_ms += busy * PERIOD_MS;
            p.busy_max = busy > p.busy_max ? busy : p.busy_max;
        }
        if (source_has(&s[i], SOURCE_MEMORY_USED) && s[i].value[SOURCE_MEMORY_USED] > p.memory_max)
            p.memory_max = s[i].value[SOURCE_MEMORY_USED];
    }
    return p;
}

static void is_exact(const struct curve *c, const struct source_sample *s, int count)
{
    int64_t told = 0, known = 0;

    for (int i = 0; i < count; i++)
        known += !s[i].lost && source_has(&s[i], SOURCE_BUSY) ? PERIOD_MS : 0;
    for (int i = 0; i < c->count; i++) {
        const struct curve_point p = recount(s, count, c->points[i].slot, c->width_ms);

        assert_true(i == 0 || c->points[i].slot > c->points[i - 1].slot);
        assert_memory_equal(&c->points[i], &p, sizeof p);
        told += c->points[i].busy_ms;
    }
    assert_int_equal(told, known);
}

/* Writes it and reads it back. */
static void pass(struct curve *c)
{
    struct buf out;

    buf_init(&out, 0);
    assert_int_equal(curve_seal(c, &out), 0);
    memset(c, 0xee, sizeof *c);
    assert_int_equal(curve_open(c, out.data, out.len), 0);
    buf_fini(&out);
}

static void it_holds_everything(void **state)
{
    struct source_sample *s = calloc(SAMPLES, sizeof *s);
    struct curve *c = calloc(1, sizeof *c);
    uint64_t seed = 9;
    int64_t at = 1700000000000;

    (void)state;
    assert_non_null(s);
    assert_non_null(c);
    pass(c); /* empty */
    for (int i = 0; i < SAMPLES; i++) {
        sample(&seed, at, &s[i]);
        curve_add(c, &s[i], PERIOD_MS);
        assert_in_range(c->count, 0, CURVE_POINTS_MAX);
        at += PERIOD_MS + (next(&seed) % 1000 ? 0 : (int64_t)(next(&seed) % 1000000));
        if (i == 300 || i == 1500 || i == SAMPLES - 1) {
            pass(c);
            is_exact(c, s, i + 1);
        }
    }
    assert_in_range(c->count, CURVE_POINTS_MAX / 3, CURVE_POINTS_MAX);
    curve_shrink(c, 7);
    assert_in_range(c->count, 3, 7);
    is_exact(c, s, SAMPLES);
    free(c);
    free(s);
}

static void a_clock_may_go_back(void **state)
{
    struct source_sample s = {.wall_ms = 1700000000000};
    struct curve *c = calloc(1, sizeof *c);

    (void)state;
    assert_non_null(c);
    source_set(&s, SOURCE_BUSY, 50);
    curve_add(c, &s, 1000);
    s.wall_ms -= 3600000;
    curve_add(c, &s, 1000);
    assert_int_equal(c->count, 1);
    assert_int_equal(c->points[0].busy_ms, 2000);
    free(c);
}

static void damage_is_refused(void **state)
{
    struct source_sample s = {.wall_ms = 1700000000000};
    struct curve *c = calloc(2, sizeof *c);
    struct buf out;

    (void)state;
    assert_non_null(c);
    source_set(&s, SOURCE_BUSY, 50);
    for (int i = 0; i < 3; i++, s.wall_ms += 1000)
        curve_add(c, &s, 1000);
    c->points[1].percent_ms = 100001; /* more than it was busy for */
    buf_init(&out, 0);
    assert_int_equal(curve_seal(c, &out), 0);
    assert_int_equal(curve_open(&c[1], out.data, out.len), -1);
    assert_int_equal(c[1].count, 0);
    assert_int_equal(curve_open(&c[1], out.data, out.len - 1), -1);
    buf_fini(&out);
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_holds_everything),
        cmocka_unit_test(a_clock_may_go_back),
        cmocka_unit_test(damage_is_refused),
    };

    return cmocka_run_group_tests_name("curve", tests, NULL, NULL);
}
