/* SPDX-License-Identifier: MIT
 *
 * Random histories on clusters of 2 to 32 machines: submissions, ends, withdrawals, refusals, machines lost and found,
 * reservations by age, victims that leave, restarts, quota edits. What must hold is stated here anew, from what can be
 * seen from outside, without asking the scheduler's own accounts:
 *
 *   I4  no GPU has two users; a gang has all its pods, each on one machine, none placed on a lost one
 *   I5  states move along the edges of scheduler/grid.h
 *   I9  a guaranteed gang that fits what its virtual cluster has free of its whole machines does not wait; virtual
 *       clusters stay within their machines and apart; victims are lower, never equal, and all in the way are told
 *
 * Every 1,000 events the grid recounts itself. usage: seeds.h
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "scheduler/grid.h"
#include "sim/random.h"
#include "tests/sim/seeds.h"
#include "tests/sim/turns.h"

enum { NODES = 32, NODE_GPUS = 8, VCS = 3, JOBS = 96, GPUS_MAX = 64, RECOUNT = 1000, CAP = 24 };

struct job {
    int gang, vc;
    enum grid_state state; /* when last looked at */
    bool aged;             /* has reserved by age */
    struct grid_pods pods;
    struct grid_request ask;
};

struct world {
    struct topology topology;
    struct topology_chain chain;
    struct topology_root roots[NODES];
    char names[NODES][1][TOPOLOGY_NAME_MAX];
    struct vcluster vcs[VCS];
    struct vcluster_quota quotas[VCS];
    int nodes;
    bool down[NODES];
    struct grid *grid;
    struct job jobs[JOBS];
    int job_count;
    int64_t seq;
    uint64_t seed;
    int user[NODES][NODE_GPUS];  /* job that runs there, + 1 */
    int owner[NODES][NODE_GPUS]; /* virtual cluster that holds or has reserved it within its guarantee, + 1 */
};

static const char *const vc_names[VCS] = {"a", "b", "c"};

#define wrong seeds_wrong

/* ---- the world ---- */

static void draw_quotas(struct world *w)
{
    int left = w->nodes;
    for (int v = 0; v < VCS; v++) {
        w->quotas[v] = (struct vcluster_quota){.level = 3, .count = random_below(&w->seed, left / 2 + 2)};
        if (w->quotas[v].count > left)
            w->quotas[v].count = left;
        left -= w->quotas[v].count;
        w->vcs[v] = (struct vcluster){.quotas = &w->quotas[v], .quota_count = 1, .user_cap = v == 2 ? CAP : 0};
        snprintf(w->vcs[v].name, TOPOLOGY_NAME_MAX, "%s", vc_names[v]);
    }
}

static bool make(struct world *w)
{
    static const char *const levels[] = {"gpu", "pair", "quad", "node"};
    struct err e = {0};
    w->nodes = 2 + random_below(&w->seed, NODES - 1);
    w->chain.levels = 4;
    w->chain.node_level = 3;
    for (int l = 0; l < 4; l++) {
        snprintf(w->chain.level[l].name, TOPOLOGY_NAME_MAX, "%s", levels[l]);
        w->chain.level[l].fanout = 2;
    }
    topology_chain_size(&w->chain);
    for (int n = 0; n < w->nodes; n++) {
        snprintf(w->names[n][0], TOPOLOGY_NAME_MAX, "n%d", n);
        w->roots[n] = (struct topology_root){.nodes = w->names[n], .node_count = 1};
    }
    w->topology =
        (struct topology){.chains = &w->chain, .chain_count = 1, .roots = w->roots, .root_count = (size_t)w->nodes};
    draw_quotas(w);
    w->grid = grid_create(&w->topology, w->vcs, VCS, &e);
    return w->grid || wrong(e.text);
}

static int job_of(const struct world *w, int gang)
{
    for (int i = 0; i < w->job_count; i++)
        if (w->jobs[i].gang == gang)
            return i;
    return -1;
}

/* ---- events ---- */

static bool bring(struct world *w, struct job *j)
{
    struct err e = {0};
    j->ask.pods = &j->pods;
    j->gang = grid_submit(w->grid, &j->ask, &e);
    j->state = GRID_WAITING;
    return j->gang >= 0 || wrong(e.text);
}

