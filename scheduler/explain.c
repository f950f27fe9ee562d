/* SPDX-License-Identifier: MIT
 *
 * The dominant reason. Each question is asked of a copy: does it start as things are, with nobody there, with all
 * machines up? What remains is a matter of amounts.
 */
#include "scheduler/explain.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "scheduler/explain_internal.h"

static const char *const names[EXPLAIN_REASONS] = {
    [EXPLAIN_STARTS] = "starts",           [EXPLAIN_NEW] = "notConsidered",       [EXPLAIN_HELD] = "hold",
    [EXPLAIN_BACKOFF] = "backoff",         [EXPLAIN_VICTIMS] = "waitsForVictims", [EXPLAIN_AGED] = "waitsForEnds",
    [EXPLAIN_AVOIDS] = "avoidsNodes",      [EXPLAIN_USER_CAP] = "userCap",        [EXPLAIN_NEVER] = "never",
    [EXPLAIN_UNHEALTHY] = "unhealthy",     [EXPLAIN_RESERVED] = "reserved",       [EXPLAIN_QUOTA] = "quota",
    [EXPLAIN_PRIORITY] = "priority",       [EXPLAIN_FRAGMENTED] = "fragmented",   [EXPLAIN_BUSY] = "busy",
    [EXPLAIN_MAINTENANCE] = "maintenance",
};

const char *explain_name(enum explain_reason r)
{
    return names[r];
}

bool explain_holds(const struct grid *g, int gang)
{
    return g->gangs[gang].live && g->gangs[gang].state != GRID_WAITING;
}

bool explain_reserves(const struct explain *x, const struct explain_ask *ask)
{
    return ask->self >= 0 && explain_holds(x->grid, ask->self);
}

int explain_find_vc(const struct grid *g, const char *name)
{
    for (size_t i = 0; i < g->vc_count; i++)
        if (!strcmp(g->vcs[i].name, name))
            return (int)i;
    return -1;
}

/* ---- copies ---- */

struct explain *explain_begin(const struct grid *g)
{
    struct explain *x = calloc(1, sizeof *x);
    if (x)
        *x = (struct explain){.grid = g};
    return x;
}

void explain_end(struct explain *x)
{
    for (int i = 0; x && i < EXPLAIN_COPIES; i++)
        grid_destroy(x->copies[i]);
    free(x);
}

bool explain_is_bad(const struct cluster_node *n)
{
    return !n->info.up || n->info.cordoned;
}

bool explain_has_window(const struct cluster_node *n)
{
    return n->info.maintenance || n->closes_ms;
}

static void change(struct grid *copy, int machine, const struct node *n)
{
    (void)cluster_put_node(copy->account, n); /* it is known: nothing is allocated */
    if (copy->grid_node[machine] >= 0 && cluster_usable(n))
        grid_health(copy, copy->grid_node[machine], true);
    cluster_close(copy->account, machine, 0, 0);
    grid_time(copy, copy->now_ms);
}

void explain_mend(struct grid *copy, int machine)
{
    struct node n = cluster_at(copy->account, machine)->info;
    n.up = true;
    n.cordoned = n.maintenance = false;
    change(copy, machine, &n);
}

void explain_open(struct grid *copy, int machine)
{
    struct node n = cluster_at(copy->account, machine)->info;
    n.maintenance = false;
    change(copy, machine, &n);
}

struct grid *explain_clone(const struct explain *x)
{
    struct grid *g = grid_clone(x->grid, NULL, 0);
    if (g && x->now_ms)
        grid_time(g, x->now_ms);
    return g;
}

/* Machines are up, or at least not in maintenance. */
static void mend_all(struct grid *g, bool well)
{
    for (size_t i = 0; i < cluster_count(g->account); i++) {
        const struct cluster_node *n = cluster_at(g->account, (int)i);
        if (well && explain_is_bad(n))
            explain_mend(g, (int)i);
        else if (explain_has_window(n))
            explain_open(g, (int)i);
    }
}

static struct grid *make(const struct explain *x, enum explain_copy which)
{
    static const struct {
        bool alone, open, well;
    } kinds[EXPLAIN_COPIES] = {
        [EXPLAIN_OPEN] = {.open = true},
        [EXPLAIN_WELL] = {.open = true, .well = true},
        [EXPLAIN_ALONE] = {.alone = true},
        [EXPLAIN_FREE] = {.alone = true, .open = true},
        [EXPLAIN_EMPTY] = {.alone = true, .open = true, .well = true},
    };
    struct grid *g = explain_clone(x);
    for (int i = 0; g && i < g->gang_count; i++)
        if (explain_holds(g, i) &&
            (kinds[which].alone || (which == EXPLAIN_CLEAR && g->gangs[i].state == GRID_PREEMPTING)))
            grid_remove(g, i);
    if (g && kinds[which].open)
        mend_all(g, kinds[which].well);
    return g;
}

struct grid *explain_alone(const struct grid *g, bool all_up)
{
    return make(&(struct explain){.grid = g}, all_up ? EXPLAIN_EMPTY : EXPLAIN_ALONE);
}

