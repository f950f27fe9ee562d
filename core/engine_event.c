/* SPDX-License-Identifier: MIT
 *
 * What an engine tells. An event about an attempt that is not known (or another nonce) is old news: its end is on disk,
 * so the engine is told to forget it.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "core/internal.h"
#include "jobs/exits.h"

/* Who holds a port may be gone by then; and where not, one start is refused again, which costs its job a second. */
enum { PORT_BLOCK_MS = 10 * 60 * 1000 };

/* Which GPUs these are, for the history: a node may get others under the same indices. 0, or -1 on out of memory. */
static int note_uuids(const struct core *c, struct task *t)
{
    int node = cluster_find(c->cluster, t->node), known = 0;
    size_t n = (size_t)t->role->per_task.gpus;
    const struct node *info = node < 0 ? NULL : &cluster_at(c->cluster, node)->info;
    char(*uuids)[GPU_UUID_SIZE] = info && n ? arena_calloc(t->job->arena, n, sizeof *uuids) : NULL;
    if (info && n && !uuids)
        return -1;
    for (int i = 0; uuids && i < info->gpu_count; i++)
        for (size_t g = 0; g < n; g++)
            if (t->gpus[g] == info->gpus[i].index && info->gpus[i].uuid[0]) {
                memcpy(uuids[g], info->gpus[i].uuid, sizeof uuids[g]);
                known++;
            }
    t->gpu_uuids = known ? uuids : NULL;
    return 0;
}

static void on_confirmed(struct step *s, struct task *t, const struct engine_event *ev,
                         const struct exit_diagnosis *why)
{
    (void)why;
    if (t->claim != CLAIM_PROPOSED)
        return;
    t->claim = CLAIM_CONFIRMED;
    t->on_host = ev->on_host;
    for (int g = 0; g < ev->gpu_count && g < t->role->per_task.gpus; g++)
        t->gpus[g] = ev->gpus[g];
    if (note_uuids(s->core, t))
        s->fx->failed = true;
    effects_task(s->fx, t);
}

static void on_started(struct step *s, struct task *t, const struct engine_event *ev, const struct exit_diagnosis *why)
{
    (void)why;
    if (t->claim != CLAIM_EXPIRED) /* it was called back, and will be gone in a moment */
        core_task_started(s, t, ev->wall_ms);
}

static struct exit_info exit_of(const struct engine_event *ev, int code, const struct exit_diagnosis *why)
{
    struct exit_info exit = {.known = true, .code = code, .signal = ev->signal};
    memcpy(exit.message, ev->message, sizeof exit.message);
    exit.message[sizeof exit.message - 1] = '\0';
    if (why) {
        exit.verdict = why->verdict;
        exit.diagnosis = why->json;
    }
    return exit;
}

/* Whether one of its GPUs has failed, and is therefore given out no more. */
static bool gpu_failed(const struct core *c, const struct task *t)
{
    int node = cluster_find(c->cluster, t->node);
    const struct node *n = node < 0 ? NULL : &cluster_at(c->cluster, node)->info;
    for (int64_t g = 0; n && g < t->role->per_task.gpus; g++)
        for (int i = 0; i < n->gpu_count; i++)
            if (n->gpus[i].index == t->gpus[g] && n->gpus[i].health.action >= GPU_ACTION_QUARANTINE &&
                gpu_cause_info(n->gpus[i].health.cause)->state >= GPU_STATE_FAILED)
                return true;
    return false;
}

/* A command that fails on a GPU that has failed is no fault of its own, whatever its log says. */
static void blame_gpu(const struct core *c, const struct task *t, struct exit_info *exit)
{
    if (exit->code > 0 && !t->stop_sent && gpu_failed(c, t))
        exits_verdict(EXIT_CODE_GPU_FAILED, NULL, &exit->verdict);
}

static void end(struct step *s, struct task *t, const struct engine_event *ev, int code,
                const struct exit_diagnosis *why)
{
    struct exit_info exit = exit_of(ev, code, why);
    blame_gpu(s->core, t, &exit);
    core_task_ended(s, t, &exit);
}

