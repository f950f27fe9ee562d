/* SPDX-License-Identifier: MIT
 *
 * Random histories where CPUs and memory are short: machines with and without GPUs, jobs with and without, ends,
 * withdrawals, victims that leave one by one, machines lost, found and made smaller, reservations by age, restarts.
 * What must hold is stated anew from where the pods are:
 *
 *   I4  what runs on a machine fits it, no GPU has two users, and a gang has all its pods on machines that are up
 *   I5  states move along the edges of scheduler/grid.h
 *   I9  who would fit if all stopped that it may stop does not wait (jobs without GPUs); victims may be stopped, and
 *       when they have left there is room, whoever else has reserved; nobody is in the way for nothing
 *
 * usage: seeds.h
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "scheduler/cluster.h"
#include "scheduler/grid.h"
#include "sim/random.h"
#include "tests/sim/seeds.h"
#include "tests/sim/turns.h"

enum { MACHINES = 6, GPUS = 4, VCS = 2, JOBS = 32, PODS = 3, PASSES = 8, RECOUNT = 50, MEMORY = 16 };

struct job {
    int gang, vc;
    enum grid_state state; /* when last looked at */
    bool aged;
    bool stale; /* has reserved while a machine was larger */
    struct grid_pods pods;
    struct grid_need need;
    struct grid_request ask;
    unsigned only; /* machines, as bits */
    int node[PODS];
};

struct world {
    struct topology topology;
    struct topology_chain chain;
    struct topology_root roots[MACHINES];
    char names[MACHINES][1][TOPOLOGY_NAME_MAX];
    struct vcluster vcs[VCS];
    struct vcluster_quota quotas[VCS];
    int machines, with_gpus, cpus[MACHINES];
    bool down[MACHINES], shrunk[MACHINES];
    struct cluster *account;
    struct grid *grid;
    struct job jobs[JOBS];
    int job_count;
    int64_t seq;
    uint64_t seed;
    long preempted; /* gangs that stopped somebody for CPUs or memory */
};

static const char *const vc_names[VCS] = {"a", "b"};

#define wrong seeds_wrong

/* ---- the world ---- */

static bool tell(struct world *w, int n)
{
    struct node info = {.cpus = w->cpus[n], .memory_mb = MEMORY, .up = !w->down[n]};
    info.gpu_count = n < w->with_gpus ? GPUS : 0;
    snprintf(info.name, sizeof info.name, "%s", w->names[n][0]);
    for (int i = 0; i < info.gpu_count; i++)
        snprintf(info.gpus[i].model, sizeof info.gpus[i].model, "gpu");
    return cluster_put_node(w->account, &info) == n || wrong("out of memory");
}

/* An account and a grid with nobody there. */
static bool make(struct world *w)
{
    struct err e = {0};
    w->account = cluster_create();
    for (int n = 0; n < w->machines; n++)
        if (!w->account || !tell(w, n))
            return false;
    w->grid = grid_create(&w->topology, w->vcs, VCS, &e);
    if (!w->grid || grid_account(w->grid, w->account))
        return wrong(e.text);
    for (int n = 0; n < w->with_gpus; n++)
        if (w->down[n])
            grid_health(w->grid, n, false);
    return true;
}

