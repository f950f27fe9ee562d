/* SPDX-License-Identifier: MIT
 *
 * The core's transitions, told as stories: submit, place, run, end, retry, stop.
 */
#include "tests/unit/core/harness.h"

#include <signal.h>

#include "jobs/exits.h"

#define STORY static void
#define BEGIN                                                                                                          \
    struct harness *h = &(struct harness){0};                                                                          \
    (void)state;                                                                                                       \
    setup_core(h)
#define END teardown_core(h)

STORY a_job_runs_and_succeeds(void **state)
{
    BEGIN;
    add_node(h, "n1", 4, 0);
    assert_int_equal(submit(h, &(struct ask){.name = "x"}), ERR_NONE);
    assert_int_equal(h->launches, 1);
    run(h, 0);
    assert_int_equal(state_of(h, "ana~x"), STATE_RUNNING);
    engine(h, 0, ENGINE_EXITED, 0);
    assert_int_equal(state_of(h, "ana~x"), 0);
    assert_string_equal(h->trace,
                        "job.waiting ana~x\njob.starting ana~x\ntask.starting main[0]\ntask.running main[0]\n"
                        "job.running ana~x\ntask.succeeded main[0]\njob.completing ana~x\njob.succeeded ana~x\n");
    assert_int_equal(h->forgets, 1);
    END;
}

STORY a_job_waits_until_resources_return(void **state)
{
    BEGIN;
    add_node(h, "n1", 2, 0);
    submit(h, &(struct ask){.name = "a", .cpus = 2});
    submit(h, &(struct ask){.name = "b", .cpus = 2});
    assert_int_equal(state_of(h, "ana~b"), STATE_WAITING);
    run(h, 0);
    engine(h, 0, ENGINE_EXITED, 0);
    assert_int_equal(state_of(h, "ana~b"), STATE_STARTING);
    END;
}

STORY priority_goes_first_then_submission(void **state)
{
    BEGIN;
    submit(h, &(struct ask){.name = "low", .priority = 10});
    submit(h, &(struct ask){.name = "high1", .priority = 100});
    submit(h, &(struct ask){.name = "high2", .priority = 100});
    add_node(h, "n1", 2, 0);
    assert_int_equal(state_of(h, "ana~high1"), STATE_STARTING);
    assert_int_equal(state_of(h, "ana~high2"), STATE_STARTING);
    assert_int_equal(state_of(h, "ana~low"), STATE_WAITING);
    END;
}

STORY a_gang_is_placed_whole_or_not_at_all(void **state)
{
    BEGIN;
    add_node(h, "n1", 3, 0);
    submit(h, &(struct ask){.name = "g", .instances = 2, .role2_instances = 2});
    assert_int_equal(h->launches, 0);
    submit(h, &(struct ask){.name = "small"});
    assert_int_equal(h->launches, 1);
    add_node(h, "n2", 2, 0);
    assert_int_equal(h->launches, 5);
    END;
}

STORY the_same_name_is_refused(void **state)
{
    BEGIN;
    submit(h, &(struct ask){.name = "x"});
    assert_int_equal(submit(h, &(struct ask){.name = "x"}), ERR_CONFLICT_JOB);
    END;
}

STORY a_dry_run_is_asked_the_same_and_keeps_nothing(void **state)
{
    BEGIN;
    int cookie = 0;
    struct job *j = make_job(h, &(struct ask){.name = "x"});
    struct command cmd = {.kind = COMMAND_SUBMIT, .reply_to = &cookie, .submit = {.job = j, .dry_run = true}};
    core_step(h->core, &cmd, h->now, &h->fx);
    assert_int_equal(h->fx.count, 1);
    assert_int_equal(h->fx.list[0].kind, EFFECT_REPLY);
    assert_int_equal(h->fx.list[0].reply->err.code, ERR_NONE);
    assert_null(core_find(h->core, "ana~x"));
    settle(h);
    assert_int_equal(submit(h, &(struct ask){.name = "x"}), ERR_NONE);
    core_step(h->core, &cmd, h->now, &h->fx);
    assert_int_equal(h->fx.list[h->fx.count - 1].reply->err.code, ERR_CONFLICT_JOB);
    settle(h);
    job_destroy(j);
    END;
}