/* Sizes are powers of two, so that whatever fits greedily, largest first, fits at all. */
static bool submit(struct world *w)
{
    static const int priorities[] = {-1, 0, 5, 5, 100};
    int vc = random_below(&w->seed, VCS);
    struct job *j = &w->jobs[w->job_count];
    if (w->job_count == JOBS)
        return true;
    *j = (struct job){.vc = vc, .pods = {1 + random_below(&w->seed, 4), 1 << random_below(&w->seed, 4)}};
    j->ask = (struct grid_request){.vc = vc_names[vc],
                                   .pod_kinds = 1,
                                   .priority = priorities[random_below(&w->seed, 5)],
                                   .user = random_below(&w->seed, 3),
                                   .lazy = random_below(&w->seed, 4) == 0,
                                   .no_stop = random_below(&w->seed, 4) == 0,
                                   .seq = w->seq++};
    if (j->ask.priority >= 0 && !w->quotas[vc].count)
        return true;
    w->job_count++;
    return bring(w, j);
}

static bool drop(struct world *w, int i)
{
    grid_remove(w->grid, w->jobs[i].gang);
    w->jobs[i] = w->jobs[--w->job_count];
    return true;
}

static bool end_one(struct world *w)
{
    return !w->job_count || drop(w, random_below(&w->seed, w->job_count));
}

/* An engine refuses a placement: the job waits again. */
static bool refuse(struct world *w)
{
    int i = w->job_count ? random_below(&w->seed, w->job_count) : 0;
    if (!w->job_count || w->jobs[i].state != GRID_ALLOCATED)
        return true;
    grid_remove(w->grid, w->jobs[i].gang);
    return bring(w, &w->jobs[i]);
}

/* The victims of one gang leave. */
static bool stop_victims(struct world *w)
{
    int victims[GPUS_MAX], i = w->job_count ? random_below(&w->seed, w->job_count) : 0;
    if (!w->job_count || w->jobs[i].state != GRID_PREEMPTING)
        return true;
    size_t n = grid_victims(w->grid, w->jobs[i].gang, victims, GPUS_MAX);
    for (size_t k = 0; k < n; k++)
        drop(w, job_of(w, victims[k]));
    return true;
}

static bool toggle(struct world *w)
{
    int n = random_below(&w->seed, w->nodes);
    for (int i = 0; i < w->nodes; i++) /* most of the time nobody is down, else I9 is not looked at */
        n = w->down[i] ? i : n;
    w->down[n] = !w->down[n];
    grid_health(w->grid, n, !w->down[n]);
    return true;
}

static bool reserve(struct world *w)
{
    struct job *j = w->job_count ? &w->jobs[random_below(&w->seed, w->job_count)] : NULL;
    if (j && j->state == GRID_WAITING)
        j->aged = grid_reserve(w->grid, j->gang) == GRID_PREEMPTING;
    return true;
}

/* What runs is taken in again; what waits or prepares waits. */
static bool restart(struct world *w)
{
    struct grid *old = w->grid;
    struct grid_place at[GPUS_MAX];
    struct err e = {0};
    if (random_below(&w->seed, 3) == 0)
        draw_quotas(w);
    for (int i = w->job_count; i-- > 0;) /* the API refuses what can never run */
        if (w->jobs[i].ask.priority >= 0 && !w->quotas[w->jobs[i].vc].count)
            drop(w, i);
    w->grid = grid_create(&w->topology, w->vcs, VCS, &e);
    for (int i = 0; w->grid && i < w->job_count; i++) {
        struct job *j = &w->jobs[i];
        struct grid_past past = {
            .at = at, .count = grid_places(old, j->gang, at, GPUS_MAX), .oppo = grid_is_oppo(old, j->gang)};
        bool ran = grid_state_of(old, j->gang) == GRID_ALLOCATED;
        j->ask.pods = &j->pods;
        j->gang = ran ? grid_adopt(w->grid, &j->ask, &past, &e) : grid_submit(w->grid, &j->ask, &e);
        j->state = ran ? GRID_ALLOCATED : GRID_WAITING;
        if (j->gang < 0)
            return wrong(e.text);
    }
    for (int n = 0; w->grid && n < w->nodes; n++)
        if (w->down[n])
            grid_health(w->grid, n, false);
    grid_destroy(old);
    return w->grid || wrong(e.text);
}

