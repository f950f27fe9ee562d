/* SPDX-License-Identifier: MIT
 *
 * The clock's commands: back-off over, claim not confirmed in time, time limit reached, a lease over, a busy port to be
 * tried again.
 */
#include <stdio.h>
#include <string.h>

#include "core/internal.h"
#include "jobs/exits.h"

static void on_retry(struct step *s, const struct timer *t)
{
    struct job *j = hash_get(s->core->by_id, t->id);
    const struct core_gang *g = j ? core_gang_of(j) : NULL;
    if (!j || j->state != STATE_WAITING || j->attempt != t->number || j->held_by[0] || (g && g->queued))
        return;
    if (core_enqueue(s->core, j, s->now.mono))
        s->fx->failed = true;
}

/* DESIGN 1.7: cancel, prove absence (the engine's EXITED or LOST), plan again, no retry counted. */
static void on_claim(struct step *s, const struct timer *t)
{
    struct task *task = hash_get(s->core->by_attempt, t->id);
    if (!task || task->claim != CLAIM_PROPOSED)
        return;
    task->claim = CLAIM_EXPIRED;
    core_event_task(s, task, "ClaimExpired", "Node %s did not confirm the task in time.", task->node);
    effects_task(s->fx, task);
    effects_stop(s->fx, task, 0, 0);
}

static void on_time_limit(struct step *s, const struct timer *t)
{
    struct job *j = hash_get(s->core->by_id, t->id);
    if (!j || j->attempt != t->number || j->outcome || !(j->state & STATE_RUNNING))
        return;
    struct exit_trigger why = {0};
    snprintf(why.message, sizeof why.message, "The job reached its time limit of %lld s.",
             (long long)(core_time_limit(s->core, j) / 1000));
    core_decide(s, j, STATE_FAILED, EXIT_CODE_TIME_LIMIT, &why);
}

static void on_port(struct step *s, const struct timer *t)
{
    if (!cluster_unblock_port(s->core->cluster, t->node, t->number))
        return;
    s->core->changes++;
    if (s->core->grid)
        grid_touch(s->core->grid);
}

void core_tick(struct step *s)
{
    struct timer t;
    while (timers_pop(&s->core->timers, s->now.mono, &t)) {
        switch (t.kind) {
        case TIMER_RETRY:
            on_retry(s, &t);
            break;
        case TIMER_CLAIM:
            on_claim(s, &t);
            break;
        case TIMER_TIME_LIMIT:
            on_time_limit(s, &t);
            break;
        case TIMER_LEASE:
            core_lease_expired(s, &t);
            break;
        case TIMER_PORT:
            on_port(s, &t);
            break;
        }
    }
}