/* Submitted, stopped and submitted again before the rows are written: two rows of one name would fail the batch. */
STORY the_name_of_a_job_that_ended_in_the_batch_is_taken(void **state)
{
    BEGIN;
    int cookie = 0;
    struct job *first = make_job(h, &(struct ask){.name = "x"}), *second = make_job(h, &(struct ask){.name = "x"});
    struct command a = {.kind = COMMAND_SUBMIT, .submit = {.job = first, .config = "x"}};
    struct command halt = {.kind = COMMAND_EXECUTION, .execution = {.full_name = "ana~x", .stop = true}};
    struct command b = {.kind = COMMAND_SUBMIT, .reply_to = &cookie, .submit = {.job = second, .config = "x"}};
    struct command tag = {.kind = COMMAND_TAG, .reply_to = &cookie, .tag = {.full_name = "ana~x", .tag = "t"}};
    core_step(h->core, &a, h->now, &h->fx);
    core_step(h->core, &halt, h->now, &h->fx);
    core_step(h->core, &b, h->now, &h->fx);
    const struct effect *last = &h->fx.list[h->fx.count - 1];
    assert_int_equal(last->kind, EFFECT_REPLY);
    assert_int_equal(last->reply->err.code, ERR_CONFLICT_JOB);
    core_step(h->core, &tag, h->now, &h->fx);
    settle(h);
    assert_int_equal(h->reply.code, ERR_NONE);
    job_destroy(second);
    END;
}

STORY one_failure_stops_the_others(void **state)
{
    BEGIN;
    add_node(h, "n1", 4, 0);
    submit(h, &(struct ask){.name = "x", .instances = 3});
    for (size_t i = 0; i < 3; i++)
        run(h, i);
    engine(h, 1, ENGINE_EXITED, 1);
    assert_int_equal(state_of(h, "ana~x"), STATE_COMPLETING);
    assert_int_equal(h->stops, 2);
    engine(h, 0, ENGINE_EXITED, 143);
    engine(h, 2, ENGINE_EXITED, 137);
    assert_int_equal(state_of(h, "ana~x"), 0);
    assert_non_null(strstr(h->trace, "job.failed ana~x"));
    END;
}

STORY a_failed_job_is_retried_and_counted(void **state)
{
    BEGIN;
    add_node(h, "n1", 4, 0);
    submit(h, &(struct ask){.name = "x", .retries = 1});
    run(h, 0);
    engine(h, 0, ENGINE_EXITED, 7);
    assert_int_equal(h->launches, 2);
    const struct job *j = core_find(h->core, "ana~x");
    assert_int_equal(j->attempt, 1);
    assert_int_equal(j->retries_user, 1);
    assert_string_not_equal(h->launched[0], h->launched[1]);
    run(h, 1);
    engine(h, 1, ENGINE_EXITED, 7);
    assert_int_equal(state_of(h, "ana~x"), 0);
    END;
}

STORY lost_at_launch_counts_no_retry(void **state)
{
    BEGIN;
    add_node(h, "n1", 4, 0);
    submit(h, &(struct ask){.name = "x"});
    engine(h, 0, ENGINE_LOST, 1);
    tick(h, 3600000);
    assert_int_equal(h->launches, 2);
    assert_int_equal(core_find(h->core, "ana~x")->retries_user, 0);
    END;
}

