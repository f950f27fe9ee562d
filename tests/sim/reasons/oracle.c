/* SPDX-License-Identifier: MIT
 *
 * The oracle. A job that may stop others may as well stop all that it may: whether it fits is then a question of what
 * is left, and victims need not be chosen. What is left is tried machine by machine.
 */
#include "tests/sim/reasons/oracle.h"

#include <stdlib.h>
#include <string.h>

#include "core/internal.h"
#include "tests/sim/reasons/facts.h"

static int asked(const struct wish *w)
{
    return w->pods * w->gpus;
}

/* ---- thinking away ---- */

static int holder_at(const struct facts *f, int n, int g)
{
    return f->reserver[n][g] != NOBODY ? f->reserver[n][g] : f->user[n][g];
}

/* One who is gone. The lots that were its alone are free, but not for whoever stops it: that one gets just its place.
 */
static void forget(struct facts *f, int job, bool lots_too)
{
    f->holders[job].there = false;
    for (int n = 0; n < WORLD_NODES; n++)
        for (int g = 0; g < WORLD_GPUS; g++) {
            if (f->user[n][g] == job)
                f->user[n][g] = NOBODY;
            if (f->reserver[n][g] == job)
                f->reserver[n][g] = NOBODY;
            int h = holder_at(f, n, g);
            if (lots_too)
                f->owner[n][g] = h == NOBODY || f->holders[h].oppo ? NOBODY : facts_wish(f, h)->vc;
        }
}

typedef bool pick_fn(const struct facts *f, const struct holder *h, int me);

static bool anybody(const struct facts *f, const struct holder *h, int me)
{
    (void)f;
    (void)me;
    return h->there;
}

static bool who_reserves(const struct facts *f, const struct holder *h, int me)
{
    (void)f;
    (void)me;
    return h->there && h->reserves;
}

/* Whom a guaranteed job may stop. */
static bool victim(const struct facts *f, const struct holder *h, int me)
{
    const struct wish *mine = facts_wish(f, me), *theirs = facts_wish(f, h->job);
    if (!h->there || mine->priority < 0)
        return false;
    if (h->oppo)
        return true;
    return theirs->vc == mine->vc && theirs->priority < mine->priority &&
           (h->reserves || theirs->preemption != SPEC_PREEMPTION_NEVER);
}

static struct facts without(const struct facts *f, pick_fn *pick, int me)
{
    struct facts left = *f;
    for (int j = 0; j < f->world->job_count; j++)
        if (pick(f, &f->holders[j], me))
            forget(&left, j, pick != victim);
    return left;
}

/* ---- what is left ---- */

/* What a machine is: the lot of a virtual cluster; or in parts: so many GPUs of each, and so many of nobody. */
struct cover {
    int whole;                             /* virtual cluster, or NOBODY */
    int of[WORLD_VCS], idle_of[WORLD_VCS]; /* in single GPUs; of those, idle */
    int nobody, idle;
};

static struct cover cover_of(const struct facts *f, int n)
{
    struct cover c = {.whole = NOBODY};
    for (int g = 0; g < WORLD_GPUS; g++) {
        int vc = f->owner[n][g], idle = holder_at(f, n, g) == NOBODY;
        c.idle += idle;
        if (vc == NOBODY)
            c.nobody++;
        else if (f->whole[n][g])
            c.whole = vc;
        else
            c.of[vc]++, c.idle_of[vc] += idle;
    }
    return c;
}

static int pods_on(const struct facts *f, int job, int n)
{
    int pods = 0;
    for (int p = 0; f->holders[job].there && p < facts_wish(f, job)->pods; p++)
        pods += f->holders[job].node[p] == n;
    return pods;
}

/* CPUs of a machine that are free when of those who have reserved there only these have come, and whom they wait for
 * have left. */
static int64_t free_cpus(const struct facts *f, int n, const int *reservers, int count, unsigned come)
{
    int64_t cpus = WORLD_CPUS;
    for (int j = 0; j < f->world->job_count; j++) {
        bool there = !f->holders[j].reserves;
        for (int i = 0; i < count; i++)
            if (come >> i & 1) {
                there = there || reservers[i] == j;
                there = there && !f->waits[reservers[i]][j];
            }
        cpus -= there ? (int64_t)pods_on(f, j, n) * facts_wish(f, j)->cpus : 0;
    }
    return cpus;
}

