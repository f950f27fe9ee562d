/* SPDX-License-Identifier: MIT
 *
 * GPUs that are held and not used: scripted samples, and the exact times at which who holds them is warned, and what
 * follows.
 */
#include "metrics/idle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics/source.h"

enum { GPUS = 3, STEP = 15 };

/* A job of up to three GPUs under one rule, sampled every 15 s. What followed is noted with its time: "W3600 A7200". */
struct play {
    struct idle_rule rule;
    int gpus;
    struct idle_gpu gpu[GPUS];
    struct idle_told told;
    int64_t now_s;
    char log[4096];
};

/* Of the field's manual: two warnings, the end after two hours of nothing. */
static struct idle_rule zero(enum idle_kind kind)
{
    return (struct idle_rule){
        .kind = kind, .action = IDLE_STOP, .warn_s = {3600, 6300}, .warn_count = 2, .after_s = 7200};
}

static struct play begin(struct idle_rule rule, int gpus)
{
    return (struct play){.rule = rule, .gpus = gpus};
}

static struct source_sample busy(int percent)
{
    struct source_sample s = {0};

    source_set(&s, SOURCE_BUSY, percent);
    return s;
}

static void look(struct play *p)
{
    static const char letters[] = {[IDLE_SAME] = ' ', [IDLE_WARN] = 'W', [IDLE_ACT] = 'A', [IDLE_USED] = 'U'};
    struct idle_state all = {0};

    for (int i = 0; i < p->gpus; i++)
        idle_fold(&all, &p->rule, p->gpu[i].state, i);
    enum idle_change change = idle_look(&p->told, &p->rule, all);
    size_t n = strlen(p->log);
    if (change)
        snprintf(p->log + n, sizeof p->log - n, "%s%c%lld", n ? " " : "", letters[change], (long long)p->now_s);
}

/* So long every GPU gives its sample; NULL: it gives none. */
static void go(struct play *p, int seconds, const struct source_sample *const samples[GPUS])
{
    for (int s = 0; s < seconds; s += STEP) {
        p->now_s += STEP;
        for (int i = 0; i < p->gpus; i++)
            if (samples[i])
                idle_gpu_add(&p->gpu[i], &p->rule, samples[i], STEP * INT64_C(1000));
        look(p);
    }
}

/* The same on all. */
static void all(struct play *p, int seconds, int percent)
{
    struct source_sample s = busy(percent);

    go(p, seconds, (const struct source_sample *const[GPUS]){&s, &s, &s});
}

static void gap(struct play *p, int seconds)
{
    go(p, seconds, (const struct source_sample *const[GPUS]){0});
}

/* ---- zero from the start ---- */

static void zero_from_the_start_warns_twice_and_acts(void **state)
{
    struct play p = begin(zero(IDLE_ZERO_FROM_START), 1);
    (void)state;
    all(&p, 10000, 0);
    assert_string_equal(p.log, "W3600 W6300 A7200");
}

static void who_was_used_once_is_never_idle_from_the_start(void **state)
{
    struct play p = begin(zero(IDLE_ZERO_FROM_START), 1);
    (void)state;
    all(&p, 600, 0);
    all(&p, STEP, 1);
    all(&p, 20000, 0);
    assert_string_equal(p.log, "");
}

static void a_use_after_the_warning_is_told_once(void **state)
{
    struct play p = begin(zero(IDLE_ZERO_FROM_START), 1);
    (void)state;
    all(&p, 6600, 0);
    all(&p, 300, 80);
    all(&p, 20000, 0);
    assert_string_equal(p.log, "W3600 W6300 U6615");
}

/* ---- zero over a window ---- */

static void a_window_begins_anew_after_each_use(void **state)
{
    struct play p = begin(zero(IDLE_ZERO_WINDOW), 1);
    (void)state;
    all(&p, 900, 95);
    all(&p, 3585, 0);
    all(&p, STEP, 1); /* just before the warning */
    all(&p, 3600, 0);
    all(&p, STEP, 70);
    all(&p, 9000, 0);
    assert_string_equal(p.log, "W8100 U8115 W11715 W14415 A15315");
}

static void what_was_acted_upon_and_goes_on_is_judged_again_when_used(void **state)
{
    struct play p = begin(zero(IDLE_ZERO_WINDOW), 1);
    (void)state;
    all(&p, 20000 / STEP * STEP, 0);
    all(&p, STEP, 9);
    all(&p, 7200, 0);
    assert_string_equal(p.log, "W3600 W6300 A7200 U20010 W23610 W26310 A27210");
}

