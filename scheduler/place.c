/* SPDX-License-Identifier: MIT
 *
 * Placing a gang, pod by pod, largest first. Each pod goes, with as little harm as possible (nobody, then opportunistic
 * gangs, then lower gangs of the same share):
 *
 *   rooms     into a lot that its share has bound, the tightest
 *   new lot   into a lot bound for it: the smallest that holds what is left of the gang
 *   loose     onto single GPUs, where the guarantee is by quantity
 *
 * GPUs are reserved as they are chosen and given back when a later pod does not fit.
 */
#include <assert.h>
#include <limits.h>

#include "scheduler/grid_internal.h"

enum { CLOSE_ENOUGH = 16 /* rooms of one bucket that are compared for nearness */ };

/* One gang being placed. */
struct plan {
    struct grid *grid;
    struct gang *gang;
    struct fit fit;
    int chain;
    int near; /* cell of the last pod's machine, or -1 */
};

/* The best room seen so far. */
struct found {
    int cell, cost, distance;
};

static int distance(const struct plan *p, int cell)
{
    return p->near < 0 ? 0 : space_distance(p->grid->space, p->near, cell);
}

static void reserve(struct plan *p, const int *gpus, int n)
{
    struct grid *g = p->grid;
    for (int i = 0; i < n; i++) {
        const struct gpu_state *st = &g->gpus[gpus[i]];
        g->undo[g->undo_count++] = (struct undo){.gpu = gpus[i], .reserver = st->reserver};
        share_set(g, gpus[i], st->user, p->fit.gang);
        p->gang->gpus[p->gang->placed++] = gpus[i];
    }
    p->near = space_ancestor(g->space, g->space->leaf_cell[gpus[0]], g->topology->chains[p->chain].node_level);
}

/* Weighs one room; keeps it when it is better. */
static void consider(struct plan *p, int cell, int want, struct found *best)
{
    int gpus[64];
    const struct space_cell *x = &p->grid->space->cells[cell];
    if (p->fit.mode == FIT_OPPO && x->idle + x->oppo < want)
        return;
    int cost = fit_pick(&p->fit, cell, want, gpus, false);
    if (cost < 0 || cost > best->cost)
        return;
    int away = distance(p, cell);
    if (cost < best->cost || away < best->distance)
        *best = (struct found){.cell = cell, .cost = cost, .distance = away};
}

/* Looks through one rack. In mode FIT_IDLE the tightest bucket with room decides; else all rooms are weighed. */
static void search_rack(struct plan *p, int rack, int slot, int want, struct found *best)
{
    const struct space *s = p->grid->space;
    bool idle = p->fit.mode == FIT_IDLE;
    uint64_t mask = s->racks[rack].mask & (idle ? ~UINT64_C(0) << (want < 63 ? want : 63) : ~UINT64_C(0));
    for (; mask; mask &= mask - 1) {
        int seen = 0;
        for (int c = s->racks[rack].head[__builtin_ctzll(mask)]; c >= 0; c = s->cells[c].link[slot].next) {
            consider(p, c, want, best);
            if (idle && best->cell >= 0 && (p->near < 0 || ++seen >= CLOSE_ENOUGH))
                return;
        }
        if (idle && best->cell >= 0)
            return;
    }
}

static const struct found nothing = {.cell = -1, .cost = INT_MAX, .distance = INT_MAX};

/* Takes the GPUs in the room that was found. */
static bool settle(struct plan *p, const struct found *f, int want)
{
    int gpus[64];
    if (f->cell < 0 || fit_pick(&p->fit, f->cell, want, gpus, true) < 0)
        return false;
    reserve(p, gpus, want);
    return true;
}

static bool in_rooms(struct plan *p, int want)
{
    struct found best = nothing;
    p->fit.loose = false;
    search_rack(p, p->grid->shares[p->fit.share].rack, SPACE_SLOT_ROOM, want, &best);
    return settle(p, &best, want);
}

/* ---- a new lot ---- */

