/* SPDX-License-Identifier: MIT
 *
 * What samples add up to: mean and quantiles over time against sorting all of it, and what survives a restart.
 */
#include "metrics/gpu_use.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics/source.h"

static void add(struct gpu_use *u, int64_t at, int busy, int64_t memory, int64_t ms)
{
    struct source_sample s = {.wall_ms = at};

    if (busy >= 0)
        source_set(&s, SOURCE_BUSY, busy);
    if (memory >= 0) {
        source_set(&s, SOURCE_MEMORY_USED, memory << 20);
        source_set(&s, SOURCE_MEMORY_TOTAL, INT64_C(1000) << 20);
    }
    source_set(&s, SOURCE_POWER, 200000);
    gpu_use_add(u, &s, ms);
}

static void nothing_is_nothing(void **state)
{
    struct gpu_use u = {0};
    struct gpu_use_sum s = gpu_use_sum(&u);

    (void)state;
    assert_int_equal(s.sampled_ms, 0);
    assert_true(s.mean == 0);
    gpu_use_add(&u, &(struct source_sample){.wall_ms = 5, .lost = true}, 1000);
    assert_int_equal(u.began_ms, 0); /* a lost GPU is not used */
}

static void times_are_weighed(void **state)
{
    struct gpu_use u = {0};

    (void)state;
    add(&u, 1000, 0, 100, 3000);
    add(&u, 4000, 80, 300, 1000);
    add(&u, 5000, -1, -1, 1000); /* nobody knows */
    struct gpu_use_sum s = gpu_use_sum(&u);
    assert_int_equal(u.began_ms, 1000);
    assert_int_equal(u.ended_ms, 5000);
    assert_int_equal(s.sampled_ms, 4000);
    assert_int_equal(s.idle_ms, 3000);
    assert_true(s.mean == 20.0);
    assert_int_equal(s.max, 80);
    assert_int_equal(s.p50, 0);
    assert_int_equal(s.p95, 80);
    assert_int_equal(s.memory_mean, INT64_C(150) << 20);
    assert_int_equal(s.memory_max, INT64_C(300) << 20);
    assert_int_equal(s.memory_total, INT64_C(1000) << 20);
    assert_int_equal(s.energy_uj, INT64_C(200000) * 5000);
}

/* The same numbers at each run. */
static int draw(int below)
{
    static uint64_t at = 7;

    at = at * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (int)((at >> 33) % (uint64_t)below);
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void quantiles_are_those_of_all_samples(void **state)
{
    enum { COUNT = 1000, ROUNDS = 200 };
    static int all[COUNT];

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct gpu_use u = {0};
        const int count = 1 + draw(COUNT), range = 1 + draw(101);
        double sum = 0;

        for (int i = 0; i < count; i++) {
            all[i] = draw(range);
            sum += all[i];
            add(&u, 1 + i, all[i], -1, 1000);
        }
        qsort(all, (size_t)count, sizeof *all, by_number);
        struct gpu_use_sum s = gpu_use_sum(&u);
        assert_int_equal(s.p50, all[(count * 50 + 99) / 100 - 1]);
        assert_int_equal(s.p95, all[(count * 95 + 99) / 100 - 1]);
        assert_int_equal(s.max, all[count - 1]);
        assert_true(s.mean - sum / count < 1e-9 && sum / count - s.mean < 1e-9);
    }
}

static void a_restart_forgets_nothing(void **state)
{
    struct gpu_use u = {0}, back = {0};
    unsigned char blob[GPU_USE_BLOB];

    (void)state;
    add(&u, 1, 0, 1, INT64_C(3600) * 24 * 366 * 1000);
    add(&u, 2, 57, 1, 12345);
    add(&u, 3, 100, 1, 1);
    gpu_use_encode(&u, blob);
    assert_int_equal(gpu_use_decode(&back, blob, sizeof blob), 0);
    assert_memory_equal(u.busy_ms, back.busy_ms, sizeof u.busy_ms);
    assert_int_equal(gpu_use_decode(&back, blob, sizeof blob - 1), -1);
    assert_int_equal(gpu_use_decode(&back, NULL, sizeof blob), -1);
    memset(blob, 0xff, sizeof blob);
    assert_int_equal(gpu_use_decode(&back, blob, sizeof blob), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_nothing),
        cmocka_unit_test(times_are_weighed),
        cmocka_unit_test(quantiles_are_those_of_all_samples),
        cmocka_unit_test(a_restart_forgets_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