static void draw(struct world *w)
{
    w->machines = 2 + random_below(&w->seed, MACHINES - 1);
    w->with_gpus = 1 + random_below(&w->seed, w->machines);
    w->chain = (struct topology_chain){.levels = 2, .node_level = 1};
    snprintf(w->chain.level[0].name, TOPOLOGY_NAME_MAX, "gpu");
    snprintf(w->chain.level[1].name, TOPOLOGY_NAME_MAX, "node");
    w->chain.level[0].fanout = 1;
    w->chain.level[1].fanout = GPUS;
    topology_chain_size(&w->chain);
    for (int n = 0; n < w->machines; n++) {
        w->cpus[n] = 8 + random_below(&w->seed, 9);
        snprintf(w->names[n][0], TOPOLOGY_NAME_MAX, "n%d", n);
        w->roots[n] = (struct topology_root){.nodes = w->names[n], .node_count = 1};
    }
    w->topology =
        (struct topology){.chains = &w->chain, .chain_count = 1, .roots = w->roots, .root_count = (size_t)w->with_gpus};
    int own = random_below(&w->seed, w->with_gpus + 1);
    w->quotas[0] = (struct vcluster_quota){.level = 1, .count = own};
    w->quotas[1] = (struct vcluster_quota){.level = 0, .count = (w->with_gpus - own) * GPUS};
    for (int v = 0; v < VCS; v++) {
        w->vcs[v] = (struct vcluster){.quotas = &w->quotas[v], .quota_count = 1, .borrow = random_below(&w->seed, 5)};
        snprintf(w->vcs[v].name, TOPOLOGY_NAME_MAX, "%s", vc_names[v]);
    }
}

static int job_of(const struct world *w, int gang)
{
    for (int i = 0; i < w->job_count; i++)
        if (w->jobs[i].gang == gang)
            return i;
    return -1;
}

static const struct grid_request *ask(struct job *j)
{
    j->ask.pods = &j->pods;
    j->ask.needs = &j->need;
    return &j->ask;
}

/* ---- events ---- */

static bool narrow(struct world *w, struct job *j)
{
    const char *only[MACHINES];
    size_t n = 0;
    for (int m = 0; m < w->machines; m++)
        if (j->only >> m & 1)
            only[n++] = w->names[m][0];
    return !grid_only(w->grid, j->gang, only, n) || wrong("out of memory");
}

static bool submit(struct world *w)
{
    static const int priorities[] = {-1, -1, 5, 5, 100}, gpus[] = {0, 0, 0, 1, 2, 4};
    struct job *j = &w->jobs[w->job_count];
    struct err e = {0};
    if (w->job_count == JOBS)
        return true;
    *j = (struct job){.vc = random_below(&w->seed, VCS),
                      .pods = {1 + random_below(&w->seed, PODS), gpus[random_below(&w->seed, 6)]},
                      .need = {.cpus = 1 + random_below(&w->seed, 8), .memory_mb = 1 + random_below(&w->seed, 8)}};
    j->only = random_below(&w->seed, 4) ? ~0U : 1U << random_below(&w->seed, w->machines);
    j->ask = (struct grid_request){.vc = vc_names[j->vc],
                                   .pod_kinds = 1,
                                   .priority = priorities[random_below(&w->seed, 5)],
                                   .patient = true,
                                   .lazy = random_below(&w->seed, 4) == 0,
                                   .no_stop = random_below(&w->seed, 4) == 0,
                                   .seq = w->seq++};
    j->gang = grid_submit(w->grid, ask(j), &e);
    w->job_count++;
    return j->gang >= 0 ? narrow(w, j) : wrong(e.text);
}

static void drop(struct world *w, int i)
{
    grid_remove(w->grid, w->jobs[i].gang);
    w->jobs[i] = w->jobs[--w->job_count];
}

static bool end_one(struct world *w)
{
    if (w->job_count)
        drop(w, random_below(&w->seed, w->job_count));
    return true;
}

/* One of those whom somebody waits for leaves, or all. */
static bool leave(struct world *w)
{
    int victims[JOBS], i = w->job_count ? random_below(&w->seed, w->job_count) : 0;
    if (!w->job_count || w->jobs[i].state != GRID_PREEMPTING)
        return true;
    int n = (int)grid_in_way(w->grid, w->jobs[i].gang, victims, JOBS), first = random_below(&w->seed, n + 1);
    for (int k = first < n ? first : 0; k < (first < n ? first + 1 : n); k++)
        drop(w, job_of(w, victims[k]));
    return true;
}