/* ---- tries ---- */

int explain_enter(struct grid *g, const struct explain_ask *ask, const struct grid_request *r)
{
    struct err e = {0};
    int gang = grid_submit(g, r, &e);
    if (gang >= 0 && ask->nodes && grid_only(g, gang, ask->nodes, ask->node_count)) {
        grid_remove(g, gang);
        return -1;
    }
    return gang;
}

bool explain_try(struct grid *g, const struct explain_ask *ask, const struct grid_request *r)
{
    int gang = explain_enter(g, ask, r);
    if (gang < 0)
        return false;
    enum grid_state state = grid_try(g, gang);
    grid_remove(g, gang);
    return state != GRID_WAITING;
}

static struct grid *get(struct explain *x, enum explain_copy which)
{
    if (!x->copies[which])
        x->copies[which] = make(x, which);
    x->failed = x->failed || !x->copies[which];
    return x->copies[which];
}

bool explain_starts(struct explain *x, enum explain_copy which, const struct explain_ask *ask,
                    const struct grid_request *r)
{
    struct grid *g = get(x, which);
    uint64_t upsets = g ? g->upsets : 0;
    bool yes = g && explain_try(g, ask, r);
    if (g && g->upsets != upsets) {
        grid_destroy(g);
        x->copies[which] = NULL;
    }
    return yes;
}

/* ---- amounts ---- */

/* GPUs of what the gang may use of its virtual cluster's. */
struct amounts {
    int owned;
    int stays; /* held by gangs that it may not preempt */
    int above; /* held by gangs of a higher priority */
    bool may_borrow;
};

static void count_idle(const struct grid *g, const struct gang *me, struct explanation *out)
{
    for (int n = 0; n < g->space->node_count; n++) {
        const struct space_cell *x = &g->space->cells[g->space->node_cell[n]];
        if (!x->bad && me->chains[x->chain] && pods_allow(g, me, n))
            out->idle += x->idle;
    }
}

/* Who holds GPUs of a share that the gang may use. */
static void count_held(const struct grid *g, const struct gang *me, struct amounts *a)
{
    for (int i = 0; i < g->space->gpu_count; i++) {
        const struct gpu_state *st = &g->gpus[i];
        int share = st->use == SPACE_HELD ? g->lots[st->lot].share : -1;
        if (share < 0 || !place_may_use(me, &g->shares[share], share))
            continue;
        const struct gang *h = &g->gangs[fit_holder(g, i)];
        bool lower = h->ask.priority < me->ask.priority;
        a->stays += !lower || (h->ask.no_stop && h->state == GRID_ALLOCATED);
        a->above += h->ask.priority > me->ask.priority;
    }
}

static struct amounts count(const struct grid *g, int gang, struct explanation *out)
{
    const struct gang *me = &g->gangs[gang];
    struct amounts a = {0};
    out->over_cpus = grid_over_cpus(g, me);
    count_idle(g, me, out);
    for (int i = 0; i < g->share_count; i++)
        a.owned += place_may_use(me, &g->shares[i], i) ? g->shares[i].total : 0;
    if (me->ask.priority < 0)
        return a;
    count_held(g, me, &a);
    a.may_borrow = me->total && grid_may_borrow(g, me);
    return a;
}

static enum explain_reason by_amounts(const struct explain_ask *ask, const struct amounts *a,
                                      const struct explanation *out)
{
    bool free = ask->request->priority < 0, lent = free || a->may_borrow;
    if (out->over_cpus)
        return EXPLAIN_QUOTA;
    if (!out->asked)
        return EXPLAIN_BUSY;
    if ((!free && a->stays + out->asked <= a->owned) || (lent && out->idle >= out->asked))
        return EXPLAIN_FRAGMENTED;
    if (lent)
        return EXPLAIN_BUSY;
    return out->asked <= a->owned && a->above + out->asked > a->owned ? EXPLAIN_PRIORITY : EXPLAIN_QUOTA;
}

/* ---- the reason ---- */

static void read_limits(const struct grid *g, const struct grid_request *r, struct explanation *out)
{
    int vc = explain_find_vc(g, r->vc);
    for (size_t i = 0; i < r->pod_kinds; i++)
        out->asked += r->pods[i].count * r->pods[i].gpus;
    if (vc < 0)
        return;
    out->use = grid_use_of(g, (size_t)vc);
    out->borrow = g->vcs[vc].borrow;
    out->user_cap = g->vcs[vc].user_cap;
    if (r->user < g->vc_use[vc].users)
        out->user_held = g->vc_use[vc].by_user[r->user];
}

/* Whether somebody who is not to stop uses what it has reserved. */
static bool waits_for_ends(const struct grid *g, int gang)
{
    const struct gang *me = &g->gangs[gang];
    bool ends = false;
    for (int i = 0; me->drains && i < me->placed; i++) {
        int user = g->gpus[me->gpus[i]].user;
        ends = ends || (user >= 0 && user != gang && !g->gangs[user].oppo);
    }
    for (int i = 0; me->drains && i < me->stop_count; i++)
        ends = ends || !g->gangs[me->stops[i]].oppo;
    return ends;
}