/* What of a machine is free whoever of those has come. */
static void free_of(const struct facts *f, int n, int64_t *cpus, int *ports)
{
    int reservers[WORLD_JOBS], count = 0;
    *cpus = WORLD_CPUS;
    *ports = 100;
    for (int j = 0; j < f->world->job_count; j++) {
        *ports -= pods_on(f, j, n) * facts_wish(f, j)->ports;
        if (f->holders[j].reserves && pods_on(f, j, n))
            reservers[count++] = j;
    }
    for (unsigned come = 0; come < 1u << count; come++) {
        int64_t left = free_cpus(f, n, reservers, count, come);
        *cpus = left < *cpus ? left : *cpus;
    }
}

/* Whether it keeps away from a machine where it has failed. */
static bool avoids(const struct facts *f, int me, int n)
{
    const struct job *j = world_job(f->world, me);
    for (int i = f->forgiven; j && j->avoid && i < j->avoid->count; i++)
        if (!strcmp(j->avoid->node[i], cluster_at(core_cluster(f->world->core), n)->info.name))
            return true;
    return false;
}

/* Whether it might still run when maintenance of a machine begins. */
static bool overruns(const struct facts *f, int me, int n)
{
    const int64_t limit = facts_wish(f, me)->limit;
    return f->closes[n] != INT64_MAX && (!limit || f->world->now.wall + 1000 * limit > f->closes[n]);
}

/* How many pods a machine's CPUs and ports hold; 0 where the job may not go. */
static int most_pods(const struct facts *f, int me, int n)
{
    const struct wish *w = facts_wish(f, me);
    int64_t cpus;
    int ports, most = w->pods;
    free_of(f, n, &cpus, &ports);
    if (!f->up[n] || (w->node >= 0 && w->node != n) || avoids(f, me, n) || overruns(f, me, n))
        return 0;
    if (w->gpus && w->sku >= 0 && w->sku != f->world->script->sku[n])
        return 0;
    while (most > 0 && (cpus < (int64_t)most * w->cpus || ports < most * w->ports))
        most--;
    return most;
}

/* On what is idle, whoever's it is. */
static bool fits_idle(const struct facts *f, int me)
{
    int pods = 0;
    const struct wish *w = facts_wish(f, me);
    for (int n = 0; n < f->world->script->nodes; n++) {
        int most = most_pods(f, me, n), idle = cover_of(f, n).idle;
        if (w->gpus && idle / w->gpus < most)
            most = idle / w->gpus;
        pods += most;
    }
    return pods >= w->pods;
}

/* ---- within a guarantee ---- */

/* How a job lies: for each machine how many pods, and whether the machine becomes (or is) a lot. */
struct lie {
    const struct facts *facts;
    int me, sku;
    int pods[WORLD_NODES];
    bool whole[WORLD_NODES];
};

/* Machines and GPUs of a SKU by what they are. */
struct stock {
    int nodes, loose;                                /* machines of nobody; GPUs of nobody in machines in parts */
    int owed_nodes[WORLD_VCS], owed_gpus[WORLD_VCS]; /* promised and not in use */
};

/* Adds one machine, as it would be. */
static void add_machine(const struct lie *l, int n, bool counts, struct stock *s)
{
    const struct facts *f = l->facts;
    int me = facts_wish(f, l->me)->vc;
    struct cover c = cover_of(f, n);
    int mine = l->pods[n] * facts_wish(f, l->me)->gpus - (l->whole[n] ? 0 : c.idle_of[me]);
    bool fresh = l->pods[n] && l->whole[n] && c.whole == NOBODY;
    mine = mine < 0 ? 0 : mine; /* single GPUs that become its own */
    for (int v = 0; v < WORLD_VCS; v++)
        s->owed_gpus[v] -= c.of[v] + (v == me && !l->whole[n] ? mine : 0);
    if (c.whole != NOBODY || fresh)
        s->owed_nodes[fresh ? me : c.whole]--;
    else if (c.nobody == WORLD_GPUS && !mine)
        s->nodes += counts;
    else if (counts)
        s->loose += c.nobody - mine;
}

static struct stock take_stock(const struct lie *l, bool healthy)
{
    const struct facts *f = l->facts;
    struct stock s = {0};
    for (int v = 0; v < WORLD_VCS; v++) {
        s.owed_nodes[v] = f->promised_nodes[v][l->sku];
        s.owed_gpus[v] = f->promised_gpus[v][l->sku];
    }
    for (int n = 0; n < f->world->script->nodes; n++)
        if (f->world->script->sku[n] == l->sku)
            add_machine(l, n, !healthy || f->up[n], &s);
    return s;
}

