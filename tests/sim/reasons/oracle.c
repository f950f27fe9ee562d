/* SPDX-License-Identifier: MIT
 *
 * The oracle. A job that may stop others may as well stop all that it may: whether it fits is then a question of what
 * is left, and victims need not be chosen. What is left is tried machine by machine.
 */
#include "tests/sim/reasons/oracle.h"

#include <stdlib.h>
#include <string.h>

#include "core/internal.h"

enum { NOBODY = -1 };

/* One gang that holds or has reserved something. */
struct holder {
    int job;
    bool there, reserves, drains, oppo, borrowed;
    int node[WORLD_PODS]; /* of each pod */
};

/* Who is where. GPUs of guaranteed gangs lie in lots: of the whole machine, or of one GPU. */
struct facts {
    const struct world *world;
    int forgiven; /* so many of the oldest nodes that a job avoids are forgotten */
    bool up[WORLD_NODES];
    struct holder holders[WORLD_JOBS];
    int user[WORLD_NODES][WORLD_GPUS], reserver[WORLD_NODES][WORLD_GPUS]; /* jobs */
    int owner[WORLD_NODES][WORLD_GPUS];  /* whose guarantee it is in use for: a virtual cluster, or NOBODY */
    bool whole[WORLD_NODES][WORLD_GPUS]; /* it lies in a lot that is the machine */
    int promised_nodes[WORLD_VCS][WORLD_SKUS], promised_gpus[WORLD_VCS][WORLD_SKUS];
};

static const struct wish *wish_of(const struct facts *f, int job)
{
    return &f->world->jobs[job].wish;
}

static int asked(const struct wish *w)
{
    return w->pods * w->gpus;
}

/* ---- reading ---- */

static void read_holder(struct facts *f, int job)
{
    struct grid_place at[WORLD_NODES * WORLD_GPUS];
    const struct grid *g = f->world->core->grid;
    struct holder *h = &f->holders[job];
    int gang = world_gang(f->world, job);
    *h = (struct holder){.job = job};
    if (gang < 0 || grid_state_of(g, gang) == GRID_WAITING)
        return;
    h->there = true;
    h->reserves = grid_state_of(g, gang) == GRID_PREEMPTING;
    h->oppo = grid_is_oppo(g, gang);
    h->borrowed = grid_right_of(g, gang) == GRID_BORROWED;
    for (int p = 0; p < wish_of(f, job)->pods; p++)
        h->node[p] = grid_pod(g, gang, p, NULL);
    size_t n = grid_places(g, gang, at, sizeof at / sizeof *at);
    for (size_t i = 0; i < n; i++) {
        (h->reserves ? f->reserver : f->user)[at[i].node][at[i].gpu] = job;
        f->whole[at[i].node][at[i].gpu] |= at[i].level == 1;
        if (!h->oppo)
            f->owner[at[i].node][at[i].gpu] = wish_of(f, job)->vc;
    }
}

/* What each virtual cluster owns; "default" the rest, in whole machines where it can be. */
static void read_promises(struct facts *f)
{
    const struct script *s = f->world->script;
    for (int k = 0; k < WORLD_SKUS; k++) {
        int left = 0;
        for (int n = 0; n < s->nodes; n++)
            left += s->sku[n] == k ? WORLD_GPUS : 0;
        for (int v = 0; v < WORLD_VCS; v++) {
            const struct vc *vc = &f->world->vcs[v];
            for (size_t i = 0; i < vc->guarantee_count; i++)
                if (!strcmp(vc->guarantee[i].sku, world_sku_names[k])) {
                    f->promised_nodes[v][k] = vc->guarantee[i].nodes;
                    f->promised_gpus[v][k] = vc->guarantee[i].gpus;
                }
            left -= f->promised_nodes[v][k] * WORLD_GPUS + f->promised_gpus[v][k];
        }
        f->promised_nodes[WORLD_VCS - 1][k] = left / WORLD_GPUS;
        f->promised_gpus[WORLD_VCS - 1][k] = left % WORLD_GPUS;
    }
}

