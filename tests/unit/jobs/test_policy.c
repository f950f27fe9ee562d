/* SPDX-License-Identifier: MIT
 *
 * Completion and retry, as tables of what the tasks did.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jobs/exits.h"
#include "jobs/policy.h"
#include "tests/unit/jobs/fixture.h"

/* Role a has 3 tasks, role b 2; the completion of a is the parameter. */
static struct job *two_roles(const char *completion)
{
    char text[1024];

    snprintf(text, sizeof(text),
             FIXTURE_HEAD "jobRetryCount: 2\ntaskRoles:\n"
                          "  a: {instances: 3, completion: %s, dockerImage: i,"
                          " resourcePerInstance: {cpu: 1, memoryMB: 1, gpu: 0}, commands: [x]}\n"
                          "  b: {instances: 2, completion: {minFailedInstances: -1, minSucceededInstances: -1},"
                          " dockerImage: i, resourcePerInstance: {cpu: 1, memoryMB: 1, gpu: 0}, commands: [x]}\n",
             completion);
    return fixture_job(text);
}

/* The verdict on a code, from a table that each call may overwrite. */
static const struct exit_verdict *verdict(int code)
{
    static struct exit_verdict v;

    exits_verdict(code, NULL, &v);
    return &v;
}

static enum run_state by_letter(char c)
{
    switch (c) {
    case 'S':
        return STATE_SUCCEEDED;
    case 'F':
        return STATE_FAILED;
    case 'X':
        return STATE_STOPPED;
    case 'R':
        return STATE_RUNNING;
    default:
        return STATE_WAITING;
    }
}

/* Sets the states of the five tasks; each later one ended later, with exit code 10 + index when it failed. */
static void set_tasks(struct job *j, const char *letters)
{
    for (int i = 0; i < 5; i++) {
        j->tasks[i].state = by_letter(letters[i]);
        j->tasks[i].completed_ms = (unsigned)j->tasks[i].state & STATE_FINAL ? 1000 + i : 0;
        j->tasks[i].exit.code = letters[i] == 'F' ? 10 + i : 0;
    }
}

/* Five tasks: a-0, a-1, a-2, b-0, b-1. S succeeded, F failed, X stopped, R running. */
static const struct {
    const char *policy, *tasks;
    enum run_state outcome;
    const char *role;
    int index, code;
} completions[] = {
    /* defaults: one failure fails, all three of the role succeed */
    {"{}", "RRRRR", 0, NULL, 0, 0},
    {"{}", "SRRRR", 0, NULL, 0, 0},
    {"{}", "SSRSS", 0, NULL, 0, 0},
    {"{}", "SSSRR", STATE_SUCCEEDED, "a", 2, 0},
    {"{}", "SFRRR", STATE_FAILED, "a", 1, 11},
    {"{}", "FFFRR", STATE_FAILED, "a", 2, 12},
    {"{}", "RRRFF", 0, NULL, 0, 0},
    {"{}", "SSSSS", STATE_SUCCEEDED, "a", 2, 0},
    /* null is the default */
    {"{minFailedInstances: null, minSucceededInstances: null}", "RFRRR", STATE_FAILED, "a", 1, 11},
    /* failures never fail it; then only the end of all succeeds, even with failures */
    {"{minFailedInstances: -1, minSucceededInstances: -1}", "FFFRR", 0, NULL, 0, 0},
    {"{minFailedInstances: -1, minSucceededInstances: -1}", "SSSRR", 0, NULL, 0, 0},
    {"{minFailedInstances: -1, minSucceededInstances: -1}", "FFFFF", STATE_SUCCEEDED, "b", 1, 0},
    {"{minFailedInstances: -1, minSucceededInstances: -1}", "FSFSX", STATE_SUCCEEDED, "b", 1, 0},
    {"{minFailedInstances: -1, minSucceededInstances: -1}", "FFFFR", 0, NULL, 0, 0},
    /* thresholds */
    {"{minFailedInstances: 2}", "FRRRR", 0, NULL, 0, 0},
    {"{minFailedInstances: 2}", "FFRRR", STATE_FAILED, "a", 1, 11},
    {"{minSucceededInstances: 1}", "RSRRR", STATE_SUCCEEDED, "a", 1, 0},
    /* a failure decides before a success */
    {"{minSucceededInstances: 1}", "SFRRR", STATE_FAILED, "a", 1, 11},
    /* out of reach: never, so the end of all decides */
    {"{minFailedInstances: 9}", "FFFRR", 0, NULL, 0, 0},
    {"{minFailedInstances: 9, minSucceededInstances: 9}", "FFFSS", STATE_SUCCEEDED, "b", 1, 0},
    /* a stopped task is neither */
    {"{}", "XSSRR", 0, NULL, 0, 0},
};