/* What is short when everybody takes what is owed: machines first. */
static void shortage(const struct stock *s, int *nodes, int *gpus)
{
    int owed_nodes = 0, owed_gpus = 0;
    for (int v = 0; v < WORLD_VCS; v++) {
        owed_nodes += s->owed_nodes[v];
        owed_gpus += s->owed_gpus[v];
    }
    int left = s->nodes - owed_nodes;
    *nodes = left < 0 ? -left : 0;
    int have = s->loose + (left > 0 ? left * WORLD_GPUS : 0);
    *gpus = owed_gpus > have ? owed_gpus - have : 0;
}

/* Of what is short, the largest owner goes without first ("default" before its equals): how much of it one owner loses.
 */
static int lost(const int promised[WORLD_VCS][WORLD_SKUS], const int owed[WORLD_VCS], int sku, int missing, int me)
{
    int gone[WORLD_VCS] = {0};
    for (; missing > 0; missing--) {
        int worst = -1;
        for (int i = 0, v; i < WORLD_VCS; i++)
            if (v = (i + WORLD_VCS - 1) % WORLD_VCS,
                owed[v] > gone[v] && (worst < 0 || promised[v][sku] - gone[v] > promised[worst][sku] - gone[worst]))
                worst = v;
        if (worst >= 0)
            gone[worst]++;
    }
    return gone[me];
}

/* Whether what is owed to others can still be given to them, and the job's own virtual cluster owns so much. */
static bool lawful(struct lie *l)
{
    const struct facts *f = l->facts;
    struct lie before = {.facts = f, .me = l->me, .sku = l->sku};
    int nodes, gpus, nodes_before, gpus_before, me = facts_wish(f, l->me)->vc;
    struct stock now = take_stock(l, false), was = take_stock(&before, true), well = take_stock(l, true);
    shortage(&now, &nodes, &gpus);
    if (now.owed_nodes[me] < 0 || now.owed_gpus[me] < 0 || nodes || gpus)
        return false;
    shortage(&was, &nodes_before, &gpus_before);
    shortage(&well, &nodes, &gpus);
    if (nodes > nodes_before || gpus > gpus_before)
        return false;
    int no_nodes = lost(f->promised_nodes, was.owed_nodes, l->sku, nodes_before, me);
    int no_gpus = lost(f->promised_gpus, was.owed_gpus, l->sku, gpus_before, me);
    return (now.owed_nodes[me] >= no_nodes || now.owed_nodes[me] == was.owed_nodes[me]) &&
           (now.owed_gpus[me] >= no_gpus || now.owed_gpus[me] == was.owed_gpus[me]);
}

static bool lawful_everywhere(struct lie *l)
{
    for (l->sku = 0; l->sku < WORLD_SKUS; l->sku++)
        if (!lawful(l))
            return false;
    return true;
}

/* Tries all ways to lie on the machines from `n` on. */
static bool search(struct lie *l, int n, int left)
{
    const struct facts *f = l->facts;
    const struct wish *w = facts_wish(f, l->me);
    if (!left)
        return lawful_everywhere(l);
    if (n == f->world->script->nodes)
        return false;
    struct cover c = cover_of(f, n);
    int most = most_pods(f, l->me, n);
    for (int whole = 0; whole < 2; whole++) {
        bool mine = c.whole == w->vc, nobody = c.whole == NOBODY;
        int room = whole ? (mine                               ? c.idle
                            : nobody && c.nobody == WORLD_GPUS ? WORLD_GPUS
                                                               : 0)
                         : (nobody ? c.nobody + c.idle_of[w->vc] : 0);
        for (int k = 1; k <= left && k <= most && k * w->gpus <= room; k++) {
            l->pods[n] = k;
            l->whole[n] = whole;
            if (search(l, n + 1, left - k))
                return true;
        }
    }
    l->pods[n] = 0;
    l->whole[n] = false;
    return search(l, n + 1, left);
}

static bool fits_guarantee(const struct facts *f, int me)
{
    struct facts left = without(f, victim, me);
    struct lie l = {.facts = &left, .me = me};
    return search(&l, 0, facts_wish(f, me)->pods);
}

/* ---- limits ---- */

typedef int amount_fn(const struct wish *w);

static int gpus_of(const struct wish *w)
{
    return asked(w);
}

static int cpus_of(const struct wish *w)
{
    return w->gpus ? 0 : w->pods * w->cpus;
}