static bool change_machine(struct world *w)
{
    int n = random_below(&w->seed, w->machines);
    if (random_below(&w->seed, 4) == 0) {
        w->cpus[n] = 8 + random_below(&w->seed, 9);
        w->shrunk[n] = true;
        for (int i = 0; i < w->job_count; i++)
            w->jobs[i].stale = w->jobs[i].state == GRID_PREEMPTING;
    } else {
        w->down[n] = !w->down[n];
    }
    bool ok = tell(w, n);
    if (n < w->with_gpus)
        grid_health(w->grid, n, !w->down[n]);
    else if (w->down[n])
        grid_lost(w->grid, n);
    grid_touch(w->grid);
    return ok;
}

static bool reserve(struct world *w)
{
    struct job *j = w->job_count ? &w->jobs[random_below(&w->seed, w->job_count)] : NULL;
    if (j && j->state == GRID_WAITING)
        j->aged = grid_reserve(w->grid, j->gang) == GRID_PREEMPTING;
    return true;
}

static bool take_in(struct world *w, const struct grid *old, struct job *j)
{
    struct grid_seat seats[PODS];
    int gpus[PODS][GPUS], was = j->gang;
    const struct resources want = {j->need.cpus, j->need.memory_mb, j->pods.gpus};
    struct err e = {0};
    bool ran = grid_state_of(old, was) == GRID_ALLOCATED;
    for (int p = 0; ran && p < j->pods.count; p++) {
        bool lie = grid_pod_gpus(old, was, p, gpus[p]);
        seats[p] = (struct grid_seat){.node = grid_pod(old, was, p, NULL), .gpus = lie ? gpus[p] : NULL};
        (void)cluster_retake(w->account, seats[p].node, &want, NULL, 0);
    }
    j->gang = ran ? grid_adopt_seats(w->grid, ask(j), seats, &e) : grid_submit(w->grid, ask(j), &e);
    j->state = ran ? GRID_ALLOCATED : GRID_WAITING;
    return j->gang >= 0 ? narrow(w, j) : wrong(e.text);
}

/* What runs is taken in again; who had reserved waits. */
static bool restart(struct world *w)
{
    struct grid *old = w->grid;
    struct cluster *before = w->account;
    bool ok = make(w);
    for (int i = 0; ok && i < w->job_count; i++)
        ok = take_in(w, old, &w->jobs[i]);
    grid_destroy(old);
    cluster_destroy(before);
    return ok;
}

typedef bool event_fn(struct world *w);

static bool event(struct world *w)
{
    static const struct {
        int percent;
        event_fn *run;
    } kinds[] = {{48, submit}, {20, end_one}, {20, leave}, {6, change_machine}, {4, reserve}, {2, restart}};
    int dice = random_below(&w->seed, 100), k = 0;
    while (dice >= kinds[k].percent)
        dice -= kinds[k++].percent;
    return kinds[k].run(w);
}

/* ---- what is there ---- */

/* What is taken of a machine by gangs that are counted. */
struct taken {
    int64_t cpus, memory;
};

typedef bool counts_fn(const struct world *w, const struct job *j, const void *context);

static struct taken sum(const struct world *w, int machine, counts_fn *counts, const void *context)
{
    struct taken t = {0};
    for (int i = 0; i < w->job_count; i++) {
        const struct job *j = &w->jobs[i];
        for (int p = 0; j->state != GRID_WAITING && p < j->pods.count; p++)
            if (j->node[p] == machine && counts(w, j, context)) {
                t.cpus += j->need.cpus;
                t.memory += j->need.memory_mb;
            }
    }
    return t;
}

static bool fits(const struct world *w, int machine, struct taken t)
{
    return t.cpus <= w->cpus[machine] && t.memory <= MEMORY;
}

static bool runs(const struct world *w, const struct job *j, const void *context)
{
    (void)w;
    (void)context;
    return j->state == GRID_ALLOCATED;
}

/* ---- what must hold ---- */

