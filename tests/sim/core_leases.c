/* SPDX-License-Identifier: MIT
 *
 * Debug reservations: their rows and events, stated anew. A lease is made of a task that failed its job and whose
 * sandbox the engine holds, never of a failure of the platform; it moves along its edges, and ends when the engine says
 * that nothing is left.
 */
#include <stdio.h>
#include <string.h>

#include "jobs/exits.h"
#include "tests/sim/core_world.h"

static bool may_move(enum lease_state from, enum lease_state to)
{
    switch (from) {
    case LEASE_HELD:
        return true;
    case LEASE_ENDING:
        return to != LEASE_HELD;
    case LEASE_ENDED:
    case LEASE_LOST:
        return from == to;
    }
    return to == LEASE_HELD;
}

/* How many live ones there are of a virtual cluster; of one user (-1: of all). */
static int count(const struct world *w, int vc, int user)
{
    int n = 0;
    for (int i = 0; i < LEASES; i++)
        n += w->leases[i].there && w->leases[i].l.state & LEASE_LIVE && w->leases[i].vc == vc &&
             (user < 0 || w->leases[i].user == user);
    return n;
}

/* A first row: why it may be there. */
static bool may_begin(struct world *w, const struct lease *l)
{
    const struct attempt *a = engine_find(w, l->id);
    const struct row_job *r = world_find(w, l->job_id);
    const struct vc_debug *d = &w->vcs[world_vc(l->vc)].debug;
    struct exit_verdict verdict;
    /* It may have ended by the time that its row is written: then the row of that end follows. */
    if (!r || !a || !a->kept)
        return wrong("I3: a lease of a sandbox that was never held");
    exits_verdict(a->code, NULL, &verdict);
    if (verdict.category == EXIT_CATEGORY_PLATFORM || !a->code)
        return wrong("a lease for what is no failure of the job");
    if (d->allow == VC_DEBUG_OFF || (d->allow == VC_DEBUG_ASKED && r->wish.debug.on == SPEC_DEBUG_NEVER))
        return wrong("a lease that nobody has asked for");
    if (count(w, world_vc(l->vc), -1) >= vc_debug_total(d) ||
        count(w, world_vc(l->vc), world_user(l->owner)) >= vc_debug_per_user(d))
        return wrong("a lease beyond the cap");
    if (l->expires_ms - l->created_ms > vc_debug_minutes(d) * INT64_C(60000))
        return wrong("a lease that is longer than its virtual cluster allows");
    return (l->state == LEASE_HELD && l->created_ms <= w->now.wall && !l->ended_ms) ||
           wrong("I5: a lease begins otherwise than held");
}

static struct row_lease *free_row(struct world *w)
{
    for (int i = 0; i < LEASES; i++)
        if (!w->leases[i].there)
            return &w->leases[i];
    return NULL;
}

/* Why it may have ended. */
static bool may_end(struct world *w, const struct lease *l)
{
    const struct attempt *a = engine_find(w, l->id);
    if (!l->ended_ms || !l->ended_by[0])
        return wrong("an end of a lease without a time or a reason");
    if (!a || a->doing != DOING_ENDED || (l->state == LEASE_LOST) != (a->end == ENGINE_LOST))
        return wrong("I3: a lease has ended, and its sandbox has not");
    return true;
}

bool lease_row(struct world *w, const struct lease *l)
{
    struct row_lease *r = world_lease(w, l->id);
    bool first = !r;
    if (first && !may_begin(w, l))
        return false;
    r = r ? r : free_row(w);
    if (!r)
        return wrong("too many leases");
    if (!may_move(first ? 0 : r->l.state, l->state))
        return wrong("I5: a lease moves along no edge");
    if (!(l->state & LEASE_LIVE) && !may_end(w, l))
        return false;
    if (l->state == LEASE_HELD && !first &&
        l->expires_ms > l->created_ms + vc_debug_minutes(&w->vcs[r->vc].debug) * INT64_C(60000) &&
        l->expires_ms > r->l.expires_ms)
        return wrong("a lease was extended beyond the cap");
    r->there = true;
    r->l = *l;
    r->vc = world_vc(l->vc);
    r->user = world_user(l->owner);
    r->node = world_node(l->node);
    snprintf(r->owner, sizeof r->owner, "%s", l->owner);
    snprintf(r->job, sizeof r->job, "%s", l->job);
    memcpy(r->gpus, l->gpus, (size_t)l->amount.gpus * sizeof r->gpus[0]);
    return true;
}

bool lease_event(struct world *w, const struct effect_event *ev)
{
    static const struct {
        const char *type;
        enum lease_state state;
    } types[] = {{"lease.held", LEASE_HELD},
                 {"lease.ending", LEASE_ENDING},
                 {"lease.ended", LEASE_ENDED},
                 {"lease.lost", LEASE_LOST}};
    enum lease_state to = 0;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (!strcmp(ev->type, types[i].type))
            to = types[i].state;
    if (w->tell)
        printf("    %s %s %s[%d] %s\n", ev->full_name, ev->type, ev->role ? ev->role : "", ev->task_index, ev->reason);
    for (int i = 0; i < LEASES; i++) {
        struct row_lease *r = &w->leases[i];
        if (!r->there || strcmp(r->l.job_id, ev->job_id) != 0 || r->l.task_index != ev->task_index ||
            r->l.task_attempt != ev->task_attempt || r->l.job_attempt != ev->job_attempt)
            continue;
        if (!may_move(r->told, to))
            return wrong("I5: a lease is told to move along no edge");
        r->told = to;
        return true;
    }
    return wrong("an event about no lease");
}

bool leases_load(struct world *w)
{
    for (int i = 0; i < LEASES; i++) {
        struct row_lease *r = &w->leases[i];
        struct lease l = r->l;
        char node[8];
        if (!r->there)
            continue;
        snprintf(node, sizeof node, "n%d", r->node);
        l.job = r->job;
        l.owner = r->owner;
        l.vc = world_vc_name(r->vc);
        l.role = "main";
        l.node = node;
        l.gpus = r->gpus;
        l.ended_by = l.state == LEASE_HELD ? "" : "somebody";
        l.collected = "{}";
        if (core_load_lease(w->core, &l, w->now))
            return false;
    }
    return true;
}

/* Made of the attempt that failed the job for good. */
static bool of_the_last(struct world *w, const struct row_lease *r)
{
    const struct row_job *j = r->there ? world_find(w, r->l.job_id) : NULL;
    return !j || j->row.attempt == r->l.job_attempt || wrong("a lease of an attempt that was tried again");
}

bool leases_hold(struct world *w)
{
    size_t live = 0;
    for (int i = 0; i < LEASES; i++) {
        const struct row_lease *r = &w->leases[i];
        live += r->there && r->l.state & LEASE_LIVE;
        if (!of_the_last(w, r))
            return false;
        if (r->there && r->told != r->l.state)
            return wrong("I5: a lease's row and its events differ");
        if (r->there && r->l.state == LEASE_HELD && r->l.expires_ms <= w->now.wall)
            return wrong("a lease is held beyond its time");
    }
    return live == core_live_leases(w->core) || wrong("what is stored of leases is not what there is");
}