/* Sums over those who hold something in the job's virtual cluster. */
static int sum(const struct facts *f, int me, amount_fn *amount, pick_fn *pick)
{
    int total = 0;
    for (int j = 0; j < f->world->job_count; j++)
        if (f->holders[j].there && facts_wish(f, j)->vc == facts_wish(f, me)->vc && pick(f, &f->holders[j], me))
            total += amount(facts_wish(f, j));
    return total;
}

static bool same_user(const struct facts *f, const struct holder *h, int me)
{
    return facts_wish(f, h->job)->user == facts_wish(f, me)->user;
}

static bool counts_cpus(const struct facts *f, const struct holder *h, int me)
{
    (void)me;
    return facts_wish(f, h->job)->priority >= 0;
}

static bool has_borrowed(const struct facts *f, const struct holder *h, int me)
{
    (void)f;
    (void)me;
    return h->borrowed;
}

static bool stays(const struct facts *f, const struct holder *h, int me)
{
    return !h->oppo && !victim(f, h, me);
}

static bool is_higher(const struct facts *f, const struct holder *h, int me)
{
    return !h->oppo && facts_wish(f, h->job)->priority > facts_wish(f, me)->priority;
}

static bool over_cap(const struct facts *f, int me)
{
    const struct wish *w = facts_wish(f, me);
    int cap = f->world->vcs[w->vc].user_cap;
    return cap && sum(f, me, gpus_of, same_user) + asked(w) > cap;
}

static bool over_cpus(const struct facts *f, int me)
{
    const struct wish *w = facts_wish(f, me);
    int cpus = f->world->vcs[w->vc].cpus;
    return cpus && w->priority >= 0 && sum(f, me, cpus_of, counts_cpus) + cpus_of(w) > cpus;
}

static bool may_borrow(const struct facts *f, int me)
{
    const struct wish *w = facts_wish(f, me);
    return w->priority >= 0 && w->gpus && sum(f, me, gpus_of, has_borrowed) + asked(w) <= f->world->vcs[w->vc].borrow;
}

/* GPUs that the virtual cluster owns of what the job may use. */
static int owned(const struct facts *f, int me)
{
    const struct wish *w = facts_wish(f, me);
    int gpus = 0;
    for (int k = 0; k < WORLD_SKUS; k++)
        if (w->sku < 0 || w->sku == k)
            gpus += f->promised_nodes[w->vc][k] * WORLD_GPUS + f->promised_gpus[w->vc][k];
    return gpus;
}

/* GPUs of what it may use that its virtual cluster holds, by those who are picked. */
static int held(const struct facts *f, int me, pick_fn *pick)
{
    const struct wish *w = facts_wish(f, me);
    int gpus = 0;
    for (int n = 0; n < f->world->script->nodes; n++)
        for (int g = 0; g < WORLD_GPUS; g++)
            gpus += (w->sku < 0 || w->sku == f->world->script->sku[n]) && f->owner[n][g] == w->vc &&
                    pick(f, &f->holders[holder_at(f, n, g)], me);
    return gpus;
}

static int idle(const struct facts *f, int me)
{
    const struct wish *w = facts_wish(f, me);
    int gpus = 0;
    for (int n = 0; n < f->world->script->nodes; n++)
        if (f->up[n] && (w->sku < 0 || w->sku == f->world->script->sku[n]) && (w->node < 0 || w->node == n) &&
            !avoids(f, me, n) && !overruns(f, me, n))
            gpus += cover_of(f, n).idle;
    return gpus;
}

/* ---- the answer ---- */

static bool starts(const struct facts *f, int me)
{
    const struct wish *w = facts_wish(f, me);
    if (over_cap(f, me) || over_cpus(f, me))
        return false;
    if (w->priority < 0)
        return fits_idle(f, me);
    if (!w->gpus) {
        struct facts left = without(f, victim, me);
        return fits_idle(&left, me);
    }
    return fits_guarantee(f, me) || (may_borrow(f, me) && fits_idle(f, me));
}

static struct facts healthy(const struct facts *f)
{
    struct facts well = *f;
    for (int n = 0; n < f->world->script->nodes; n++)
        well.up[n] = true, well.closes[n] = INT64_MAX;
    return well;
}

/* No maintenance. */
static struct facts open_to_all(const struct facts *f)
{
    struct facts open = *f;
    for (int n = 0; n < f->world->script->nodes; n++)
        open.up[n] = !f->bad[n], open.closes[n] = INT64_MAX;
    return open;
}

