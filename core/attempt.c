/* SPDX-License-Identifier: MIT
 *
 * The life of a job attempt: claimed, started, its tasks end, the outcome is decided, the others are stopped, and when
 * the last is gone the attempt is over: done, or tried again.
 *
 *   claim ─► STARTING ─► RUNNING ─► decided: COMPLETING ─► tasks_live == 0 ─► SUCCEEDED | FAILED | WAITING (retry)
 *                 └── stop requested: STOPPING ─────────► tasks_live == 0 ─► STOPPED
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "core/avoid.h"
#include "core/internal.h"
#include "jobs/exits.h"
#include "jobs/policy.h"
#include "jobs/protocol_extras.h"

/* ---- claims ---- */

void core_arm(struct step *s, enum timer_kind kind, const char *id, int number, int64_t at_mono)
{
    struct timer t = {.at_mono = at_mono, .kind = kind, .number = number};
    memcpy(t.id, id, ID_SIZE);
    if (timers_add(&s->core->timers, &t))
        s->fx->failed = true;
}

/* "Placed on vm.", in `text` of 160 bytes: events keep a copy. */
static const char *on_node(const struct task *t, const char *what, char text[160])
{
    snprintf(text, 160, "%s on %s.", what, t->node);
    return text;
}

/* Gives a task attempt its identity and orders its launch. Node and ports are set. */
static void launch(struct step *s, struct task *t)
{
    char text[160];
    core_derive_id(s->core, t, t->id, t->nonce);
    t->epoch = s->core->config.epoch;
    t->claim = CLAIM_PROPOSED;
    t->created_ms = s->now.wall;
    t->launched_ms = t->completed_ms = 0;
    t->exit = (struct exit_info){0};
    t->hold = core_lease_wish(s->core, t->job).hold;
    t->stop_sent = false;
    for (int64_t g = 0; g < t->role->per_task.gpus; g++)
        t->gpus[g] = -1;
    t->gpu_uuids = NULL;
    if (hash_put(s->core->by_attempt, t->id, t))
        s->fx->failed = true;
    core_move_task(s, t, STATE_STARTING, "TaskPlaced", on_node(t, "Placed", text));
    effects_task(s->fx, t);
    effects_add(s->fx, &(struct effect){.kind = EFFECT_LAUNCH, .task = t});
    core_arm(s, TIMER_CLAIM, t->id, 0, s->now.mono + s->core->config.claim_timeout_ms);
}

/* Where a node's GPUs do not lie all alike, the plan's places are asked for. */
static void wish_gpus(struct step *s, struct task *t, int gang, int pod)
{
    const struct cluster *c = s->core->cluster;
    const struct node *n = &cluster_at(c, cluster_find(c, t->node))->info;
    size_t count = (size_t)t->role->per_task.gpus;
    int places[NODE_GPU_MAX];
    t->gpu_wishes = NULL;
    if (!grid_pod_gpus(s->core->grid, gang, pod, places))
        return;
    t->gpu_wishes = arena_calloc(t->job->arena, count, sizeof *t->gpu_wishes);
    if (!t->gpu_wishes)
        s->fx->failed = true;
    for (size_t i = 0; t->gpu_wishes && i < count; i++)
        t->gpu_wishes[i] = places[i] < n->gpu_count ? n->gpus[places[i]].index : -1;
}

void core_start_claim(struct step *s, struct job *j)
{
    const struct core *c = s->core;
    int gang = core_gang_of(j)->gang;
    j->wait_reason[0] = '\0';
    j->created_ms = s->now.wall;
    j->tasks_live = j->spec->total_tasks;
    for (int i = 0; i < j->tasks_live; i++) {
        struct task *t = &j->tasks[i];
        const int *ports;
        int node = grid_pod(c->grid, gang, i, &ports);
        t->node = cluster_at(c->cluster, node)->info.name;
        if (t->role->port_total)
            memcpy(t->ports, ports, (size_t)t->role->port_total * sizeof *t->ports);
        wish_gpus(s, t, gang, i);
        core_vc_count(s->core, t, 1);
    }
    core_decision_placed(s, j);
    core_move_job(s, j, STATE_STARTING, "JobPlaced", "All tasks have a node; they are being started.");
    effects_attempt(s->fx, j, STATE_STARTING);
    for (int i = 0; i < j->tasks_live; i++)
        launch(s, &j->tasks[i]);
}

