/* SPDX-License-Identifier: MIT
 *
 * What a task uses beside GPUs: random looks against a recount, restarts in between, and the rows.
 */
#include "metrics/task_use.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PERIOD_MS = 5000 };

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static struct task_use begun(int cores)
{
    return (struct task_use){.cores = cores,
                             .read_bytes = -1,
                             .written_bytes = -1,
                             .received_bytes = -1,
                             .sent_bytes = -1,
                             .last_cpu_ms = -1,
                             .last_received = -1,
                             .last_sent = -1};
}

static struct curve *four_curves(void)
{
    struct curve *curves = calloc(TASK_USE_CURVES, sizeof *curves);

    assert_non_null(curves);
    return curves;
}

static void sums_are_those_of_the_looks(void **state)
{
    struct curve *curves = four_curves();
    struct task_use u = begun(4);
    struct task_use_look look = {.wall_ms = 1000000, .read_bytes = -1, .written_bytes = -1, .machine_cores = 8};
    int64_t used = 0, waited = 0, held = 0, most = 0, looks = 0;
    uint64_t seed = 20261128;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        const bool anew = next(&seed) % 100 == 0; /* a new life of the server: what was used meanwhile is not counted */
        const int64_t more = (int64_t)(next(&seed) % (8 * PERIOD_MS));

        if (anew)
            u.last_cpu_ms = -1;
        look.wall_ms += PERIOD_MS;
        look.cpu_ms += more;
        look.memory = (int64_t)(next(&seed) % 4096) << 20;
        look.waits = next(&seed) % 3 == 0;
        if (i >= 10)
            look.read_bytes = i;
        task_use_add(&u, &look, PERIOD_MS, curves);
        most = look.memory > most ? look.memory : most;
        if (anew || i == 0)
            continue;
        looks++;
        used += more;
        waited += look.waits ? PERIOD_MS : 0;
        held += look.memory >> 20;
    }
    assert_int_equal(u.sampled_ms, looks * PERIOD_MS);
    assert_int_equal(u.cpu_ms, used);
    assert_int_equal(u.wait_ms, waited);
    assert_int_equal(u.memory_max, most);
    assert_int_equal(task_use_memory(&u), held / looks * (1 << 20));
    assert_int_equal(u.read_bytes, 4999);
    assert_int_equal(u.written_bytes, -1);
    assert_true(u.cores_max_milli > 7000 && u.cores_max_milli < 8000);
    int64_t told = 0, percent = 0;
    for (int i = 0; i < curves[1].count; i++) {
        told += curves[1].points[i].busy_ms;
        percent += curves[1].points[i].percent_ms;
    }
    assert_int_equal(told, looks * PERIOD_MS);
    assert_int_equal(percent, waited * 100);
    free(curves);
}

static void a_curve_is_of_what_was_asked_for(void **state)
{
    struct curve *curves = four_curves();
    struct task_use u = begun(2);
    struct task_use_look look = {.wall_ms = 1000000, .read_bytes = -1, .written_bytes = -1, .machine_cores = 8};

    (void)state;
    for (int i = 0; i < 3; i++) { /* one core of two; then three */
        task_use_add(&u, &look, PERIOD_MS, curves);
        look.wall_ms += PERIOD_MS;
        look.cpu_ms += i == 0 ? PERIOD_MS : 3 * PERIOD_MS;
    }
    assert_int_equal(curves[0].count, 2);
    assert_int_equal(curves[0].points[0].busy_max, 50);
    assert_int_equal(curves[0].points[1].busy_max, 100);
    assert_int_equal(u.cores_max_milli, 3000);
    look.cpu_ms = 0; /* who used most has ended, and nobody waited for it */
    task_use_add(&u, &look, PERIOD_MS, curves);
    assert_int_equal(u.cpu_ms, 4 * PERIOD_MS);
    look.cpu_ms = 1000 * PERIOD_MS; /* what was missing then, and counts again, is not all of it of now */
    task_use_add(&u, &look, PERIOD_MS, curves);
    assert_int_equal(u.cpu_ms, 12 * PERIOD_MS);
    free(curves);
}

static void traffic_is_what_comes_between_looks(void **state)
{
    struct curve *curves = four_curves();
    struct task_use u = begun(2);
    struct task_use_look look = {.wall_ms = 1000000, .received_bytes = -1, .sent_bytes = -1, .machine_cores = 8};
    static const struct {
        int64_t received, sent, received_sum, sent_sum;
    } steps[] = {{-1, -1, -1, -1},      /* not known yet */
                 {7000, 70, 0, 0},      /* from here on */
                 {17000, 70, 10000, 0}, /* an idle direction is a 0 */
                 {-1, -1, 10000, 0},    /* once unknown, what went meanwhile is, too */
                 {90000, 90, 10000, 0},  {95000, 1090, 15000, 1000},
                 {10, 10, 15000, 1000}, /* another life of who counts */
                 {5010, 10, 20000, 1000}};

    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        look.received_bytes = steps[i].received;
        look.sent_bytes = steps[i].sent;
        task_use_add(&u, &look, PERIOD_MS, curves);
        look.wall_ms += PERIOD_MS;
        assert_int_equal(u.received_bytes, steps[i].received_sum);
        assert_int_equal(u.sent_bytes, steps[i].sent_sum);
    }
    assert_int_equal(curves[TASK_USE_RECEIVED].count, 3);
    assert_int_equal(curves[TASK_USE_RECEIVED].points[0].memory_max, 2000); /* bytes a second */
    assert_int_equal(curves[TASK_USE_SENT].points[0].memory_max, 0);
    assert_int_equal(curves[TASK_USE_SENT].points[1].memory_max, 200);
    task_use_skip(&u);
    look.received_bytes = 100000;
    task_use_add(&u, &look, PERIOD_MS, curves);
    assert_int_equal(u.received_bytes, 20000);
    free(curves);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sums_are_those_of_the_looks),
                                       cmocka_unit_test(a_curve_is_of_what_was_asked_for),
                                       cmocka_unit_test(traffic_is_what_comes_between_looks)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
