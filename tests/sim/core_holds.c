/* SPDX-License-Identifier: MIT
 *
 * What must hold after each batch, counted from the rows. The grid is asked for one thing only: where gangs are that
 * reserve, which is in no row.
 *
 *   I3  nothing of a job that has ended is alive; a job that is under way has a task that is
 *   I4  what live tasks and reservations take is what the account holds; no port and no GPU has two users
 *   I9  a guaranteed gang that fits what its virtual cluster has free of its whole nodes does not wait; victims are
 * told
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/internal.h"
#include "tests/sim/core_windows.h"

enum { GPUS_MAX = TASKS * NODE_GPUS };

/* Where everybody is, by node. */
struct held {
    struct resources placed[NODES], reserved[NODES];
    int user[NODES][NODE_GPUS];           /* of the grid's places: job + 1, JOBS + lease + 1 */
    int owner[NODES][NODE_GPUS];          /* virtual cluster + 1 that has it within its guarantee */
    int in_nodes[VCS][NODES], loose[VCS]; /* GPUs held within guarantees, in whole nodes and others */
    int by_user[VCS][USERS];
};

static bool placed(const struct row_task *t, int attempt)
{
    return t->there && t->job_attempt == attempt && (t->t.state & STATE_PLACED);
}

static void add(struct resources *sum, const struct wish *wish, int task)
{
    int role = wish_role(wish, task);
    sum->cpus += wish->cpus[role];
    sum->memory_mb += 10;
    sum->gpus += wish->gpus[role];
}

/* ---- jobs ---- */

static bool same_task(const struct task *t, const struct row_task *row, int attempt)
{
    bool alive = placed(row, attempt);
    if (!alive)
        return !(t->state & STATE_PLACED);
    return t->state == row->t.state && !strcmp(t->id, row->t.id) && world_node(t->node) == row->node &&
           t->claim == row->t.claim;
}

/* Times that were to be acted upon. */
static bool in_time(const struct world *w, const struct row_job *r)
{
    for (int i = 0; i < wish_tasks(&r->wish); i++) {
        const struct row_task *t = &r->tasks[i];
        int64_t since = t->t.created_ms > w->loaded_ms ? t->t.created_ms : w->loaded_ms;
        if (placed(t, r->row.attempt) && t->t.claim == CLAIM_PROPOSED && since + CLAIM_MS <= w->now.wall)
            return wrong("a claim that nobody has confirmed did not expire");
    }
    if (r->row.state == STATE_RUNNING && r->wish.limit_ms && r->row.launched_ms + r->wish.limit_ms <= w->now.wall)
        return wrong("a job runs beyond its time limit");
    return true;
}

static bool same_avoid(const struct job *j, const struct row_job *r)
{
    int n = j->avoid ? j->avoid->count : 0;
    return n == r->avoid.count && (!n || !memcmp(j->avoid, &r->avoid, sizeof r->avoid));
}

static bool same_hold(const struct job *j, const struct row_job *r)
{
    return !strcmp(j->held_by, r->row.held_by) && (!j->held_by[0] || j->state == STATE_WAITING);
}

static bool live_job(const struct world *w, const struct row_job *r)
{
    const struct job *j = core_find(w->core, r->row.full_name);
    int alive = 0;
    if (!j || j->state != r->row.state || j->attempt != r->row.attempt)
        return wrong("what is stored of a job is not what it is");
    for (int i = 0; i < wish_tasks(&r->wish); i++) {
        alive += placed(&r->tasks[i], r->row.attempt);
        if (!same_task(&j->tasks[i], &r->tasks[i], r->row.attempt))
            return wrong("what is stored of a task is not what it is");
    }
    if ((j->state == STATE_WAITING) != (alive == 0))
        return wrong("I3: a job is under way without a task, or waits with one");
    bool due = j->due_ms <= w->now.wall && !j->held_by[0], queued = j->queue_entry && core_gang_of(j)->queued;
    if (j->state == STATE_WAITING && due != queued)
        return wrong(due ? "a job waits, and nobody looks at it" : "a job that is held or not due yet is looked at");
    if (!same_hold(j, r))
        return wrong("a job is held otherwise than is stored");
    if (!same_avoid(j, r))
        return wrong("a job avoids other nodes than is stored");
    return in_time(w, r);
}