void core_task_started(struct step *s, struct task *t, int64_t wall_ms)
{
    struct job *j = t->job;
    char text[160];
    if (t->state != STATE_STARTING)
        return;
    /* As the node's clock says, which may have been set: a start lies between the placement and now. */
    if (wall_ms < t->created_ms)
        wall_ms = t->created_ms;
    if (wall_ms > s->now.wall)
        wall_ms = s->now.wall;
    t->launched_ms = wall_ms;
    core_move_task(s, t, STATE_RUNNING, "TaskStarted", on_node(t, "Started", text));
    effects_task(s->fx, t);
    if (j->state != STATE_STARTING)
        return;
    j->launched_ms = wall_ms;
    core_move_job(s, j, STATE_RUNNING, "JobRunning", "The job runs.");
    effects_attempt(s->fx, j, STATE_RUNNING);
    int64_t ms = core_limit_due(s->core, j);
    if (ms)
        core_arm(s, TIMER_TIME_LIMIT, j->id, j->attempt, s->now.mono + ms);
}

/* ---- the end of an attempt ---- */

static bool preempted(const struct job *j)
{
    return j->outcome == STATE_FAILED && j->exit_code == EXIT_CODE_PREEMPTED;
}

/* Whether it leaves for others: to wait again, or (nobody asked for its stop) for good. */
static bool makes_room(const struct job *j)
{
    return preempted(j) || (j->stop_requested && !j->stopped_by[0]);
}

static bool over_time(const struct job *j)
{
    return j->outcome == STATE_FAILED && j->exit_code == EXIT_CODE_TIME_LIMIT;
}

int core_grace_ms(const struct core *c, const struct job *j)
{
    if (over_time(j) && j->spec->checkpoint_signal)
        return (int)core_limit_notice(c, j);
    return 1000 * (makes_room(j) ? j->spec->checkpoint_grace_s : j->spec->stop_grace_s);
}

int core_stop_signal(const struct job *j)
{
    return makes_room(j) || over_time(j) ? j->spec->checkpoint_signal : 0;
}

/* A stop that leaves time for a checkpoint is told. */
static void tell_signal(struct step *s, const struct job *j)
{
    int signal = core_stop_signal(j);
    if (signal)
        core_event_job(s, j, "CheckpointSignalled", "%s is sent to its tasks; what runs in %d s is killed.",
                       protocol_extras_signal(signal), core_grace_ms(s->core, j) / 1000);
}

static void stop_tasks(struct step *s, struct job *j)
{
    bool told = false;
    for (int i = 0; i < j->spec->total_tasks; i++) {
        struct task *t = &j->tasks[i];
        if (!(t->state & STATE_PLACED) || t->stop_sent)
            continue;
        if (!told)
            tell_signal(s, j);
        t->stop_sent = told = true;
        effects_stop(s->fx, t, core_grace_ms(s->core, j), core_stop_signal(j));
    }
}

/* The job leaves memory when the batch ends; its row says the rest. */
static void bury(struct step *s, struct job *j)
{
    hash_remove(s->core->by_name, j->full_name);
    hash_remove(s->core->by_id, j->id);
    core_vc_of(s->core, j)->live_jobs--;
    j->queue_entry = s->core->graveyard;
    s->core->graveyard = j;
}

const struct job *core_buried(const struct core *c, const char *full_name)
{
    const struct job *j = c->graveyard;
    while (j && (j->lease || strcmp(j->full_name, full_name) != 0))
        j = j->queue_entry;
    return j;
}

static void finish_job(struct step *s, struct job *j, enum run_state to)
{
    static const struct {
        enum run_state state;
        const char *reason;
    } names[] = {{STATE_SUCCEEDED, "JobSucceeded"}, {STATE_FAILED, "JobFailed"}, {STATE_STOPPED, "JobStopped"}};
    const char *reason = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].state == to)
            reason = names[i].reason;
    j->completed_ms = s->now.wall;
    j->outcome = to;
    if (j->avoid)
        j->avoid->count = 0;
    core_move_job(s, j, to, reason, j->trigger.message);
    core_lease_follow(s->core, j);
    bury(s, j);
}

