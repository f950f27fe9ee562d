/* SPDX-License-Identifier: MIT
 *
 * What a core that was loaded from rows does: each live state is adopted, goes on, and ends as it must.
 */
#include "tests/unit/core/harness.h"

#include "jobs/exits.h"

#define STORY static void
#define BEGIN                                                                                                          \
    struct harness *h = &(struct harness){0};                                                                          \
    (void)state;                                                                                                       \
    setup_core(h)
#define END teardown_core(h)

/* How the rows say the job and its tasks were. */
struct rows {
    enum run_state job, task, outcome;
    enum claim_state claim;
    bool stop_requested, no_node;
    int64_t launched_ms, due_ms;
    const char *held_by;
};

/* A job with these rows, its one task on node n1; then the adoption. */
static struct job *load(struct harness *h, const struct ask *a, const struct rows *r)
{
    struct job *j = make_job(h, a);
    j->seq = 100;
    j->state = r->job;
    j->outcome = r->outcome;
    j->exit_code = r->outcome == STATE_FAILED ? 1 : 0;
    if (r->outcome)
        exits_verdict(j->exit_code, NULL, &j->exit);
    j->stop_requested = r->stop_requested;
    j->launched_ms = r->launched_ms;
    j->due_ms = r->due_ms;
    snprintf(j->held_by, sizeof j->held_by, "%s", r->held_by ? r->held_by : "");
    if (!r->no_node) {
        struct node n = {.name = "n1", .cpus = 4, .memory_mb = 1000, .port_first = 20000, .port_last = 20999};
        assert_int_equal(core_load_node(h->core, &n), 0);
    }
    for (int i = 0; r->task && i < j->spec->total_tasks; i++) {
        struct task *t = &j->tasks[i];
        t->state = r->task;
        t->claim = r->claim;
        t->node = "n1";
        t->ports[0] = 20000 + 2 * i;
        t->ports[1] = 20001 + 2 * i;
        snprintf(t->id, sizeof t->id, "00000000-0000-8000-8000-00000000000%d", i);
        snprintf(t->nonce, sizeof t->nonce, "%032d", i);
        memcpy(h->launched[i], t->id, ID_SIZE);
        memcpy(h->nonces[i], t->nonce, 33);
        h->launches++;
    }
    assert_int_equal(core_load_job(h->core, j, h->now), 0);
    core_adopt(h->core, &h->fx);
    settle(h);
    add_node(h, "n1", 4, 0);
    return j;
}

/* A claim that expired before the restart must not count as a task that did as it was told: the job never ran. */
STORY an_expired_claim_is_no_success_after_a_restart(void **state)
{
    BEGIN;
    load(h, &(struct ask){.name = "x"},
         &(struct rows){.job = STATE_STARTING, .task = STATE_STARTING, .claim = CLAIM_EXPIRED});
    assert_int_equal(h->stops, 1);
    engine(h, 0, ENGINE_LOST, 1);
    assert_null(strstr(h->trace, "succeeded"));
    assert_int_equal(state_of(h, "ana~x"), STATE_WAITING);
    tick(h, 60000);
    assert_int_equal(h->launches, 2);
    END;
}

/* An engine that answers too late: the attempt was given up, so it is not shown as running. */
STORY a_late_start_of_an_expired_claim_is_not_running(void **state)
{
    BEGIN;
    add_node(h, "n1", 4, 0);
    submit(h, &(struct ask){.name = "x"});
    tick(h, 60 * 1000);
    run(h, 0);
    assert_int_equal(state_of(h, "ana~x"), STATE_STARTING);
    engine(h, 0, ENGINE_EXITED, 137);
    assert_null(strstr(h->trace, "running"));
    assert_int_equal(state_of(h, "ana~x"), STATE_WAITING);
    END;
}

STORY a_running_job_goes_on_and_ends(void **state)
{
    BEGIN;
    load(h, &(struct ask){.name = "x", .instances = 2},
         &(struct rows){.job = STATE_RUNNING, .task = STATE_RUNNING, .claim = CLAIM_CONFIRMED});
    assert_int_equal(h->stops, 0);
    assert_int_equal(cluster_at(core_cluster(h->core), 0)->used.cpus, 2);
    engine(h, 0, ENGINE_EXITED, 0);
    engine(h, 1, ENGINE_EXITED, 0);
    assert_non_null(strstr(h->trace, "job.succeeded ana~x"));
    assert_int_equal(cluster_at(core_cluster(h->core), 0)->port_free, 1000);
    END;
}

