/* SPDX-License-Identifier: MIT
 *
 * Looking at a grid, and the recount for tests.
 */
#include <stdlib.h>
#include <string.h>

#include "scheduler/grid_internal.h"

const struct cluster *grid_account_of(const struct grid *g)
{
    return g->account;
}

enum grid_state grid_state_of(const struct grid *g, int gang)
{
    return g->gangs[gang].state;
}

enum grid_reason grid_reason_of(const struct grid *g, int gang)
{
    return g->gangs[gang].reason;
}

bool grid_is_oppo(const struct grid *g, int gang)
{
    return g->gangs[gang].oppo;
}

void *grid_owner(const struct grid *g, int gang)
{
    return g->gangs[gang].ask.owner;
}

enum grid_right grid_right_of(const struct grid *g, int gang)
{
    const struct gang *me = &g->gangs[gang];
    if (me->borrowed)
        return GRID_BORROWED;
    return me->oppo ? GRID_OPPORTUNISTIC : GRID_GUARANTEED;
}

int grid_gangs(const struct grid *g)
{
    return g->gang_count;
}

size_t grid_places(const struct grid *g, int gang, struct grid_place *at, size_t max)
{
    const struct gang *me = &g->gangs[gang];
    for (int i = 0; at && i < me->placed && (size_t)i < max; i++) {
        int gpu = me->gpus[i], node = g->space->cells[g->space->leaf_cell[gpu]].node;
        int lot = space_lot_over(g->space, gpu);
        at[i] = (struct grid_place){.node = node,
                                    .gpu = gpu - g->space->cells[g->space->node_cell[node]].first,
                                    .level = me->oppo || lot < 0 ? -1 : g->space->cells[g->lots[lot].cell].level};
    }
    return (size_t)me->placed;
}

/* Gangs, each once. */
struct names {
    int *list;
    size_t count, max;
};

static void name(struct names *all, int gang)
{
    size_t k = 0;
    while (k < all->count && all->list[k] != gang)
        k++;
    if (k == all->count && all->count < all->max)
        all->list[all->count++] = gang;
}

/* Those who are in a gang's way: on its GPUs, or with CPUs and memory that it needs; `told`: who is to stop for it. */
static size_t list_in_way(const struct grid *g, const struct gang *me, bool told, struct names *all)
{
    bool spares = told && me->drains;
    for (int i = 0; i < me->placed; i++) {
        int user = g->gpus[me->gpus[i]].user;
        if (user >= 0 && user != (int)(me - g->gangs) && (!spares || g->gangs[user].oppo))
            name(all, user);
    }
    for (int i = 0; i < me->stop_count; i++)
        if (!spares || g->gangs[me->stops[i]].oppo)
            name(all, me->stops[i]);
    return all->count;
}

size_t grid_victims(const struct grid *g, int gang, int *out, size_t max)
{
    return list_in_way(g, &g->gangs[gang], true, &(struct names){.list = out, .max = max});
}

size_t grid_in_way(const struct grid *g, int gang, int *out, size_t max)
{
    int one;
    struct names all = {.list = max ? out : &one, .max = max ? max : 1};
    return list_in_way(g, &g->gangs[gang], false, &all);
}

uint64_t grid_version(const struct grid *g)
{
    return g->version;
}

int grid_total(const struct grid *g)
{
    return g->space->gpu_count;
}

int grid_idle(const struct grid *g)
{
    int idle = 0;
    for (int c = 0; c < g->space->cell_count; c++)
        idle += g->space->cells[c].parent < 0 ? g->space->cells[c].idle : 0;
    return idle;
}

int grid_held(const struct grid *g, size_t vc)
{
    int held = 0;
    for (int i = 0; i < g->share_count; i++)
        held += g->shares[i].vc == (int)vc ? g->shares[i].held : 0;
    return held;
}

struct grid_use grid_use_of(const struct grid *g, size_t vc)
{
    struct grid_use u = {.borrowed = g->vc_use[vc].borrowed};
    for (int i = 0; i < g->share_count; i++) {
        u.guaranteed += g->shares[i].vc == (int)vc ? g->shares[i].total : 0;
        u.held += g->shares[i].vc == (int)vc ? g->shares[i].held : 0;
    }
    return u;
}

int grid_node(const struct grid *g, const char *name)
{
    return space_find_node(g->space, name);
}

int grid_cell(const struct grid *g, const struct grid_place *at, int level)
{
    int gpu = g->space->cells[g->space->node_cell[at->node]].first + at->gpu;
    return space_ancestor(g->space, g->space->leaf_cell[gpu], level);
}

int grid_chain(const struct grid *g, int node)
{
    return g->space->cells[g->space->node_cell[node]].chain;
}

/* ---- recount ---- */

