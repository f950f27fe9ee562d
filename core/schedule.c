/* SPDX-License-Identifier: MIT
 *
 * A scheduling pass: who reserved and can start now, then the line, in order. Who is placed starts; who must wait for
 * others to leave has them stopped, or sent back to wait, and leases ended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/avoid.h"
#include "core/internal.h"
#include "core/plan.h"
#include "jobs/exits.h"

enum { PASSES_MAX = 4, NAMES_SHOWN = 3 };

/* ---- preemption ---- */

static bool leaves_already(const struct job *j)
{
    return j->lease ? j->lease->state != LEASE_HELD : j->outcome || j->stop_requested;
}

/* One victim: by its wish it stops for good or waits again. */
static void preempt(struct step *s, struct job *victim, const struct job *by)
{
    struct exit_trigger why = {.message = ""};
    bool requeue = victim->spec->preemption == SPEC_PREEMPTION_REQUEUE;
    if (leaves_already(victim))
        return;
    if (victim->lease) {
        core_lease_reclaim(s, victim, by);
        return;
    }
    snprintf(why.message, sizeof why.message, "Preempted by %.120s, which needs what it holds; %s.", by->full_name,
             requeue ? "it goes on waiting" : "it is stopped, as it asked for");
    core_decision_preempted(s, victim, by, requeue);
    if (requeue)
        core_decide(s, victim, STATE_FAILED, EXIT_CODE_PREEMPTED, &why);
    else
        core_stop_for(s, victim, why.message);
}

static bool is_news(const struct core *c, const int *victims, size_t count)
{
    size_t i = 0;
    while (i < count && leaves_already(grid_owner(c->grid, victims[i])))
        i++;
    return i < count;
}

static void tell_victims(struct step *s, struct job *j, const int *victims, size_t count)
{
    core_decision_preempts(s, j, victims, count);
    if (count)
        core_event_job(s, j, "JobPreempting", "Resources are reserved; %zu other job%s must leave first.", count,
                       count == 1 ? "" : "s");
    else
        core_event_job(s, j, "JobReserved", "Resources are reserved; it starts when those who use them have ended.");
    for (size_t i = 0; i < count; i++)
        preempt(s, grid_owner(s->core->grid, victims[i]), j);
}

/* Stops whoever is in the way of a gang that has reserved: when it has, and later whoever has lost a guarantee since.
 */
static void preempt_for(struct step *s, struct job *j, bool again)
{
    struct core *c = s->core;
    int gang = core_gang_of(j)->gang, few[16], *list = few;
    size_t n = grid_victims(c->grid, gang, few, sizeof few / sizeof *few);
    if (n == sizeof few / sizeof *few) { /* there may be more */
        size_t most = (size_t)grid_gangs(c->grid);
        list = calloc(most + 1, sizeof *list);
        n = list ? grid_victims(c->grid, gang, list, most) : 0;
        if (!list) {
            s->fx->failed = true;
            return;
        }
    }
    if (!again || is_news(c, list, n))
        tell_victims(s, j, list, n);
    if (list != few)
        free(list);
}

/* ---- the pass ---- */

static void start(struct step *s, struct job *j)
{
    core_hold(s->core, j);
    core_start_claim(s, j);
}

static void served(void *ctx, struct line_entry *en, enum grid_state state)
{
    struct step *s = ctx;
    struct job *j = en->owner;
    if (state == GRID_ALLOCATED) {
        start(s, j);
    } else if (core_reserve(s->core, j)) {
        s->fx->failed = true;
    } else {
        preempt_for(s, j, false);
    }
}

/* Whoever has reserved starts when nobody is in the way any more, or stands in the line again when it was overtaken. */
static void look_at_reserving(struct step *s)
{
    struct core *c = s->core;
    for (size_t i = 0; i < c->reserving_count;) {
        struct job *j = c->reserving[i];
        struct core_gang *g = core_gang_of(j);
        enum grid_state state = grid_state_of(c->grid, g->gang);
        if (state == GRID_PREEMPTING)
            state = grid_try(c->grid, g->gang);
        if (state == GRID_ALLOCATED) {
            start(s, j);
        } else if (state == GRID_WAITING) {
            c->reserving[i] = c->reserving[--c->reserving_count];
            core_event_job(s, j, "JobOvertaken", "What was reserved for it is gone; it goes on waiting.");
            if (line_add(c->line, &g->line, &g->ask))
                s->fx->failed = true;
        } else {
            preempt_for(s, j, true);
            i++;
        }
    }
}

void core_schedule(struct core *c, struct clock_now now, struct effects *fx)
{
    struct step s = {.core = c, .now = now, .fx = fx};
    uint64_t version;
    int passes = 0;
    core_maintenance_look(&s);
    if (c->stale && core_plan_make(c)) {
        fx->failed = true;
        return;
    }
    grid_time(c->grid, now.wall);
    if (c->avoid_stale)
        core_avoid_look(&s);
    do { /* a pass may set free what it looked at before: whose reservation was overtaken, who lost a guarantee */
        look_at_reserving(&s);
        version = grid_version(c->grid);
        if (line_pass(c->line, now.mono, served, &s) < 0)
            fx->failed = true;
    } while (grid_version(c->grid) != version && ++passes < PASSES_MAX && !fx->failed);
    c->age_at_mono = line_deadline(c->line, now.mono);
}
