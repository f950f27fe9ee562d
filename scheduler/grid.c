/* SPDX-License-Identifier: MIT
 *
 * The life of gangs on the grid: submitted, tried, preempting, allocated, gone; machines that fall ill; gangs from
 * before a restart. What goes where is place.c.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "scheduler/grid_internal.h"

static const char *const reason_names[] = {
    [GRID_REASON_NONE] = "none",           [GRID_REASON_NEW] = "not yet considered",
    [GRID_REASON_QUOTA] = "quota",         [GRID_REASON_USER_CAP] = "user cap",
    [GRID_REASON_NEVER] = "never",         [GRID_REASON_FRAGMENTED] = "fragmented",
    [GRID_REASON_PRIORITY] = "priority",   [GRID_REASON_BUSY] = "busy",
    [GRID_REASON_RESERVED] = "reserved",   [GRID_REASON_VICTIMS] = "waits for victims",
    [GRID_REASON_UNHEALTHY] = "unhealthy",
};

const char *grid_reason_name(enum grid_reason r)
{
    return reason_names[r];
}

/* ---- submission ---- */

static int find_vc(const struct grid *g, const char *name)
{
    for (size_t i = 0; i < g->vc_count; i++)
        if (!strcmp(g->vcs[i].name, name))
            return (int)i;
    return -1;
}

int grid_find_pin(const struct grid *g, int vc, const char *name)
{
    for (int i = 0; i < g->share_count; i++) {
        const struct share *s = &g->shares[i];
        if (s->vc == vc && s->pin >= 0 && !strcmp(g->topology->pins[s->pin].name, name))
            return i;
    }
    return -1;
}

static bool owns(const struct grid *g, int vc, int chain)
{
    for (int i = 0; i < g->share_count; i++)
        if (g->shares[i].vc == vc && g->shares[i].chain == chain && g->shares[i].total > 0)
            return true;
    return false;
}

static bool is_model(const struct grid_request *r, const char *name)
{
    bool listed = !r->models;
    for (size_t i = 0; r->models && r->models[i]; i++)
        listed = listed || !strcmp(r->models[i], name);
    return listed && (!r->model || !strcmp(r->model, name));
}

/* Marks the chains of the models that are asked for. Whether the gang may use one of them. */
static bool choose_chains(const struct grid *g, const struct grid_request *r, struct gang *me)
{
    bool some = !me->total;
    for (size_t c = 0; c < g->topology->chain_count; c++) {
        bool may = r->priority < 0 || owns(g, me->vc, (int)c) || g->vcs[me->vc].borrow;
        me->chains[c] = is_model(r, g->topology->chains[c].level[0].name);
        some = some || (may && me->chains[c]);
    }
    return some;
}

static int check_pods(const struct grid *g, const struct grid_request *r, struct gang *me, struct err *e)
{
    for (size_t i = 0; i < r->pod_kinds; i++) {
        if (r->pods[i].count < 1 || r->pods[i].gpus < (r->needs ? 0 : 1) || r->pods[i].gpus > 64)
            return err_set(e, ERR_INVALID_PARAMETERS, "Each pod must ask for 1 to 64 GPUs.");
        if (r->pods[i].gpus && r->pods[i].count > g->space->gpu_count)
            return err_set(e, ERR_INVALID_PARAMETERS, "The cluster has only %d GPUs.", g->space->gpu_count);
        me->total += r->pods[i].count * r->pods[i].gpus;
    }
    return r->pod_kinds ? 0 : err_set(e, ERR_INVALID_PARAMETERS, "The gang has no pods.");
}