/* Machines that windows keep it from, were nothing else in the way; or, of those that it does not ask for, the ones in
 * maintenance: what they leave is promised to others. */
static void count_closed(const struct grid *g, const struct gang *me, bool others, struct explanation *out)
{
    for (int i = 0; i < (int)cluster_count(g->account); i++) {
        const struct cluster_node *n = cluster_at(g->account, i);
        bool ahead = !n->info.maintenance && !others && pods_closed(g, me, i);
        if ((!ahead && !n->info.maintenance) || (me->only && me->only[i] == others))
            continue;
        out->closed++;
        if (ahead && (!out->closes_ms || n->closes_ms < out->closes_ms))
            out->closes_ms = n->closes_ms;
        if (n->opens_ms && (!out->opens_ms || n->opens_ms < out->opens_ms))
            out->opens_ms = n->opens_ms;
    }
    out->closed_others = others && out->closed;
}

static bool waits_for_window(struct explain *x, const struct explain_ask *ask, const struct explanation *out)
{
    const struct grid_request *r = ask->request;
    return out->closed && (explain_starts(x, EXPLAIN_OPEN, ask, r) ||
                           (!explain_starts(x, EXPLAIN_ALONE, ask, r) && explain_starts(x, EXPLAIN_FREE, ask, r)));
}

static bool some_bad(const struct grid *g)
{
    for (size_t i = 0; i < cluster_count(g->account); i++)
        if (explain_is_bad(cluster_at(g->account, (int)i)))
            return true;
    return false;
}

static bool some_reserve(const struct grid *g)
{
    for (int i = 0; i < g->gang_count; i++)
        if (g->gangs[i].live && g->gangs[i].state == GRID_PREEMPTING)
            return true;
    return false;
}

static bool starts_where_it_failed(struct explain *x, const struct explain_ask *ask)
{
    struct explain_ask anywhere = *ask;
    anywhere.nodes = ask->allowed;
    anywhere.node_count = ask->allowed_count;
    return ask->avoids && explain_starts(x, EXPLAIN_NOW, &anywhere, ask->request);
}

static enum explain_reason find_reason(struct explain *x, const struct explain_ask *ask, const struct amounts *a,
                                       const struct explanation *out)
{
    const struct grid_request *r = ask->request;
    bool bad = some_bad(x->grid);
    if (explain_reserves(x, ask))
        return waits_for_ends(x->grid, ask->self) ? EXPLAIN_AGED : EXPLAIN_VICTIMS;
    if (explain_starts(x, EXPLAIN_NOW, ask, r))
        return EXPLAIN_STARTS;
    if (starts_where_it_failed(x, ask))
        return EXPLAIN_AVOIDS;
    if (out->user_cap && out->user_held + out->asked > out->user_cap)
        return EXPLAIN_USER_CAP;
    if (!explain_starts(x, EXPLAIN_EMPTY, ask, r))
        return EXPLAIN_NEVER;
    if (waits_for_window(x, ask, out))
        return EXPLAIN_MAINTENANCE;
    if (bad && (explain_starts(x, EXPLAIN_WELL, ask, r) || !explain_starts(x, EXPLAIN_ALONE, ask, r)))
        return EXPLAIN_UNHEALTHY;
    if (some_reserve(x->grid) && explain_starts(x, EXPLAIN_CLEAR, ask, r))
        return EXPLAIN_RESERVED;
    return by_amounts(ask, a, out);
}

int explain_brief(struct explain *x, const struct explain_ask *ask, struct explanation *out)
{
    struct amounts a = {0};
    *out = (struct explanation){.reason = EXPLAIN_STARTS};
    x->failed = false;
    x->now_ms = ask->now_ms;
    read_limits(x->grid, ask->request, out);
    struct grid *now = get(x, EXPLAIN_NOW);
    int gang = now ? explain_enter(now, ask, ask->request) : -1;
    if (gang >= 0) {
        a = count(now, gang, out);
        count_closed(now, &now->gangs[gang], false, out);
        if (!out->closed)
            count_closed(now, &now->gangs[gang], true, out);
        out->missing = a.stays + out->asked - a.owned;
        grid_remove(now, gang);
    }
    out->then = find_reason(x, ask, &a, out);
    out->reason = ask->held ? EXPLAIN_HELD : ask->backs_off ? EXPLAIN_BACKOFF : out->then;
    return x->failed ? -1 : 0;
}

bool explain_could(struct explain *x, const struct explain_ask *ask, bool all_up)
{
    return explain_starts(x, all_up ? EXPLAIN_EMPTY : EXPLAIN_ALONE, ask, ask->request);
}

int explain_whole(struct explain *x, const struct explain_ask *ask, struct explanation *out)
{
    return explain_brief(x, ask, out) || explain_help(x, ask, out) ? -1 : 0;
}