static void read_facts(struct facts *f, const struct world *w)
{
    *f = (struct facts){.world = w};
    for (int n = 0; n < WORLD_NODES; n++)
        for (int g = 0; g < WORLD_GPUS; g++)
            f->user[n][g] = f->reserver[n][g] = f->owner[n][g] = NOBODY;
    for (int n = 0; n < w->script->nodes; n++) {
        const struct node *info = &cluster_at(core_cluster(w->core), n)->info;
        f->up[n] = info->up && !info->cordoned;
    }
    for (int j = 0; j < w->job_count; j++)
        read_holder(f, j);
    read_promises(f);
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
                f->owner[n][g] = h == NOBODY || f->holders[h].oppo ? NOBODY : wish_of(f, h)->vc;
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

/* Whom a guaranteed job may stop: no job without GPUs. */
static bool victim(const struct facts *f, const struct holder *h, int me)
{
    const struct wish *mine = wish_of(f, me), *theirs = wish_of(f, h->job);
    if (!h->there || !theirs->gpus)
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

static void free_of(const struct facts *f, int n, int64_t *cpus, int *ports)
{
    *cpus = WORLD_CPUS;
    *ports = 100;
    for (int j = 0; j < f->world->job_count; j++)
        for (int p = 0; f->holders[j].there && p < wish_of(f, j)->pods; p++)
            if (f->holders[j].node[p] == n) {
                *cpus -= wish_of(f, j)->cpus;
                *ports -= wish_of(f, j)->ports;
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

/* How many pods a machine's CPUs and ports hold; 0 where the job may not go. */
static int most_pods(const struct facts *f, int me, int n)
{
    const struct wish *w = wish_of(f, me);
    int64_t cpus;
    int ports, most = w->pods;
    free_of(f, n, &cpus, &ports);
    if (!f->up[n] || (w->node >= 0 && w->node != n) || avoids(f, me, n))
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
    const struct wish *w = wish_of(f, me);
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
    int me = wish_of(f, l->me)->vc;
    struct cover c = cover_of(f, n);
    int mine = l->pods[n] * wish_of(f, l->me)->gpus - (l->whole[n] ? 0 : c.idle_of[me]);
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
    int nodes, gpus, nodes_before, gpus_before, me = wish_of(f, l->me)->vc;
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
    const struct wish *w = wish_of(f, l->me);
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
    return search(&l, 0, wish_of(f, me)->pods);
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
        if (f->holders[j].there && wish_of(f, j)->vc == wish_of(f, me)->vc && pick(f, &f->holders[j], me))
            total += amount(wish_of(f, j));
    return total;
}

static bool same_user(const struct facts *f, const struct holder *h, int me)
{
    return wish_of(f, h->job)->user == wish_of(f, me)->user;
}

static bool counts_cpus(const struct facts *f, const struct holder *h, int me)
{
    (void)me;
    return wish_of(f, h->job)->priority >= 0;
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
    return !h->oppo && wish_of(f, h->job)->priority > wish_of(f, me)->priority;
}

static bool over_cap(const struct facts *f, int me)
{
    const struct wish *w = wish_of(f, me);
    int cap = f->world->vcs[w->vc].user_cap;
    return cap && sum(f, me, gpus_of, same_user) + asked(w) > cap;
}

static bool over_cpus(const struct facts *f, int me)
{
    const struct wish *w = wish_of(f, me);
    int cpus = f->world->vcs[w->vc].cpus;
    return cpus && w->priority >= 0 && sum(f, me, cpus_of, counts_cpus) + cpus_of(w) > cpus;
}

static bool may_borrow(const struct facts *f, int me)
{
    const struct wish *w = wish_of(f, me);
    return w->priority >= 0 && w->gpus && sum(f, me, gpus_of, has_borrowed) + asked(w) <= f->world->vcs[w->vc].borrow;
}

/* GPUs that the virtual cluster owns of what the job may use. */
static int owned(const struct facts *f, int me)
{
    const struct wish *w = wish_of(f, me);
    int gpus = 0;
    for (int k = 0; k < WORLD_SKUS; k++)
        if (w->sku < 0 || w->sku == k)
            gpus += f->promised_nodes[w->vc][k] * WORLD_GPUS + f->promised_gpus[w->vc][k];
    return gpus;
}

/* GPUs of what it may use that its virtual cluster holds, by those who are picked. */
static int held(const struct facts *f, int me, pick_fn *pick)
{
    const struct wish *w = wish_of(f, me);
    int gpus = 0;
    for (int n = 0; n < f->world->script->nodes; n++)
        for (int g = 0; g < WORLD_GPUS; g++)
            gpus += (w->sku < 0 || w->sku == f->world->script->sku[n]) && f->owner[n][g] == w->vc &&
                    pick(f, &f->holders[holder_at(f, n, g)], me);
    return gpus;
}

static int idle(const struct facts *f, int me)
{
    const struct wish *w = wish_of(f, me);
    int gpus = 0;
    for (int n = 0; n < f->world->script->nodes; n++)
        if (f->up[n] && (w->sku < 0 || w->sku == f->world->script->sku[n]) && (w->node < 0 || w->node == n) &&
            !avoids(f, me, n))
            gpus += cover_of(f, n).idle;
    return gpus;
}

/* ---- the answer ---- */

static bool starts(const struct facts *f, int me)
{
    const struct wish *w = wish_of(f, me);
    if (over_cap(f, me) || over_cpus(f, me))
        return false;
    if (!w->gpus || w->priority < 0)
        return fits_idle(f, me);
    return fits_guarantee(f, me) || (may_borrow(f, me) && fits_idle(f, me));
}

static struct facts healthy(const struct facts *f)
{
    struct facts well = *f;
    for (int n = 0; n < f->world->script->nodes; n++)
        well.up[n] = true;
    return well;
}

/* Of the virtual cluster's own, and of what it may borrow. */
static enum explain_reason by_amounts(const struct facts *f, int me)
{
    const struct wish *w = wish_of(f, me);
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

/* Nodes that it has to go back on when it is considered, as there is no other place. */
static int forgive(struct facts f, int me)
{
    const struct job *j = world_job(f.world, me);
    for (f.forgiven = 0; j->avoid && f.forgiven <= j->avoid->count; f.forgiven++) {
        struct facts alone = without(&f, anybody, me);
        if (starts(&alone, me))
            return f.forgiven;
    }
    return 0;
}

enum explain_reason oracle_then(const struct world *w, int job)
{
    struct facts f;
    read_facts(&f, w);
    f.forgiven = forgive(f, job);
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
    if (starts(&well, job) || !starts(&alone, job))
        return EXPLAIN_UNHEALTHY;
    if (starts(&clear, job))
        return EXPLAIN_RESERVED;
    return by_amounts(&f, job);
}