STORY a_stop_ends_waiting_jobs_at_once_and_running_ones_by_order(void **state)
{
    BEGIN;
    submit(h, &(struct ask){.name = "w"});
    assert_int_equal(stop(h, "ana~w", "ana", false), ERR_NONE);
    assert_int_equal(state_of(h, "ana~w"), 0);
    add_node(h, "n1", 4, 0);
    submit(h, &(struct ask){.name = "r", .instances = 2});
    run(h, 0);
    assert_int_equal(stop(h, "ana~r", "ana", false), ERR_NONE);
    assert_int_equal(h->stops, 2);
    assert_int_equal(state_of(h, "ana~r"), STATE_STOPPING);
    engine(h, 0, ENGINE_EXITED, 143);
    engine(h, 1, ENGINE_EXITED, 143);
    assert_int_equal(state_of(h, "ana~r"), 0);
    assert_non_null(strstr(h->trace, "job.stopped ana~r"));
    END;
}

STORY only_owner_or_admin_may_stop(void **state)
{
    BEGIN;
    submit(h, &(struct ask){.name = "x"});
    assert_int_equal(stop(h, "ana~x", "bob", false), ERR_FORBIDDEN);
    assert_int_equal(state_of(h, "ana~x"), STATE_WAITING);
    assert_int_equal(stop(h, "ana~y", "bob", false), ERR_NO_JOB);
    assert_int_equal(stop(h, "ana~x", "root", true), ERR_NONE);
    END;
}

STORY a_stop_while_failing_prevents_the_retry(void **state)
{
    BEGIN;
    add_node(h, "n1", 4, 0);
    submit(h, &(struct ask){.name = "x", .instances = 2, .retries = 5});
    run(h, 0);
    run(h, 1);
    engine(h, 0, ENGINE_EXITED, 1);
    stop(h, "ana~x", "ana", false);
    engine(h, 1, ENGINE_EXITED, 143);
    assert_int_equal(state_of(h, "ana~x"), 0);
    assert_non_null(strstr(h->trace, "job.stopped ana~x"));
    END;
}

STORY an_unconfirmed_claim_expires_without_a_counted_retry(void **state)
{
    BEGIN;
    add_node(h, "n1", 4, 0);
    submit(h, &(struct ask){.name = "x"});
    tick(h, 60 * 1000);
    assert_int_equal(h->stops, 1);
    engine(h, 0, ENGINE_EXITED, 137);
    tick(h, 3600000);
    assert_int_equal(h->launches, 2);
    assert_int_equal(core_find(h->core, "ana~x")->retries_user, 0);
    END;
}

STORY a_task_alone_is_retried_without_gang(void **state)
{
    BEGIN;
    add_node(h, "n1", 4, 0);
    submit(h, &(struct ask){.name = "x", .instances = 2, .no_gang = true, .task_retries = 1});
    run(h, 0);
    run(h, 1);
    engine(h, 0, ENGINE_EXITED, 9);
    assert_int_equal(state_of(h, "ana~x"), STATE_RUNNING);
    assert_int_equal(h->launches, 3);
    run(h, 2);
    engine(h, 2, ENGINE_EXITED, 0);
    engine(h, 1, ENGINE_EXITED, 0);
    assert_non_null(strstr(h->trace, "job.succeeded ana~x"));
    END;
}

STORY a_platform_fault_does_not_spin_a_task(void **state)
{
    BEGIN;
    add_node(h, "n1", 4, 0);
    submit(h, &(struct ask){.name = "x", .no_gang = true, .task_retries = 1});
    for (size_t i = 0; i < h->launches && i < 10; i++) {
        run(h, i);
        engine(h, i, ENGINE_LOST, 0);
    }
    assert_int_equal(h->launches, 4); /* three at once, then the job's back-off */
    assert_int_equal(state_of(h, "ana~x"), STATE_WAITING);
    END;
}

/* `exit 250` is one of the catalogue's codes for faults of the platform: a command must not make us spin with it. */
STORY a_task_alone_is_not_retried_freely_for_ever(void **state)
{
    BEGIN;
    add_node(h, "n1", 4, 0);
    submit(h, &(struct ask){.name = "x", .no_gang = true});
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(h->launches, i + 1);
        run(h, i);
        engine(h, i, ENGINE_EXITED, 250);
    }
    assert_int_equal(h->launches, 4);
    assert_int_equal(state_of(h, "ana~x"), STATE_WAITING);
    tick(h, 1000);
    assert_int_equal(h->launches, 5);
    END;
}