/* Its command has failed, and its sandbox stays. Where that makes no lease, the task ends when its sandbox has. */
static void on_held(struct step *s, struct task *t, const struct engine_event *ev, const struct exit_diagnosis *why)
{
    struct exit_info exit = exit_of(ev, ev->exit_code, why);
    exit.held = core_lease_due(s, t, &exit);
    if (exit.held)
        core_task_ended(s, t, &exit);
    else {
        t->hold = SPEC_HOLD_NOTHING; /* it has been told why */
        effects_stop(s->fx, t, 0, 0);
    }
}

/* Where it was asked for and would be due, but the engine did not keep it. */
static void tell_not_held(struct step *s, struct task *t, const struct engine_event *ev,
                          const struct exit_diagnosis *why)
{
    struct exit_info exit = exit_of(ev, ev->exit_code, why);
    if (t->hold && core_lease_due(s, t, &exit))
        core_event_task(s, t, "LeaseRefused", "No debug reservation: %s could not keep its sandbox%s.", t->node,
                        t->hold == SPEC_HOLD_SANDBOX ? " without the GPUs" : "");
}

static void on_exited(struct step *s, struct task *t, const struct engine_event *ev, const struct exit_diagnosis *why)
{
    /* The engine may have seen the start only together with the end. */
    if (t->state == STATE_STARTING && t->claim != CLAIM_EXPIRED)
        core_task_started(s, t, ev->wall_ms);
    if (ev->held)
        on_held(s, t, ev, why);
    else if (t->claim == CLAIM_EXPIRED)
        end(s, t, ev, EXIT_CODE_LAUNCH_LOST, NULL);
    else {
        tell_not_held(s, t, ev, why);
        end(s, t, ev, ev->exit_code, why);
    }
}

static void on_refused(struct step *s, struct task *t, const struct engine_event *ev, const struct exit_diagnosis *why)
{
    int node = cluster_find(s->core->cluster, t->node);
    t->claim = CLAIM_REFUSED;
    end(s, t, ev, ev->exit_code ? ev->exit_code : EXIT_CODE_ENGINE_REFUSED, why);
    /* The port was given back with the others; somebody else has it, so it stays out of use for a while. */
    const struct timer again = {
        .at_mono = s->now.mono + PORT_BLOCK_MS, .kind = TIMER_PORT, .number = ev->busy_port, .node = node};
    if (ev->busy_port && cluster_block_port(s->core->cluster, node, ev->busy_port) &&
        timers_add(&s->core->timers, &again))
        s->fx->failed = true;
}

static void on_lost(struct step *s, struct task *t, const struct engine_event *ev, const struct exit_diagnosis *why)
{
    end(s, t, ev, ev->never_started ? EXIT_CODE_LAUNCH_LOST : EXIT_CODE_NODE_LOST, why);
}

static void on_note(struct step *s, struct task *t, const struct engine_event *ev, const struct exit_diagnosis *why)
{
    (void)why;
    core_event_task(s, t, "EngineNote", "%.200s", ev->message);
}

typedef void task_event_fn(struct step *s, struct task *t, const struct engine_event *ev,
                           const struct exit_diagnosis *why);

static task_event_fn *const handlers[] = {
    [ENGINE_CONFIRMED] = on_confirmed, [ENGINE_REFUSED] = on_refused, [ENGINE_STARTED] = on_started,
    [ENGINE_EXITED] = on_exited,       [ENGINE_LOST] = on_lost,       [ENGINE_NOTE] = on_note,
};

void core_engine(struct step *s, const struct engine_event *ev, const struct exit_diagnosis *diagnosis)
{
    if (ev->kind == ENGINE_NODE) {
        core_node_told(s, &ev->node);
        return;
    }
    if (ev->kind == ENGINE_READY)
        return;
    struct task *t = hash_get(s->core->by_attempt, ev->attempt_id);
    if (!t || strcmp(t->nonce, ev->nonce) != 0) {
        if (ev->kind == ENGINE_EXITED || ev->kind == ENGINE_LOST || ev->kind == ENGINE_REFUSED)
            effects_forget(s->fx, ev->attempt_id, ev->nonce);
        return;
    }
    if (t->job->lease)
        core_lease_told(s, t->job, ev);
    else
        handlers[ev->kind](s, t, ev, diagnosis);
}
