/* SPDX-License-Identifier: MIT
 *
 * Which GPUs of one machine. GPUs are bits relative to the room's first; a block of a level is an aligned run of bits,
 * so "the tightest block with enough" is a few population counts.
 */
#include <assert.h>

#include "scheduler/grid_internal.h"

enum { ROOM_MAX = 64 };

int fit_holder(const struct grid *g, int gpu)
{
    const struct gpu_state *st = &g->gpus[gpu];
    return st->reserver >= 0 ? st->reserver : st->user;
}

bool fit_may_stop(const struct fit *f, const struct gang *h)
{
    const struct gang *me = &f->grid->gangs[f->gang];
    if (me->oppo)
        return false;
    if (h->oppo)
        return f->mode >= FIT_OPPO;
    if (f->mode == FIT_DRAIN && h->state == GRID_ALLOCATED)
        return true;
    return f->mode >= FIT_LOWER && h->vc == me->vc && h->ask.priority < me->ask.priority &&
           !(h->ask.no_stop && h->state == GRID_ALLOCATED);
}

/* Whether the asker may have a GPU that somebody holds. Where it is reserved by one that only waits for its user to
 * end, the user must be one to stop, too. */
static bool may_take(const struct fit *f, int gpu)
{
    const struct grid *g = f->grid;
    int user = g->gpus[gpu].user, reserver = g->gpus[gpu].reserver;
    return (reserver < 0 || fit_may_stop(f, &g->gangs[reserver])) && (user < 0 || fit_may_stop(f, &g->gangs[user]));
}

/* Whether a GPU is for a guarantee by quantity to have. */
static bool is_loose(const struct fit *f, int gpu, int *spare)
{
    const struct grid *g = f->grid;
    int lot = space_lot_over(g->space, gpu);
    if (lot < 0)
        return f->mode < FIT_LOWER || (*spare)-- > 0;
    return f->mode >= FIT_LOWER && g->lots[lot].share == f->share && g->space->cells[g->lots[lot].cell].level == 0;
}

/* A room being looked at. */
struct room {
    int first, size;
    uint64_t yes, kill; /* GPUs to have for nothing; GPUs of victims */
};

/* Whether the asker may have a GPU at all. */
static bool is_for_me(const struct fit *f, int gpu, int holder, int *spare)
{
    if (f->loose && !is_loose(f, gpu, spare))
        return false;
    return holder < 0 || (holder != f->gang && may_take(f, gpu));
}

/* Sorts a room's GPUs into those to have for nothing (also those of gangs that go anyway) and those of victims. False
 * as soon as there are too few: most rooms that are looked at for a large pod have none to give. */
static bool sort_gpus(const struct fit *f, struct room *room, int want)
{
    const struct grid *g = f->grid;
    int spare = f->spare, left = room->size;

    for (int i = 0; i < room->size && left >= want; i++) {
        int holder = fit_holder(g, room->first + i);
        if (!is_for_me(f, room->first + i, holder, &spare))
            left--;
        else if (holder < 0 || g->gangs[holder].mark == g->stamp)
            room->yes |= UINT64_C(1) << i;
        else
            room->kill |= UINT64_C(1) << i;
    }
    return left >= want;
}

/* A possible victim in a room. */
struct victim {
    int gang;
    uint64_t gpus;
};

static bool better_victim(const struct grid *g, const struct victim *a, const struct victim *b, int missing)
{
    const struct gang *x = &g->gangs[a->gang], *y = &g->gangs[b->gang];
    int na = __builtin_popcountll(a->gpus), nb = __builtin_popcountll(b->gpus);
    if (x->oppo != y->oppo)
        return x->oppo;
    if ((na >= missing) != (nb >= missing))
        return na >= missing;
    if (na < missing && na != nb)
        return na > nb;
    if (x->ask.priority != y->ask.priority)
        return x->ask.priority < y->ask.priority;
    if (x->total != y->total)
        return x->total < y->total;
    return x->ask.seq > y->ask.seq;
}

/* Those who have some GPUs of a room, by gang: those they count for, or (`users`) those who run there. How many. */
static int collect(const struct grid *g, int first, uint64_t of, bool users, struct victim *v)
{
    int count = 0;
    for (; of; of &= of - 1) {
        int bit = __builtin_ctzll(of), i = 0;
        int gang = users ? g->gpus[first + bit].user : fit_holder(g, first + bit);
        while (i < count && v[i].gang != gang)
            i++;
        if (i == count)
            v[count++] = (struct victim){.gang = gang};
        v[i].gpus |= UINT64_C(1) << bit;
    }
    return count;
}

/* The best of some victims that have GPUs left, or -1. */
static int best_victim(const struct grid *g, const struct victim *v, int count, int missing)
{
    int best = -1;
    for (int i = 0; i < count; i++)
        if (v[i].gpus && (best < 0 || better_victim(g, &v[i], &v[best], missing)))
            best = i;
    return best;
}

/* Adds victims until enough GPUs are to be had. How many, or -1. */
static int choose_victims(const struct fit *f, struct room *room, int want, int *gone)
{
    struct victim v[ROOM_MAX];
    int count = collect(f->grid, room->first, room->kill, false, v), cost = 0;
    while (__builtin_popcountll(room->yes) < want) {
        int best = best_victim(f->grid, v, count, want - __builtin_popcountll(room->yes));
        if (best < 0)
            return -1;
        room->yes |= v[best].gpus;
        v[best].gpus = 0;
        gone[cost++] = v[best].gang;
    }
    return cost;
}

static uint64_t run_of(int offset, int n)
{
    return (n >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1) << offset;
}