static bool ended_job(const struct world *w, const struct row_job *r)
{
    if (core_find(w->core, r->row.full_name))
        return wrong("a job that has ended is held");
    for (int i = 0; i < wish_tasks(&r->wish); i++)
        if (placed(&r->tasks[i], r->row.attempt))
            return wrong("I3: a task of a job that has ended is alive");
    return true;
}

/* ---- the account ---- */

static bool count_ports(const struct row_task *t, uint64_t used[][16], int span)
{
    for (int p = 0; p < PORTS; p++) {
        int n = t->ports[p] - 20000;
        if (n < 0 || n >= span)
            return wrong("I4: a port that the node does not give");
        uint64_t *word = &used[t->node][n / 64], bit = UINT64_C(1) << (n % 64);
        if (*word & bit)
            return wrong("I4: a port has two users");
        *word |= bit;
    }
    return true;
}

static bool count_rows(const struct world *w, struct held *h)
{
    uint64_t ports[NODES][16] = {{0}};
    for (int i = 0; i < JOBS; i++) {
        const struct row_job *r = &w->jobs[i];
        for (int k = 0; r->used && k < wish_tasks(&r->wish); k++) {
            const struct row_task *t = &r->tasks[k];
            if (!placed(t, r->row.attempt))
                continue;
            add(&h->placed[t->node], &r->wish, k);
            if (!count_ports(t, ports, w->nodes[t->node].n.port_last - 19999))
                return false;
        }
    }
    return true;
}

/* What leases hold of the account. */
static void count_leases(const struct world *w, struct held *h)
{
    for (int i = 0; i < LEASES; i++) {
        const struct row_lease *r = &w->leases[i];
        if (!r->there || !(r->l.state & LEASE_LIVE) || r->l.hold != SPEC_HOLD_GPUS)
            continue;
        h->placed[r->node].cpus += r->l.amount.cpus;
        h->placed[r->node].memory_mb += r->l.amount.memory_mb;
        h->placed[r->node].gpus += r->l.amount.gpus;
    }
}

static bool within(const struct resources *used, const struct node *n)
{
    return used->cpus <= n->cpus && used->memory_mb <= n->memory_mb && used->gpus <= n->gpu_count;
}

static bool check_account(struct world *w, const struct held *h)
{
    for (int i = 0; i < w->node_count; i++) {
        struct row_node *n = &w->nodes[i];
        const struct cluster_node *c =
            cluster_at(core_cluster(w->core), cluster_find(core_cluster(w->core), n->n.name));
        const struct resources *p = &h->placed[i], *r = &h->reserved[i];
        if (c->used.cpus != p->cpus + r->cpus || c->used.memory_mb != p->memory_mb + r->memory_mb ||
            c->used.gpus != p->gpus + r->gpus)
            return wrong("I4: the account of a node is not what is used of it");
        if (within(p, &n->n))
            n->shrunk = false;
        else if (!n->shrunk)
            return wrong("I4: more of a node is used than it has");
    }
    return true;
}

/* ---- the grid ---- */

static const struct grid *grid_of(const struct world *w)
{
    return w->core->grid;
}

static int gang_of(const struct world *w, const struct row_job *r)
{
    const struct job *j = r->used ? core_find(w->core, r->row.full_name) : NULL;
    return j && j->queue_entry ? core_gang_of(j)->gang : -1;
}

static int node_of_place(const struct world *w, const struct grid_place *at)
{
    const struct grid *g = grid_of(w);
    for (int i = 0; i < w->node_count; i++)
        if (grid_node(g, w->nodes[i].n.name) == at->node)
            return i;
    return -1;
}

/* A reservation's part of the account. */
static void count_reserved(const struct world *w, const struct row_job *r, int gang, struct held *h)
{
    for (int k = 0; k < wish_tasks(&r->wish); k++) {
        int node = grid_pod(grid_of(w), gang, k, NULL);
        if (node >= 0)
            add(&h->reserved[world_node(cluster_at(core_cluster(w->core), node)->info.name)], &r->wish, k);
    }
}

/* Whether a lot of that level on the node is all of it, or more. */
static bool is_node(const struct world *w, int node, int level)
{
    const struct topology *t = &w->core->topology;
    for (size_t r = 0; r < t->root_count; r++)
        for (size_t i = 0; i < t->roots[r].node_count; i++)
            if (!strcmp(t->roots[r].nodes[i], w->nodes[node].n.name))
                return level >= t->chains[t->roots[r].chain].node_level;
    return level > 0;
}