static void completion(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(completions) / sizeof(completions[0]); i++) {
        struct job *j = two_roles(completions[i].policy);
        struct exit_trigger trigger;
        int code = -1;
        enum run_state outcome;

        set_tasks(j, completions[i].tasks);
        outcome = policy_completion(j, NULL, &trigger, &code);
        if (outcome != completions[i].outcome)
            fail_msg("row %zu (%s %s): %s", i, completions[i].policy, completions[i].tasks, state_name(outcome));
        assert_int_equal(code, completions[i].code);
        if (completions[i].role) {
            assert_string_equal(trigger.role, completions[i].role);
            assert_int_equal(trigger.task_index, completions[i].index);
            assert_true(trigger.message[0]);
        } else {
            assert_null(trigger.role);
            assert_string_equal(trigger.message, "");
        }
        job_destroy(j);
    }
}

/* After one task's end only its role is looked at, and it is named as the one that decided. */
static void completion_after_one(void **state)
{
    struct job *j = two_roles("{minFailedInstances: 2}");
    struct exit_trigger trigger;
    int code = 0;

    (void)state;
    set_tasks(j, "FRFRS");
    assert_int_equal(policy_completion(j, &j->tasks[0], &trigger, &code), STATE_FAILED);
    assert_int_equal(trigger.task_index, 0);
    assert_int_equal(code, 10);
    assert_string_equal(trigger.message,
                        "Task a-0 failed with exit code 10: 2 failed in role a reach minFailedInstances 2.");
    assert_int_equal(policy_completion(j, &j->tasks[4], &trigger, &code), 0);
    job_destroy(j);
}

static void job_retry(void **state)
{
    static const struct {
        int code, user, platform, resource;
        enum policy_retry retry;
        int64_t delay_ms;
    } rows[] = {
        {1, 0, 0, 0, POLICY_RETRY_COUNTED, 0},
        {1, 1, 0, 0, POLICY_RETRY_COUNTED, 0},
        {1, 2, 0, 0, POLICY_NO_RETRY, 0},
        {1, 1, 7, 7, POLICY_RETRY_COUNTED, 0},
        {127, 0, 0, 0, POLICY_NO_RETRY, 0},
        {137, 0, 0, 0, POLICY_RETRY_COUNTED, 0},
        {137, 2, 0, 0, POLICY_NO_RETRY, 0},
        {EXIT_CODE_STOPPED, 0, 0, 0, POLICY_NO_RETRY, 0},
        {0, 0, 0, 0, POLICY_NO_RETRY, 0},
        {EXIT_CODE_NODE_LOST, 2, 0, 0, POLICY_RETRY_FREE, 1000},
        {EXIT_CODE_NODE_LOST, 2, 1, 0, POLICY_RETRY_FREE, 2000},
        {EXIT_CODE_NODE_LOST, 2, 5, 0, POLICY_RETRY_FREE, 32000},
        {EXIT_CODE_NODE_LOST, 2, 6, 0, POLICY_RETRY_FREE, 60000},
        {EXIT_CODE_NODE_LOST, 2, 1000000, 0, POLICY_RETRY_FREE, 60000},
        {251, 2, 0, 0, POLICY_RETRY_FREE, 60000},
        {251, 2, 0, 1, POLICY_RETRY_FREE, 120000},
        {251, 2, 0, 3, POLICY_RETRY_FREE, 480000},
        {251, 2, 0, 4, POLICY_RETRY_FREE, 900000},
        {251, 2, 0, 1000000, POLICY_RETRY_FREE, 900000},
    };
    struct job *j = two_roles("{}");

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t delay = -1;

        j->retries_user = rows[i].user;
        j->retries_platform = rows[i].platform;
        j->retries_resource = rows[i].resource;
        j->stop_requested = false;
        if (policy_job_retry(j, verdict(rows[i].code), &delay) != rows[i].retry || delay != rows[i].delay_ms)
            fail_msg("row %zu: code %d, delay %lld", i, rows[i].code, (long long)delay);
        j->stop_requested = true;
        assert_int_equal(policy_job_retry(j, verdict(rows[i].code), &delay), POLICY_NO_RETRY);
        assert_int_equal(delay, 0);
    }
    job_destroy(j);
}