STORY a_stop_under_way_is_ordered_again(void **state)
{
    BEGIN;
    load(
        h, &(struct ask){.name = "x", .retries = 3},
        &(struct rows){.job = STATE_STOPPING, .task = STATE_RUNNING, .claim = CLAIM_CONFIRMED, .stop_requested = true});
    assert_int_equal(h->stops, 1);
    engine(h, 0, ENGINE_LOST, 0);
    assert_non_null(strstr(h->trace, "job.stopped ana~x"));
    assert_int_equal(state_of(h, "ana~x"), 0);
    END;
}

STORY a_decided_job_keeps_its_outcome(void **state)
{
    BEGIN;
    load(h, &(struct ask){.name = "x"},
         &(struct rows){
             .job = STATE_COMPLETING, .task = STATE_RUNNING, .claim = CLAIM_CONFIRMED, .outcome = STATE_FAILED});
    assert_int_equal(h->stops, 1);
    engine(h, 0, ENGINE_EXITED, 143);
    assert_non_null(strstr(h->trace, "job.failed ana~x"));
    END;
}

STORY the_rest_of_a_time_limit_is_kept(void **state)
{
    BEGIN;
    load(h, &(struct ask){.name = "x", .time_limit_ms = 5000},
         &(struct rows){
             .job = STATE_RUNNING, .task = STATE_RUNNING, .claim = CLAIM_CONFIRMED, .launched_ms = h->now.wall - 4000});
    tick(h, 999);
    assert_int_equal(state_of(h, "ana~x"), STATE_RUNNING);
    tick(h, 1);
    assert_int_equal(state_of(h, "ana~x"), STATE_COMPLETING);
    assert_int_equal(h->stops, 1);
    END;
}

STORY a_claim_that_waits_for_its_answer_expires_again(void **state)
{
    BEGIN;
    load(h, &(struct ask){.name = "x"},
         &(struct rows){.job = STATE_STARTING, .task = STATE_STARTING, .claim = CLAIM_PROPOSED});
    assert_int_equal(core_deadline(h->core), h->now.mono + 60000);
    tick(h, 60000);
    assert_int_equal(h->stops, 1);
    END;
}

/* Somebody deleted the node's row: no reason not to start. */
STORY a_task_on_a_node_without_a_row_is_accounted_for(void **state)
{
    BEGIN;
    load(h, &(struct ask){.name = "x"},
         &(struct rows){.job = STATE_RUNNING, .task = STATE_RUNNING, .claim = CLAIM_CONFIRMED, .no_node = true});
    assert_int_equal(cluster_at(core_cluster(h->core), 0)->used.cpus, 1);
    engine(h, 0, ENGINE_EXITED, 0);
    assert_non_null(strstr(h->trace, "job.succeeded ana~x"));
    END;
}

STORY a_waiting_job_is_placed(void **state)
{
    BEGIN;
    load(h, &(struct ask){.name = "x"}, &(struct rows){.job = STATE_WAITING});
    assert_int_equal(h->launches, 1);
    assert_int_equal(core_waiting_jobs(h->core), 0);
    END;
}

STORY a_back_off_goes_on_after_a_restart(void **state)
{
    BEGIN;
    load(h, &(struct ask){.name = "x"}, &(struct rows){.job = STATE_WAITING, .due_ms = h->now.wall + 20000});
    assert_int_equal(h->launches, 0);
    tick(h, 19999);
    assert_int_equal(h->launches, 0);
    tick(h, 1);
    assert_int_equal(h->launches, 1);
    END;
}

STORY a_held_job_stays_held_after_a_restart(void **state)
{
    BEGIN;
    load(h, &(struct ask){.name = "x"}, &(struct rows){.job = STATE_WAITING, .held_by = "root"});
    tick(h, 60000);
    assert_int_equal(h->launches, 0);
    step(h, &(struct command){.kind = COMMAND_HOLD, .hold = {.full_name = "ana~x", .release = true}});
    assert_int_equal(h->launches, 1);
    END;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_expired_claim_is_no_success_after_a_restart),
        cmocka_unit_test(a_late_start_of_an_expired_claim_is_not_running),
        cmocka_unit_test(a_running_job_goes_on_and_ends),
        cmocka_unit_test(a_stop_under_way_is_ordered_again),
        cmocka_unit_test(a_decided_job_keeps_its_outcome),
        cmocka_unit_test(the_rest_of_a_time_limit_is_kept),
        cmocka_unit_test(a_claim_that_waits_for_its_answer_expires_again),
        cmocka_unit_test(a_task_on_a_node_without_a_row_is_accounted_for),
        cmocka_unit_test(a_waiting_job_is_placed),
        cmocka_unit_test(a_back_off_goes_on_after_a_restart),
        cmocka_unit_test(a_held_job_stays_held_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
