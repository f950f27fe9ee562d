/* SPDX-License-Identifier: MIT
 *
 * Who must leave a machine because its CPUs or memory are short, whether or not its GPUs are. A machine has room for a
 * pod when there is enough beside what runs, whoever of those who have reserved there has come by then: each of them
 * takes its part, and those whom it waits for have left. So a pod starts as soon as those have left whom it waits for
 * itself, and takes nothing from others who wait; all subsets of these are looked at (they are few).
 *
 * Of those whom the asker may stop, one after the other is chosen until there is enough (`better`); then whoever is not
 * needed after all is spared again: on the machine, and when the whole gang has its places, over all of them.
 */
#include <stdlib.h>

#include "scheduler/grid_internal.h"

enum { CPUS, MEMORY, GPUS, KINDS };
enum {
    RESERVERS = 4 /* of a machine that are told apart; the last stands for all further ones */,
    CASES = 1 << RESERVERS
};
enum { PRESENT_MAX = 256, ALL_OF_IT = 1000 };

/* Somebody on the machine who matters. */
struct present {
    int gang;
    struct resources held; /* of the machine */
    unsigned reserves;     /* its bit, of who has only reserved */
    unsigned leaves;       /* the bits of those who wait for it */
    bool goes, may;        /* anyway; if the asker has it stopped */
};

/* One machine being looked at. */
struct search {
    const struct fit *fit;
    int machine;
    int64_t wanted[KINDS];         /* beyond what there is, if all who are there stay; 0 or less: nothing */
    int64_t missing[CASES][KINDS]; /* by who has come of those who have reserved */
    unsigned cases;
    struct present list[PRESENT_MAX];
    bool chosen[PRESENT_MAX];
    int count;
};

/* ---- who is there ---- */

static struct present *find(struct search *s, int gang, uint64_t seen)
{
    struct gang *h = &s->fit->grid->gangs[gang];
    if (h->look == seen)
        return &s->list[h->slot];
    if (s->count == PRESENT_MAX)
        return NULL;
    h->look = seen;
    h->slot = s->count++;
    s->chosen[h->slot] = false;
    s->list[h->slot] = (struct present){.gang = gang};
    return &s->list[h->slot];
}

/* Lists who is on the machine and goes (for the plan, or as its GPUs are picked), may be stopped, has reserved, or is
 * waited for. */
static uint64_t list_present(struct search *s, uint64_t picked)
{
    struct grid *g = s->fit->grid;
    uint64_t seen = ++g->look;
    for (struct pod_link at = g->machines[s->machine]; at.gang >= 0;) {
        const struct gang *h = &g->gangs[at.gang];
        const struct pod *pod = &h->pods[at.pod];
        bool goes = h->mark == g->stamp || h->look == picked, may = fit_may_stop(s->fit, h);
        bool matters =
            at.gang != s->fit->gang && (h->look == seen || goes || may || h->in_way || h->state == GRID_PREEMPTING);
        struct present *p = matters ? find(s, at.gang, seen) : NULL;
        if (p) {
            p->goes = p->goes || goes;
            p->may = may && !p->goes;
            p->held.cpus += pod->want.cpus;
            p->held.memory_mb += pod->want.memory_mb;
            p->held.gpus += pod->want.gpus;
        }
        at = pod->next;
    }
    return seen;
}

/* Tells those who have reserved apart, and who waits for whom. */
static void sort_present(struct search *s, uint64_t seen)
{
    const struct grid *g = s->fit->grid;
    unsigned next = 1;
    for (int i = 0; i < s->count; i++)
        if (g->gangs[s->list[i].gang].state == GRID_PREEMPTING) {
            s->list[i].reserves = next;
            next = next < CASES / 2 ? next * 2 : next;
        }
    s->cases = 1;
    for (int i = 0; i < s->count; i++) {
        const struct gang *r = &g->gangs[s->list[i].gang];
        if (!s->list[i].reserves)
            continue;
        s->cases = s->list[i].reserves * 2;
        for (int k = 0; k < r->stop_count; k++)
            if (g->gangs[r->stops[k]].look == seen)
                s->list[g->gangs[r->stops[k]].slot].leaves |= s->list[i].reserves;
        for (int k = 0; k < r->placed; k++) {
            int user = g->gpus[r->gpus[k]].user;
            if (user >= 0 && g->gangs[user].look == seen)
                s->list[g->gangs[user].slot].leaves |= s->list[i].reserves;
        }
    }
}