STORY a_back_off_for_resources_doubles(void **state)
{
    BEGIN;
    add_node(h, "n1", 4, 0);
    submit(h, &(struct ask){.name = "x"});
    for (size_t i = 0; i < 3; i++) {
        run(h, i);
        engine(h, i, ENGINE_EXITED, 251); /* JobGangAllocationTimeout: ALWAYS_BACKOFF_RETRY */
        tick(h, (60000 << i) - 1);
        assert_int_equal(h->launches, i + 1);
        tick(h, 1);
        assert_int_equal(h->launches, i + 2);
    }
    assert_int_equal(core_find(h->core, "ana~x")->retries_resource, 3);
    assert_int_equal(core_find(h->core, "ana~x")->retries_platform, 0);
    END;
}

STORY a_time_limit_fails_the_job(void **state)
{
    BEGIN;
    add_node(h, "n1", 4, 0);
    submit(h, &(struct ask){.name = "x", .time_limit_ms = 5000});
    run(h, 0);
    tick(h, 4999);
    assert_int_equal(state_of(h, "ana~x"), STATE_RUNNING);
    tick(h, 1);
    assert_int_equal(state_of(h, "ana~x"), STATE_COMPLETING);
    assert_int_equal(core_find(h->core, "ana~x")->exit_code, EXIT_CODE_TIME_LIMIT);
    engine(h, 0, ENGINE_EXITED, 143);
    assert_non_null(strstr(h->trace, "job.failed ana~x"));
    END;
}

STORY a_named_signal_comes_before_the_time_limit(void **state)
{
    BEGIN;
    add_node(h, "n1", 4, 0);
    submit(h, &(struct ask){.name = "x", .time_limit_ms = 90000, .checkpoint_signal = SIGUSR1});
    run(h, 0);
    tick(h, 59999);
    assert_int_equal(state_of(h, "ana~x"), STATE_RUNNING);
    tick(h, 1);
    assert_int_equal(state_of(h, "ana~x"), STATE_COMPLETING);
    assert_int_equal(core_find(h->core, "ana~x")->exit_code, EXIT_CODE_TIME_LIMIT);
    assert_int_equal(h->signal, SIGUSR1);
    assert_int_equal(h->grace_ms, 30000); /* it ends with the limit */
    assert_int_equal(h->signalled, 1);
    END;
}

STORY a_signal_takes_at_most_half_of_the_time_limit(void **state)
{
    BEGIN;
    add_node(h, "n1", 4, 0);
    submit(h, &(struct ask){.name = "x", .time_limit_ms = 40000, .checkpoint_signal = SIGHUP});
    run(h, 0);
    tick(h, 19999);
    assert_int_equal(h->stops, 0);
    tick(h, 1);
    assert_int_equal(h->grace_ms, 20000);
    END;
}

STORY events_of_strangers_change_nothing(void **state)
{
    BEGIN;
    add_node(h, "n1", 4, 0);
    submit(h, &(struct ask){.name = "x"});
    h->nonces[0][0] = h->nonces[0][0] == '0' ? '1' : '0';
    engine(h, 0, ENGINE_EXITED, 0);
    assert_int_equal(state_of(h, "ana~x"), STATE_STARTING);
    assert_int_equal(h->forgets, 1);
    END;
}

STORY the_end_seen_before_the_start_still_tells_both(void **state)
{
    BEGIN;
    add_node(h, "n1", 4, 0);
    submit(h, &(struct ask){.name = "x"});
    engine(h, 0, ENGINE_EXITED, 0);
    assert_non_null(strstr(h->trace, "job.running ana~x"));
    assert_non_null(strstr(h->trace, "job.succeeded ana~x"));
    END;
}

