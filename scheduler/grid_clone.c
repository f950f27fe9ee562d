/* SPDX-License-Identifier: MIT
 *
 * A copy of a grid and its account, to look at and to try things on without touching the original. Of the gangs that
 * wait, and hold nothing, only those are copied that are asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "scheduler/grid_internal.h"
#include "scheduler/line.h"

/* What a copy owns that an original borrows. */
struct grid_copy {
    struct topology topology;
    struct cluster *account;
};

/* A copy of `n` items of `size` bytes, never NULL for want of items. *failed is set on out of memory. */
static void *copy_of(const void *from, size_t n, size_t size, bool *failed)
{
    void *to = calloc(n + 1, size);
    if (!to)
        *failed = true;
    else if (n)
        memcpy(to, from, n * size);
    return to;
}

#define COPY(member, n) to->member = copy_of(from->member, (size_t)(n), sizeof *to->member, &failed)

static bool copy_gang(const struct gang *from, struct gang *to, size_t chains, size_t machines)
{
    bool failed = false;
    int ports = 0;
    *to = *from;
    to->ask.owner = NULL;
    for (int i = 0; i < from->pod_count; i++)
        ports += from->pods[i].ports;
    COPY(pods, from->pod_count);
    COPY(order, from->pod_count);
    COPY(ports, ports);
    COPY(gpus, from->total);
    COPY(stops, from->stop_count);
    COPY(chains, chains);
    if (from->only)
        COPY(only, machines);
    return failed;
}

static struct space *copy_space(const struct space *from, const struct topology *t)
{
    bool failed = false;
    struct space *to = calloc(1, sizeof *to);
    if (!to)
        return NULL;
    *to = *from;
    to->topology = t;
    to->node_names = NULL; /* machines are named by the account */
    COPY(cells, from->cell_count);
    COPY(leaf_cell, from->gpu_count);
    COPY(node_cell, from->node_count);
    COPY(levels, t->chain_count);
    COPY(racks, from->rack_count);
    if (!failed)
        return to;
    space_destroy(to);
    return NULL;
}

/* Those who hold or have reserved something, and those in `waiting`; the others' places stay empty. */
static bool copy_gangs(const struct grid *from, struct grid *to, const bool *waiting)
{
    bool failed = false;
    to->gangs = calloc((size_t)from->gang_count + 1, sizeof *to->gangs);
    to->free_gangs = calloc((size_t)from->gang_count + 1, sizeof *to->free_gangs);
    to->gang_cap = from->gang_count + 1;
    to->free_gang_count = 0;
    if (!to->gangs || !to->free_gangs)
        return true;
    to->gang_count = from->gang_count;
    for (int i = 0; i < from->gang_count && !failed; i++) {
        if (from->gangs[i].live && (from->own || waiting[i] || from->gangs[i].state != GRID_WAITING))
            failed =
                copy_gang(&from->gangs[i], &to->gangs[i], from->topology->chain_count, cluster_count(from->account));
        else
            to->free_gangs[to->free_gang_count++] = i;
    }
    return failed;
}

static bool copy_uses(const struct grid *from, struct grid *to)
{
    bool failed = false;
    to->vc_use = calloc(from->vc_count + 1, sizeof *to->vc_use);
    if (!to->vc_use)
        return true;
    for (size_t i = 0; i < from->vc_count; i++) {
        to->vc_use[i] = from->vc_use[i];
        to->vc_use[i].by_user = copy_of(from->vc_use[i].by_user, (size_t)from->vc_use[i].users, sizeof(int), &failed);
    }
    return failed;
}

/* `account` becomes the copy's, but for NULL. */
static struct grid_copy *own(const struct topology *t, struct cluster *account)
{
    bool failed = false;
    struct grid_copy *own = account ? calloc(1, sizeof *own) : NULL;
    if (!own)
        return NULL;
    own->topology.chains = copy_of(t->chains, t->chain_count, sizeof *t->chains, &failed);
    own->topology.chain_count = t->chain_count;
    own->topology.pins = copy_of(t->pins, t->pin_count, sizeof *t->pins, &failed);
    own->topology.pin_count = t->pin_count;
    own->account = account;
    if (!failed)
        return own;
    own->account = NULL;
    grid_copy_free(own);
    return NULL;
}