typedef bool event_fn(struct world *w);

static bool event(struct world *w)
{
    static const struct {
        int percent;
        event_fn *run;
    } kinds[] = {{44, submit}, {28, end_one}, {2, refuse}, {16, stop_victims}, {4, toggle}, {4, reserve}, {2, restart}};
    int dice = random_below(&w->seed, 100), k = 0;
    while (dice >= kinds[k].percent)
        dice -= kinds[k++].percent;
    return kinds[k].run(w);
}

/* ---- what must hold ---- */

static bool edge(enum grid_state from, enum grid_state to)
{
    return from == to || (from == GRID_WAITING ? to != GRID_WAITING : from == GRID_PREEMPTING);
}

/* Each virtual cluster's machines, and what is left in them; false when it is on more than it has. */
static bool rooms(const struct world *w, int vc, int room[NODE_GPUS + 1])
{
    int used = 0;
    memset(room, 0, (NODE_GPUS + 1) * sizeof *room);
    for (int n = 0; n < w->nodes; n++) {
        int held = 0;
        for (int g = 0; g < NODE_GPUS; g++)
            held += w->owner[n][g] == vc + 1;
        used += held > 0;
        room[NODE_GPUS - held] += held > 0;
    }
    room[NODE_GPUS] = w->quotas[vc].count - used;
    return used <= w->quotas[vc].count;
}

/* Whether a gang fits such rooms: each pod into the tightest. */
static bool fits(const struct grid_pods *p, const int room[NODE_GPUS + 1])
{
    int left[NODE_GPUS + 1];
    memcpy(left, room, sizeof left);
    for (int i = 0; i < p->count; i++) {
        int r = p->gpus;
        while (r <= NODE_GPUS && left[r] <= 0)
            r++;
        if (r > NODE_GPUS)
            return false;
        left[r]--;
        left[r - p->gpus]++;
    }
    return true;
}

/* Notes who has a GPU of a job. */
static bool note_gpu(struct world *w, int i, const struct grid_place *at)
{
    const struct job *j = &w->jobs[i];
    int *user = &w->user[at->node][at->gpu], *owner = &w->owner[at->node][at->gpu];
    bool runs = j->state == GRID_ALLOCATED, guaranteed = !grid_is_oppo(w->grid, j->gang);
    if (runs && *user)
        return wrong("I4: a GPU has two users");
    if (guaranteed && *owner && *owner != j->vc + 1)
        return wrong("I9: a GPU belongs to two virtual clusters");
    if (runs)
        *user = i + 1;
    if (guaranteed)
        *owner = j->vc + 1;
    return true;
}

/* Notes where a job is; what it was placed on must be whole, and on machines that are there. */
static bool note(struct world *w, int i)
{
    struct job *j = &w->jobs[i];
    struct grid_place at[GPUS_MAX];
    enum grid_state was = j->state, state = grid_state_of(w->grid, j->gang);
    size_t n = grid_places(w->grid, j->gang, at, GPUS_MAX);
    int on[NODES] = {0};
    if (!edge(was, state))
        return wrong("I5: an edge that is not allowed");
    j->state = state;
    j->aged = j->aged && state == GRID_PREEMPTING;
    if (n != (size_t)(state == GRID_WAITING ? 0 : j->pods.count * j->pods.gpus))
        return wrong("I4: a gang is placed in part");
    for (size_t k = 0; k < n; k++) {
        on[at[k].node]++;
        if (was == GRID_WAITING && w->down[at[k].node])
            return wrong("I4: placed on a machine that is down");
        if (!note_gpu(w, i, &at[k]))
            return false;
    }
    for (int k = 0; k < w->nodes; k++)
        if (on[k] % j->pods.gpus)
            return wrong("I4: a pod lies on two machines");
    return true;
}

