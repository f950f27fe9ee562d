/* SPDX-License-Identifier: MIT
 *
 * Completion and retry policy of the protocol.
 *
 * Completion, per role: minFailedInstances failed tasks fail the attempt (-1: failures never do), minSucceededInstances
 * succeeded tasks make it succeed (-1: only the end of all tasks does). A failure decides before a success. When all
 * tasks have ended and nothing decided, the attempt has succeeded.
 */
#include "jobs/policy.h"

#include <stdio.h>
#include <string.h>

#include "jobs/exits.h"
#include "jobs/job.h"

#define FREE_DELAY_FIRST_MS 1000
#define FREE_DELAY_MAX_MS (60 * 1000)
#define BACKOFF_FIRST_MS (60 * 1000)
#define BACKOFF_MAX_MS (900 * 1000)
/* Of a task alone: at once and on the same node. Then it is the job's turn, which waits between its tries. */
#define FREE_TASK_RETRIES 3
#define FREE_LOG_RETRIES 3

/* What has ended in one role, and the task of each kind that ended last. */
struct tally {
    int failed, succeeded;
    const struct task *last_failed, *last_succeeded;
};

static const struct task *later(const struct task *a, const struct task *b)
{
    return !a || b->completed_ms >= a->completed_ms ? b : a;
}

static void tally_role(const struct job *j, int role_index, struct tally *out)
{
    const struct task *t = j->tasks;

    memset(out, 0, sizeof(*out));
    for (int r = 0; r < role_index; r++)
        t += j->spec->roles[r].instances;
    for (int i = 0; i < j->spec->roles[role_index].instances; i++, t++) {
        if (t->state == STATE_FAILED) {
            out->failed++;
            out->last_failed = later(out->last_failed, t);
        } else if (t->state == STATE_SUCCEEDED) {
            out->succeeded++;
            out->last_succeeded = later(out->last_succeeded, t);
        }
    }
}

/* Writes who decided. `t` is the deciding task. */
static void decide(const struct task *t, struct exit_trigger *trigger, int *exit_code)
{
    trigger->role = t->role->name;
    trigger->task_index = t->index;
    trigger->verdict = t->exit.verdict;
    *exit_code = t->exit.code;
}

static enum run_state decide_role(const struct job *j, int role_index, const struct task *last,
                                  struct exit_trigger *trigger, int *exit_code)
{
    const struct spec_role *role = &j->spec->roles[role_index];
    const struct task *t;
    struct tally n;

    tally_role(j, role_index, &n);
    if (role->min_failed > 0 && n.failed >= role->min_failed) {
        t = last && last->role_index == role_index && last->state == STATE_FAILED ? last : n.last_failed;
        decide(t, trigger, exit_code);
        snprintf(trigger->message, sizeof(trigger->message),
                 "Task %.100s-%d failed with exit code %d: %d failed in role %.60s reach minFailedInstances %d.",
                 role->name, t->index, t->exit.code, n.failed, role->name, role->min_failed);
        return STATE_FAILED;
    }
    if (role->min_succeeded > 0 && n.succeeded >= role->min_succeeded) {
        t = last && last->role_index == role_index && last->state == STATE_SUCCEEDED ? last : n.last_succeeded;
        decide(t, trigger, exit_code);
        snprintf(trigger->message, sizeof(trigger->message),
                 "Task %.100s-%d succeeded: %d succeeded in role %.60s reach minSucceededInstances %d.", role->name,
                 t->index, n.succeeded, role->name, role->min_succeeded);
        return STATE_SUCCEEDED;
    }
    return 0;
}

/* SUCCEEDED when every task has ended, else 0. */
static enum run_state decide_all_ended(const struct job *j, struct exit_trigger *trigger, int *exit_code)
{
    const struct task *last = NULL;