STORY a_tag_that_is_not_there_cannot_be_dropped(void **state)
{
    BEGIN;
    int cookie;
    struct command cmd = {
        .kind = COMMAND_TAG, .reply_to = &cookie, .tag = {.full_name = "ana~x", .tag = "t", .drop = true}};
    step(h, &cmd);
    assert_int_equal(h->reply.code, ERR_NO_JOB);
    submit(h, &(struct ask){.name = "x"});
    step(h, &cmd);
    assert_int_equal(h->reply.code, ERR_NO_TAG);
    cmd.tag.present = true;
    step(h, &cmd);
    assert_int_equal(h->reply.code, ERR_NONE);
    END;
}

/* Its outcome is not the core's to know: the reply is in the list, and who writes the rows fills it in. */
STORY a_write_is_rows_and_a_reply_that_can_still_become_a_refusal(void **state)
{
    BEGIN;
    int cookie;
    struct command cmd = {.kind = COMMAND_WRITE, .reply_to = &cookie};
    core_step(h->core, &cmd, h->now, &h->fx);
    assert_int_equal(h->fx.count, 2);
    assert_int_equal(h->fx.list[0].kind, EFFECT_REPLY);
    assert_int_equal(h->fx.list[1].kind, EFFECT_WRITE);
    assert_ptr_equal(h->fx.list[1].write->call, &cmd.write);
    err_set(&h->fx.list[1].write->reply->err, ERR_CONFLICT_USER, "There is one.");
    settle(h);
    assert_int_equal(h->replies, 1);
    assert_int_equal(h->reply.code, ERR_CONFLICT_USER);
    cmd.reply_to = NULL;
    core_step(h->core, &cmd, h->now, &h->fx);
    assert_int_equal(h->fx.count, 1);
    assert_null(h->fx.list[0].write->reply);
    END;
}

/* A submission with a key; the code of its reply. */
static enum err_code submit_with(struct harness *h, const struct submit_key *key, const struct submit_before *before)
{
    int cookie;
    struct job *j = make_job(h, &(struct ask){.name = "x"});
    struct command cmd = {.kind = COMMAND_SUBMIT, .reply_to = &cookie, .submit = {.job = j, .config = "x", .key = key}};
    if (before) {
        cmd.submit.key_known = true;
        cmd.submit.before = *before;
    }
    core_step(h->core, &cmd, h->now, &h->fx);
    if (core_find(h->core, j->full_name) != j)
        job_destroy(j);
    const struct effect *last = &h->fx.list[h->fx.count - 1];
    assert_int_equal(last->kind, EFFECT_REPLY);
    if (!last->reply->err.code)
        assert_string_equal(last->reply->full_name, "ana~x");
    return last->reply->err.code;
}

/* The same request is answered as the first, in the same batch and later; another one under its key is refused. */
STORY a_key_makes_a_submission_happen_once(void **state)
{
    BEGIN;
    struct submit_key key = {.user = "ana", .key = "k", .hash = {1}}, changed = key, other = key;
    struct submit_before before = {.hash = {1}, .job_id = "old", .full_name = "ana~x"};
    changed.hash[0] = 2;
    other.key = "k2";
    assert_int_equal(submit_with(h, &key, NULL), ERR_NONE);
    assert_int_equal(submit_with(h, &key, NULL), ERR_NONE);
    assert_int_equal(submit_with(h, &changed, NULL), ERR_KEY_REUSED);
    assert_int_equal(submit_with(h, &other, NULL), ERR_CONFLICT_JOB);
    assert_int_equal(core_live_jobs(h->core), 1);
    settle(h);
    assert_int_equal(submit_with(h, &key, &before), ERR_NONE);
    assert_string_equal(h->fx.list[0].reply->job_id, "old");
    assert_int_equal(submit_with(h, &changed, &before), ERR_KEY_REUSED);
    settle(h);
    END;
}

/* The n-th launch is refused because of a port that somebody else uses. */
static void refuse_port(struct harness *h, size_t n, int port)
{
    struct engine_event ev = {.kind = ENGINE_REFUSED, .exit_code = EXIT_CODE_PORT_CONFLICT, .busy_port = port};
    struct command cmd = {.kind = COMMAND_ENGINE, .engine = &ev};
    memcpy(ev.attempt_id, h->launched[n], ID_SIZE);
    memcpy(ev.nonce, h->nonces[n], 33);
    step(h, &cmd);
}

