/* SPDX-License-Identifier: MIT
 *
 * Placing a gang, pod by pod, largest first. Each pod goes, with as little harm as possible (no gang of its share, then
 * lower ones):
 *
 *   rooms     into a lot that its share has bound, the tightest
 *   new lot   into a lot bound for it: the smallest that holds what is left of the gang
 *   loose     onto single GPUs, where the guarantee is by quantity
 *
 * A share's lots are used as if nobody were lent in: where a pod goes, and so who of the share finds room later, must
 * not depend on borrowers (else sharing costs waits without end, not the grace). Those in the way are stopped. It does
 * not matter which cell a new lot is bound to, nor which GPUs of a room are taken: there, what is idle comes first.
 *
 * GPUs are reserved as they are chosen and given back when a later pod does not fit.
 */
#include <assert.h>
#include <limits.h>
#include <string.h>

#include "scheduler/score_internal.h"

enum { CLOSE_ENOUGH = 16 /* rooms of one bucket that are compared for nearness */ };

/* One gang being placed. */
struct plan {
    struct grid *grid;
    struct gang *gang;
    struct fit fit;
    struct pod *pod; /* at hand */
    int chain;
    int near;        /* cell of the last pod's machine, or -1 */
    uint64_t misses; /* of the grid, when the pod's turn came */
    bool careful;    /* what looked best could not be had: each place is tried before it is taken for the best */
    bool close;      /* machines that hold many of its pods come first */
    int left;        /* pods that have no place yet */
};

/* The best room seen so far. */
struct found {
    int cell, victims;
    int spare; /* as in the fit, loose */
    int64_t score;
};

static int distance(const struct plan *p, int cell)
{
    return p->near < 0 ? 0 : space_distance(p->grid->space, p->near, cell);
}

/* Whether the rooms of a share are searched as if nobody were lent in. */
static bool as_alone(const struct plan *p)
{
    return p->fit.mode == FIT_OPPO && !p->fit.loose;
}

/* What stays of a room for others. Where gangs of the share must leave for it, nothing is idle that could have been
 * had. */
static int left_in(const struct plan *p, int cell, int want)
{
    const struct space_cell *x = &p->grid->space->cells[cell];
    if (p->fit.mode == FIT_IDLE)
        return x->idle - want;
    return as_alone(p) ? x->idle + x->oppo - want : 0;
}

/* A room as a case for the score. */
static struct score_case a_case(const struct plan *p, int cell, int want, const int *gpus, int victims)
{
    return (struct score_case){.grid = p->grid,
                               .gpus = gpus,
                               .cell = cell,
                               .want = want,
                               .victims = victims,
                               .near = p->near,
                               .left = left_in(p, cell, want)};
}

/* Takes the GPUs of the room that was found. */
static void reserve(struct plan *p, const struct found *f, const int *gpus, int n)
{
    struct grid *g = p->grid;
    const struct score_case c = a_case(p, f->cell, n, gpus, f->victims);
    struct pods_pick pick = {.first = gpus[0]};
    score_note(&c, p->gang->terms);
    for (int i = 1; i < n; i++)
        pick.first = gpus[i] < pick.first ? gpus[i] : pick.first;
    for (int i = 0; i < n; i++)
        pick.got |= UINT64_C(1) << (gpus[i] - pick.first);
    pods_mark(&p->fit, pods_machine(g, g->space->cells[f->cell].node), pick);
    p->pod->first = p->gang->placed;
    p->pod->gpus = n;
    for (int i = 0; i < n; i++) {
        const struct gpu_state *st = &g->gpus[gpus[i]];
        g->undo[g->undo_count++] = (struct undo){.gpu = gpus[i], .reserver = st->reserver};
        share_set(g, gpus[i], st->user, p->fit.gang);
        p->gang->gpus[p->gang->placed++] = gpus[i];
    }
    p->near = space_ancestor(g->space, g->space->leaf_cell[gpus[0]], g->topology->chains[p->chain].node_level);
    pods_take(g, p->gang, p->pod, pods_machine(g, g->space->cells[p->near].node));
}

/* Whether no GPU of a machine may be had: nobody has a lot in it, and it is owed to somebody whole. */
static bool is_owed(const struct plan *p, int cell)
{
    const struct space *s = p->grid->space;
    return p->fit.mode < FIT_LOWER && !s->cells[cell].bad && space_is_free(s, cell) &&
           !space_safe(s, s->leaf_cell[s->cells[cell].first], false);
}