static void a_rule_says_how_much_is_nothing(void **state)
{
    struct play p = begin(zero(IDLE_ZERO_WINDOW), 1);
    (void)state;
    p.rule.utilization = 3;
    all(&p, 3600, 3);
    all(&p, STEP, 4);
    assert_string_equal(p.log, "W3600 U3615");
}

static void without_warnings_it_acts_at_once(void **state)
{
    struct play p = begin(zero(IDLE_ZERO_WINDOW), 1);
    (void)state;
    p.rule.warn_count = 0;
    all(&p, 8000, 0);
    assert_string_equal(p.log, "A7200");
}

/* ---- gaps ---- */

static void what_was_not_sampled_is_neither_idle_nor_used(void **state)
{
    struct play p = begin(zero(IDLE_ZERO_WINDOW), 1);
    (void)state;
    all(&p, 3000, 0);
    gap(&p, 100000 / STEP * STEP);
    all(&p, 600, 0);
    assert_string_equal(p.log, "W103590");
}

static void a_lost_gpu_tells_nothing(void **state)
{
    struct play p = begin(zero(IDLE_ZERO_WINDOW), 1);
    struct source_sample lost = {.lost = true};
    (void)state;
    go(&p, 7200, (const struct source_sample *const[GPUS]){&lost});
    assert_int_equal(p.gpu[0].state.held_ms, 0);
    assert_string_equal(p.log, "");
}

static void a_figure_that_the_rule_needs_and_is_not_there_is_a_gap(void **state)
{
    struct play memory = begin(zero(IDLE_ZERO_WINDOW), 1), processes = begin(zero(IDLE_ZERO_WINDOW), 1);
    (void)state;
    memory.rule.memory = 50;
    processes.rule.no_processes = true;
    all(&memory, 9000, 0);
    all(&processes, 9000, 0);
    assert_string_equal(memory.log, "");
    assert_string_equal(processes.log, "");
}

static void samples_of_no_time_count_for_nothing(void **state)
{
    struct idle_rule rule = zero(IDLE_ZERO_WINDOW);
    struct idle_gpu g = {0};
    struct source_sample s = busy(0);
    (void)state;
    idle_gpu_add(&g, &rule, &s, 0);
    idle_gpu_add(&g, &rule, &s, -5000);
    idle_gpu_add(&g, &rule, &s, INT64_MAX);
    assert_false(g.state.on);
    assert_int_equal(g.state.held_ms, 0);
}

/* ---- memory and processes ---- */

static void who_holds_much_memory_is_not_idle(void **state)
{
    struct play p = begin(zero(IDLE_ZERO_WINDOW), 1);
    struct source_sample s = busy(0);
    (void)state;
    p.rule.memory = 50;
    source_set(&s, SOURCE_MEMORY_TOTAL, INT64_C(80) << 30);
    source_set(&s, SOURCE_MEMORY_USED, INT64_C(40) << 30);
    go(&p, 9000, (const struct source_sample *const[GPUS]){&s});
    assert_string_equal(p.log, "");
    source_set(&s, SOURCE_MEMORY_USED, INT64_C(39) << 30);
    go(&p, 3600, (const struct source_sample *const[GPUS]){&s});
    assert_string_equal(p.log, "W12600");
}

static void a_rule_may_leave_alone_who_has_a_process_on_it(void **state)
{
    struct play p = begin(zero(IDLE_ZERO_FROM_START), 1);
    struct source_sample s = busy(0);
    (void)state;
    p.rule.no_processes = true;
    source_set(&s, SOURCE_PROCESSES, 0);
    go(&p, 3600, (const struct source_sample *const[GPUS]){&s});
    source_set(&s, SOURCE_PROCESSES, 1);
    go(&p, 3600, (const struct source_sample *const[GPUS]){&s});
    assert_string_equal(p.log, "W3600 U3615");
}

/* ---- several GPUs ---- */

static void all_gpus_have_to_be_idle_unless_the_rule_says_any(void **state)
{
    struct source_sample idle = busy(0), used = busy(90);
    const struct source_sample *const one[GPUS] = {&used, &idle, &used};
    struct play every = begin(zero(IDLE_ZERO_WINDOW), 3), any = begin(zero(IDLE_ZERO_WINDOW), 3);
    (void)state;
    any.rule.any = true;
    go(&every, 7200, one);
    go(&any, 7200, one);
    assert_string_equal(every.log, "");
    assert_string_equal(any.log, "W3600 W6300 A7200");
}

