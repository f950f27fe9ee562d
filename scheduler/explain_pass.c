/* SPDX-License-Identifier: MIT
 *
 * Passes over a copy as the core makes them (core/schedule.c): what becomes free, or is changed, goes through the line
 * before the one in question has its turn.
 */
#include <stdlib.h>

#include "scheduler/explain_internal.h"

enum { PASSES_MAX = 4 /* as the core makes at most */ };

/* One who is tried before it. */
struct turn {
    int gang, priority;
    int64_t seq;
    bool aged;
};

static int by_turn(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;
    if (x->priority != y->priority)
        return x->priority > y->priority ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Who is tried in a pass beside it: `before` of them before it. */
struct turns {
    struct turn *list;
    size_t before, count;
};

/* Those in the line; on another plan, those too who had reserved and stand in the line again. */
static void list_turns(const struct explain *x, const struct explain_ask *ask, bool replanned, struct turns *out)
{
    const struct gang *all = x->grid->gangs;
    struct turn me = {.priority = ask->request->priority, .seq = ask->self < 0 ? INT64_MAX : all[ask->self].ask.seq};
    size_t n = 0;
    for (size_t i = 0; i < ask->line_count; i++) {
        const struct line_place *p = &ask->ahead[i];
        if (p->gang == ask->not || p->gang == ask->self)
            continue;
        out->list[n++] = (struct turn){.gang = p->gang, .aged = p->since_ms <= ask->aged_since_ms};
    }
    for (int i = 0; replanned && i < x->grid->gang_count; i++)
        if (all[i].live && all[i].state == GRID_PREEMPTING)
            out->list[n++] =
                (struct turn){.gang = i, .aged = ask->reserving_since && ask->reserving_since[i] <= ask->aged_since_ms};
    for (size_t i = 0; i < n; i++) {
        out->list[i].priority = all[out->list[i].gang].ask.priority;
        out->list[i].seq = all[out->list[i].gang].ask.seq;
    }
    qsort(out->list, n, sizeof *out->list, by_turn);
    out->count = out->before = n;
    while (out->before && by_turn(&out->list[out->before - 1], &me) > 0)
        out->before--;
}

/* `me` is not among them: it may have the number of one who is gone. */
static void try_turns(struct grid *g, const struct turn *turns, size_t n, int me)
{
    for (size_t i = 0; i < n; i++) {
        int gang = turns[i].gang;
        bool waits = gang != me && g->gangs[gang].live && g->gangs[gang].state == GRID_WAITING;
        if (waits && grid_try(g, gang) == GRID_WAITING && turns[i].aged)
            grid_reserve(g, gang);
    }
}

/* ---- who goes by nodes ---- */

/* Copies with nobody in them but those who wait: machines as they are, and all up. And room for the names of all. */
struct alone {
    struct grid *of[2];
    const char **names;
};

/* Whether a gang could start there, by that many of the names. Who can is gone from the copy. */
static bool could(struct explain *x, struct grid *alone, int gang, const char *const *names, size_t count)
{
    x->failed = x->failed || !alone || grid_only(alone, gang, names, count);
    if (x->failed || grid_try(alone, gang) == GRID_WAITING)
        return false;
    grid_remove(alone, gang);
    return true;
}

/* How many nodes a chooser goes back on, as core/avoid.c has it: the fewest; 0 where none helps. */
static int goes_back(struct explain *x, const struct explain_ask *ask, struct alone *a, const struct grid *g, size_t n)
{
    const struct explain_chooser *c = &ask->choosers[n];
    int least = -1;
    for (int all_up = 0; c->avoids && all_up < 2 && least < 0; all_up++) {
        if (!a->of[all_up])
            a->of[all_up] = explain_alone(g, all_up);
        for (int k = 0; k <= c->avoids && least < 0; k++)
            if (could(x, a->of[all_up], c->gang, a->names, ask->choice(ask->context, n, k, g->account, a->names)))
                least = k;
    }
    return least < 0 ? 0 : least;
}

/* What the core does when machines have changed. */
static void choose_anew(struct explain *x, const struct explain_ask *ask, struct grid *g)
{
    struct alone alone = {.names = calloc(cluster_count(g->account) + 1, sizeof *alone.names)};
    x->failed = x->failed || !alone.names;
    for (size_t n = 0; alone.names && n < ask->chooser_count; n++) {
        int gang = ask->choosers[n].gang;
        if (gang == ask->not || gang == ask->self || !g->gangs[gang].live || g->gangs[gang].state != GRID_WAITING)
            continue;
        int k = goes_back(x, ask, &alone, g, n);
        if (grid_only(g, gang, alone.names, ask->choice(ask->context, n, k, g->account, alone.names)))
            x->failed = true;
    }
    grid_destroy(alone.of[0]);
    grid_destroy(alone.of[1]);
    free(alone.names);
}

/* ---- passes ---- */

/* One pass: who has reserved, those before it, and then it; where it has its place, those behind it, too. */
static bool pass(struct grid *g, const struct turns *t, int me)
{
    for (int i = 0; i < g->gang_count; i++)
        if (g->gangs[i].live && g->gangs[i].state == GRID_PREEMPTING)
            grid_try(g, i);
    try_turns(g, t->list, t->before, me);
    if (g->gangs[me].state == GRID_WAITING && grid_try(g, me) == GRID_WAITING)
        return false;
    try_turns(g, t->list + t->before, t->count - t->before, me);
    return grid_state_of(g, me) != GRID_WAITING;
}

bool explain_passes(struct explain *x, const struct explain_ask *ask, struct grid *g, enum explain_changed changed)
{
    struct turns t = {.list = calloc(ask->line_count + (size_t)x->grid->gang_count + 1, sizeof *t.list)};
    if (changed && ask->chooser_count)
        choose_anew(x, ask, g);
    int me = t.list ? explain_enter(g, ask, ask->request) : -1;
    uint64_t version = 0;
    bool yes = me >= 0;
    if (yes)
        list_turns(x, ask, changed == EXPLAIN_REPLANNED, &t);
    grid_touch(g);
    for (int n = 0; yes && n < PASSES_MAX && grid_version(g) != version; n++) {
        version = grid_version(g);
        yes = pass(g, &t, me);
    }
    x->failed = x->failed || !t.list;
    free(t.list);
    grid_destroy(g);
    return yes;
}
