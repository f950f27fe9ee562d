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
    return (struct task_use){.cores = cores, .read_bytes = -1, .written_bytes = -1, .last_cpu_ms = -1};
}

static void sums_are_those_of_the_looks(void **state)
{
    struct curve *curves = calloc(2, sizeof *curves);
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
        task_use_add(&u, &look, PERIOD_MS, &curves[0], &curves[1]);
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
    struct curve *curves = calloc(2, sizeof *curves);
    struct task_use u = begun(2);
    struct task_use_look look = {.wall_ms = 1000000, .read_bytes = -1, .written_bytes = -1, .machine_cores = 8};

    (void)state;
    for (int i = 0; i < 3; i++) { /* one core of two; then three */
        task_use_add(&u, &look, PERIOD_MS, &curves[0], &curves[1]);
        look.wall_ms += PERIOD_MS;
        look.cpu_ms += i == 0 ? PERIOD_MS : 3 * PERIOD_MS;
    }
    assert_int_equal(curves[0].count, 2);
    assert_int_equal(curves[0].points[0].busy_max, 50);
    assert_int_equal(curves[0].points[1].busy_max, 100);
    assert_int_equal(u.cores_max_milli, 3000);
    look.cpu_ms = 0; /* who used most has ended, and nobody waited for it */
    task_use_add(&u, &look, PERIOD_MS, &curves[0], &curves[1]);
    assert_int_equal(u.cpu_ms, 4 * PERIOD_MS);
    look.cpu_ms = 1000 * PERIOD_MS; /* what was missing then, and counts again, is not all of it of now */
    task_use_add(&u, &look, PERIOD_MS, &curves[0], &curves[1]);
    assert_int_equal(u.cpu_ms, 12 * PERIOD_MS);
    free(curves);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sums_are_those_of_the_looks),
                                       cmocka_unit_test(a_curve_is_of_what_was_asked_for)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