static int check_request(const struct grid *g, const struct grid_request *r, struct gang *me, struct err *e)
{
    if (r->priority < -1 || r->priority > GRID_PRIORITY_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "The priority must be between -1 and %d.", GRID_PRIORITY_MAX);
    me->vc = find_vc(g, r->vc);
    if (me->vc < 0)
        return err_set(e, ERR_NO_VC_BAD, "There is no virtual cluster %s.", r->vc);
    me->pin = r->pin ? grid_find_pin(g, me->vc, r->pin) : -1;
    if (r->pin && me->pin < 0)
        return err_set(e, ERR_INVALID_PARAMETERS, "Virtual cluster %s has no pinned cell %s.", r->vc, r->pin);
    if (r->pin && r->priority < 0)
        return err_set(e, ERR_INVALID_PARAMETERS, "An opportunistic job cannot name a pinned cell.");
    if (check_pods(g, r, me, e))
        return -1;
    if (!choose_chains(g, r, me) && !r->patient)
        return err_set(e, ERR_INVALID_PARAMETERS, "Virtual cluster %s has no GPU of model %s.", r->vc,
                       r->model ? r->model : "any");
    return 0;
}

static void gang_fini(struct gang *me)
{
    free(me->pods);
    free(me->order);
    free(me->ports);
    free(me->gpus);
    free(me->only);
    free(me->chains);
    free(me->stops);
    *me = (struct gang){0};
}

/* A free number. -1 on out of memory. */
static int new_number(struct grid *g)
{
    if (g->free_gang_count)
        return g->free_gangs[--g->free_gang_count];
    if (g->gang_count == g->gang_cap) {
        int cap = g->gang_cap ? g->gang_cap * 2 : 64;
        struct gang *gangs = realloc(g->gangs, (size_t)cap * sizeof *gangs);
        if (gangs)
            g->gangs = gangs;
        int *numbers = realloc(g->free_gangs, (size_t)cap * sizeof *numbers);
        if (numbers)
            g->free_gangs = numbers;
        if (!gangs || !numbers)
            return -1;
        g->gang_cap = cap;
    }
    g->gangs[g->gang_count] = (struct gang){0};
    return g->gang_count++;
}

/* Counts a gang that holds GPUs, or has given them back, against its user and what was borrowed. */
void grid_count(struct grid *g, const struct gang *me, int sign)
{
    struct vc_use *u = &g->vc_use[me->vc];
    if (me->ask.user < u->users)
        u->by_user[me->ask.user] += sign * me->total;
    if (me->ask.priority >= 0)
        u->free_cpus += sign * me->free_cpus;
    if (me->borrowed)
        u->borrowed += sign * me->total;
}

int grid_user_room(struct grid *g, const struct gang *me)
{
    struct vc_use *u = &g->vc_use[me->vc];
    if (me->ask.user < u->users)
        return 0;
    int users = me->ask.user * 2 + 16;
    int *grown = realloc(u->by_user, (size_t)users * sizeof *grown);
    if (!grown)
        return -1;
    memset(grown + u->users, 0, (size_t)(users - u->users) * sizeof *grown);
    u->by_user = grown;
    u->users = users;
    return 0;
}

int grid_submit(struct grid *g, const struct grid_request *r, struct err *e)
{
    struct gang me = {.live = true, .ask = *r, .state = GRID_WAITING, .reason = GRID_REASON_NEW};
    me.chains = calloc(g->topology->chain_count + 1, sizeof *me.chains);
    me.ask.pods = NULL;
    if (!me.chains)
        return err_set(e, ERR_INTERNAL, "out of memory");
    if (check_request(g, r, &me, e)) {
        gang_fini(&me);
        return -1;
    }
    me.gpus = calloc((size_t)me.total + 1, sizeof *me.gpus);
    int number = me.gpus && !pods_make(r, &me) && !grid_user_room(g, &me) ? new_number(g) : -1;
    if (number < 0) {
        gang_fini(&me);
        return err_set(e, ERR_INTERNAL, "out of memory");
    }
    me.ask.needs = NULL;
    me.ask.models = NULL;
    me.ask.avoid = NULL;
    me.ask.vc = me.ask.model = me.ask.pin = NULL;
    me.oppo = r->priority < 0;
    g->gangs[number] = me;
    return number;
}