static void task_retry(void **state)
{
    struct job *j =
        fixture_job(FIXTURE_HEAD "extras: {gangAllocation: false}\ntaskRoles: {r: {taskRetryCount: 1, dockerImage: i,"
                                 " resourcePerInstance: {cpu: 1, memoryMB: 1, gpu: 0}, commands: [x]}}\n");
    struct task *t = &j->tasks[0];

    (void)state;
    assert_int_equal(policy_task_retry(t, verdict(1)), POLICY_RETRY_COUNTED);
    t->accountable_retries = 1;
    assert_int_equal(policy_task_retry(t, verdict(1)), POLICY_NO_RETRY);
    assert_int_equal(policy_task_retry(t, verdict(EXIT_CODE_NODE_LOST)), POLICY_RETRY_FREE);
    assert_int_equal(policy_task_retry(t, verdict(251)), POLICY_RETRY_FREE);
    assert_int_equal(policy_task_retry(t, verdict(127)), POLICY_NO_RETRY);
    t->retries = 4; /* one counted, three free */
    assert_int_equal(policy_task_retry(t, verdict(EXIT_CODE_NODE_LOST)), POLICY_NO_RETRY);
    t->retries = 1;
    j->stop_requested = true;
    assert_int_equal(policy_task_retry(t, verdict(EXIT_CODE_NODE_LOST)), POLICY_NO_RETRY);
    j->stop_requested = false;
    j->spec->gang = true;
    assert_int_equal(policy_task_retry(t, verdict(EXIT_CODE_NODE_LOST)), POLICY_NO_RETRY);
    job_destroy(j);
}

/* "The GPU is broken", says the log, which the program itself wrote: tried again for free three times only. */
static void words_in_a_log_are_believed_three_times(void **state)
{
    struct job *j = two_roles("{minFailedInstances: 1}");
    struct exit_verdict seen = *verdict(223), said = seen;
    int64_t delay;

    (void)state;
    said.from_log = true;
    for (j->retries_platform = 0; j->retries_platform < 3; j->retries_platform++)
        assert_int_equal(policy_job_retry(j, &said, &delay), POLICY_RETRY_FREE);
    assert_int_equal(policy_job_retry(j, &said, &delay), POLICY_RETRY_COUNTED);
    assert_int_equal(policy_job_retry(j, &seen, &delay), POLICY_RETRY_FREE);
    j->retries_user = j->spec->job_retry_count;
    assert_int_equal(policy_job_retry(j, &said, &delay), POLICY_NO_RETRY);
    job_destroy(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(completion),
        cmocka_unit_test(completion_after_one),
        cmocka_unit_test(job_retry),
        cmocka_unit_test(task_retry),
        cmocka_unit_test(words_in_a_log_are_believed_three_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
