/* SPDX-License-Identifier: MIT
 *
 * Periods of series that are made of one, with a drift, noise and missing samples; and none where there is none.
 */
#include "metrics/cycle.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { COUNT = 600 };

static double chance(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (double)(*seed >> 33) / 2147483648.0;
}

static struct cycle find(const float *x, int count)
{
    static struct cycle_scratch s;

    return cycle_find((const float *const[CYCLE_SERIES_MAX]){x}, count, &s);
}

static void test_finds_a_dip_each_53_samples_under_noise_drift_and_gaps(void **state)
{
    float x[COUNT];
    uint64_t seed = 7;

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        x[i] = (float)((i % 53 < 6 ? 0 : 90) + 0.05 * i + 20 * chance(&seed));
        if (chance(&seed) < 0.03)
            x[i] = NAN;
    }
    const struct cycle c = find(x, COUNT);
    assert_true(fabs(c.period - 53) < 1.5);
    assert_int_equal(c.seen, (int)(COUNT / c.period));
}

static void test_finds_the_period_of_a_sine_and_no_multiple(void **state)
{
    float x[COUNT];

    (void)state;
    for (int i = 0; i < COUNT; i++)
        x[i] = (float)sin(2 * 3.14159265358979 * i / 31.4);
    assert_true(fabs(find(x, COUNT).period - 31.4) < 0.5);
}

static void test_finds_none_in_noise_a_line_or_too_few(void **state)
{
    float x[COUNT];

    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t s = seed;

        for (int i = 0; i < COUNT; i++)
            x[i] = (float)(100 * chance(&s));
        assert_true(find(x, COUNT).period == 0);
    }
    for (int i = 0; i < COUNT; i++)
        x[i] = (float)i;
    assert_true(find(x, COUNT).period == 0);
    for (int i = 0; i < COUNT; i++)
        x[i] = i % 50 < 5 ? 0 : 90;
    assert_true(find(x, 120).period == 0); /* came twice */
    assert_true(find(x, 0).period == 0);
    for (int i = 0; i < COUNT; i++)
        x[i] = NAN;
    assert_true(find(x, COUNT).period == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_a_dip_each_53_samples_under_noise_drift_and_gaps),
        cmocka_unit_test(test_finds_the_period_of_a_sine_and_no_multiple),
        cmocka_unit_test(test_finds_none_in_noise_a_line_or_too_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