static bool edge(enum grid_state from, enum grid_state to)
{
    return from == to || (from == GRID_WAITING ? to != GRID_WAITING : from == GRID_PREEMPTING);
}

static bool note(struct world *w, struct job *j, int users[MACHINES][GPUS])
{
    struct grid_place at[PODS * GPUS];
    enum grid_state was = j->state, now = grid_state_of(w->grid, j->gang);
    size_t n = grid_places(w->grid, j->gang, at, PODS * GPUS);
    if (!edge(was, now))
        return wrong("I5: an edge that is not allowed");
    j->state = now;
    j->aged = j->aged && now == GRID_PREEMPTING;
    j->stale = j->stale && now == GRID_PREEMPTING;
    if (n != (size_t)(now == GRID_WAITING ? 0 : j->pods.count * j->pods.gpus))
        return wrong("I4: a gang has not its GPUs");
    for (size_t i = 0; now == GRID_ALLOCATED && i < n; i++)
        if (users[at[i].node][at[i].gpu]++)
            return wrong("I4: a GPU has two users");
    for (int p = 0; now != GRID_WAITING && p < j->pods.count; p++) {
        j->node[p] = grid_pod(w->grid, j->gang, p, NULL);
        if (j->node[p] < 0 || !(j->only >> j->node[p] & 1))
            return wrong("I4: a pod is nowhere, or where it may not be");
        if (was == GRID_WAITING && w->down[j->node[p]])
            return wrong("I4: placed on a machine that is down");
    }
    return true;
}

/* Whom a job may stop. */
static bool may_stop(const struct world *w, const struct job *me, const struct job *v)
{
    if (me->ask.priority < 0)
        return false;
    return grid_is_oppo(w->grid, v->gang) ||
           (v->vc == me->vc && v->ask.priority < me->ask.priority && !(v->ask.no_stop && v->state == GRID_ALLOCATED));
}

struct view {
    const struct job *me;
    int gone[JOBS];
    int count, but; /* of those who are gone; this one is there */
};

static bool is_gone(const struct view *v, const struct job *j)
{
    for (int i = 0; i < v->count; i++)
        if (v->gone[i] == j->gang && v->gone[i] != v->but)
            return true;
    return false;
}

/* Of who runs, and the one in question. */
static bool runs_on(const struct world *w, const struct job *j, const void *context)
{
    const struct view *v = context;
    (void)w;
    return j == v->me || (j->state == GRID_ALLOCATED && !is_gone(v, j));
}

static bool is_there(const struct world *w, const struct job *j, const void *context)
{
    (void)w;
    return !is_gone(context, j);
}

static bool stays(const struct world *w, const struct job *j, const void *context)
{
    return !may_stop(w, context, j);
}

static bool has_gpu_of(const struct world *w, const struct job *me, const struct job *v)
{
    struct grid_place mine[PODS * GPUS], theirs[PODS * GPUS];
    size_t n = grid_places(w->grid, me->gang, mine, PODS * GPUS),
           m = grid_places(w->grid, v->gang, theirs, PODS * GPUS);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++)
            if (mine[i].node == theirs[k].node && mine[i].gpu == theirs[k].gpu)
                return true;
    return false;
}

/* Whether there is room on all its machines as the sums say. */
static bool has_room(const struct world *w, const struct job *me, counts_fn *counts, const struct view *v)
{
    for (int p = 0; p < me->pods.count; p++)
        if (!fits(w, me->node[p], sum(w, me->node[p], counts, v)))
            return false;
    return true;
}