/* Down from a free cell to one of `level`: where the fewest opportunistic GPUs are, then the nearest. */
static int descend(const struct plan *p, int cell, int level)
{
    const struct space *s = p->grid->space;
    const bool *only = p->gang->only;
    while (s->cells[cell].level > level) {
        const struct space_cell *x = &s->cells[cell];
        int best = -1, away = 0;
        for (int i = 0; i < p->grid->topology->chains[x->chain].level[x->level].fanout; i++) {
            int child = x->child + i, far = distance(p, child), node = s->cells[child].node;
            if (only && node >= 0 && !only[node])
                continue;
            if (best < 0 || s->cells[child].oppo < s->cells[best].oppo ||
                (s->cells[child].oppo == s->cells[best].oppo && far < away)) {
                best = child;
                away = far;
            }
        }
        if (best < 0)
            return -1;
        cell = best;
    }
    return only && s->cells[cell].node >= 0 && !only[s->cells[cell].node] ? -1 : cell;
}

static bool acceptable(const struct plan *p, int cell, int want)
{
    const struct space_cell *x = &p->grid->space->cells[cell];
    return p->fit.mode != FIT_IDLE || x->idle >= want;
}

/* Looks through the maximal free cells of one level for a cell of `level`. */
static void search_list(struct plan *p, int from, int level, int want, struct found *best)
{
    const struct space *s = p->grid->space;
    int seen = 0;
    for (int m = s->levels[p->chain][from].head; m >= 0; m = s->cells[m].next) {
        int cell = descend(p, m, level);
        if (cell < 0 || !acceptable(p, cell, want))
            continue;
        int cost = s->cells[cell].oppo, away = distance(p, cell);
        if (cost > best->cost || (cost == best->cost && away >= best->distance))
            continue;
        if (!space_safe(s, cell, false)) {
            if (s->cells[m].counted)
                return; /* so are all others of this level */
            continue;
        }
        *best = (struct found){.cell = cell, .cost = cost, .distance = away};
        if (!cost && (p->near < 0 || ++seen >= CLOSE_ENOUGH))
            return;
    }
}

static int find_cell(struct plan *p, int level, int want)
{
    struct found best = nothing;
    for (int l = level; l < p->grid->topology->chains[p->chain].levels && best.cost; l++)
        search_list(p, l, level, want, &best);
    return best.cell;
}

static void search_nodes_of(struct plan *p, int cell, int want, struct found *best)
{
    const struct space_cell *x = &p->grid->space->cells[cell];
    const struct topology_chain *c = &p->grid->topology->chains[x->chain];
    if (x->level <= c->node_level) {
        consider(p, cell, want, best);
        return;
    }
    for (int i = 0; i < c->level[x->level].fanout; i++)
        search_nodes_of(p, x->child + i, want, best);
}

static bool in_lot_of(struct plan *p, int level, int want)
{
    struct found best = nothing;
    int cell = find_cell(p, level, want);
    int lot = cell < 0 ? -1 : share_bind(p->grid, p->fit.share, cell, false);
    if (lot < 0)
        return false;
    p->fit.loose = false;
    search_nodes_of(p, cell, want, &best);
    if (settle(p, &best, want))
        return true;
    share_unbind(p->grid, lot);
    return false;
}

/* Levels in the order to try: the smallest that holds all of the rest, then larger, then smaller ones from above. */
static int next_level(const struct plan *p, int want, int rest, unsigned tried)
{
    const struct topology_chain *c = &p->grid->topology->chains[p->chain];
    const struct share *s = &p->grid->shares[p->fit.share];
    int best = -1;
    for (int l = 1; l < c->levels; l++) {
        if (tried >> l & 1 || c->level[l].gpus < want || s->quota[l] <= s->bound[l])
            continue;
        if (best < 0 || c->level[best].gpus < rest)
            best = l;
    }
    return best;
}

static bool in_new_lot(struct plan *p, int want)
{
    const struct share *s = &p->grid->shares[p->fit.share];
    unsigned tried = 0;
    if (s->pin >= 0 || p->fit.mode >= FIT_LOWER)
        return false;
    for (;;) {
        int level = next_level(p, want, p->gang->total - p->gang->placed, tried);
        if (level < 0)
            return false;
        if (share_usable(p->grid, s, level) > 0 && in_lot_of(p, level, want))
            return true;
        tried |= 1u << level;
    }
}

/* ---- loose GPUs ---- */

