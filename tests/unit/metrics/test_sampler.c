/* SPDX-License-Identifier: MIT
 *
 * Samples: the ring, the thread that fills it, and what it says of a driver that fails, hangs and comes back.
 */
#include "metrics/sampler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "metrics/nvml.h"
#include "metrics/ring.h"
#include "metrics/source_thread.h"
#include "scenario.h"

enum { PERIOD_MS = 5, LIMIT_MS = 200, LONG_MS = 60000 * TEST_TIME_SCALE };

static void the_oldest_goes_first(void **state)
{
    struct ring r;

    (void)state;
    assert_int_equal(ring_init(&r, 3), 0);
    assert_int_equal(ring_count(&r), 0);
    for (int i = 1; i <= 5; i++) {
        ring_put(&r, &(struct source_sample){.wall_ms = i});
        assert_int_equal(ring_count(&r), i < 3 ? i : 3);
        assert_int_equal(ring_at(&r, 0)->wall_ms, i);
    }
    assert_int_equal(ring_at(&r, 2)->wall_ms, 3);
    ring_fini(&r);
}

/* Waits until the newest sample says so much, or (-1) until the driver is in that state. */
static void until(struct sampler *s, int64_t busy, enum sampler_state state)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    const int64_t end = clock_read().mono + LONG_MS;
    struct source_sample last;
    int64_t since;

    while (clock_read().mono < end) {
        if (sampler_state(s, &since) == state &&
            (busy < 0 || (sampler_last(s, 0, &last) && last.value[SOURCE_BUSY] == busy)))
            return;
        (void)nanosleep(&moment, NULL);
    }
    fail_msg("never busy %lld, state %d", (long long)busy, (int)state);
}

static void count_taken(void *ctx, const struct source_reading *readings, int count, int64_t ms)
{
    int *taken = ctx;

    assert_int_equal(count, 2);
    assert_in_range(ms, 0, 2 * PERIOD_MS);
    if (readings)
        ++*taken;
}

static void samples_are_taken_and_gaps_told(void **state)
{
    struct gpu gpus[NODE_GPU_MAX];
    static struct source_sample kept[2000];
    struct source_sample last;
    struct err e = {0};
    int64_t since;
    int taken = 0;

    (void)state;
    scenario_set("count 2\ngpu 0 util 5 5\n");
    struct source_thread *t = source_thread_create(nvml_create(&e), &e);
    assert_int_equal(source_thread_find(t, gpus, LONG_MS, &e), 2);
    const struct sampler_config c = {.source = t,
                                     .count = 2,
                                     .period_ms = PERIOD_MS,
                                     .limit_ms = LIMIT_MS,
                                     .keep_ms = 10000,
                                     .taken = count_taken,
                                     .ctx = &taken};
    struct sampler *s = sampler_create(&c, &e);
    assert_non_null(s);
    assert_int_equal(sampler_state(s, &since), SAMPLER_BEGINS);
    assert_false(sampler_last(s, 0, &last));
    assert_int_equal(sampler_since(s, 0, 0, kept, 2000), 0);
    assert_int_equal(sampler_start(s, &e), 0);
    until(s, 5, SAMPLER_READS);
    assert_int_equal(sampler_state(s, &since), SAMPLER_READS);
    assert_true(since > 0);
    scenario_set("hang\n");
    until(s, -1, SAMPLER_HANGS);
    assert_false(sampler_last(s, 0, &last)); /* not what it said before */
    int before = sampler_since(s, 0, 0, kept, 2000);
    assert_in_range(before, 1, 2000);
    assert_int_equal(sampler_since(s, 0, kept[before - 1].wall_ms, kept, 2000), 0);
    scenario_set("count 2\ngpu 0 util 6 6\n");
    until(s, 6, SAMPLER_READS);
    int after = sampler_since(s, 0, 0, kept, 2000);
    assert_in_range(after, before + 1, 2000);
    for (int i = 1; i < after; i++)
        assert_true(kept[i].wall_ms >= kept[i - 1].wall_ms);
    assert_int_equal(sampler_since(s, 0, 0, kept, 1), 1);
    assert_int_equal(kept[0].value[SOURCE_BUSY], 6); /* the newest of them */
    assert_int_equal(sampler_since(s, 2, 0, kept, 1), 0);
    sampler_destroy(s);
    assert_true(taken >= after);
    source_thread_destroy(t, LONG_MS);
}

static int fail_find(struct source *s, struct gpu gpus[NODE_GPU_MAX], struct err *e)
{
    (void)s, (void)gpus, (void)e;
    return 1;
}

static int fail_read(struct source *s, struct source_reading *out, int count, struct err *e)
{
    (void)s, (void)out, (void)count;
    return err_set(e, ERR_INTERNAL, "the driver was unloaded");
}

static void fail_destroy(struct source *s)
{
    (void)s;
}

static void a_driver_that_fails_is_told(void **state)
{
    static const struct source_ops ops = {.name = "x", .find = fail_find, .read = fail_read, .destroy = fail_destroy};
    struct source source = {.ops = &ops};
    struct source_sample last;
    struct err e = {0};

    (void)state;
    struct source_thread *t = source_thread_create(&source, &e);
    const struct sampler_config c = {
        .source = t, .count = 1, .period_ms = PERIOD_MS, .limit_ms = LONG_MS, .keep_ms = 10};
    struct sampler *s = sampler_create(&c, &e);
    assert_int_equal(sampler_start(s, &e), 0);
    until(s, -1, SAMPLER_FAILS);
    assert_false(sampler_last(s, 0, &last));
    sampler_destroy(s);
    source_thread_destroy(t, LONG_MS);
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_goes_first),
        cmocka_unit_test(samples_are_taken_and_gaps_told),
        cmocka_unit_test(a_driver_that_fails_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    return scenario_main(argc, argv, run);
}