/* ---- trying ---- */

/* Another one of its virtual cluster may reserve by age then. */
static void end_drain(struct grid *g, struct gang *me)
{
    g->vc_use[me->vc].drains -= me->drains;
    g->version += me->drains;
    me->drains = false;
}

/* It has reserved no more: it starts, or gives up. */
static void end_reserving(struct grid *g, struct gang *me)
{
    stops_clear(g, me);
    end_drain(g, me);
    g->reserving--;
}

static void drop_reservation(struct grid *g, int gang)
{
    struct gang *me = &g->gangs[gang];
    for (int i = 0; i < me->placed; i++) {
        const struct gpu_state *st = &g->gpus[me->gpus[i]];
        if (st->reserver == gang)
            share_set(g, me->gpus[i], st->user, -1);
    }
    grid_count(g, me, -1);
    end_reserving(g, me);
    if (me->borrowed)
        me->oppo = me->borrowed = false; /* it is tried as what it is */
    pods_give_all(g, me);
    me->placed = 0;
    me->state = GRID_WAITING;
    me->reason = GRID_REASON_NEW;
    me->tried_at = 0;
    g->version++;
}

static void bump(struct grid *g, int loser)
{
    if (loser < 0 || g->gangs[loser].state != GRID_PREEMPTING)
        return;
    drop_reservation(g, loser);
    g->upsets++;
}

/* One whose CPUs or memory on a machine were taken over, or -1. */
static int find_loser(const struct grid *g, int machine)
{
    struct pod_link at = g->machines[machine];
    while (at.gang >= 0 && (g->gangs[at.gang].state != GRID_PREEMPTING || g->gangs[at.gang].mark != g->stamp))
        at = g->gangs[at.gang].pods[at.pod].next;
    return at.gang;
}

/* Lower gangs whose reservation was taken over wait again. */
static void bump_losers(struct grid *g, const struct gang *me)
{
    for (int i = 0; i < g->undo_count; i++)
        bump(g, g->undo[i].reserver);
    g->undo_count = 0;
    for (int i = 0; g->stopping && i < me->pod_count; i++)
        for (int loser; (loser = find_loser(g, me->pods[i].node)) >= 0;)
            bump(g, loser);
}

static bool start_if_clear(struct grid *g, int gang)
{
    struct gang *me = &g->gangs[gang];
    if (me->delayed)
        return false;
    stops_look(g, gang);
    for (int i = 0; i < me->placed; i++)
        if (g->gpus[me->gpus[i]].user >= 0)
            return false;
    if (me->stop_count || !pods_clear(g, me))
        return false;
    for (int i = 0; i < me->placed; i++)
        share_set(g, me->gpus[i], gang, -1);
    end_reserving(g, me);
    me->state = GRID_ALLOCATED;
    me->reason = GRID_REASON_NONE;
    pods_changed(g, me);
    return true;
}

static enum grid_state take_up(struct grid *g, int gang)
{
    struct gang *me = &g->gangs[gang];
    bump_losers(g, me);
    g->reserving++;
    grid_count(g, me, 1);
    me->state = GRID_PREEMPTING;
    me->reason = GRID_REASON_VICTIMS;
    pods_changed(g, me);
    if (!start_if_clear(g, gang))
        g->version++; /* who went for this place, and found CPUs missing there, may find another */
    return me->state;
}

static bool over_cap(const struct grid *g, const struct gang *me)
{
    int cap = g->vcs[me->vc].user_cap;
    return cap && g->vc_use[me->vc].by_user[me->ask.user] + me->total > cap;
}

bool grid_over_cpus(const struct grid *g, const struct gang *me)
{
    int cpus = g->vcs[me->vc].cpus;
    return cpus && me->ask.priority >= 0 && g->vc_use[me->vc].free_cpus + me->free_cpus > cpus;
}