static bool some_bad(const struct facts *f)
{
    for (int n = 0; n < f->world->script->nodes; n++)
        if (f->bad[n])
            return true;
    return false;
}

/* Of the virtual cluster's own, and of what it may borrow. */
static enum explain_reason by_amounts(const struct facts *f, int me)
{
    const struct wish *w = facts_wish(f, me);
    if (over_cpus(f, me))
        return EXPLAIN_QUOTA;
    if (!w->gpus)
        return EXPLAIN_BUSY;
    bool own = w->priority >= 0 && held(f, me, stays) + asked(w) <= owned(f, me);
    bool lent = (w->priority < 0 || may_borrow(f, me)) && idle(f, me) >= asked(w);
    if (own || lent)
        return EXPLAIN_FRAGMENTED;
    if (w->priority < 0 || may_borrow(f, me))
        return EXPLAIN_BUSY;
    int own_all = owned(f, me);
    return asked(w) <= own_all && held(f, me, is_higher) + asked(w) > own_all ? EXPLAIN_PRIORITY : EXPLAIN_QUOTA;
}

static bool is_told(const struct world *w, int job)
{
    for (int i = 0; i < w->order_count; i++)
        if (w->orders[i].job == job && w->orders[i].alive && w->orders[i].told)
            return true;
    return false;
}

/* Whether somebody who may not be stopped for it, or was not told to stop, uses what it has reserved. */
static bool waits_for_ends(const struct facts *f, int me)
{
    for (int j = 0; j < f->world->job_count; j++)
        if (facts_in_way(f, j, me) && (!victim(f, &f->holders[j], me) || !is_told(f->world, j)))
            return true;
    for (int n = 0; n < WORLD_NODES; n++)
        for (int g = 0; g < WORLD_GPUS; g++)
            if (f->reserver[n][g] == me && f->user[n][g] != NOBODY &&
                (!victim(f, &f->holders[f->user[n][g]], me) || !is_told(f->world, f->user[n][g])))
                return true;
    return false;
}

enum explain_reason oracle_reason(const struct world *w, int job)
{
    const struct job *j = world_job(w, job);
    if (j->held_by[0])
        return EXPLAIN_HELD;
    return j->due_ms > w->now.wall ? EXPLAIN_BACKOFF : oracle_then(w, job);
}

/* The fewest nodes that it has to go back on to run alone; -1: that does not help. */
static int fewest(struct facts f, int me)
{
    const struct job *j = world_job(f.world, me);
    for (f.forgiven = 0; j->avoid && f.forgiven <= j->avoid->count; f.forgiven++) {
        struct facts alone = without(&f, anybody, me);
        if (starts(&alone, me))
            return f.forgiven;
    }
    return -1;
}

/* Nodes that it has to go back on when it is considered, as there is no other place, or would be none. */
static int forgive(const struct facts *f, int me)
{
    struct facts well = healthy(f);
    int now = fewest(*f, me), then = fewest(well, me);
    return now >= 0 ? now : then >= 0 ? then : 0;
}

enum explain_reason oracle_then(const struct world *w, int job)
{
    struct facts f;
    facts_read(&f, w);
    f.forgiven = forgive(&f, job);
    if (f.holders[job].there)
        return waits_for_ends(&f, job) ? EXPLAIN_AGED : EXPLAIN_VICTIMS;
    struct facts well = healthy(&f), alone = without(&f, anybody, job), both = without(&well, anybody, job);
    struct facts clear = without(&f, who_reserves, job), where_it_failed = f;
    where_it_failed.forgiven = AVOID_MAX;
    if (starts(&f, job))
        return EXPLAIN_STARTS;
    if (starts(&where_it_failed, job))
        return EXPLAIN_AVOIDS;
    if (over_cap(&f, job))
        return EXPLAIN_USER_CAP;
    if (!starts(&both, job))
        return EXPLAIN_NEVER;
    struct facts open = open_to_all(&f), idle_open = without(&open, anybody, job);
    if (starts(&open, job) || (!starts(&alone, job) && starts(&idle_open, job)))
        return EXPLAIN_MAINTENANCE;
    if (some_bad(&f) && (starts(&well, job) || !starts(&alone, job)))
        return EXPLAIN_UNHEALTHY;
    if (starts(&clear, job))
        return EXPLAIN_RESERVED;
    return by_amounts(&f, job);
}