static void retry_job(struct step *s, struct job *j, enum policy_retry kind, int64_t delay_ms)
{
    bool requeued = preempted(j); /* nobody's fault: no retry */
    const char *node = requeued ? NULL : core_avoid_fault(s, j);
    char phrase[sizeof j->exit.phrase];
    memcpy(phrase, j->exit.phrase, sizeof phrase);
    if (requeued)
        delay_ms = 0;
    else if (kind == POLICY_RETRY_COUNTED)
        j->retries_user++;
    else if (j->exit.reaction == EXIT_BACKOFF_RETRY)
        j->retries_resource++; /* its back-off counts these */
    else
        j->retries_platform++;
    j->attempt++;
    j->outcome = 0;
    j->exit = (struct exit_verdict){0};
    j->exit_code = 0;
    j->created_ms = j->launched_ms = j->completed_ms = 0;
    job_reset_tasks(j);
    core_move_job(s, j, STATE_WAITING, requeued ? "JobRequeued" : "JobRetried", j->trigger.message);
    if (node)
        core_event_job(s, j, "NodeAvoided", "Node %s is avoided from now on: a fault of the platform there (%s).", node,
                       phrase);
    j->trigger = (struct exit_trigger){0};
    j->due_ms = s->now.wall + delay_ms;
    if (delay_ms)
        core_arm(s, TIMER_RETRY, j->id, j->attempt, s->now.mono + delay_ms);
    else if (core_enqueue(s->core, j, s->now.mono))
        s->fx->failed = true;
}

static int stop_code(const struct job *j)
{
    return j->stop_code ? j->stop_code : EXIT_CODE_STOPPED;
}

/* The last task of the attempt is gone. */
static void attempt_over(struct step *s, struct job *j)
{
    j->completed_ms = s->now.wall;
    if (j->stop_requested && j->outcome != STATE_SUCCEEDED) {
        j->exit_code = stop_code(j);
        exits_verdict(j->exit_code, NULL, &j->exit);
        effects_attempt(s->fx, j, STATE_STOPPED);
        finish_job(s, j, STATE_STOPPED);
        return;
    }
    effects_attempt(s->fx, j, j->outcome);
    if (j->outcome == STATE_FAILED) {
        int64_t delay_ms = 0;
        enum policy_retry kind = policy_job_retry(j, &j->exit, &delay_ms);
        if (kind != POLICY_NO_RETRY) {
            retry_job(s, j, kind, delay_ms);
            return;
        }
    }
    finish_job(s, j, j->outcome);
}

static const char *completing_reason(const struct job *j)
{
    if (j->outcome == STATE_SUCCEEDED)
        return "JobCompleting";
    return preempted(j) ? "JobPreempted" : "JobFailing";
}

void core_decide(struct step *s, struct job *j, enum run_state outcome, int exit_code, const struct exit_trigger *why)
{
    j->outcome = outcome;
    j->exit_code = exit_code;
    j->exit = why->verdict;
    if (!j->exit.phrase[0])
        exits_verdict(exit_code, NULL, &j->exit);
    j->trigger = *why;
    if (j->state & (STATE_STARTING | STATE_RUNNING))
        core_move_job(s, j, STATE_COMPLETING, completing_reason(j), why->message);
    stop_tasks(s, j);
    if (!j->tasks_live)
        attempt_over(s, j);
}

/* ---- the end of a task ---- */

static enum run_state ended_state(const struct task *t, const struct exit_info *exit)
{
    if (t->stop_sent && exit->code != 0)
        return STATE_STOPPED;
    return exit->code == 0 ? STATE_SUCCEEDED : STATE_FAILED;
}

/* The catalogue's code for a task that ended because it was told to; the command's own status stays in the message. */
static void stopped_exit(struct task *t)
{
    int status = t->exit.code;
    bool by_user = t->job->stop_requested && t->job->outcome == 0;
    t->exit.code = by_user ? stop_code(t->job) : EXIT_CODE_ATTEMPT_COMPLETED;
    t->exit.verdict = (struct exit_verdict){0};
    t->exit.diagnosis = NULL;
    if (!t->exit.message[0])
        snprintf(t->exit.message, sizeof t->exit.message, "Stopped; the command ended with status %d.", status);
}