static bool check_gpus(const struct grid *g)
{
    for (int i = 0; i < g->space->gpu_count; i++) {
        const struct gpu_state *st = &g->gpus[i];
        int holder = st->reserver >= 0 ? st->reserver : st->user;
        uint8_t use = holder < 0 ? SPACE_IDLE : g->gangs[holder].oppo ? SPACE_OPPO : SPACE_HELD;
        if (st->use != use || g->uses[i] != use || (holder >= 0 && !g->gangs[holder].live))
            return false;
        if (use == SPACE_HELD &&
            (st->lot != space_lot_over(g->space, i) || g->shares[g->lots[st->lot].share].vc != g->gangs[holder].vc))
            return false;
    }
    return true;
}

/* Each gang has exactly the GPUs it asked for, as user or as reserver. */
static bool check_gangs(const struct grid *g)
{
    int *seen = calloc((size_t)g->space->gpu_count + 1, sizeof *seen), users = 0;
    bool ok = seen != NULL;
    for (int n = 0; ok && n < g->gang_count; n++) {
        const struct gang *me = &g->gangs[n];
        if (!me->live)
            continue;
        ok = me->state == GRID_WAITING ? me->placed == 0 : me->placed <= me->total;
        for (int i = 0; ok && i < me->placed; i++) {
            const struct gpu_state *st = &g->gpus[me->gpus[i]];
            ok = (me->state == GRID_PREEMPTING ? st->reserver : st->user) == n;
            users += me->state == GRID_ALLOCATED;
            if (me->state == GRID_ALLOCATED)
                ok = ok && !seen[me->gpus[i]]++;
        }
    }
    for (int i = 0; i < g->space->gpu_count; i++)
        users -= g->gpus[i].user >= 0;
    free(seen);
    return ok && users == 0;
}

/* What is owed by level, and what is held. */
static bool check_shares(const struct grid *g)
{
    int need[64][TOPOLOGY_LEVELS] = {{0}};
    for (int i = 0; i < g->share_count; i++) {
        const struct share *s = &g->shares[i];
        int held = 0;
        for (int gpu = 0; gpu < g->space->gpu_count; gpu++)
            held += g->uses[gpu] == SPACE_HELD && g->lots[g->gpus[gpu].lot].share == i;
        if (held != s->held || held > s->total)
            return false;
        for (int l = 0; s->pin < 0 && l < TOPOLOGY_LEVELS; l++) {
            if (s->bound[l] > s->quota[l] || s->bound[l] < 0)
                return false;
            if (s->chain < 64)
                need[s->chain][l] += s->quota[l] - s->bound[l];
        }
    }
    for (size_t c = 0; c < g->topology->chain_count && c < 64; c++)
        for (int l = 0; l < g->topology->chains[c].levels; l++)
            if (need[c][l] != g->space->levels[c][l].need)
                return false;
    return true;
}

/* How many reservations wait for a gang: GPUs, and lists that it is on. */
static bool check_in_way(const struct grid *g, int gang)
{
    const struct gang *h = &g->gangs[gang];
    int gpus = 0, lists = 0;
    for (int i = 0; i < h->placed; i++)
        gpus += g->gpus[h->gpus[i]].user == gang && g->gpus[h->gpus[i]].reserver >= 0;
    for (int n = 0; n < g->gang_count; n++)
        lists += g->gangs[n].live && stops_has(&g->gangs[n], gang);
    return h->stopped == lists && h->in_way == gpus + lists && (h->state == GRID_PREEMPTING || !h->stop_count);
}

/* Each pod is in its machine's list, and nobody else. */
static bool check_machines(const struct grid *g)
{
    int pods = 0, reserving = 0;
    for (int n = 0; n < g->gang_count; n++) {
        const struct gang *h = &g->gangs[n];
        if (!h->live)
            continue;
        reserving += h->state == GRID_PREEMPTING;
        for (int i = 0; i < h->pod_count; i++)
            pods += h->pods[i].node >= 0;
        if (!check_in_way(g, n))
            return false;
    }
    for (size_t m = 0; g->account && m < cluster_count(g->account); m++)
        for (struct pod_link at = g->machines[m]; at.gang >= 0; pods--) {
            const struct pod *pod = &g->gangs[at.gang].pods[at.pod];
            if (pod->node != (int)m || !g->gangs[at.gang].live)
                return false;
            at = pod->next;
        }
    return reserving == g->reserving && (!g->account || (!pods && pods_check(g)));
}

bool grid_check(const struct grid *g)
{
    if (!space_check(g->space, g->uses) || !check_gpus(g) || !check_gangs(g) || !check_shares(g) || !check_machines(g))
        return false;
    for (size_t c = 0; c < g->topology->chain_count; c++)
        if (!space_feasible(g->space, (int)c))
            return false;
    return true;
}