/* Whether a virtual cluster is another, or below it. */
static bool is_within(const struct grid *g, int vc, int top)
{
    while (vc != top && g->vcs[vc].above)
        vc = g->vcs[vc].above - 1;
    return vc == top;
}

/* GPUs that a virtual cluster and all below it may still hold, on what they own and what it may borrow. */
static int room_within(const struct grid *g, int top)
{
    int room = g->vcs[top].borrow;
    for (int i = 0; i < g->share_count; i++)
        if (is_within(g, g->shares[i].vc, top))
            room += g->shares[i].total - g->shares[i].held;
    for (size_t v = 0; v < g->vc_count; v++)
        if (is_within(g, (int)v, top))
            room -= g->vc_use[v].borrowed;
    return room;
}

bool grid_may_borrow(const struct grid *g, const struct gang *me)
{
    if (me->pin >= 0 || g->vc_use[me->vc].borrowed + me->total > g->vcs[me->vc].borrow)
        return false;
    int top = me->vc + 1;
    while (top && me->total <= room_within(g, top - 1))
        top = g->vcs[top - 1].above;
    return !top;
}

/* On GPUs that its virtual cluster borrows: guaranteed in name only. */
static bool borrow(struct grid *g, int gang)
{
    struct gang *me = &g->gangs[gang];
    if (!me->total || !grid_may_borrow(g, me))
        return false;
    me->oppo = me->borrowed = true;
    if (place_oppo(g, gang))
        return true;
    me->oppo = me->borrowed = false;
    return false;
}

/* Why a guaranteed gang was not placed: the first that is true. */
static enum grid_reason explain(const struct grid *g, const struct gang *me)
{
    enum grid_reason why = GRID_REASON_NEVER;
    if (!me->total)
        return GRID_REASON_BUSY;
    for (int i = 0; i < g->share_count; i++) {
        const struct share *s = &g->shares[i];
        bool mine = s->vc == me->vc && me->chains[s->chain] && (me->pin >= 0 ? i == me->pin : s->pin < 0);
        if (!mine || s->total < me->total)
            continue;
        if (s->total - s->held >= me->total) {
            for (int l = 0; l < TOPOLOGY_LEVELS; l++)
                if (s->quota[l] > s->bound[l] && share_usable(g, s, l) < s->quota[l] - s->bound[l])
                    return GRID_REASON_UNHEALTHY;
            return GRID_REASON_FRAGMENTED;
        }
        why = s->held - share_held_below(s, me->ask.priority) > s->total - me->total ? GRID_REASON_QUOTA
                                                                                     : GRID_REASON_PRIORITY;
    }
    return why;
}

/* Whether a window is too near where it has reserved. */
static bool is_late(const struct grid *g, const struct gang *me)
{
    int i = 0;
    while (g->closing && i < me->pod_count && !pods_closed(g, me, me->pods[i].node))
        i++;
    return g->closing && i < me->pod_count;
}

/* One that has reserved starts, goes on waiting, or gives up: a window has come too near, or there is less than there
 * was, and nobody to wait for. */
static void try_reserved(struct grid *g, int gang)
{
    const struct gang *me = &g->gangs[gang];
    if (is_late(g, me))
        drop_reservation(g, gang);
    else if (!start_if_clear(g, gang) && !me->delayed && !grid_in_way(g, gang, NULL, 0))
        drop_reservation(g, gang);
}

enum grid_state grid_try(struct grid *g, int gang)
{
    struct gang *me = &g->gangs[gang];
    if (me->state == GRID_PREEMPTING)
        try_reserved(g, gang);
    if (me->state != GRID_WAITING || me->tried_at == g->version + 1)
        return me->state;
    uint64_t before = g->version;
    if (over_cap(g, me)) {
        me->reason = GRID_REASON_USER_CAP;
    } else if (grid_over_cpus(g, me)) {
        me->reason = GRID_REASON_QUOTA;
    } else if (me->ask.priority < 0) {
        if (place_oppo(g, gang))
            return take_up(g, gang);
        me->reason = g->space->gpu_count < me->total ? GRID_REASON_NEVER : GRID_REASON_BUSY;
    } else {
        if (place_gang(g, gang, FIT_OPPO) || lazy_place(g, gang) || borrow(g, gang))
            return take_up(g, gang);
        me->reason = explain(g, me);
    }
    g->version = before; /* what was tried and given back frees nothing */
    me->tried_at = g->version + 1;
    return GRID_WAITING;
}