/* Everybody who runs on what a gang has reserved is told to stop, unless it only waits for them by age; and may be. */
static bool check_victims(const struct world *w, const struct job *me)
{
    int victims[GPUS_MAX];
    struct grid_place at[GPUS_MAX];
    size_t n = grid_victims(w->grid, me->gang, victims, GPUS_MAX);
    size_t places = grid_places(w->grid, me->gang, at, GPUS_MAX), in_the_way = 0;
    for (size_t k = 0; k < n; k++) {
        const struct job *v = &w->jobs[job_of(w, victims[k])];
        if (grid_is_oppo(w->grid, v->gang))
            continue;
        if (v->vc != me->vc || v->ask.priority >= me->ask.priority || v->ask.no_stop)
            return wrong("I9: a victim that may not be stopped");
    }
    for (size_t p = 0; p < places; p++) {
        int user = w->user[at[p].node][at[p].gpu], k = 0;
        while (k < (int)n && user && victims[k] != w->jobs[user - 1].gang)
            k++;
        in_the_way += user != 0;
        if (user && k == (int)n && !(me->aged && !grid_is_oppo(w->grid, w->jobs[user - 1].gang)))
            return wrong("I9: somebody is in the way and not told to stop");
    }
    return in_the_way || wrong("I9: it prepares, and nobody is in the way");
}

static int held_by_user(const struct world *w, const struct job *me)
{
    int gpus = 0;
    for (int i = 0; i < w->job_count; i++)
        if (w->jobs[i].vc == me->vc && w->jobs[i].ask.user == me->ask.user && w->jobs[i].state != GRID_WAITING)
            gpus += w->jobs[i].pods.count * w->jobs[i].pods.gpus;
    return gpus;
}

static bool check_guarantee(const struct world *w, int vc)
{
    int room[NODE_GPUS + 1];
    if (!rooms(w, vc, room))
        return wrong("I9: a virtual cluster is on more machines than it has");
    for (int i = 0; i < w->job_count; i++) {
        const struct job *j = &w->jobs[i];
        int cap = w->vcs[vc].user_cap, held = cap && j->vc == vc ? held_by_user(w, j) : 0;
        if (j->vc != vc || j->state != GRID_WAITING || j->ask.priority < 0)
            continue;
        if (fits(&j->pods, room) && !(cap && held + j->pods.count * j->pods.gpus > cap))
            return wrong("I9: it fits its virtual cluster's free machines, and waits");
    }
    return true;
}

static void pass(struct world *w)
{
    struct turn turns[JOBS];
    for (int i = 0; i < w->job_count; i++)
        turns[i] = (struct turn){w->jobs[i].gang, w->jobs[i].ask.priority, w->jobs[i].ask.seq};
    turns_take(w->grid, turns, (size_t)w->job_count);
}

/* Who waits after one pass may have lost its reservation in it: a second pass is due, and enough. */
static bool check(struct world *w)
{
    bool down = false;
    pass(w);
    pass(w);
    memset(w->user, 0, sizeof w->user);
    memset(w->owner, 0, sizeof w->owner);
    for (int n = 0; n < w->nodes; n++)
        down = down || w->down[n];
    for (int i = 0; i < w->job_count; i++)
        if (!note(w, i))
            return false;
    for (int i = 0; i < w->job_count; i++) {
        const struct job *j = &w->jobs[i];
        if (j->state == GRID_PREEMPTING && !check_victims(w, j))
            return false;
        if (w->vcs[j->vc].user_cap && j->state != GRID_WAITING && held_by_user(w, j) > CAP)
            return wrong("a user is above the cap");
    }
    for (int v = 0; !down && v < VCS; v++)
        if (!check_guarantee(w, v))
            return false;
    return true;
}

static bool run_seed(struct seeds_run *run)
{
    struct world *w = calloc(1, sizeof *w);
    if (!w)
        return wrong("out of memory");
    w->seed = run->seed;
    bool ok = make(w);
    for (run->done = 0; ok && run->done < run->events; run->done++) {
        ok = event(w) && check(w);
        if (ok && run->done % RECOUNT == RECOUNT - 1 && !grid_check(w->grid))
            ok = wrong("the recount differs");
        if (!ok)
            break;
    }
    grid_destroy(w->grid);
    free(w);
    return ok;
}

int main(int argc, char **argv)
{
    return seeds_main(argc, argv, run_seed);
}