    for (int i = 0; i < j->spec->total_tasks; i++)
        if (!((unsigned)j->tasks[i].state & STATE_FINAL))
            return 0;
    for (int i = 0; i < j->spec->total_tasks; i++)
        last = later(last, &j->tasks[i]);
    if (last) {
        trigger->role = last->role->name;
        trigger->task_index = last->index;
    }
    *exit_code = 0;
    snprintf(trigger->message, sizeof(trigger->message), "All %d tasks have ended and none of them failed the job.",
             j->spec->total_tasks);
    return STATE_SUCCEEDED;
}

enum run_state policy_completion(const struct job *j, const struct task *last, struct exit_trigger *trigger,
                                 int *exit_code)
{
    enum run_state decided[2] = {0, 0}; /* failed, succeeded */
    struct exit_trigger how[2];
    int codes[2] = {0, 0};
    int first = last ? last->role_index : 0;
    int end = last ? last->role_index + 1 : (int)j->spec->role_count;

    memset(trigger, 0, sizeof(*trigger));
    *exit_code = 0;
    for (int r = first; r < end; r++) {
        struct exit_trigger one = {.message = ""};
        int code = 0;
        enum run_state outcome = decide_role(j, r, last, &one, &code);
        int slot = outcome == STATE_FAILED ? 0 : 1;

        if (!outcome || decided[slot])
            continue;
        decided[slot] = outcome;
        how[slot] = one;
        codes[slot] = code;
    }
    for (int slot = 0; slot < 2; slot++) {
        if (decided[slot]) {
            *trigger = how[slot];
            *exit_code = codes[slot];
            return decided[slot];
        }
    }
    return decide_all_ended(j, trigger, exit_code);
}

/* first, 2 * first, 4 * first, ... after `times` earlier retries, at most `max`. */
static int64_t doubled(int64_t first, int64_t max, int times)
{
    int64_t delay = first;

    while (times-- > 0 && delay < max)
        delay *= 2;
    return delay < max ? delay : max;
}

/* What the entry says is to be done; after some free retries on nothing but words, they count. */
static enum exit_reaction believed(const struct exit_verdict *exit, int free_retries)
{
    bool is_free = exit->reaction == EXIT_ALWAYS_RETRY || exit->reaction == EXIT_BACKOFF_RETRY;

    return exit->from_log && is_free && free_retries >= FREE_LOG_RETRIES ? EXIT_RETRY_TO_MAX : exit->reaction;
}

enum policy_retry policy_job_retry(const struct job *j, const struct exit_verdict *exit, int64_t *delay_ms)
{
    *delay_ms = 0;
    if (j->stop_requested)
        return POLICY_NO_RETRY;
    switch (believed(exit, j->retries_platform + j->retries_resource)) {
    case EXIT_ALWAYS_RETRY:
        *delay_ms = doubled(FREE_DELAY_FIRST_MS, FREE_DELAY_MAX_MS, j->retries_platform);
        return POLICY_RETRY_FREE;
    case EXIT_BACKOFF_RETRY:
        *delay_ms = doubled(BACKOFF_FIRST_MS, BACKOFF_MAX_MS, j->retries_resource);
        return POLICY_RETRY_FREE;
    case EXIT_RETRY_TO_MAX:
        return j->retries_user < j->spec->job_retry_count ? POLICY_RETRY_COUNTED : POLICY_NO_RETRY;
    case EXIT_NEVER_RETRY:
        break;
    }
    return POLICY_NO_RETRY;
}

enum policy_retry policy_task_retry(const struct task *t, const struct exit_verdict *exit)
{
    if (t->job->spec->gang || t->job->stop_requested)
        return POLICY_NO_RETRY;
    switch (exit->reaction) {
    case EXIT_ALWAYS_RETRY:
    case EXIT_BACKOFF_RETRY:
        return t->retries - t->accountable_retries < FREE_TASK_RETRIES ? POLICY_RETRY_FREE : POLICY_NO_RETRY;
    case EXIT_RETRY_TO_MAX:
        return t->accountable_retries < t->role->task_retry_count ? POLICY_RETRY_COUNTED : POLICY_NO_RETRY;
    case EXIT_NEVER_RETRY:
        break;
    }
    return POLICY_NO_RETRY;
}