/* What a machine's CPUs, memory and ports cost that do not hold all that is left of the gang, were its pods all like
 * the one at hand: more than any score comes to. */
static int64_t weigh_lack(const struct plan *p, int cell)
{
    int node = p->grid->space->cells[cell].node;
    if (!p->close || node < 0)
        return 0;
    return (p->left - pods_many(p->grid, pods_machine(p->grid, node), p->pod, p->left)) << 40;
}

enum weighed { WORSE, BETTER, NOT_ITS };

/* One room, with so many GPUs of nobody at most. Loose GPUs must be the share's to bind. */
static enum weighed weigh_room(const struct plan *p, int cell, int want, int spare, struct found *best)
{
    int gpus[64];
    struct fit f = p->fit;
    f.spare = spare;
    int victims = fit_pick(&f, cell, want, gpus);
    const struct score_case c = a_case(p, cell, want, gpus, victims);
    int64_t score = victims < 0 ? INT64_MAX : score_weigh(&c) + weigh_lack(p, cell);
    if (score >= best->score)
        return WORSE;
    if (f.loose && p->careful && !share_may_bind(p->grid, f.share, gpus, want))
        return NOT_ITS;
    *best = (struct found){.cell = cell, .victims = victims, .spare = spare, .score = score};
    return BETTER;
}

/* Weighs one room; keeps it when it is better. Where GPUs of nobody are not the share's to bind, those of lower gangs
 * in its own lots may do; these come first where a gang's other pods may need the former. */
static void consider(struct plan *p, int cell, int want, struct found *best)
{
    const struct space_cell *x = &p->grid->space->cells[cell];
    enum fit_mode mode = p->fit.mode;
    bool poor = mode == FIT_OPPO && x->idle + x->oppo < want, thrifty = p->close && p->fit.loose && mode >= FIT_LOWER;
    if (poor || (p->fit.loose && p->careful && is_owed(p, cell)))
        return;
    enum weighed is = weigh_room(p, cell, want, thrifty ? 0 : p->fit.spare, best);
    if (thrifty && is != BETTER && p->fit.spare)
        (void)weigh_room(p, cell, want, p->fit.spare, best);
    else if (!thrifty && is == NOT_ITS && mode >= FIT_LOWER)
        (void)weigh_room(p, cell, want, 0, best);
}

/* The least score that a room of a bucket can have, where nobody has to leave: no term is negative. */
static int64_t least_score(const struct plan *p, int bucket, int want)
{
    return (int64_t)p->grid->weights.of[SCORE_LEFT] * (bucket - want);
}

/* Looks through one rack. Where its buckets say what a room can give, the tightest come first, CLOSE_ENOUGH of each
 * bucket are weighed, and it ends where no other can be better; else all rooms are weighed. */
static void search_rack(struct plan *p, int rack, int slot, int want, struct found *best)
{
    const struct space *s = p->grid->space;
    bool sorted = slot == SPACE_SLOT_ROOM ? as_alone(p) : p->fit.mode == FIT_IDLE;
    uint64_t mask = s->racks[rack].mask & (sorted ? ~UINT64_C(0) << (want < 63 ? want : 63) : ~UINT64_C(0));
    for (; mask; mask &= mask - 1) {
        int seen = 0, bucket = __builtin_ctzll(mask);
        int64_t least = least_score(p, bucket, want);
        if (sorted && best->score <= least)
            return;
        for (int c = s->racks[rack].head[bucket]; c >= 0; c = s->cells[c].link[slot].next) {
            consider(p, c, want, best);
            if (sorted && best->cell >= 0 && (best->score <= least || ++seen >= CLOSE_ENOUGH))
                break;
        }
    }
}

static const struct found nothing = {.cell = -1, .victims = INT_MAX, .score = INT64_MAX};