/* A GPU within a guarantee: of one that runs there, or has it reserved, or both in one virtual cluster. The sockets of
 * a node that was broken for somebody below count as GPUs. */
static bool own_gpu(const struct world *w, struct held *h, int vc, const struct grid_place *at)
{
    const int node = node_of_place(w, at);
    int *owner = &h->owner[node][at->gpu];
    if (*owner)
        return *owner == vc + 1 || wrong("I9: a GPU belongs to two virtual clusters");
    *owner = vc + 1;
    *(is_node(w, node, at->level) ? &h->in_nodes[vc][node] : &h->loose[vc]) += 1;
    return true;
}

/* Whoever has a gang: a job, or a lease. */
struct holder {
    int vc, user, number; /* in `user` of struct held */
};

static bool count_places(const struct world *w, const struct holder *who, int gang, struct held *h)
{
    struct grid_place at[GPUS_MAX];
    bool runs = grid_state_of(grid_of(w), gang) == GRID_ALLOCATED;
    size_t n = grid_places(grid_of(w), gang, at, GPUS_MAX);
    bool own = !grid_is_oppo(grid_of(w), gang);
    h->by_user[who->vc][who->user] += (int)n;
    for (size_t k = 0; k < n; k++) {
        int node = node_of_place(w, &at[k]);
        if (node < 0 || (runs && h->user[node][at[k].gpu]))
            return wrong("I4: a GPU of the plan has two users");
        if (runs)
            h->user[node][at[k].gpu] = who->number;
        if (own && !own_gpu(w, h, who->vc, &at[k]))
            return false;
    }
    return true;
}

static bool count_gang(const struct world *w, int i, struct held *h)
{
    const struct row_job *r = &w->jobs[i];
    int gang = gang_of(w, r);
    enum grid_state state = gang < 0 ? GRID_WAITING : grid_state_of(grid_of(w), gang);
    if (state == GRID_WAITING)
        return true;
    if (state == GRID_PREEMPTING)
        count_reserved(w, r, gang, h);
    return count_places(w, &(struct holder){r->wish.vc, r->wish.user, i + 1}, gang, h);
}

/* What stands on the grid for a lease of the rows; -1: nothing. */
static int lease_gang(const struct world *w, const struct row_lease *r)
{
    const struct leases *all = &w->core->leases;
    for (size_t i = 0; r->there && i < all->count; i++)
        if (!strcmp(all->list[i]->lease->id, r->l.id))
            return core_gang_of(all->list[i]) ? core_gang_of(all->list[i])->gang : -1;
    return -1;
}

static bool count_lease(const struct world *w, int i, struct held *h)
{
    const struct row_lease *r = &w->leases[i];
    int gang = lease_gang(w, r);
    return gang < 0 || count_places(w, &(struct holder){r->vc, r->user, JOBS + i + 1}, gang, h);
}

/* Whether a lease in the way of `me` is on its way out, or is only waited for. */
static bool lease_may_stay(const struct world *w, const struct row_job *me, const struct row_lease *l)
{
    return l->l.state != LEASE_HELD || (me->reserves_aged && !grid_is_oppo(grid_of(w), lease_gang(w, l)));
}

/* Those in the way of a reservation are told to leave, unless it only waits for them to end. */
static bool check_victims(const struct world *w, const struct row_job *me, const struct held *h)
{
    struct grid_place at[GPUS_MAX];
    int gang = gang_of(w, me);
    if (gang < 0 || grid_state_of(grid_of(w), gang) != GRID_PREEMPTING)
        return true;
    size_t n = grid_places(grid_of(w), gang, at, GPUS_MAX);
    for (size_t k = 0; k < n; k++) {
        int user = h->user[node_of_place(w, &at[k])][at[k].gpu];
        if (user > JOBS) {
            if (!lease_may_stay(w, me, &w->leases[user - JOBS - 1]))
                return wrong("I9: a lease is in the way and not told to end");
            continue;
        }
        const struct row_job *r = user ? &w->jobs[user - 1] : NULL;
        if (!r || r->row.outcome || r->row.stop_requested)
            continue;
        if (me->reserves_aged && !grid_is_oppo(grid_of(w), gang_of(w, r)))
            continue;
        if (w->tell)
            printf("  %s is in the way of %s (waits for %lld ms, oppo %d)%s\n", r->row.full_name, me->row.full_name,
                   (long long)(w->now.wall - me->wait_ms), grid_is_oppo(grid_of(w), gang_of(w, r)),
                   me->reserves_aged ? ", which has reserved by age" : "");
        return wrong("I9: somebody is in the way and not told to leave");
    }
    return true;
}

