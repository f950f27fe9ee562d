/* SPDX-License-Identifier: MIT
 *
 * Hold and release: who may, and what becomes of the job's place in the line.
 */
#include "tests/unit/core/harness.h"

enum { TEST = 10, PROD = 100 };

static int setup(void **state)
{
    static struct harness harness;
    setup_core(&harness);
    add_node(&harness, "n1", 64, 4);
    *state = &harness;
    return 0;
}

static int teardown(void **state)
{
    teardown_core(*state);
    return 0;
}

static enum err_code keep(struct harness *h, bool release, const char *name, const char *by, bool admin)
{
    int cookie = 0;
    struct command cmd = {.kind = COMMAND_HOLD,
                          .actor = {.user = by, .admin = admin},
                          .reply_to = &cookie,
                          .hold = {.full_name = name, .release = release}};
    step(h, &cmd);
    return h->reply.code;
}

/* x runs on all GPUs, y waits behind it. */
static void one_runs_one_waits(struct harness *h)
{
    submit(h, &(struct ask){.name = "x", .gpus = 4, .priority = TEST});
    run(h, 0);
    submit(h, &(struct ask){.name = "y", .gpus = 4, .priority = TEST});
}

static void a_held_job_does_not_start(void **state)
{
    struct harness *h = *state;
    one_runs_one_waits(h);
    assert_int_equal(keep(h, false, "ana~y", "ana", false), ERR_NONE);
    assert_non_null(strstr(h->trace, "job.waiting ana~y"));
    assert_int_equal(core_waiting_jobs(h->core), 0);
    engine(h, 0, ENGINE_EXITED, 0);
    assert_int_equal(state_of(h, "ana~y"), STATE_WAITING);
    assert_int_equal(keep(h, true, "ana~y", "ana", false), ERR_NONE);
    assert_int_equal(state_of(h, "ana~y"), STATE_STARTING);
}

static void only_a_waiting_job_is_held(void **state)
{
    struct harness *h = *state;
    one_runs_one_waits(h);
    assert_int_equal(keep(h, false, "ana~x", "ana", false), ERR_CONFLICT_JOB);
    assert_int_equal(keep(h, true, "ana~x", "ana", false), ERR_CONFLICT_JOB);
    assert_int_equal(keep(h, false, "ana~z", "ana", false), ERR_NO_JOB);
    assert_int_equal(keep(h, false, "ana~y", "ben", false), ERR_FORBIDDEN);
    assert_int_equal(keep(h, true, "ana~y", "ana", false), ERR_NONE); /* it was not held */
    assert_int_equal(core_waiting_jobs(h->core), 1);
}

static void what_an_admin_holds_an_admin_releases(void **state)
{
    struct harness *h = *state;
    one_runs_one_waits(h);
    assert_int_equal(keep(h, false, "ana~y", "ana", false), ERR_NONE);
    assert_int_equal(keep(h, false, "ana~y", "root", true), ERR_NONE);
    assert_int_equal(keep(h, false, "ana~y", "ana", false), ERR_NONE); /* stays the admin's */
    assert_int_equal(keep(h, true, "ana~y", "ana", false), ERR_FORBIDDEN);
    assert_string_equal(core_find(h->core, "ana~y")->held_by, "root");
    assert_int_equal(keep(h, true, "ana~y", "root", true), ERR_NONE);
    assert_int_equal(core_waiting_jobs(h->core), 1);
}

static void an_admin_releases_what_the_owner_holds(void **state)
{
    struct harness *h = *state;
    one_runs_one_waits(h);
    assert_int_equal(keep(h, false, "ana~y", "ana", false), ERR_NONE);
    assert_int_equal(keep(h, true, "ana~y", "root", true), ERR_NONE);
    assert_int_equal(core_waiting_jobs(h->core), 1);
}

static void one_that_has_reserved_gives_it_back(void **state)
{
    struct harness *h = *state;
    one_runs_one_waits(h);
    submit(h, &(struct ask){.name = "high", .gpus = 4, .priority = PROD});
    assert_int_equal(h->stops, 1);
    assert_int_equal(keep(h, false, "ana~high", "ana", false), ERR_NONE);
    engine(h, 0, ENGINE_EXITED, 143);
    assert_int_equal(state_of(h, "ana~high"), STATE_WAITING);
    assert_int_equal(state_of(h, "ana~x"), STATE_STARTING); /* first again */
}

static void a_held_job_stops(void **state)
{
    struct harness *h = *state;
    one_runs_one_waits(h);
    keep(h, false, "ana~y", "ana", false);
    assert_int_equal(stop(h, "ana~y", "ana", false), ERR_NONE);
    assert_non_null(strstr(h->trace, "job.stopped ana~y"));
}

/* The back-off ends while it is held, or it is released while that goes on. */
static void a_back_off_goes_on_meanwhile(void **state)
{
    struct harness *h = *state;
    submit(h, &(struct ask){.name = "x", .gpus = 4, .priority = TEST});
    run(h, 0);
    engine(h, 0, ENGINE_EXITED, 251);
    keep(h, false, "ana~x", "ana", false);
    tick(h, 20000);
    keep(h, true, "ana~x", "ana", false);
    assert_int_equal(state_of(h, "ana~x"), STATE_WAITING);
    keep(h, false, "ana~x", "ana", false);
    tick(h, 50000);
    assert_int_equal(state_of(h, "ana~x"), STATE_WAITING);
    keep(h, true, "ana~x", "ana", false);
    assert_int_equal(state_of(h, "ana~x"), STATE_STARTING);
}

/* As above, but the wall clock was set back: by its timer the back-off has ended while the job was held, by the clock
 * it goes on after the release. */
static void a_back_off_outlives_a_clock_that_is_set_back(void **state)
{
    struct harness *h = *state;
    submit(h, &(struct ask){.name = "x", .gpus = 4, .priority = TEST});
    run(h, 0);
    engine(h, 0, ENGINE_EXITED, 251);
    keep(h, false, "ana~x", "ana", false);
    h->now.wall -= 60000;
    tick(h, 70000);
    keep(h, true, "ana~x", "ana", false);
    assert_int_equal(state_of(h, "ana~x"), STATE_WAITING);
    tick(h, 70000);
    assert_int_equal(state_of(h, "ana~x"), STATE_STARTING);
    tick(h, 70000); /* nobody is queued twice */
    assert_int_equal(core_waiting_jobs(h->core), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_held_job_does_not_start, setup, teardown),
        cmocka_unit_test_setup_teardown(only_a_waiting_job_is_held, setup, teardown),
        cmocka_unit_test_setup_teardown(what_an_admin_holds_an_admin_releases, setup, teardown),
        cmocka_unit_test_setup_teardown(an_admin_releases_what_the_owner_holds, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_has_reserved_gives_it_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_held_job_stops, setup, teardown),
        cmocka_unit_test_setup_teardown(a_back_off_goes_on_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(a_back_off_outlives_a_clock_that_is_set_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