static bool check_in_way(struct world *w, const struct job *me)
{
    struct view v = {.me = me, .but = -1};
    int victims[JOBS];
    v.count = (int)grid_in_way(w->grid, me->gang, v.gone, JOBS);
    size_t told = grid_victims(w->grid, me->gang, victims, JOBS);
    if (!v.count)
        return wrong("I9: it prepares, and nobody is in the way");
    for (size_t i = 0; i < told; i++)
        if (!may_stop(w, me, &w->jobs[job_of(w, victims[i])]))
            return wrong("I9: a victim that may not be stopped");
    if (!me->aged && told != (size_t)v.count)
        return wrong("I9: somebody is in the way and not told to stop");
    if (!me->stale && !has_room(w, me, runs_on, &v))
        return wrong("I9: those who leave for it are not enough");
    for (int i = 0; i < v.count; i++) {
        v.but = v.gone[i];
        if (has_gpu_of(w, me, &w->jobs[job_of(w, v.but)]))
            continue;
        w->preempted++;
        if (has_room(w, me, is_there, &v))
            return wrong("I9: somebody is in the way for nothing");
    }
    return true;
}

/* Whether a job without GPUs would fit if everybody stopped whom it may stop. */
static bool could_run(const struct world *w, const struct job *me)
{
    int pods = 0;
    for (int m = 0; m < w->machines; m++) {
        struct taken t = sum(w, m, stays, me);
        while (!w->down[m] && me->only >> m & 1 && pods < me->pods.count) {
            t.cpus += me->need.cpus;
            t.memory += me->need.memory_mb;
            if (!fits(w, m, t))
                break;
            pods++;
        }
    }
    return pods == me->pods.count;
}

static void pass(struct world *w)
{
    struct turn turns[JOBS];
    for (int i = 0; i < w->job_count; i++)
        turns[i] = (struct turn){w->jobs[i].gang, w->jobs[i].ask.priority, w->jobs[i].ask.seq};
    turns_take(w->grid, turns, (size_t)w->job_count);
}

/* Whether it came to rest. */
static bool settle(struct world *w)
{
    uint64_t version = 0;
    for (int n = 0; n < PASSES && grid_version(w->grid) != version; n++) {
        version = grid_version(w->grid);
        pass(w);
    }
    return grid_version(w->grid) == version;
}

static bool check_machines(struct world *w)
{
    for (int m = 0; m < w->machines; m++) {
        if (fits(w, m, sum(w, m, runs, NULL)))
            w->shrunk[m] = false;
        else if (!w->shrunk[m])
            return wrong("I4: more runs on a machine than it has");
    }
    return true;
}

static bool check(struct world *w)
{
    int users[MACHINES][GPUS] = {{0}};
    bool quiet = settle(w), whole = true;
    for (int i = 0; i < w->job_count; i++)
        if (!note(w, &w->jobs[i], users))
            return false;
    if (!check_machines(w))
        return false;
    for (int m = 0; m < w->machines; m++)
        whole = whole && !w->shrunk[m];
    for (int i = 0; quiet && whole && i < w->job_count; i++) {
        const struct job *j = &w->jobs[i];
        if (j->state == GRID_PREEMPTING && !check_in_way(w, j))
            return false;
        if (j->state == GRID_WAITING && !j->pods.gpus && could_run(w, j))
            return wrong("I9: it would fit if those stopped that it may stop, and waits");
    }
    return true;
}

static bool run_seed(struct seeds_run *run)
{
    struct world *w = calloc(1, sizeof *w);
    if (!w)
        return wrong("out of memory");
    w->seed = run->seed;
    draw(w);
    bool ok = make(w);
    for (run->done = 0; ok && run->done < run->events; run->done++) {
        ok = event(w) && check(w);
        if (ok && run->done % RECOUNT == RECOUNT - 1 && !(grid_check(w->grid) && cluster_check(w->account)))
            ok = wrong("the recount differs");
        if (!ok)
            break;
    }
    if (ok && run->events >= 10000 && !w->preempted)
        ok = wrong("nobody was ever stopped for CPUs");
    grid_destroy(w->grid);
    cluster_destroy(w->account);
    free(w);
    return ok;
}

int main(int argc, char **argv)
{
    return seeds_main(argc, argv, run_seed);
}