/* Marks who holds or has reserved the GPUs that are picked. */
static uint64_t look_at_picked(struct grid *g, struct pods_pick pick)
{
    uint64_t look = ++g->look;
    for (uint64_t got = pick.got; got; got &= got - 1) {
        const struct gpu_state *st = &g->gpus[pick.first + __builtin_ctzll(got)];
        if (st->user >= 0)
            g->gangs[st->user].look = look;
        if (st->reserver >= 0)
            g->gangs[st->reserver].look = look;
    }
    return look;
}

/* ---- what is missing ---- */

/* Whether somebody's part is free in a case. */
static bool is_free(const struct present *p, bool goes, unsigned which)
{
    return goes || (p->reserves ? !(p->reserves & which) : (p->leaves & which) != 0);
}

static void count_missing(struct search *s)
{
    for (unsigned c = 0; c < s->cases; c++) {
        int64_t *m = s->missing[c];
        for (int k = 0; k < KINDS; k++)
            m[k] = s->wanted[k];
        for (int i = 0; i < s->count; i++) {
            const struct present *p = &s->list[i];
            if (!is_free(p, p->goes || s->chosen[i], c))
                continue;
            m[CPUS] -= p->held.cpus;
            m[MEMORY] -= p->held.memory_mb;
            m[GPUS] -= p->held.gpus;
        }
    }
}

static bool is_enough(const struct search *s)
{
    for (unsigned c = 0; c < s->cases; c++)
        for (int k = 0; k < KINDS; k++)
            if (s->missing[c][k] > 0)
                return false;
    return true;
}

/* Looks at a machine for somebody who wants so much. */
static void look(struct search *s, const struct fit *f, int machine, const struct resources *want, uint64_t picked)
{
    const struct cluster_node *n = cluster_at(f->grid->account, machine);
    s->fit = f;
    s->machine = machine;
    s->count = 0;
    s->wanted[CPUS] = n->used.cpus + want->cpus - n->total.cpus;
    s->wanted[MEMORY] = n->used.memory_mb + want->memory_mb - n->total.memory_mb;
    s->wanted[GPUS] = want->gpus ? n->used.gpus + want->gpus - n->total.gpus : 0;
    sort_present(s, list_present(s, picked));
    count_missing(s);
}

/* ---- whom to choose ---- */

/* How much of what is missing somebody's leaving gives, in thousandths of each kind and case; *all: all of it. */
static int64_t makes_up(const struct search *s, const struct present *p, bool *all)
{
    const int64_t held[KINDS] = {p->held.cpus, p->held.memory_mb, p->held.gpus};
    int64_t sum = 0;
    *all = true;
    for (unsigned c = 0; c < s->cases; c++)
        for (int k = 0; k < KINDS; k++) {
            int64_t miss = s->missing[c][k], has = is_free(p, false, c) ? 0 : held[k];
            if (miss <= 0)
                continue;
            *all = *all && has >= miss;
            sum += has >= miss ? ALL_OF_IT : has * ALL_OF_IT / miss;
        }
    return sum;
}

/* Whether one is to be stopped rather than another, as far as they themselves go: who leaves anyway, who has no
 * guarantee, who is less important, who holds less, who is younger. */
static bool rather(const struct grid *g, const struct present *a, const struct present *b)
{
    const struct gang *x = &g->gangs[a->gang], *y = &g->gangs[b->gang];
    if (!x->in_way != !y->in_way)
        return x->in_way != 0;
    if (x->oppo != y->oppo)
        return x->oppo;
    if (x->ask.priority != y->ask.priority)
        return x->ask.priority < y->ask.priority;
    if (x->total != y->total)
        return x->total < y->total;
    return x->ask.seq != y->ask.seq ? x->ask.seq > y->ask.seq : a->gang < b->gang;
}