/* ---- the guarantee ---- */

static int quantity(const struct vc *vc, bool nodes)
{
    int n = 0;
    for (size_t i = 0; i < vc->guarantee_count; i++)
        n += nodes ? vc->guarantee[i].nodes : vc->guarantee[i].gpus;
    return n;
}

/* Its promise less that of those below it; a node is broken where single GPUs do not do. */
struct own holds_own(const struct world *w, int vc)
{
    struct own own = {quantity(&w->vcs[vc], true), quantity(&w->vcs[vc], false)};
    if (vc == 0) {
        int left = 0;
        for (int i = 0; i < w->node_count; i++)
            left += w->nodes[i].n.gpu_count;
        for (int v = 1; v < VCS; v++)
            if (w->vc_there[v] && !w->vcs[v].parent[0])
                left -= quantity(&w->vcs[v], true) * NODE_GPUS + quantity(&w->vcs[v], false);
        return (struct own){left / NODE_GPUS, left % NODE_GPUS};
    }
    for (int v = 1; v < VCS; v++)
        if (w->vc_there[v] && !strcmp(w->vcs[v].parent, w->vcs[vc].name)) {
            own.nodes -= quantity(&w->vcs[v], true);
            own.gpus -= quantity(&w->vcs[v], false);
        }
    if (own.gpus < 0) {
        int broken = (-own.gpus + NODE_GPUS - 1) / NODE_GPUS;
        own.nodes -= broken;
        own.gpus += broken * NODE_GPUS;
    }
    if (own.nodes < 0) {
        own.gpus += own.nodes * NODE_GPUS;
        own.nodes = 0;
    }
    return own;
}

/* Whether a gang fits so many rooms by what is free in them: each pod into the tightest, large ones first. */
static bool fits(const struct wish *wish, const int room[NODE_GPUS + 1])
{
    int left[NODE_GPUS + 1];
    memcpy(left, room, sizeof left);
    for (int size = NODE_GPUS; size; size--)
        for (int i = 0; i < wish_tasks(wish); i++) {
            int r = size;
            if (wish->gpus[wish_role(wish, i)] != size)
                continue;
            while (r <= NODE_GPUS && left[r] <= 0)
                r++;
            if (r > NODE_GPUS)
                return false;
            left[r]--;
            left[r - size]++;
        }
    return true;
}

static bool may_wait(const struct world *w, const struct row_job *r, const struct held *h)
{
    int cap = w->vcs[r->wish.vc].user_cap, total = wish_gpus(&r->wish);
    const struct job *j = core_find(w->core, r->row.full_name);
    int gang = gang_of(w, r);
    if (r->row.state != STATE_WAITING || r->wish.priority < 0 || !total || j->due_ms > w->now.wall || j->held_by[0])
        return true;
    if (r->wish.only >= 0 || r->wish.never >= 0 || r->avoid.count)
        return true;
    if (gang >= 0 && grid_state_of(grid_of(w), gang) == GRID_PREEMPTING)
        return true;
    return cap && h->by_user[r->wish.vc][r->wish.user] + total > cap;
}

static void tell_guarantee(const struct world *w, const struct row_job *r, const int room[NODE_GPUS + 1],
                           const struct own *own)
{
    int gang = gang_of(w, r);
    printf("  %s waits (%s); %s has %d nodes and %d GPUs, rooms of 1 to 8:", r->row.full_name,
           gang < 0 ? "not on the grid" : grid_reason_name(grid_reason_of(grid_of(w), gang)), world_vc_name(r->wish.vc),
           own->nodes, own->gpus);
    for (int i = 1; i <= NODE_GPUS; i++)
        printf(" %d", room[i]);
    printf("\n");
}

