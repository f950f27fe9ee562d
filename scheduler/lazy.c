/* SPDX-License-Identifier: MIT
 *
 * Lazy preemption: the victims of a plan that allow it become opportunistic, and the plan is made again, as their cells
 * may be found elsewhere. Their lots fall away with the guarantee: if nothing comes of it they are bound again.
 */
#include <stdlib.h>

#include "scheduler/grid_internal.h"

enum { VICTIMS_MAX = GRID_PODS_MAX * 4 };

/* A GPU that lost its lot. */
struct lost {
    int gang, gpu, share, cell;
};

struct lost_list {
    struct lost *list;
    int count;
};

static void set_class(struct grid *g, int gang, bool oppo)
{
    struct gang *me = &g->gangs[gang];
    me->oppo = oppo;
    pods_changed(g, me);
    for (int i = 0; i < me->placed; i++)
        share_set(g, me->gpus[i], g->gpus[me->gpus[i]].user, g->gpus[me->gpus[i]].reserver);
}

/* Without a guarantee it holds as many CPUs: that is of use where its GPUs are needed. */
static bool is_lazy(const struct grid *g, int gang, int victim)
{
    const struct gang *v = &g->gangs[victim];
    return v->ask.lazy && !v->oppo && v->state == GRID_ALLOCATED && !stops_has(&g->gangs[gang], victim);
}

static void downgrade(struct grid *g, int gang, struct lost_list *lost)
{
    const struct gang *v = &g->gangs[gang];
    for (int i = 0; i < v->placed; i++) {
        const struct lot *lot = &g->lots[space_lot_over(g->space, v->gpus[i])];
        lost->list[lost->count++] =
            (struct lost){.gang = gang, .gpu = v->gpus[i], .share = lot->share, .cell = lot->cell};
    }
    set_class(g, gang, true);
    g->upsets++;
}

/* Gives the lots back. That cannot fail, as nothing was bound since; a gang for which it does stays opportunistic. */
static void restore(struct grid *g, const struct lost_list *lost)
{
    for (int i = 0, next; i < lost->count; i = next) {
        bool covered = true;
        for (next = i; next < lost->count && lost->list[next].gang == lost->list[i].gang; next++) {
            const struct lost *l = &lost->list[next];
            covered = covered && (space_lot_over(g->space, l->gpu) >= 0 || share_bind(g, l->share, l->cell, true) >= 0);
        }
        if (covered)
            set_class(g, lost->list[i].gang, false);
    }
}

bool lazy_place(struct grid *g, int gang)
{
    int victims[VICTIMS_MAX], gpus = 0;
    struct lost_list lost = {0};
    if (!place_gang(g, gang, FIT_LOWER))
        return false;
    int n = 0, count = (int)grid_victims(g, gang, victims, VICTIMS_MAX);
    for (int i = 0; i < count; i++)
        if (is_lazy(g, gang, victims[i])) {
            gpus += g->gangs[victims[i]].placed;
            victims[n++] = victims[i];
        }
    lost.list = gpus ? calloc((size_t)gpus, sizeof *lost.list) : NULL;
    if (!lost.list) /* nobody is, or there is no memory for it */
        return true;
    place_undo(g, gang);
    for (int i = 0; i < n; i++)
        downgrade(g, victims[i], &lost);
    bool placed = place_gang(g, gang, FIT_OPPO) || place_gang(g, gang, FIT_LOWER);
    if (!placed) {
        restore(g, &lost);
        placed = place_gang(g, gang, FIT_LOWER);
    }
    free(lost.list);
    return placed;
}