static void all_are_idle_since_the_last_of_them_is(void **state)
{
    struct source_sample idle = busy(0), used = busy(90);
    struct play p = begin(zero(IDLE_ZERO_WINDOW), 2);
    (void)state;
    go(&p, 1500, (const struct source_sample *const[GPUS]){&idle, &used});
    go(&p, 3600, (const struct source_sample *const[GPUS]){&idle, &idle});
    assert_string_equal(p.log, "W5100");
}

static void a_gap_of_one_gpu_keeps_all_waiting(void **state)
{
    struct source_sample idle = busy(0);
    struct play p = begin(zero(IDLE_ZERO_WINDOW), 2);
    (void)state;
    go(&p, 3000, (const struct source_sample *const[GPUS]){&idle, &idle});
    go(&p, 6000, (const struct source_sample *const[GPUS]){&idle, NULL});
    go(&p, 600, (const struct source_sample *const[GPUS]){&idle, &idle});
    assert_string_equal(p.log, "W9600");
}

/* ---- a low mean ---- */

static struct idle_rule mean_below_20(void)
{
    return (struct idle_rule){.kind = IDLE_LOW_MEAN,
                              .utilization = 20,
                              .window_s = 3600,
                              .warn_s = {0, 1800},
                              .warn_count = 2,
                              .after_s = 3600};
}

static void a_low_mean_is_known_when_the_window_is_full(void **state)
{
    struct play p = begin(mean_below_20(), 1);
    (void)state;
    all(&p, 9000, 19);
    assert_string_equal(p.log, "W3600 W5400 A7200");
}

static void a_mean_of_just_the_bound_is_not_low(void **state)
{
    struct play p = begin(mean_below_20(), 1);
    (void)state;
    all(&p, 9000, 20);
    assert_string_equal(p.log, "");
}

/* Exactly: a naive sum over the same parts is compared at each sample of ten hours of noise. */
static void the_window_rolls_as_a_sum_over_all_samples_would(void **state)
{
    struct idle_rule rule = mean_below_20();
    struct idle_gpu g = {0};
    static int history[2400];
    unsigned seed = 7;
    const int part_s = 60; /* 3600 s in 62 parts of 59 s, which samples of 15 s round up */
    (void)state;
    for (int n = 0; n < 2400; n++) {
        seed = seed * 1103515245 + 12345;
        history[n] = (int)(seed >> 16 & 31);
        struct source_sample s = busy(history[n]);
        idle_gpu_add(&g, &rule, &s, 15000);
        /* The parts that are wholly before the window are gone. */
        int first = 0, parts = part_s / STEP;
        while (((n + 1) - (first + parts)) * STEP >= rule.window_s)
            first += parts;
        int64_t sum = 0;
        for (int k = first; k <= n; k++)
            sum += history[k] * INT64_C(15000);
        assert_int_equal(g.ms, (n + 1 - first) * INT64_C(15000));
        assert_int_equal(g.percent_ms, sum);
        assert_true(g.ms < (rule.window_s + part_s) * INT64_C(1000));
    }
}

static void a_mean_that_rises_is_told(void **state)
{
    struct play p = begin(mean_below_20(), 1);
    (void)state;
    all(&p, 4500, 0);
    all(&p, 735, 100); /* 12 minutes of 60: at the 12th the mean is 20 % */
    assert_int_equal(strncmp(p.log, "W3600 U52", 9), 0);
}

static void what_is_excused_counts_as_full_use(void **state)
{
    struct play p = begin(mean_below_20(), 1);
    struct source_sample s = busy(0);
    (void)state;
    p.rule.no_processes = true;
    source_set(&s, SOURCE_PROCESSES, 2);
    go(&p, 9000, (const struct source_sample *const[GPUS]){&s});
    assert_string_equal(p.log, "");
}

/* ---- what is left ---- */

static void what_is_left_is_said_exactly(void **state)
{
    struct play p = begin(zero(IDLE_ZERO_WINDOW), 1);
    (void)state;
    all(&p, 3600, 0);
    assert_int_equal(idle_left_ms(&p.told, &p.rule, p.gpu[0].state), 2700000);
    all(&p, 2700, 0);
    assert_int_equal(idle_left_ms(&p.told, &p.rule, p.gpu[0].state), 900000);
    all(&p, 900, 0);
    assert_int_equal(idle_left_ms(&p.told, &p.rule, p.gpu[0].state), -1);
}

/* ---- storing ---- */

