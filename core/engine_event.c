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

static void on_node(struct step *s, const struct engine_event *ev)
{
    struct node *copy = arena_alloc(s->fx->arena, sizeof *copy);
    int index = cluster_find(s->core->cluster, ev->node.name);
    if (!copy) {
        s->fx->failed = true;
        return;
    }
    *copy = ev->node;
    if (index >= 0) /* an admin's mark is not the engine's to take away */
        copy->cordoned = cluster_at(s->core->cluster, index)->info.cordoned;
    if (cluster_put_node(s->core->cluster, copy) < 0)
        s->fx->failed = true;
    effects_add(s->fx, &(struct effect){.kind = EFFECT_NODE_ROW, .node = copy});
}

static void on_confirmed(struct step *s, struct task *t, const struct engine_event *ev)
{
    if (t->claim != CLAIM_PROPOSED)
        return;
    t->claim = CLAIM_CONFIRMED;
    t->on_host = ev->on_host;
    for (int g = 0; g < ev->gpu_count && g < t->role->per_task.gpus; g++)
        t->gpus[g] = ev->gpus[g];
    effects_task(s->fx, t);
}

static void on_started(struct step *s, struct task *t, const struct engine_event *ev)
{
    if (t->claim != CLAIM_EXPIRED) /* it was called back, and will be gone in a moment */
        core_task_started(s, t, ev->wall_ms);
}

static void end(struct step *s, struct task *t, const struct engine_event *ev, int code)
{
    struct exit_info exit = {.known = true, .code = code, .signal = ev->signal};
    memcpy(exit.message, ev->message, sizeof exit.message);
    exit.message[sizeof exit.message - 1] = '\0';
    core_task_ended(s, t, &exit);
}

static void on_exited(struct step *s, struct task *t, const struct engine_event *ev)
{
    /* The engine may have seen the start only together with the end. */
    if (t->state == STATE_STARTING && t->claim != CLAIM_EXPIRED)
        core_task_started(s, t, ev->wall_ms);
    end(s, t, ev, t->claim == CLAIM_EXPIRED ? EXIT_CODE_LAUNCH_LOST : ev->exit_code);
}

static void on_refused(struct step *s, struct task *t, const struct engine_event *ev)
{
    int node = cluster_find(s->core->cluster, t->node);
    t->claim = CLAIM_REFUSED;
    end(s, t, ev, ev->exit_code ? ev->exit_code : EXIT_CODE_ENGINE_REFUSED);
    /* The port was given back with the others; somebody else has it, so it stays out of use. */
    if (ev->busy_port)
        cluster_block_port(s->core->cluster, node, ev->busy_port);
}

static void on_lost(struct step *s, struct task *t, const struct engine_event *ev)
{
    end(s, t, ev, ev->never_started ? EXIT_CODE_LAUNCH_LOST : EXIT_CODE_NODE_LOST);
}

typedef void task_event_fn(struct step *s, struct task *t, const struct engine_event *ev);

static task_event_fn *const handlers[] = {
    [ENGINE_CONFIRMED] = on_confirmed, [ENGINE_REFUSED] = on_refused, [ENGINE_STARTED] = on_started,
    [ENGINE_EXITED] = on_exited,       [ENGINE_LOST] = on_lost,
};

void core_engine(struct step *s, const struct engine_event *ev)
{
    if (ev->kind == ENGINE_NODE) {
        on_node(s, ev);
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
    handlers[ev->kind](s, t, ev);
}
