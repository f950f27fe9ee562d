/* SPDX-License-Identifier: MIT
 *
 * Rules one by one, on series that are exactly what each is about.
 */
#include "metrics/profile.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { COUNT = 400, GPUS = 2 };

/* Constant series of two GPUs of 400 W, idle at 50. */
struct bench {
    float values[GPUS][PROFILE_SERIES][COUNT], cpu[COUNT];
    struct profile_gpu gpus[GPUS];
    struct profile_input in;
    struct profile out;
};

static void fill(float *to, int from, int till, double v)
{
    for (int i = from; i < till; i++)
        to[i] = (float)v;
}

static void set(struct bench *b, int gpu, const double v[3])
{
    fill(b->values[gpu][PROFILE_BUSY], 0, COUNT, v[0]);
    fill(b->values[gpu][PROFILE_MEMORY_BUSY], 0, COUNT, v[1]);
    fill(b->values[gpu][PROFILE_POWER], 0, COUNT, v[2]);
    fill(b->values[gpu][PROFILE_MEMORY], 0, COUNT, 20e9);
}

static struct bench *make(double busy, double moved, double watts)
{
    static struct bench b;
    const double v[3] = {busy, moved, watts};

    b = (struct bench){.in = {.period_ms = 5000, .count = COUNT, .gpu_count = GPUS, .hint = {.silent_ms = -1}}};
    for (int g = 0; g < GPUS; g++) {
        set(&b, g, v);
        b.gpus[g].power_limit = 400;
        for (int f = 0; f < PROFILE_SERIES; f++)
            b.gpus[g].series[f] = b.values[g][f];
    }
    b.in.gpus = b.gpus;
    return &b;
}

static void look(struct bench *b)
{
    static struct profile_scratch s;

    profile_make(&b->in, &s, &b->out);
}

static void is(struct bench *b, enum profile_kind kind, enum profile_bottleneck bottleneck)
{
    look(b);
    assert_string_equal(profile_kind_name(b->out.kind), profile_kind_name(kind));
    assert_string_equal(profile_bottleneck_name(b->out.bottleneck), profile_bottleneck_name(bottleneck));
}

static void test_dense_until_a_log_says_that_it_learns(void **state)
{
    struct bench *b = make(99, 40, 380);

    (void)state;
    is(b, PROFILE_DENSE, PROFILE_NONE);
    b->in.hint.learns = true;
    is(b, PROFILE_TRAINING, PROFILE_NONE);
}

static void test_input_or_cpu_by_the_cores(void **state)
{
    struct bench *b = make(40, 20, 190);

    (void)state;
    b->in.hint.learns = true;
    is(b, PROFILE_TRAINING, PROFILE_INPUT);
    const int unsure = b->out.confidence;
    fill(b->cpu, 0, COUNT, 97);
    b->in.host[PROFILE_CPU] = b->cpu;
    is(b, PROFILE_TRAINING, PROFILE_CPU_BOUND);
    fill(b->cpu, 0, COUNT, 20);
    is(b, PROFILE_TRAINING, PROFILE_INPUT);
    assert_true(b->out.confidence > unsure);
}

static void test_memory_and_small_kernels(void **state)
{
    (void)state;
    is(make(99, 92, 280), PROFILE_DENSE, PROFILE_MEMORY_BOUND);
    is(make(85, 5, 120), PROFILE_DENSE, PROFILE_SMALL_KERNELS);
    assert_int_equal(make(85, 5, 120)->out.proof_count, 0);
}

static void test_small_kernels_are_not_told_without_a_power_limit(void **state)
{
    struct bench *b = make(85, 5, 120);

    (void)state;
    b->gpus[0].power_limit = b->gpus[1].power_limit = 0;
    is(b, PROFILE_DENSE, PROFILE_NONE);
}

static void test_one_gpu_of_two_is_not_used(void **state)
{
    struct bench *b = make(99, 40, 380);

    (void)state;
    set(b, 1, (const double[]){0, 0, 50});
    is(b, PROFILE_DENSE, PROFILE_IMBALANCE);
    assert_int_equal(b->out.least_gpu, 1);
}

static void test_spinning_is_a_hang_though_it_is_busy(void **state)
{
    struct bench *b = make(99, 40, 380);

    (void)state;
    for (int g = 0; g < GPUS; g++) {
        fill(b->values[g][PROFILE_BUSY], 200, COUNT, 100);
        fill(b->values[g][PROFILE_MEMORY_BUSY], 200, COUNT, 0);
        fill(b->values[g][PROFILE_POWER], 200, COUNT, 80);
    }
    is(b, PROFILE_HUNG, PROFILE_HANG);
    assert_true(b->out.figures[PROFILE_F_STILL] == 1000);
    b->in.hint.silent_ms = 1000; /* but it talks */
    look(b);
    assert_int_not_equal(b->out.kind, PROFILE_HUNG);
}

static void test_idle_or_hung_by_the_log(void **state)
{
    struct bench *b = make(0, 0, 50);

    (void)state;
    is(b, PROFILE_IDLE, PROFILE_NONE);
    b->in.hint.unfinished = true;
    is(b, PROFILE_HUNG, PROFILE_HANG);
}

static void test_of_few_samples_or_none_nothing_is_said(void **state)
{
    struct bench *b = make(99, 40, 380);

    (void)state;
    b->in.count = 10;
    is(b, PROFILE_UNKNOWN, PROFILE_NONE);
    b = make(99, 40, 380);
    for (int g = 0; g < GPUS; g++)
        for (int f = 0; f < PROFILE_SERIES; f++)
            b->gpus[g].series[f] = NULL;
    is(b, PROFILE_UNKNOWN, PROFILE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense_until_a_log_says_that_it_learns),
        cmocka_unit_test(test_input_or_cpu_by_the_cores),
        cmocka_unit_test(test_memory_and_small_kernels),
        cmocka_unit_test(test_small_kernels_are_not_told_without_a_power_limit),
        cmocka_unit_test(test_one_gpu_of_two_is_not_used),
        cmocka_unit_test(test_spinning_is_a_hang_though_it_is_busy),
        cmocka_unit_test(test_idle_or_hung_by_the_log),
        cmocka_unit_test(test_of_few_samples_or_none_nothing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