/* The same, so that few are stopped: between those of one right who gives enough alone comes first, or who gives more.
 */
static bool better(const struct search *s, const struct present *a, const struct present *b)
{
    const struct grid *g = s->fit->grid;
    const struct gang *x = &g->gangs[a->gang], *y = &g->gangs[b->gang];
    bool all_a, all_b;
    int64_t of_a = makes_up(s, a, &all_a), of_b = makes_up(s, b, &all_b);
    if (!of_a || !of_b)
        return of_a > 0;
    if (!x->in_way != !y->in_way || x->oppo != y->oppo)
        return rather(g, a, b);
    if (all_a != all_b)
        return all_a;
    return all_a || of_a == of_b ? rather(g, a, b) : of_a > of_b;
}

static bool choose(struct search *s)
{
    while (!is_enough(s)) {
        int best = -1;
        bool all;
        for (int i = 0; i < s->count; i++)
            if (s->list[i].may && !s->chosen[i] && (best < 0 || better(s, &s->list[i], &s->list[best])))
                best = i;
        if (best < 0 || !makes_up(s, &s->list[best], &all))
            return false;
        s->chosen[best] = true;
        count_missing(s);
    }
    return true;
}

/* Whoever need not go after all stays: those first who are worth most. */
static void spare(struct search *s)
{
    bool tried[PRESENT_MAX] = {false};
    for (;;) {
        int worst = -1;
        for (int i = 0; i < s->count; i++)
            if (s->chosen[i] && !tried[i] && (worst < 0 || rather(s->fit->grid, &s->list[worst], &s->list[i])))
                worst = i;
        if (worst < 0)
            return;
        tried[worst] = true;
        s->chosen[worst] = false;
        count_missing(s);
        s->chosen[worst] = !is_enough(s);
    }
}

static void tell(const struct search *s, struct pods_harm *harm)
{
    const struct grid *g = s->fit->grid;
    harm->oldest = INT64_MAX;
    for (int i = 0; i < s->count; i++) {
        const struct gang *h = &g->gangs[s->list[i].gang];
        if (!s->chosen[i] || h->in_way)
            continue;
        harm->held += !h->oppo;
        harm->gangs++;
        harm->gpus += h->total;
        if (harm->gangs == 1 || h->ask.priority > harm->priority)
            harm->priority = h->ask.priority;
        if (h->ask.seq < harm->oldest)
            harm->oldest = h->ask.seq;
    }
}

static void mark(struct grid *g, int gang)
{
    if (gang < 0)
        return;
    g->gangs[gang].mark = g->stamp;
    g->going = true;
}

/* Whether somebody holds or has reserved one of the GPUs that are picked. */
static bool takes_over(const struct grid *g, struct pods_pick pick)
{
    for (uint64_t got = pick.got; got; got &= got - 1) {
        const struct gpu_state *st = &g->gpus[pick.first + __builtin_ctzll(got)];
        if (st->user >= 0 || st->reserver >= 0)
            return true;
    }
    return false;
}

/* Whether anybody's leaving could help at all. */
static bool is_worth_a_look(const struct fit *f, int machine, struct pods_pick pick)
{
    struct grid *g = f->grid;
    if (g->going || f->mode == FIT_DRAIN || takes_over(g, pick))
        return true;
    const struct crowd *c = pods_crowd(g, machine);
    return c->reserves || (f->mode >= FIT_OPPO && c->lent) ||
           (f->mode >= FIT_LOWER && c->least < g->gangs[f->gang].ask.priority);
}

/* Whether there is room when others go; these are marked, or it is told what that costs. Not a part of pods_room, as
 * most machines have room and this is large. */
