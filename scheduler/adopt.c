/* SPDX-License-Identifier: MIT
 *
 * Gangs that run already: from before a restart, or on a grid that was made anew. Their shares' lots are bound over
 * them; who is not covered any more goes on without guarantee.
 */
#include <stdlib.h>

#include "base/err.h"
#include "scheduler/grid_internal.h"

/* Has the lot of `level`, or the lowest that can be, bound over a GPU for one of the gang's shares. */
static bool cover_gpu(struct grid *g, const struct gang *me, int gpu, int level)
{
    int lot = space_lot_over(g->space, gpu), leaf = g->space->leaf_cell[gpu], chain = g->space->cells[leaf].chain;
    if (lot >= 0) {
        const struct share *s = &g->shares[g->lots[lot].share];
        return s->vc == me->vc && (me->pin >= 0 ? g->lots[lot].share == me->pin : s->pin < 0);
    }
    for (int i = 0; i < g->share_count; i++) {
        const struct share *s = &g->shares[i];
        if (s->vc != me->vc || s->chain != chain || s->pin >= 0)
            continue;
        for (int k = 0, levels = g->topology->chains[chain].levels; k <= levels; k++) {
            int l = k ? k % levels : level; /* as a new gang: the smallest that is more than a GPU, then single GPUs */
            if (l >= 0 && s->quota[l] > s->bound[l] && share_bind(g, i, space_ancestor(g->space, leaf, l), true) >= 0)
                return true;
        }
    }
    return false;
}

/* Whether the gang's share still holds all its GPUs: lots are bound over them. */
static bool cover_gang(struct grid *g, const struct gang *me, const int *levels)
{
    for (int i = 0; i < me->placed; i++)
        if (!cover_gpu(g, me, me->gpus[i], levels[i]))
            return false;
    return true;
}

static void unbind_empty(struct grid *g, const struct gang *me)
{
    for (int i = 0; i < me->placed; i++) {
        int lot = space_lot_over(g->space, me->gpus[i]);
        if (lot >= 0 && !g->lots[lot].held && !g->lots[lot].fixed)
            share_unbind(g, lot);
    }
}

/* It runs where its GPUs are. Who has reserved some of them goes on waiting for it. */
static void seat(struct grid *g, int gang, bool oppo)
{
    struct gang *me = &g->gangs[gang];
    me->oppo = oppo;
    pods_changed(g, me);
    for (int i = 0; i < me->placed; i++)
        share_set(g, me->gpus[i], gang, g->gpus[me->gpus[i]].reserver);
    unbind_empty(g, me);
    me->state = GRID_ALLOCATED;
    me->reason = GRID_REASON_NONE;
    grid_count(g, me, 1);
}

int grid_adopt(struct grid *g, const struct grid_request *r, const struct grid_past *past, struct err *e)
{
    int gang = grid_submit(g, r, e);
    if (gang < 0)
        return -1;
    struct gang *me = &g->gangs[gang];
    int *levels = calloc(past->count + 1, sizeof *levels);
    bool sound = levels && past->count <= (size_t)me->total;
    for (size_t i = 0; sound && i < past->count; i++) {
        if (past->at[i].node < 0 || past->at[i].node >= g->space->node_count)
            continue;
        int cell = g->space->node_cell[past->at[i].node];
        int gpu = g->space->cells[cell].first + past->at[i].gpu;
        sound = past->at[i].gpu >= 0 && past->at[i].gpu < space_gpus(g->space, cell) && g->gpus[gpu].user < 0;
        levels[me->placed] = past->at[i].level;
        me->gpus[me->placed++] = gpu;
    }
    if (!sound) {
        me->placed = 0;
        grid_remove(g, gang);
        free(levels);
        return err_set(e, ERR_INTERNAL, "a running job's GPUs are not free");
    }
    seat(g, gang, past->oppo || r->priority < 0 || !cover_gang(g, me, levels));
    free(levels);
    return gang;
}

/* A GPU of a machine for one that runs there: the wanted one if it is free, else any. -1: none is left. */
static int find_gpu(const struct grid *g, int node, int wanted)
{
    int cell = g->space->node_cell[node], first = g->space->cells[cell].first, n = space_gpus(g->space, cell);
    if (wanted >= 0 && wanted < n && g->gpus[first + wanted].user < 0)
        return first + wanted;
    for (int i = first; i < first + n; i++)
        if (g->gpus[i].user < 0)
            return i;
    return -1;
}

/* Puts one pod where it runs. GPUs are marked at once, so that the next pod finds others. */
static void seat_pod(struct grid *g, int gang, struct pod *pod, const struct grid_seat *at)
{
    struct gang *me = &g->gangs[gang];
    int node = at->node < 0 ? -1 : g->grid_node[at->node], want = (int)pod->want.gpus;
    pod->node = at->node;
    if (pod->node >= 0)
        pods_join(g, me, pod);
    pod->first = me->placed;
    pod->gpus = 0;
    for (int i = 0; node >= 0 && i < want; i++) {
        int gpu = find_gpu(g, node, at->gpus ? at->gpus[i] : -1);
        if (gpu < 0)
            break;
        g->gpus[gpu].user = gang;
        me->gpus[me->placed++] = gpu;
        pod->gpus++;
    }
    for (int i = 0; at->node >= 0 && at->ports && i < pod->ports; i++)
        me->ports[pod->port + i] = at->ports[i];
}

int adopt_seats(struct grid *g, int gang, const struct grid_seat *seats)
{
    struct gang *me = &g->gangs[gang];
    bool guaranteed = me->ask.priority >= 0;
    int *levels = calloc((size_t)me->total + 1, sizeof *levels);
    if (!levels)
        return -1;
    for (int i = 0; i < me->total; i++)
        levels[i] = -1;
    for (int i = 0; i < me->pod_count; i++)
        seat_pod(g, gang, &me->pods[i], &seats[i]);
    for (int i = 0; i < me->placed; i++)
        g->gpus[me->gpus[i]].user = -1; /* counted below, when its class is known */
    me->total = me->placed;
    bool covered = !me->total || (guaranteed && cover_gang(g, me, levels));
    me->borrowed = !covered && guaranteed && grid_may_borrow(g, me);
    seat(g, gang, me->total ? !covered : !guaranteed);
    free(levels);
    return 0;
}

int grid_adopt_seats(struct grid *g, const struct grid_request *r, const struct grid_seat *seats, struct err *e)
{
    int gang = grid_submit(g, r, e);
    if (gang < 0 || !adopt_seats(g, gang, seats))
        return gang;
    grid_remove(g, gang);
    return err_set(e, ERR_INTERNAL, "out of memory");
}