/* Takes the GPUs in the room that was found. */
static bool settle(struct plan *p, const struct found *f, int want)
{
    int gpus[64];
    if (f->cell < 0 || fit_pick(&p->fit, f->cell, want, gpus) < 0)
        return false;
    reserve(p, f, gpus, want);
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
    while (s->cells[cell].level > level) {
        const struct space_cell *x = &s->cells[cell];
        int best = -1, away = 0;
        for (int i = 0; i < p->grid->topology->chains[x->chain].level[x->level].fanout; i++) {
            int child = x->child + i, far = distance(p, child), node = s->cells[child].node;
            if (node >= 0 && !pods_allow(p->grid, p->gang, node))
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
    return s->cells[cell].node >= 0 && !pods_allow(p->grid, p->gang, s->cells[cell].node) ? -1 : cell;
}

/* Whether a machine in a cell has room for the pod, at the cost of those who are lent in. */
static bool has_room(const struct plan *p, int cell, int want)
{
    const struct space_cell *x = &p->grid->space->cells[cell];
    const struct topology_chain *c = &p->grid->topology->chains[x->chain];
    int gpus[64];
    if (x->level <= c->node_level)
        return fit_pick(&p->fit, cell, want, gpus) >= 0;
    for (int i = 0; i < c->level[x->level].fanout; i++)
        if (has_room(p, x->child + i, want))
            return true;
    return false;
}

static bool acceptable(const struct plan *p, int cell, int want)
{
    const struct space_cell *x = &p->grid->space->cells[cell];
    if (p->fit.mode != FIT_IDLE)
        return !p->careful || has_room(p, cell, want);
    struct pods_harm none;
    return x->idle >= want &&
           (x->node < 0 || pods_room(&p->fit, pods_machine(p->grid, x->node), (struct pods_pick){.got = 0}, &none));
}

/* A cell for a new lot is weighed by who is lent in, and by where it lies. */
static int64_t weigh_cell(const struct plan *p, int cell)
{
    const int *w = p->grid->weights.of;
    int away = distance(p, cell);
    return (int64_t)w[SCORE_VICTIMS] * p->grid->space->cells[cell].oppo + (int64_t)w[SCORE_APART] * away +
           (int64_t)w[SCORE_SPREAD] * (p->near < 0 ? 0 : TOPOLOGY_LEVELS - away) + weigh_lack(p, cell);
}

/* Looks through the maximal free cells of one level for a cell of `level`. */
static void search_list(struct plan *p, int from, int level, int want, struct found *best)
{
    const struct space *s = p->grid->space;
    int seen = 0;
    for (int m = s->levels[p->chain][from].head; m >= 0; m = s->cells[m].next) {
        int cell = descend(p, m, level);
        if (cell < 0)
            continue;
        int oppo = s->cells[cell].oppo;
        int64_t score = weigh_cell(p, cell);
        if (score >= best->score || !acceptable(p, cell, want))
            continue;
        if (!space_safe(s, cell, false)) {
            if (s->cells[m].counted)
                return; /* so are all others of this level */
            continue;
        }
        *best = (struct found){.cell = cell, .victims = oppo, .score = score};
        if (!oppo && ((p->near < 0 && !p->close) || ++seen >= CLOSE_ENOUGH))
            return;
    }
}

static int find_cell(struct plan *p, int level, int want)
{
    struct found best = nothing;
    for (int l = level; l < p->grid->topology->chains[p->chain].levels && (best.victims || p->close); l++)
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

static bool try_lot(struct plan *p, int level, int want, enum fit_mode mode)
{
    struct found best = nothing;
    enum fit_mode most = p->fit.mode;
    p->fit.mode = mode;
    int cell = find_cell(p, level, want);
    p->fit.mode = most;
    int lot = cell < 0 ? -1 : share_bind(p->grid, p->fit.share, cell, false);
    p->careful = p->careful || cell < 0; /* there is nothing to be had */
    if (lot < 0)
        return false;
    search_nodes_of(p, cell, want, &best);
    if (settle(p, &best, want))
        return true;
    share_unbind(p->grid, lot);
    return false;
}

/* In a new lot of a level; on a cell that is idle enough, or on that where the fewest GPUs are lent. */
static bool in_lot_of(struct plan *p, int level, int want, enum fit_mode mode)
{
    p->fit.loose = false;
    p->careful = mode == FIT_IDLE; /* then what comes next is not so choosy */
    bool done = try_lot(p, level, want, mode);
    if (!done && !p->careful) {
        p->careful = true;
        done = try_lot(p, level, want, mode);
    }
    p->careful = false;
    return done;
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

/* Nobody of the share is where a new lot can be, but for those without GPUs: that they may leave, too, matters only
 * where CPUs or memory are short. */
static bool in_new_lot(struct plan *p, int want)
{
    const struct share *s = &p->grid->shares[p->fit.share];
    unsigned tried = 0;
    bool lower = p->fit.mode >= FIT_LOWER;
    if (s->pin >= 0 || (lower && p->grid->misses == p->misses))
        return false;
    for (;;) {
        int level = next_level(p, want, p->gang->total - p->gang->placed, tried);
        if (level < 0)
            return false;
        if (share_usable(p->grid, s, level) > 0 &&
            ((!lower && in_lot_of(p, level, want, FIT_IDLE)) || in_lot_of(p, level, want, p->fit.mode)))
            return true;
        tried |= 1u << level;
    }
}

/* ---- loose GPUs ---- */

static bool take_single(struct plan *p, int want)
{
    struct grid *g = p->grid;
    struct found best = nothing;
    int gpus[64];
    search_rack(p, p->chain * 2 + 1, SPACE_SLOT_NODE, want, &best);
    if (best.cell < 0 || p->fit.mode != FIT_IDLE)
        search_rack(p, p->chain * 2, SPACE_SLOT_NODE, want, &best);
    p->careful = p->careful || best.cell < 0; /* there is nothing to be had */
    p->fit.spare = best.spare;
    if (best.cell < 0 || fit_pick(&p->fit, best.cell, want, gpus) < 0 || !share_bind_each(g, p->fit.share, gpus, want))
        return false;
    reserve(p, &best, gpus, want);
    return true;
}

static bool on_single(struct plan *p, int want)
{
    int spare = share_usable(p->grid, &p->grid->shares[p->fit.share], 0);
    if (p->fit.mode < FIT_LOWER && spare < want)
        return false;
    p->fit.loose = true;
    p->fit.spare = spare;
    p->careful = false;
    bool done = take_single(p, want);
    if (!done && !p->careful) {
        p->fit.spare = spare;
        p->careful = true;
        done = take_single(p, want);
    }
    p->careful = false;
    return done;
}

/* A guarantee by quantity is kept wherever GPUs are: those of borrowers are taken only where too few are idle. */
static bool in_loose(struct plan *p, int want)
{
    const struct share *s = &p->grid->shares[p->fit.share];
    enum fit_mode mode = p->fit.mode;
    if (s->pin >= 0 || !s->quota[0])
        return false;
    if (mode == FIT_OPPO) {
        p->fit.mode = FIT_IDLE;
        if (on_single(p, want))
            return true;
        p->fit.mode = mode;
    }
    return on_single(p, want);
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
    p->misses = p->grid->misses;
    for (int m = FIT_OPPO; m <= (int)most; m++) {
        p->fit.mode = (enum fit_mode)m;
        if (in_rooms(p, want) || in_new_lot(p, want) || in_loose(p, want))
            return true;
    }
    return false;
}

/* A pod without GPUs goes where the account has room for it, or will have when others have stopped. */
static bool place_free(struct plan *p, enum fit_mode most)
{
    int node = -1;
    for (int m = FIT_IDLE; m <= (int)most && node < 0; m++) {
        p->fit.mode = (enum fit_mode)m;
        node = pods_best(&p->fit);
    }
    if (node < 0)
        return false;
    pods_mark(&p->fit, node, (struct pods_pick){.got = 0});
    pods_take(p->grid, p->gang, p->pod, node);
    return true;
}

/* Where pods may go: a share (or none, for opportunistic ones) of a chain. */
struct place {
    int share, chain;
};

/* Each pod at the first of the places that has room. */
static bool place_each(struct plan *p, const struct place *at, size_t places, enum fit_mode most)
{
    struct grid *g = p->grid;
    struct gang *me = p->gang;
    g->stamp++;
    g->undo_count = 0;
    g->going = false;
    g->stopping = 0;
    memset(me->terms, 0, sizeof me->terms);
    for (int i = 0; i < me->pod_count; i++) {
        bool done = false;
        p->pod = &me->pods[me->order[i]];
        p->fit.pod = p->pod;
        p->left = me->pod_count - i;
        if (!p->pod->want.gpus)
            done = place_free(p, most);
        for (size_t k = 0; p->pod->want.gpus && k < places && !done; k++) {
            if (p->chain != at[k].chain)
                p->near = -1;
            p->chain = at[k].chain;
            p->fit.share = at[k].share;
            done = place_pod(p, (int)p->pod->want.gpus, most);
        }
        if (!done) {
            place_undo(g, p->fit.gang);
            return false;
        }
    }
    if (!stops_note(g, p->fit.gang))
        return true;
    place_undo(g, p->fit.gang);
    return false;
}

/* Places all pods. The tightest machine may have CPUs for a few of them alone, and the rest then no place that is not
 * owed to somebody: where machines were short of something, those that hold most of the gang are tried first. */
static bool place_all(struct grid *g, int gang, const struct place *at, size_t places, enum fit_mode most)
{
    const struct plan fresh = {
        .grid = g, .gang = &g->gangs[gang], .chain = -1, .near = -1, .fit = {.grid = g, .gang = gang}};
    struct plan p = fresh;
    uint64_t misses = g->misses;
    if (place_each(&p, at, places, most))
        return true;
    p = fresh;
    p.close = g->account && p.gang->pod_count > 1 && places && at[0].share >= 0;
    return p.close && (g->misses != misses || most >= FIT_LOWER) && place_each(&p, at, places, most);
}

/* Whether a share can hold the gang at all at this much harm. O(1), or O(priorities). */
static bool has_quota(const struct share *s, const struct gang *me, enum fit_mode most)
{
    int room = most == FIT_DRAIN ? s->total : s->total - s->held;
    if (room < me->total && most == FIT_LOWER)
        room += share_held_below(s, me->ask.priority);
    return room >= me->total;
}

bool place_may_use(const struct gang *me, const struct share *s, int number)
{
    return s->vc == me->vc && me->chains[s->chain] && (me->pin >= 0 ? number == me->pin : s->pin < 0);
}

/* Over several chains, where each share alone has not enough. */
static bool place_mixed(struct grid *g, int gang, enum fit_mode most)
{
    enum { PLACES_MAX = 64 };
    struct place at[PLACES_MAX];
    struct share sum = {.total = 0};
    const struct gang *me = &g->gangs[gang];
    size_t n = 0;
    for (int i = 0; i < g->share_count && n < PLACES_MAX; i++) {
        const struct share *s = &g->shares[i];
        if (!place_may_use(me, s, i))
            continue;
        at[n++] = (struct place){.share = i, .chain = s->chain};
        sum.total += s->total;
        sum.held += s->held - (most == FIT_LOWER ? share_held_below(s, me->ask.priority) : 0);
    }
    return n > 1 && has_quota(&sum, me, most == FIT_DRAIN ? FIT_DRAIN : FIT_IDLE) && place_all(g, gang, at, n, most);
}

bool place_gang(struct grid *g, int gang, enum fit_mode most)
{
    const struct gang *me = &g->gangs[gang];
    if (!me->total)
        return place_all(g, gang, NULL, 0, most);
    for (int i = 0; i < g->share_count; i++) {
        const struct place at = {.share = i, .chain = g->shares[i].chain};
        if (place_may_use(me, &g->shares[i], i) && has_quota(&g->shares[i], me, most) &&
            place_all(g, gang, &at, 1, most))
            return true;
    }
    return g->account && place_mixed(g, gang, most);
}

bool place_oppo(struct grid *g, int gang)
{
    enum { CHAINS_MAX = 64 };
    struct place at[CHAINS_MAX];
    const struct gang *me = &g->gangs[gang];
    size_t n = 0;
    if (!me->total)
        return place_all(g, gang, NULL, 0, FIT_IDLE);
    for (size_t c = 0; c < g->topology->chain_count; c++) {
        if (!me->chains[c])
            continue;
        struct place one = {.share = -1, .chain = (int)c};
        if (place_all(g, gang, &one, 1, FIT_IDLE))
            return true;
        if (n < CHAINS_MAX)
            at[n++] = one;
    }
    return g->account && n > 1 && place_all(g, gang, at, n, FIT_IDLE);
}

void place_undo(struct grid *g, int gang)
{
    while (g->undo_count) {
        const struct undo *u = &g->undo[--g->undo_count];
        share_set(g, u->gpu, g->gpus[u->gpu].user, u->reserver);
    }
    stops_clear(g, &g->gangs[gang]);
    pods_give_all(g, &g->gangs[gang]);
    g->gangs[gang].placed = 0;
}