static __attribute__((noinline)) bool make_room(const struct fit *f, int machine, struct pods_pick pick,
                                                struct pods_harm *harm)
{
    struct grid *g = f->grid;
    const struct cluster_node *n = cluster_at(g->account, machine);
    if (n->bucket < 0 || n->port_free < f->pod->ports)
        return false;
    if (!is_worth_a_look(f, machine, pick)) {
        g->misses++;
        return false;
    }
    struct search s;
    look(&s, f, machine, &f->pod->want, look_at_picked(g, pick));
    if (!choose(&s)) {
        g->misses++;
        return false;
    }
    spare(&s);
    if (harm)
        tell(&s, harm);
    for (int i = 0; !harm && i < s.count; i++)
        if (s.chosen[i]) {
            mark(g, s.list[i].gang);
            g->stopping++;
        }
    return true;
}

static bool has_room(const struct fit *f, int machine)
{
    return !f->grid->account || cluster_room(f->grid->account, machine, &f->pod->want, f->pod->ports);
}

bool pods_room(const struct fit *f, int machine, struct pods_pick pick, struct pods_harm *harm)
{
    *harm = (struct pods_harm){.held = 0};
    return has_room(f, machine) || make_room(f, machine, pick, harm);
}

void pods_mark(const struct fit *f, int machine, struct pods_pick pick)
{
    struct grid *g = f->grid;
    if (!has_room(f, machine))
        (void)make_room(f, machine, pick, NULL);
    for (uint64_t got = pick.got; got; got &= got - 1) {
        const struct gpu_state *st = &g->gpus[pick.first + __builtin_ctzll(got)];
        mark(g, st->user);
        mark(g, st->reserver);
    }
}

/* ---- a machine for a pod without GPUs ---- */

static bool less(const struct pods_harm *a, const struct pods_harm *b)
{
    const int64_t x[] = {a->held, a->gangs, a->priority, a->gpus, -a->oldest};
    const int64_t y[] = {b->held, b->gangs, b->priority, b->gpus, -b->oldest};
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        if (x[i] != y[i])
            return x[i] < y[i];
    return false;
}

int pods_best(const struct fit *f)
{
    const struct grid *g = f->grid;
    const struct gang *me = &g->gangs[f->gang];
    struct pods_harm harm, least = {.held = 0};
    int best = -1;
    if (!g->account)
        return -1;
    if (f->mode == FIT_IDLE) {
        const struct cluster_wish wish = {.only = me->only, .until_ms = pods_until(g, me)};
        best = cluster_best(g->account, &f->pod->want, f->pod->ports, &wish);
        if (best >= 0 || !g->reserving)
            return best;
    }
    for (int i = 0, count = (int)cluster_count(g->account); i < count; i++) {
        if (g->machines[i].gang < 0 || !pods_may_use(g, me, i))
            continue;
        if (!pods_room(f, i, (struct pods_pick){.got = 0}, &harm))
            continue;
        bool tight = best >= 0 && cluster_at(g->account, i)->bucket < cluster_at(g->account, best)->bucket;
        if (best >= 0 && !less(&harm, &least) && (less(&least, &harm) || !tight))
            continue;
        best = i;
        least = harm;
    }
    return best;
}

/* ---- the list of a gang ---- */

/* Whether a machine has what the gang has reserved of it when all who are marked are gone. */
static bool is_clear(const struct fit *f, int machine)
{
    const struct gang *me = &f->grid->gangs[f->gang];
    struct search s;
    bool some = false;
    for (int i = 0; i < me->pod_count; i++)
        some = some || (me->pods[i].node == machine && me->pods[i].want.gpus);
    look(&s, f, machine, &(struct resources){.gpus = some}, ++f->grid->look);
    for (unsigned c = 0; some && c < s.cases; c++)
        s.missing[c][GPUS]--; /* its own are there already */
    return is_enough(&s);
}

/* Whether it still has room everywhere when one of those who are marked stays. */
static bool goes_without(const struct fit *f, int gang)
{
    struct grid *g = f->grid;
    const struct gang *me = &g->gangs[f->gang];
    bool yes = true;
    g->gangs[gang].mark = 0;
    for (int i = 0; yes && i < me->pod_count; i++)
        if (!i || me->pods[i].node != me->pods[i - 1].node)
            yes = is_clear(f, me->pods[i].node);
    if (!yes)
        g->gangs[gang].mark = g->stamp;
    return yes;
}