void grid_copy_free(struct grid_copy *own)
{
    if (!own)
        return;
    topology_fini(&own->topology);
    cluster_destroy(own->account);
    free(own);
}

struct grid *grid_clone(const struct grid *from, const struct line_place *waiting, size_t count)
{
    bool failed = false, *keep = calloc((size_t)from->gang_count + 1, sizeof *keep);
    struct grid *to = keep ? calloc(1, sizeof *to) : NULL;
    struct cluster *account = to ? cluster_clone(from->account) : NULL;
    if (to)
        to->own = own(from->topology, account);
    if (!to || !to->own) {
        cluster_destroy(account);
        free(to);
        free(keep);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        keep[waiting[i].gang] = true;
    to->topology = &to->own->topology;
    to->account = to->own->account;
    to->vc_count = from->vc_count;
    to->share_count = from->share_count;
    to->free_lot_count = from->free_lot_count;
    to->version = from->version;
    to->weights = from->weights;
    to->stamp = from->stamp;
    int gpus = from->space->gpu_count;
    to->space = copy_space(from->space, to->topology);
    COPY(vcs, from->vc_count);
    COPY(shares, from->share_count);
    COPY(lots, gpus);
    to->free_lots = calloc((size_t)gpus + 1, sizeof *to->free_lots);
    COPY(gpus, gpus);
    COPY(uses, gpus);
    COPY(account_node, from->space->node_count);
    COPY(grid_node, cluster_count(from->account));
    COPY(machines, cluster_count(from->account));
    COPY(crowds, cluster_count(from->account));
    to->reserving = from->reserving;
    to->look = from->look;
    to->undo = calloc((size_t)gpus + 1, sizeof *to->undo);
    failed = copy_uses(from, to) || copy_gangs(from, to, keep) || failed;
    free(keep);
    if (failed || !to->space || !to->undo || !to->free_lots) {
        grid_destroy(to);
        return NULL;
    }
    memcpy(to->free_lots, from->free_lots, (size_t)from->free_lot_count * sizeof *to->free_lots);
    grid_time(to, from->now_ms); /* and so what windows are ahead */
    return to;
}

/* ---- on another plan ---- */

/* The machines that a gang would go to, on a plan with more of them. */
static bool *grow_only(bool *only, bool later, size_t machines, size_t more)
{
    bool *grown = realloc(only, (machines + more + 1) * sizeof *grown);
    for (size_t i = machines; grown && i <= machines + more; i++)
        grown[i] = later;
    return grown;
}

/* The chains of the models that the gang asked for, which may be others on another plan. Whether that failed. */
static bool translate_chains(const struct grid *from, const struct gang *old, struct grid *to, struct gang *me)
{
    const struct topology *a = from->topology, *b = to->topology;
    bool *chains = calloc(b->chain_count + 1, sizeof *chains);
    for (size_t i = 0; chains && i < b->chain_count; i++)
        for (size_t k = 0; k < a->chain_count; k++)
            if (old->chains[k] && !strcmp(a->chains[k].level[0].name, b->chains[i].level[0].name))
                chains[i] = true;
    if (!chains)
        return true;
    free(me->chains);
    me->chains = chains;
    return false;
}

/* A gang as one that waits, under its old number. Whether that failed. */
static bool transplant(const struct grid *from, struct grid *to, int number)
{
    const struct gang *old = &from->gangs[number];
    struct gang *me = &to->gangs[number];
    size_t machines = cluster_count(from->account), more = cluster_count(to->account) - machines;
    if (copy_gang(old, me, from->topology->chain_count, machines) || translate_chains(from, old, to, me))
        return true;
    if (me->only && !(me->only = grow_only(me->only, me->ask.later, machines, more)))
        return true;
    me->pin = old->pin < 0 ? -1 : grid_find_pin(to, me->vc, from->topology->pins[from->shares[old->pin].pin].name);
    me->state = GRID_WAITING;
    me->reason = GRID_REASON_NEW;
    me->oppo = me->ask.priority < 0;
    me->drains = me->borrowed = false;
    me->placed = 0;
    me->tried_at = me->mark = me->look = 0;
    me->stop_count = me->stopped = me->in_way = 0;
    for (int i = 0; i < me->pod_count; i++)
        me->pods[i].node = -1;
    return grid_user_room(to, me) != 0;
}

/* What it had reserved of the account is there again. */
static void give_back(const struct gang *old, struct cluster *account)
{
    for (int i = 0; i < old->pod_count; i++)
        if (old->pods[i].node >= 0)
            cluster_give(account, old->pods[i].node, &old->pods[i].want, old->ports + old->pods[i].port,
                         old->pods[i].ports);
}

/* It runs where it ran. Whether that failed. */
static bool run_again(const struct grid *from, struct grid *to, int number)
{
    const struct gang *old = &from->gangs[number];
    struct grid_seat *seats = calloc((size_t)old->pod_count + 1, sizeof *seats);
    int *gpus = calloc((size_t)old->placed + 1, sizeof *gpus);
    for (int i = 0; gpus && i < old->placed; i++) {
        int node = from->space->cells[from->space->leaf_cell[old->gpus[i]]].node;
        gpus[i] = old->gpus[i] - from->space->cells[from->space->node_cell[node]].first;
    }
    for (int i = 0; seats && gpus && i < old->pod_count; i++) {
        bool whole = old->pods[i].gpus == old->pods[i].want.gpus;
        seats[i] = (struct grid_seat){.node = old->pods[i].node, .gpus = whole ? gpus + old->pods[i].first : NULL};
    }
    bool failed = !seats || !gpus || adopt_seats(to, number, seats);
    free(seats);
    free(gpus);
    return failed;
}

/* A gang's number and age. */
struct runner {
    int gang;
    int64_t seq;
};

static int by_age(const void *a, const void *b)
{
    int64_t x = ((const struct runner *)a)->seq, y = ((const struct runner *)b)->seq;
    return x < y ? -1 : x > y;
}

/* Everybody enters, and who ran runs, the oldest first. Whether that failed. */
static bool move_in(const struct grid *from, struct grid *to)
{
    struct runner *runs = calloc((size_t)from->gang_count + 1, sizeof *runs);
    bool failed = !runs;
    size_t n = 0;
    for (int i = 0; i < from->gang_count && !failed; i++) {
        const struct gang *old = &from->gangs[i];
        if (!old->live) {
            to->free_gangs[to->free_gang_count++] = i;
            continue;
        }
        failed = transplant(from, to, i);
        if (old->state == GRID_PREEMPTING)
            give_back(old, to->account);
        else if (old->state == GRID_ALLOCATED)
            runs[n++] = (struct runner){.gang = i, .seq = old->ask.seq};
    }
    if (n > 1)
        qsort(runs, n, sizeof *runs, by_age);
    for (size_t i = 0; i < n && !failed; i++)
        failed = run_again(from, to, runs[i].gang);
    free(runs);
    return failed;
}

struct grid *grid_replan(const struct grid *from, const struct grid_plan *p)
{
    struct err e = {0};
    struct grid *to = grid_create(p->topology, p->vcs, from->vc_count, &e);
    if (to)
        to->own = own(p->topology, p->account);
    if (!to || !to->own) {
        grid_destroy(to);
        return NULL;
    }
    to->topology = to->space->topology = &to->own->topology;
    to->weights = from->weights;
    to->gangs = calloc((size_t)from->gang_count + 1, sizeof *to->gangs);
    to->free_gangs = calloc((size_t)from->gang_count + 1, sizeof *to->free_gangs);
    bool failed = !to->gangs || !to->free_gangs || grid_account(to, p->account);
    if (!failed) {
        to->gang_cap = from->gang_count + 1;
        to->gang_count = from->gang_count;
    }
    grid_time(to, from->now_ms);
    for (int n = 0; !failed && n < to->space->node_count; n++)
        if (cluster_at(to->account, to->account_node[n])->bucket < 0)
            grid_health(to, n, false);
    if (!failed && !move_in(from, to))
        return to;
    to->own->account = NULL; /* the caller's again */
    grid_destroy(to);
    return NULL;
}