/* Takes `want` of the GPUs in a block, leaving whole sub-blocks to others where it can. */
static uint64_t take(const struct topology_chain *c, int level, int offset, int want, uint64_t yes)
{
    uint64_t got = 0;
    if (__builtin_popcountll(yes & run_of(offset, c->level[level].gpus)) == want)
        return yes & run_of(offset, c->level[level].gpus);
    assert(level > 0);
    int step = c->level[level - 1].gpus;
    for (;;) {
        int best = -1, best_count = 0;
        for (int i = 0; i < c->level[level].fanout; i++) {
            int n = __builtin_popcountll(yes & ~got & run_of(offset + i * step, step));
            bool enough = n >= want, had = best_count >= want;
            if (n && (best < 0 || (enough ? !had || n < best_count : !had && n > best_count))) {
                best = i;
                best_count = n;
            }
        }
        if (best_count >= want)
            return got | take(c, level - 1, offset + best * step, want, yes & ~got);
        got |= yes & run_of(offset + best * step, step);
        want -= best_count;
    }
}

/* The lowest, then tightest, block with enough. */
static uint64_t choose(const struct topology_chain *c, int level, int want, uint64_t yes)
{
    for (int l = 0; l <= level; l++) {
        int step = c->level[l].gpus, best = -1, best_count = ROOM_MAX + 1;
        for (int offset = 0; step >= want && offset < c->level[level].gpus; offset += step) {
            int n = __builtin_popcountll(yes & run_of(offset, step));
            if (n >= want && n < best_count) {
                best = offset;
                best_count = n;
            }
        }
        if (best >= 0)
            return take(c, l, best, want, yes);
    }
    return 0;
}

/* How many of some gangs have a guarantee. */
static int not_lent(const struct grid *g, const int *gangs, int count)
{
    int n = 0;
    for (int i = 0; i < count; i++)
        n += !g->gangs[gangs[i]].oppo;
    return n;
}

/* The lowest `want` of some bits, or all where there are fewer. */
static uint64_t low_bits(uint64_t of, int want)
{
    uint64_t got = 0;
    for (; of && want > 0; want--, of &= of - 1)
        got |= of & -of;
    return got;
}

/* When it is a GPU's turn to be taken: 0 for what is idle or lent, then victims within their guarantees as they were
 * chosen, of each first what nobody of the share runs on. */
static int turn_of(const struct grid *g, int gpu, const int *gone, int cost)
{
    int holder = fit_holder(g, gpu), user = g->gpus[gpu].user, at = 0;
    if (holder < 0 || g->gangs[holder].oppo)
        return 0;
    while (at < cost && gone[at] != holder)
        at++;
    if (at == cost)
        return 0; /* it goes anyway */
    return 1 + 2 * at + (user >= 0 && !g->gangs[user].oppo);
}

/* `want` of some GPUs that one gang has reserved and others of the share run on: of the best victims among these. */
static uint64_t take_users(const struct grid *g, int first, uint64_t of, int want)
{
    struct victim v[ROOM_MAX];
    int count = collect(g, first, of, true, v);
    uint64_t got = 0;
    while (want > 0) {
        int best = best_victim(g, v, count, want);
        assert(best >= 0);
        for (; want > 0 && v[best].gpus; want--, v[best].gpus &= v[best].gpus - 1)
            got |= v[best].gpus & -v[best].gpus;
    }
    return got;
}

/* Of a room where gangs within their guarantees must leave: how many GPUs of each are taken depends neither on how they
 * lie nor on who is lent in, as the rest of each stays in use. */
static uint64_t take_in_turn(const struct grid *g, const struct room *room, int want, const int *gone, int cost)
{
    uint64_t got = 0;
    for (int turn = 0; turn <= 2 * cost && want > 0; turn++) {
        uint64_t at = 0;
        for (int i = 0; i < room->size; i++)
            if (room->yes >> i & 1 && turn_of(g, room->first + i, gone, cost) == turn)
                at |= UINT64_C(1) << i;
        bool users = turn && turn % 2 == 0 && __builtin_popcountll(at) > want;
        got |= users ? take_users(g, room->first, at, want) : low_bits(at, want);
        want -= __builtin_popcountll(at);
    }
    return got;
}

/* What was picked of a room, and at whose cost. */
struct picked {
    uint64_t got;
    int gone[ROOM_MAX], cost;
};

/* Picks in a sorted room of a level. Whether there is enough. */
static bool pick(const struct fit *f, struct room *room, const struct space_cell *x, int want, struct picked *p)
{
    const struct grid *g = f->grid;
    p->cost = __builtin_popcountll(room->yes) < want ? choose_victims(f, room, want, p->gone) : 0;
    if (p->cost < 0)
        return false;
    if (!f->loose && not_lent(g, p->gone, p->cost))
        p->got = take_in_turn(g, room, want, p->gone, p->cost);
    else
        p->got = choose(&g->topology->chains[x->chain], x->level, want, room->yes);
    return true;
}

int fit_pick(const struct fit *f, int cell, int want, int *out)
{
    const struct grid *g = f->grid;
    const struct space_cell *x = &g->space->cells[cell];
    struct room room = {.first = x->first, .size = space_gpus(g->space, cell)};
    struct picked p;
    struct pods_harm harm;
    if (room.size > ROOM_MAX || room.size < want || x->bad || !pods_allow(g, &g->gangs[f->gang], x->node) ||
        !sort_gpus(f, &room, want))
        return -1;
    if (!pick(f, &room, x, want, &p) ||
        !pods_room(f, pods_machine(g, x->node), (struct pods_pick){x->first, p.got}, &harm))
        return -1;
    for (int i = 0; p.got; p.got &= p.got - 1)
        out[i++] = x->first + __builtin_ctzll(p.got);
    return f->loose ? p.cost + harm.gangs : not_lent(g, p.gone, p.cost) + harm.held;
}