static void what_is_stored_goes_on_as_if_nothing_was(void **state)
{
    const enum idle_kind kinds[] = {IDLE_ZERO_FROM_START, IDLE_ZERO_WINDOW, IDLE_LOW_MEAN};
    (void)state;
    for (int k = 0; k < 3; k++) {
        struct play one = begin(kinds[k] == IDLE_LOW_MEAN ? mean_below_20() : zero(kinds[k]), 1), two = one;
        unsigned char blob[IDLE_GPU_BLOB];
        for (int i = 0; i < 400; i++) {
            all(&one, STEP, i % 3 ? 0 : i % 40 / 39);
            all(&two, STEP, i % 3 ? 0 : i % 40 / 39);
            struct idle_gpu read;
            size_t len = idle_gpu_encode(&two.gpu[0], &two.rule, blob);
            assert_true(len <= sizeof blob);
            assert_int_equal(idle_gpu_decode(&read, &two.rule, blob, len), 0);
            two.gpu[0] = read;
        }
        assert_string_equal(one.log, two.log);
        assert_int_equal(one.gpu[0].state.held_ms, two.gpu[0].state.held_ms);
        assert_int_equal(one.gpu[0].percent_ms, two.gpu[0].percent_ms);
    }
}

static void what_is_none_or_of_another_rule_is_refused(void **state)
{
    struct play p = begin(mean_below_20(), 1);
    struct idle_rule other = p.rule;
    unsigned char blob[IDLE_GPU_BLOB];
    struct idle_gpu g;
    (void)state;
    all(&p, 9000, 5);
    size_t len = idle_gpu_encode(&p.gpu[0], &p.rule, blob);
    other.after_s = 60; /* when it acts may change; what it judges by not */
    assert_int_equal(idle_gpu_decode(&g, &other, blob, len), 0);
    other.window_s = 60;
    assert_int_equal(idle_gpu_decode(&g, &other, blob, len), -1);
    assert_int_equal(g.count, 0);
    for (size_t n = 0; n < len; n++)
        assert_int_equal(idle_gpu_decode(&g, &p.rule, blob, n), -1);
    assert_int_equal(idle_gpu_decode(&g, &p.rule, NULL, 0), -1);
    blob[17] = IDLE_PARTS;
    assert_int_equal(idle_gpu_decode(&g, &p.rule, blob, len), -1);
    len = idle_gpu_encode(&p.gpu[0], &p.rule, blob);
    blob[len - 1] = 0x7f; /* busier than all the time there was */
    assert_int_equal(idle_gpu_decode(&g, &p.rule, blob, len), -1);
    assert_int_equal(g.ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_from_the_start_warns_twice_and_acts),
        cmocka_unit_test(who_was_used_once_is_never_idle_from_the_start),
        cmocka_unit_test(a_use_after_the_warning_is_told_once),
        cmocka_unit_test(a_window_begins_anew_after_each_use),
        cmocka_unit_test(what_was_acted_upon_and_goes_on_is_judged_again_when_used),
        cmocka_unit_test(a_rule_says_how_much_is_nothing),
        cmocka_unit_test(without_warnings_it_acts_at_once),
        cmocka_unit_test(what_was_not_sampled_is_neither_idle_nor_used),
        cmocka_unit_test(a_lost_gpu_tells_nothing),
        cmocka_unit_test(a_figure_that_the_rule_needs_and_is_not_there_is_a_gap),
        cmocka_unit_test(samples_of_no_time_count_for_nothing),
        cmocka_unit_test(who_holds_much_memory_is_not_idle),
        cmocka_unit_test(a_rule_may_leave_alone_who_has_a_process_on_it),
        cmocka_unit_test(all_gpus_have_to_be_idle_unless_the_rule_says_any),
        cmocka_unit_test(all_are_idle_since_the_last_of_them_is),
        cmocka_unit_test(a_gap_of_one_gpu_keeps_all_waiting),
        cmocka_unit_test(a_low_mean_is_known_when_the_window_is_full),
        cmocka_unit_test(a_mean_of_just_the_bound_is_not_low),
        cmocka_unit_test(the_window_rolls_as_a_sum_over_all_samples_would),
        cmocka_unit_test(a_mean_that_rises_is_told),
        cmocka_unit_test(what_is_excused_counts_as_full_use),
        cmocka_unit_test(what_is_left_is_said_exactly),
        cmocka_unit_test(what_is_stored_goes_on_as_if_nothing_was),
        cmocka_unit_test(what_is_none_or_of_another_rule_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