enum grid_state grid_reserve(struct grid *g, int gang)
{
    struct gang *me = &g->gangs[gang];
    if (me->state != GRID_WAITING || me->ask.priority < 0 || g->vc_use[me->vc].drains || over_cap(g, me) ||
        grid_over_cpus(g, me))
        return me->state;
    uint64_t before = g->version;
    if (!place_gang(g, gang, FIT_DRAIN)) {
        g->version = before;
        return GRID_WAITING;
    }
    me->drains = true;
    g->vc_use[me->vc].drains++;
    return take_up(g, gang);
}

void grid_delay(struct grid *g, int gang, bool delay)
{
    g->gangs[gang].delayed = delay;
    g->version += !delay; /* others may reserve behind it, once it has started */
}

/* ---- leaving, health ---- */

void grid_remove(struct grid *g, int gang)
{
    struct gang *me = &g->gangs[gang];
    if (me->state != GRID_WAITING)
        grid_count(g, me, -1);
    if (me->state == GRID_PREEMPTING)
        end_reserving(g, me);
    stops_forget(g, gang);
    for (int i = 0; i < me->placed; i++) {
        const struct gpu_state *st = &g->gpus[me->gpus[i]];
        share_set(g, me->gpus[i], st->user == gang ? -1 : st->user, st->reserver == gang ? -1 : st->reserver);
    }
    pods_give_all(g, me);
    gang_fini(me);
    g->free_gangs[g->free_gang_count++] = gang;
    g->version++;
}

static bool is_on(const struct gang *me, int machine)
{
    int i = 0;
    while (i < me->pod_count && me->pods[i].node != machine)
        i++;
    return i < me->pod_count;
}

/* Pods without GPUs are seen by the account alone: all who reserve are looked at. */
void grid_lost(struct grid *g, int machine)
{
    for (int i = 0; i < g->gang_count; i++)
        if (g->gangs[i].live && g->gangs[i].state == GRID_PREEMPTING && is_on(&g->gangs[i], machine))
            drop_reservation(g, i);
}

void grid_health(struct grid *g, int node, bool up)
{
    space_set_bad(g->space, node, !up);
    if (up)
        share_hang_rooms(g, node);
    else if (g->account)
        grid_lost(g, g->account_node[node]);
    g->version++;
}

void grid_touch(struct grid *g)
{
    g->version++;
}

void grid_time(struct grid *g, int64_t now_ms)
{
    g->now_ms = now_ms;
    g->closing = g->account && cluster_closing(g->account);
}

int grid_only(struct grid *g, int gang, const char *const *nodes, size_t count)
{
    struct gang *me = &g->gangs[gang];
    free(me->only);
    me->only = NULL;
    me->tried_at = 0;
    if (nodes) {
        size_t machines = g->account ? cluster_count(g->account) : (size_t)g->space->node_count;
        me->only = calloc(machines + 1, sizeof *me->only);
        if (!me->only)
            return -1;
        for (size_t i = 0; i < count; i++) {
            int n = g->account ? cluster_find(g->account, nodes[i]) : space_find_node(g->space, nodes[i]);
            if (n >= 0)
                me->only[n] = true;
        }
    }
    for (int i = 0; me->only && me->state == GRID_PREEMPTING && i < me->pod_count; i++)
        if (!me->only[me->pods[i].node])
            drop_reservation(g, gang);
    return 0;
}