/* Binds each GPU that has no lot as one of its own. False when that would break a guarantee; nothing is bound then. */
static bool bind_each(struct plan *p, const int *gpus, int n)
{
    struct grid *g = p->grid;
    int bound[64], count = 0;
    for (int i = 0; i < n; i++) {
        if (space_lot_over(g->space, gpus[i]) >= 0)
            continue;
        int lot = share_usable(g, &g->shares[p->fit.share], 0) > 0
                      ? share_bind(g, p->fit.share, g->space->leaf_cell[gpus[i]], false)
                      : -1;
        if (lot < 0) {
            while (count)
                share_unbind(g, bound[--count]);
            return false;
        }
        bound[count++] = lot;
    }
    return true;
}

static bool in_loose(struct plan *p, int want)
{
    struct grid *g = p->grid;
    const struct share *s = &g->shares[p->fit.share];
    struct found best = nothing;
    int gpus[64];
    if (s->pin >= 0 || !s->quota[0])
        return false;
    p->fit.spare = share_usable(g, s, 0);
    if (p->fit.mode < FIT_LOWER && p->fit.spare < want)
        return false;
    p->fit.loose = true;
    search_rack(p, p->chain * 2 + 1, SPACE_SLOT_NODE, want, &best);
    if (best.cell < 0 || p->fit.mode != FIT_IDLE)
        search_rack(p, p->chain * 2, SPACE_SLOT_NODE, want, &best);
    if (best.cell < 0 || fit_pick(&p->fit, best.cell, want, gpus, true) < 0 || !bind_each(p, gpus, want))
        return false;
    reserve(p, gpus, want);
    return true;
}

/* ---- pods and gangs ---- */

/* Opportunistic pods keep away from machines with guaranteed gangs, and close together. */
static bool in_idle(struct plan *p, int want)
{
    struct found best = nothing;
    for (int held = 0; held < 2 && best.cell < 0; held++)
        search_rack(p, p->chain * 2 + held, SPACE_SLOT_NODE, want, &best);
    return settle(p, &best, want);
}

static bool place_pod(struct plan *p, int want, enum fit_mode most)
{
    if (p->fit.share < 0)
        return in_idle(p, want);
    for (int m = FIT_IDLE; m <= (int)most; m++) {
        p->fit.mode = (enum fit_mode)m;
        if (in_rooms(p, want) || in_new_lot(p, want) || in_loose(p, want))
            return true;
    }
    return false;
}

static bool try_chain(struct grid *g, int gang, int share, int chain, enum fit_mode most)
{
    struct gang *me = &g->gangs[gang];
    struct plan p = {
        .grid = g, .gang = me, .chain = chain, .near = -1, .fit = {.grid = g, .gang = gang, .share = share}};
    g->stamp++;
    g->undo_count = 0;
    for (size_t i = 0; i < me->ask.pod_kinds; i++)
        for (int n = 0; n < me->ask.pods[i].count; n++)
            if (!place_pod(&p, me->ask.pods[i].gpus, most)) {
                place_undo(g, gang);
                return false;
            }
    return true;
}

/* Whether a share can hold the gang at all at this much harm. O(1), or O(priorities). */
static bool has_quota(const struct share *s, const struct gang *me, enum fit_mode most)
{
    int room = most == FIT_DRAIN ? s->total : s->total - s->held;
    if (room < me->total && most == FIT_LOWER)
        room += share_held_below(s, me->ask.priority);
    return room >= me->total;
}

bool place_gang(struct grid *g, int gang, enum fit_mode most)
{
    const struct gang *me = &g->gangs[gang];
    for (int i = 0; i < g->share_count; i++) {
        const struct share *s = &g->shares[i];
        if (s->vc != me->vc || !me->chains[s->chain] || (me->pin >= 0 ? i != me->pin : s->pin >= 0))
            continue;
        if (has_quota(s, me, most) && try_chain(g, gang, i, s->chain, most))
            return true;
    }
    return false;
}

bool place_oppo(struct grid *g, int gang)
{
    const struct gang *me = &g->gangs[gang];
    for (size_t c = 0; c < g->topology->chain_count; c++)
        if (me->chains[c] && try_chain(g, gang, -1, (int)c, FIT_IDLE))
            return true;
    return false;
}

void place_undo(struct grid *g, int gang)
{
    while (g->undo_count) {
        const struct undo *u = &g->undo[--g->undo_count];
        share_set(g, u->gpu, g->gpus[u->gpu].user, u->reserver);
    }
    g->gangs[gang].placed = 0;
}
