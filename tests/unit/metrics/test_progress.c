/* SPDX-License-Identifier: MIT
 *
 * Lines of frameworks, and what is told after them: how far, what loss, how long yet.
 */
#include "metrics/progress.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

/* What is told of a log that was begun at 0 and ends at 100 s. */
static struct progress_told told(const char *declared, const char *text)
{
    struct err e = {.code = ERR_NONE};
    struct progress *p = progress_create(&e);
    struct progress_told out;

    assert_non_null(p);
    if (declared)
        progress_declare(p, declared, strlen(declared));
    for (size_t i = 0; text[i]; i++) /* cut anywhere */
        progress_read(p, -1, text + i, 1);
    progress_gap(p);
    progress_tell(p, &(struct progress_times){0, 100000, 100000}, &out);
    progress_destroy(p);
    return out;
}

static void near(double a, double b)
{
    if (!(fabs(a - b) <= 1e-6 + 1e-3 * fabs(b)))
        fail_msg("%f is not %f", a, b);
}

static void test_lines_of_frameworks(void **state)
{
    static const struct {
        const char *text;
        double done;
    } cases[] = {
        {"Epoch [2/4], Step [50/100], Loss: 0.5\n", 0.375},
        {"\r 33%|###3      | 400/1200 [05:10<10:12,  1.31it/s]", 1.0 / 3},
        {"\r 33%|###3      | 400/1200 [05:10<10:12,  1.31s/it, loss=0.1]", 1.0 / 3},
        {"Epoch 1/2\n\r 5/10 [====>.....] - ETA: 1:12 - loss: 0.7", 0.25},
        {" [2026-11-28 10:00:00] iteration      100/    5000 | lm loss: 6.1E+00 |\n", 0.02},
        {"drover: step 120/1000 loss 0.5\n", 0.12},
        {"trainer: {max_epochs: 4}\n\rEpoch 0:  50%|#####     | 5/10 [00:10<00:10,  1.0it/s]", 0.125},
        {"Namespace(epochs=2)\nEpoch: [1][  5/10]\tTime 0.5\n", 0.25},
        {"max_iters = 400\niter 100: loss 3.2, time 120.5ms\n", 0.25},
        {"\033[32mstep=5/20\033[0m\n", 0.25},
        {"{'loss': 0.5, 'learning_rate': 1e-05, 'epoch': 1.5}\nnum_train_epochs=3\n", 0.5},
        {"Validating:  50%|#####     | 5/10 [00:01<00:01,  5.0it/s]\n", NAN},
        {"440/440 [00:03<00:00, 130MB/s]\nGET step 3\n", NAN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct progress_told t = told(NULL, cases[i].text);

        if (isnan(cases[i].done) != isnan(t.done) || fabs(cases[i].done - t.done) > 1e-3)
            fail_msg("%s: %f", cases[i].text, t.done);
    }
}

static void test_losses_but_of_validations(void **state)
{
    (void)state;
    near(told(NULL, "{'loss': 0.25, 'epoch': 1.0}\n{'eval_loss': 0.75}\n").loss, 0.25);
    near(told(NULL, "step 1 loss=-1.5e-1\nval_loss: 7\n").loss, -0.15);
    assert_true(isnan(told(NULL, "no 1 is at a loss for words\n").loss));
}

static void test_time_left_by_begin_and_end(void **state)
{
    const struct progress_told t = told(NULL, "step 1/400\nstep 2/400\nstep 100/400\n");

    (void)state;
    near((double)t.left_ms, 300000);
    near(t.steps_a_second, 1);
}

static void test_time_left_by_the_lines_clock_when_it_went_on_from_a_checkpoint(void **state)
{
    const struct progress_told t = told(NULL, "2026-01-01 10:00:00 step=500/1000\n"
                                              "2026-01-01 10:00:10 step=510/1000\n"
                                              "2026-01-01 10:00:20 step=520/1000\n");

    (void)state;
    near((double)t.left_ms, 480000);
}

static void test_time_left_by_the_second_half_where_it_slowed_down(void **state)
{
    const struct progress_told t = told(NULL, "2026-01-01 10:00:00 step=0/100\n"
                                              "2026-01-01 10:00:10 step=10/100\n"
                                              "2026-01-01 10:00:30 step=15/100\n"
                                              "2026-01-01 10:00:50 step=20/100\n");

    (void)state;
    near((double)t.left_ms, 320000);
}

static void test_arguments_declare_how_much(void **state)
{
    (void)state;
    near(told("python train.py --max_steps=200 --lr 0.1", "step=50\n").done, 0.25);
    near(told("python train.py --epochs 4", "Epoch 2 done\n").done, 0.25);
}

static void test_epochs_from_0_and_steps_of_all(void **state)
{
    (void)state;
    near(told(NULL, "epoch 0/4 step 1/10\nepoch 0/4 step 10/10\nepoch 1/4 step 5/10\n").done, 0.375);
    near(told(NULL, "epoch 1/4 step 9/40\nepoch 2/4 step 15/40\nepoch 3/4 step 25/40\n").done, 0.625);
}

static void test_silence_is_a_stall_and_has_no_end(void **state)
{
    struct err e = {.code = ERR_NONE};
    struct progress *p = progress_create(&e);
    struct progress_told out;

    (void)state;
    for (int i = 0; i < 100; i++)
        progress_take(p, &(struct progress_event){i * 1000, i, 200, NAN, NAN, NAN, 0.5});
    progress_tell(p, &(struct progress_times){0, 99000, 99000}, &out);
    assert_false(out.stalled);
    near((double)out.left_ms, 101000);
    progress_tell(p, &(struct progress_times){0, 99000, 999000}, &out);
    assert_true(out.stalled);
    assert_int_equal(out.left_ms, -1);
    progress_destroy(p);
}

static void test_any_number_of_lines_in_bounded_memory(void **state)
{
    struct err e = {.code = ERR_NONE};
    struct progress *p = progress_create(&e);
    struct progress_told out;

    (void)state;
    for (int i = 0; i <= 50000; i++)
        progress_take(p, &(struct progress_event){i * 1000LL, i, 100000, NAN, NAN, NAN, NAN});
    progress_tell(p, &(struct progress_times){0, 50000000, 50000000}, &out);
    near(out.done, 0.5);
    near((double)out.left_ms, 5e7);
    progress_destroy(p);
}

static void test_answers_are_noticed(void **state)
{
    (void)state;
    assert_true(told(NULL, "INFO: 10.0.0.1:99 - \"POST /v1/completions HTTP/1.1\" 200 OK\n").tells_requests);
    assert_false(told(NULL, "step 1\n").tells_requests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_of_frameworks),
        cmocka_unit_test(test_losses_but_of_validations),
        cmocka_unit_test(test_time_left_by_begin_and_end),
        cmocka_unit_test(test_time_left_by_the_lines_clock_when_it_went_on_from_a_checkpoint),
        cmocka_unit_test(test_time_left_by_the_second_half_where_it_slowed_down),
        cmocka_unit_test(test_arguments_declare_how_much),
        cmocka_unit_test(test_epochs_from_0_and_steps_of_all),
        cmocka_unit_test(test_silence_is_a_stall_and_has_no_end),
        cmocka_unit_test(test_any_number_of_lines_in_bounded_memory),
        cmocka_unit_test(test_answers_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
