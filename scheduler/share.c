/* SPDX-License-Identifier: MIT
 *
 * Shares and their lots. A share is owed cells by level (quota - bound); space.c keeps the sum of what is owed as
 * `need`, so that binding a lot is one check. Every change of a GPU passes through share_set, which keeps all counters.
 */
#include <assert.h>

#include "scheduler/grid_internal.h"

/* Of `missing` lots of a level, how many this share goes without: one after the other, the share with the largest quota
 * that still is owed some loses one. */
static int losses(const struct grid *g, const struct share *mine, int level, int missing)
{
    int lost[64] = {0}, count = g->share_count < 64 ? g->share_count : 64;
    while (missing-- > 0) {
        int worst = -1;
        for (int i = 0; i < count; i++) {
            const struct share *s = &g->shares[i];
            if (s->chain != mine->chain || s->quota[level] - s->bound[level] <= lost[i])
                continue;
            if (worst < 0 || s->quota[level] - lost[i] > g->shares[worst].quota[level] - lost[worst])
                worst = i;
        }
        if (worst < 0)
            break;
        lost[worst]++;
    }
    int me = (int)(mine - g->shares);
    return me < count ? lost[me] : 0;
}

int share_usable(const struct grid *g, const struct share *s, int level)
{
    int owed = s->quota[level] - s->bound[level];
    if (owed <= 0)
        return 0;
    int missing = space_short(g->space, s->chain, level);
    return missing ? owed - losses(g, s, level, missing) : owed;
}

/* Rooms are what a pod must fit in: a node, or the lot where that is smaller. Lots of single GPUs have none: a pod
 * takes as many of them as it needs. */
static void hang_rooms(struct grid *g, int cell, int rack)
{
    const struct space_cell *x = &g->space->cells[cell];
    const struct topology_chain *c = &g->topology->chains[x->chain];
    if (x->level <= c->node_level) {
        space_hang(g->space, cell, SPACE_SLOT_ROOM, rack);
        return;
    }
    for (int i = 0; i < c->level[x->level].fanout; i++)
        hang_rooms(g, x->child + i, rack);
}

static int bind(struct grid *g, int share, int cell, bool fixed)
{
    int lot = g->free_lots[--g->free_lot_count];
    g->lots[lot] = (struct lot){.share = share, .cell = cell, .fixed = fixed};
    space_cover(g->space, cell, lot);
    if (g->space->cells[cell].level > 0)
        hang_rooms(g, cell, g->shares[share].rack);
    return lot;
}

int share_bind(struct grid *g, int share, int cell, bool ignore_health)
{
    struct share *s = &g->shares[share];
    int level = g->space->cells[cell].level;
    struct space_level *l = &g->space->levels[s->chain][level];
    if (s->pin >= 0) {
        s->lot = bind(g, share, cell, true);
        return s->lot;
    }
    if (!space_is_free(g->space, cell) || (!ignore_health && g->space->cells[cell].bad) ||
        !space_safe(g->space, cell, ignore_health))
        return -1;
    s->bound[level]++;
    l->need--;
    return bind(g, share, cell, false);
}

void share_unbind(struct grid *g, int lot)
{
    struct lot *l = &g->lots[lot];
    struct share *s = &g->shares[l->share];
    int level = g->space->cells[l->cell].level;
    assert(!l->held && !l->fixed);
    s->bound[level]--;
    g->space->levels[s->chain][level].need++;
    if (level > 0)
        hang_rooms(g, l->cell, -1);
    space_uncover(g->space, l->cell);
    g->free_lots[g->free_lot_count++] = lot;
    g->version++;
}

/* Binds each GPU that has no lot, into `bound`. How many; -1 when that would break a guarantee: nothing is bound then.
 */
static int bind_each(struct grid *g, int share, const int *gpus, int n, int *bound)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        if (space_lot_over(g->space, gpus[i]) >= 0)
            continue;
        int lot =
            share_usable(g, &g->shares[share], 0) > 0 ? share_bind(g, share, g->space->leaf_cell[gpus[i]], false) : -1;
        if (lot < 0) {
            while (count)
                share_unbind(g, bound[--count]);
            return -1;
        }
        bound[count++] = lot;
    }
    return count;
}

bool share_bind_each(struct grid *g, int share, const int *gpus, int n)
{
    int bound[64];
    return bind_each(g, share, gpus, n, bound) >= 0;
}

bool share_may_bind(struct grid *g, int share, const int *gpus, int n)
{
    int bound[64], count = bind_each(g, share, gpus, n, bound);
    for (int i = count; i > 0; i--)
        share_unbind(g, bound[i - 1]);
    return count >= 0;
}

static void count_held(struct grid *g, const struct gpu_state *st, int sign)
{
    if (st->use != SPACE_HELD)
        return;
    struct lot *l = &g->lots[st->lot];
    struct share *s = &g->shares[l->share];
    l->held += sign;
    s->held += sign;
    s->held_at[st->priority] += sign;
}

void share_set(struct grid *g, int gpu, int user, int reserver)
{
    struct gpu_state *st = &g->gpus[gpu], old = *st;
    int holder = reserver >= 0 ? reserver : user;
    if (old.user >= 0 && old.reserver >= 0)
        g->gangs[old.user].in_way--;
    if (user >= 0 && reserver >= 0)
        g->gangs[user].in_way++;
    st->user = user;
    st->reserver = reserver;
    st->use = holder < 0 ? SPACE_IDLE : g->gangs[holder].oppo ? SPACE_OPPO : SPACE_HELD;
    if (st->use == SPACE_HELD) {
        st->priority = (int16_t)g->gangs[holder].ask.priority;
        st->lot = old.use == SPACE_HELD ? old.lot : space_lot_over(g->space, gpu);
        assert(st->lot >= 0);
    }
    count_held(g, st, 1);
    count_held(g, &old, -1);
    if (st->use != old.use) {
        space_change(g->space, gpu, old.use, st->use);
        g->uses[gpu] = st->use;
        g->version += st->use != SPACE_HELD;
    }
    if (old.use == SPACE_HELD && !g->lots[old.lot].held && !g->lots[old.lot].fixed)
        share_unbind(g, old.lot);
}

static void hang_lots_below(struct grid *g, int cell)
{
    const struct space_cell *x = &g->space->cells[cell];
    if (x->lot >= 0 && x->level > 0)
        hang_rooms(g, cell, g->shares[g->lots[x->lot].share].rack);
    if (x->lot >= 0 || x->child < 0)
        return;
    for (int i = 0; i < g->topology->chains[x->chain].level[x->level].fanout; i++)
        hang_lots_below(g, x->child + i);
}

void share_hang_rooms(struct grid *g, int node)
{
    int cell = g->space->node_cell[node];
    for (int c = g->space->cells[cell].parent; c >= 0; c = g->space->cells[c].parent) {
        int lot = g->space->cells[c].lot;
        if (lot >= 0)
            space_hang(g->space, cell, SPACE_SLOT_ROOM, g->shares[g->lots[lot].share].rack);
    }
    hang_lots_below(g, cell);
}

int share_held_below(const struct share *s, int priority)
{
    int held = 0;
    for (int p = 0; p < priority; p++)
        held += s->held_at[p];
    return held;
}