STORY a_busy_port_is_not_given_again(void **state)
{
    BEGIN;
    add_node(h, "n1", 4, 0);
    submit(h, &(struct ask){.name = "x"});
    refuse_port(h, 0, core_find(h->core, "ana~x")->tasks[0].ports[0]);
    int free_before = cluster_at(core_cluster(h->core), 0)->port_free;
    assert_int_equal(free_before, 999);
    END;
}

/* The node has as many ports as the job asks for: without the busy one it waits, and nothing but time wakes it. */
STORY a_busy_port_comes_back_after_ten_minutes(void **state)
{
    enum { TEN_MINUTES = 600 * 1000 };
    BEGIN;
    struct engine_event few = {
        .kind = ENGINE_NODE, .node = {.name = "n1", .cpus = 4, .memory_mb = 1 << 20, .port_first = 20000, .up = true}};
    struct command cmd = {.kind = COMMAND_ENGINE, .engine = &few};
    struct job *asks = make_job(h, &(struct ask){.name = "x"});
    few.node.port_last = 20000 + asks->spec->roles[0].port_total - 1;
    job_destroy(asks);
    step(h, &cmd);
    submit(h, &(struct ask){.name = "x"});
    for (size_t n = 0; n < 2; n++) { /* whoever has it is still there after the first ten */
        assert_int_equal(h->launches, n + 1);
        refuse_port(h, n, 20000);
        tick(h, TEN_MINUTES - 1);
        assert_int_equal(h->launches, n + 1);
        assert_int_equal(state_of(h, "ana~x"), STATE_WAITING);
        tick(h, 1);
    }
    assert_int_equal(h->launches, 3);
    assert_int_equal(cluster_at(core_cluster(h->core), 0)->port_free, 0);
    END;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_runs_and_succeeds),
        cmocka_unit_test(a_job_waits_until_resources_return),
        cmocka_unit_test(priority_goes_first_then_submission),
        cmocka_unit_test(a_gang_is_placed_whole_or_not_at_all),
        cmocka_unit_test(the_same_name_is_refused),
        cmocka_unit_test(a_dry_run_is_asked_the_same_and_keeps_nothing),
        cmocka_unit_test(the_name_of_a_job_that_ended_in_the_batch_is_taken),
        cmocka_unit_test(one_failure_stops_the_others),
        cmocka_unit_test(a_failed_job_is_retried_and_counted),
        cmocka_unit_test(lost_at_launch_counts_no_retry),
        cmocka_unit_test(a_stop_ends_waiting_jobs_at_once_and_running_ones_by_order),
        cmocka_unit_test(only_owner_or_admin_may_stop),
        cmocka_unit_test(a_stop_while_failing_prevents_the_retry),
        cmocka_unit_test(an_unconfirmed_claim_expires_without_a_counted_retry),
        cmocka_unit_test(a_task_alone_is_retried_without_gang),
        cmocka_unit_test(a_platform_fault_does_not_spin_a_task),
        cmocka_unit_test(a_task_alone_is_not_retried_freely_for_ever),
        cmocka_unit_test(a_back_off_for_resources_doubles),
        cmocka_unit_test(a_time_limit_fails_the_job),
        cmocka_unit_test(a_named_signal_comes_before_the_time_limit),
        cmocka_unit_test(a_signal_takes_at_most_half_of_the_time_limit),
        cmocka_unit_test(events_of_strangers_change_nothing),
        cmocka_unit_test(the_end_seen_before_the_start_still_tells_both),
        cmocka_unit_test(a_tag_that_is_not_there_cannot_be_dropped),
        cmocka_unit_test(a_write_is_rows_and_a_reply_that_can_still_become_a_refusal),
        cmocka_unit_test(a_key_makes_a_submission_happen_once),
        cmocka_unit_test(a_busy_port_is_not_given_again),
        cmocka_unit_test(a_busy_port_comes_back_after_ten_minutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