/* Another attempt of the task alone, on the node and ports it holds. */
static void retry_task(struct step *s, struct task *t, enum policy_retry kind)
{
    t->retries++;
    t->accountable_retries += kind == POLICY_RETRY_COUNTED;
    t->attempt++;
    t->state = STATE_WAITING;
    launch(s, t);
}

/* What it held is free, or its lease's; the attempt goes on without it, is decided by it, or is over. */
static void leave_attempt(struct step *s, struct task *t, bool undecided, bool held)
{
    struct job *j = t->job;
    struct exit_trigger why = {0};
    int code = 0;
    core_release(s->core, t);
    if (held)
        core_lease_hold(s, t);
    enum run_state outcome = undecided ? policy_completion(j, t, &why, &code) : 0;
    if (outcome)
        core_decide(s, j, outcome, code, &why);
    else if (!j->tasks_live)
        attempt_over(s, j);
}

void core_task_ended(struct step *s, struct task *t, const struct exit_info *exit)
{
    struct job *j = t->job;
    char message[128];
    enum run_state to = ended_state(t, exit);
    t->exit = *exit;
    t->completed_ms = s->now.wall;
    if (to == STATE_STOPPED)
        stopped_exit(t);
    if (!t->exit.verdict.phrase[0])
        exits_verdict(t->exit.code, NULL, &t->exit.verdict);
    snprintf(message, sizeof message, "Exit code %d (%s).", t->exit.code, t->exit.verdict.phrase);
    static const char *const reasons[] = {"TaskSucceeded", "TaskFailed", "TaskStopped"};
    core_move_task(s, t, to,
                   reasons[to == STATE_SUCCEEDED ? 0
                           : to == STATE_FAILED  ? 1
                                                 : 2],
                   t->exit.message[0] ? t->exit.message : message);
    effects_task(s->fx, t);
    t->exit.diagnosis = NULL;
    if (!exit->held)
        effects_forget(s->fx, t->id, t->nonce);
    hash_remove(s->core->by_attempt, t->id);
    bool undecided = !j->outcome && !j->stop_requested;
    /* A claim that was refused or lost is not worth a second try on the same node and ports. */
    if (to == STATE_FAILED && undecided && t->claim == CLAIM_CONFIRMED) {
        enum policy_retry kind = policy_task_retry(t, &t->exit.verdict);
        if (kind != POLICY_NO_RETRY) {
            retry_task(s, t, kind);
            return;
        }
    }
    leave_attempt(s, t, undecided, exit->held);
}

/* ---- stop ---- */

void core_stop_for(struct step *s, struct job *j, const char *why)
{
    if (j->stop_requested)
        return;
    j->stop_requested = true;
    if (!j->outcome || preempted(j))
        snprintf(j->trigger.message, sizeof j->trigger.message, "%s", why);
    if (preempted(j)) /* it was to wait again; now it is to end */
        j->outcome = 0;
    if (j->state == STATE_WAITING) {
        core_dequeue(s->core, j);
        j->held_by[0] = '\0';
        j->exit_code = EXIT_CODE_STOPPED;
        exits_verdict(EXIT_CODE_STOPPED, NULL, &j->exit);
        finish_job(s, j, STATE_STOPPED);
        return;
    }
    if (j->outcome == STATE_SUCCEEDED) {
        effects_job(s->fx, j); /* too late: it has succeeded, its other tasks are leaving */
        return;
    }
    core_move_job(s, j, STATE_STOPPING, "JobStopRequested", j->trigger.message);
    stop_tasks(s, j);
}

void core_stop_job(struct step *s, struct job *j, const char *by)
{
    char why[sizeof j->trigger.message];
    if (j->stop_requested)
        return;
    snprintf(j->stopped_by, sizeof j->stopped_by, "%s", by ? by : "");
    snprintf(why, sizeof why, "Stopped by %s.", by ? by : "the server");
    core_stop_for(s, j, why);
}