static bool check_guarantee(const struct world *w, int vc, const struct held *h)
{
    struct own own = holds_own(w, vc);
    int room[NODE_GPUS + 1] = {0}, used = 0;
    for (int n = 0; n < w->node_count; n++) {
        int held = h->in_nodes[vc][n];
        used += held > 0;
        room[NODE_GPUS - held] += held > 0;
    }
    if (w->tell && (used > own.nodes || h->loose[vc] > own.gpus))
        printf("  %s holds %d of %d nodes and %d of %d GPUs\n", world_vc_name(vc), used, own.nodes, h->loose[vc],
               own.gpus);
    if (used > own.nodes || h->loose[vc] > own.gpus)
        return wrong("I9: a virtual cluster holds more than it was promised");
    room[NODE_GPUS] = own.nodes - used;
    for (int i = 0; i < JOBS; i++) {
        const struct row_job *r = &w->jobs[i];
        if (r->used && r->wish.vc == vc && !may_wait(w, r, h) && fits(&r->wish, room)) {
            if (w->tell)
                tell_guarantee(w, r, room, &own);
            return wrong("I9: it fits its virtual cluster's free nodes, and waits");
        }
    }
    return true;
}

/* Nothing can be said of the guarantee where nodes are missing, or differ. */
static bool is_whole(const struct world *w)
{
    bool whole = w->plain && !windows_any(w);
    for (int i = 0; i < w->node_count; i++)
        whole = whole && w->nodes[i].n.up && !w->nodes[i].n.cordoned;
    return whole;
}

/* ---- all of it ---- */

static bool check_jobs(const struct world *w)
{
    for (int i = 0; i < JOBS; i++) {
        const struct row_job *r = &w->jobs[i];
        if (r->used && !(r->row.state & STATE_FINAL ? ended_job(w, r) : live_job(w, r)))
            return false;
    }
    return true;
}

static bool count_gangs(const struct world *w, struct held *h)
{
    for (int i = 0; i < JOBS; i++)
        if (w->jobs[i].used && !count_gang(w, i, h))
            return false;
    for (int i = 0; i < LEASES; i++)
        if (!count_lease(w, i, h))
            return false;
    return true;
}

static bool check_reservations(const struct world *w, const struct held *h)
{
    for (int i = 0; i < JOBS; i++)
        if (w->jobs[i].used && !check_victims(w, &w->jobs[i], h))
            return false;
    return true;
}

static bool check_guarantees(const struct world *w, const struct held *h)
{
    for (int v = 0; is_whole(w) && v < VCS; v++)
        if (w->vc_there[v] && !check_guarantee(w, v, h))
            return false;
    return true;
}

bool holds(struct world *w)
{
    struct held h = {0};
    count_leases(w, &h);
    return check_jobs(w) && windows_hold(w) && leases_hold(w) && count_rows(w, &h) && count_gangs(w, &h) &&
           check_account(w, &h) && check_reservations(w, &h) && check_guarantees(w, &h);
}

/* How many there are; adds what they hold. */
static size_t recount_leases(const struct world *w, int vc, struct resources *used)
{
    size_t n = 0;
    for (int i = 0; i < LEASES; i++) {
        const struct row_lease *r = &w->leases[i];
        if (!r->there || r->vc != vc)
            continue;
        n++;
        if (r->l.hold != SPEC_HOLD_GPUS)
            continue;
        used->cpus += r->l.amount.cpus;
        used->memory_mb += r->l.amount.memory_mb;
        used->gpus += r->l.amount.gpus;
    }
    return n;
}

/* What the core counts of its virtual clusters, against the rows. */
static bool recount_vcs(struct world *w)
{
    struct core_view *view = core_view_create(w->core, w->now.mono);
    bool ok = view != NULL;
    for (int v = 0; ok && v < VCS; v++) {
        const struct core_view_vc *seen = core_view_vc(view, world_vc_name(v));
        struct resources used = {0};
        size_t live = 0;
        for (int i = 0; i < JOBS; i++) {
            const struct row_job *r = &w->jobs[i];
            if (!r->used || r->wish.vc != v)
                continue;
            live++;
            for (int k = 0; k < wish_tasks(&r->wish); k++)
                if (placed(&r->tasks[k], r->row.attempt))
                    add(&used, &r->wish, k);
        }
        size_t leases = recount_leases(w, v, &used);
        ok = seen ? seen->live_jobs == live && seen->leases == leases && !memcmp(&seen->used, &used, sizeof used)
                  : !live && !w->vc_there[v];
    }
    core_view_destroy(view);
    return ok || wrong("what a virtual cluster uses is not what is counted");
}

bool holds_recount(struct world *w)
{
    return recount_vcs(w) && (core_check(w->core) || wrong("the core's own recount differs"));
}