/* Who is marked on the gang's machines, but for those whose GPUs it takes, into `out` (NULL: they are counted). */
static int list_marked(struct grid *g, const struct gang *me, int *out)
{
    uint64_t known = ++g->look;
    int n = 0;
    for (int i = 0; i < me->placed; i++)
        if (g->gpus[me->gpus[i]].user >= 0)
            g->gangs[g->gpus[me->gpus[i]].user].look = known;
    for (int i = 0; i < g->undo_count; i++)
        if (g->undo[i].reserver >= 0)
            g->gangs[g->undo[i].reserver].look = known;
    for (int i = 0; i < me->pod_count; i++)
        for (struct pod_link at = g->machines[me->pods[i].node]; at.gang >= 0;) {
            struct gang *h = &g->gangs[at.gang];
            if (h->mark == g->stamp && h->look != known) {
                h->look = known;
                if (out)
                    out[n] = at.gang;
                n++;
            }
            at = h->pods[at.pod].next;
        }
    return n;
}

static int worth(const void *a, const void *b, void *grid)
{
    const struct present x = {.gang = *(const int *)a}, y = {.gang = *(const int *)b};
    if (rather(grid, &x, &y))
        return 1;
    return rather(grid, &y, &x) ? -1 : 0;
}

/* Takes one who is not needed off the list. */
static void strike(struct grid *g, struct gang *me, int i)
{
    struct gang *h = &g->gangs[me->stops[i]];
    h->stopped--;
    h->in_way--;
    me->stops[i] = me->stops[--me->stop_count];
}

void stops_look(struct grid *g, int gang)
{
    struct gang *me = &g->gangs[gang];
    const struct fit f = {.grid = g, .gang = gang, .mode = FIT_IDLE};
    if (!me->stop_count)
        return;
    g->stamp++;
    for (int i = 0; i < me->placed; i++)
        if (g->gpus[me->gpus[i]].user >= 0)
            mark(g, g->gpus[me->gpus[i]].user);
    for (int i = 0; i < me->stop_count; i++)
        mark(g, me->stops[i]);
    qsort_r(me->stops, (size_t)me->stop_count, sizeof *me->stops, worth, g);
    for (int i = 0; i < me->stop_count; i++)
        if (goes_without(&f, me->stops[i]))
            strike(g, me, i--);
}

int stops_note(struct grid *g, int gang)
{
    struct gang *me = &g->gangs[gang];
    const struct fit f = {.grid = g, .gang = gang, .mode = FIT_IDLE};
    int n = g->stopping ? list_marked(g, me, NULL) : 0, *list = n ? calloc((size_t)n, sizeof *list) : NULL;
    if (!n || !list)
        return n ? -1 : 0;
    list_marked(g, me, list);
    qsort_r(list, (size_t)n, sizeof *list, worth, g);
    for (int i = 0; i < n; i++)
        if (!goes_without(&f, list[i]) && g->gangs[list[i]].state == GRID_ALLOCATED)
            list[me->stop_count++] = list[i];
    me->stops = list;
    for (int i = 0; i < me->stop_count; i++) {
        g->gangs[list[i]].stopped++;
        g->gangs[list[i]].in_way++;
    }
    return 0;
}

void stops_clear(struct grid *g, struct gang *me)
{
    while (me->stop_count)
        strike(g, me, me->stop_count - 1);
    free(me->stops);
    me->stops = NULL;
}

bool stops_has(const struct gang *me, int gang)
{
    int i = 0;
    while (i < me->stop_count && me->stops[i] != gang)
        i++;
    return i < me->stop_count;
}

void stops_forget(struct grid *g, int gang)
{
    for (int n = 0; g->gangs[gang].stopped && n < g->gang_count; n++)
        for (int i = 0; i < g->gangs[n].stop_count; i++)
            if (g->gangs[n].stops[i] == gang)
                strike(g, &g->gangs[n], i--);
}
