/* SPDX-License-Identifier: MIT
 *
 * Pods and the account: what a pod takes of its machine beside GPUs. A gang that waits for its victims has taken its
 * part already, beyond what there is: nobody else comes in between, and it starts when the sum fits again.
 */
#include <stdlib.h>
#include <string.h>

#include "scheduler/grid_internal.h"

int pods_machine(const struct grid *g, int node)
{
    return g->account ? g->account_node[node] : node;
}

bool pods_allow(const struct grid *g, const struct gang *me, int node)
{
    return !me->only || me->only[pods_machine(g, node)];
}

/* ---- making ---- */

/* Whether `a` is to be placed before `b`: large pods first, as small ones fit beside them and not the other way round.
 */
static bool larger(const struct pod *a, const struct pod *b)
{
    if (a->want.gpus != b->want.gpus)
        return a->want.gpus > b->want.gpus;
    if (a->want.cpus != b->want.cpus)
        return a->want.cpus > b->want.cpus;
    return a->want.memory_mb > b->want.memory_mb;
}

static int by_size(const void *a, const void *b, void *pods)
{
    int x = *(const int *)a, y = *(const int *)b;
    const struct pod *list = pods;
    if (larger(&list[x], &list[y]))
        return -1;
    return larger(&list[y], &list[x]) ? 1 : x - y;
}

/* How many pods there are, and how many ports they need. */
static int count(const struct grid_request *r, int *ports)
{
    int pods = 0;
    *ports = 0;
    for (size_t k = 0; k < r->pod_kinds; k++) {
        pods += r->pods[k].count;
        *ports += r->needs ? r->needs[k].ports * r->pods[k].count : 0;
    }
    return pods;
}

/* One pod of a kind. */
static struct pod make_pod(const struct grid_request *r, size_t kind, int port)
{
    struct pod p = {.want = {.gpus = r->pods[kind].gpus}, .node = -1, .port = port};
    if (r->needs) {
        p.want.cpus = r->needs[kind].cpus;
        p.want.memory_mb = r->needs[kind].memory_mb;
        p.ports = r->needs[kind].ports;
    }
    return p;
}

int pods_make(const struct grid_request *r, struct gang *me)
{
    int ports, n = 0, port = 0;
    me->pod_count = count(r, &ports);
    me->pods = calloc((size_t)me->pod_count + 1, sizeof *me->pods);
    me->order = calloc((size_t)me->pod_count + 1, sizeof *me->order);
    me->ports = calloc((size_t)ports + 1, sizeof *me->ports);
    if (!me->pods || !me->order || !me->ports)
        return -1;
    for (size_t k = 0; k < r->pod_kinds; k++)
        for (int i = 0; i < r->pods[k].count; i++, n++) {
            me->pods[n] = make_pod(r, k, port);
            me->order[n] = n;
            port += me->pods[n].ports;
            me->free_cpus += r->pods[k].gpus ? 0 : me->pods[n].want.cpus;
        }
    if (r->pod_kinds > 1)
        qsort_r(me->order, (size_t)me->pod_count, sizeof *me->order, by_size, me->pods);
    return 0;
}

/* ---- room ---- */

static void add(struct resources *sum, const struct resources *r)
{
    sum->cpus += r->cpus;
    sum->memory_mb += r->memory_mb;
    sum->gpus += r->gpus;
}

/* What a gang holds on a machine. */
static void add_held(const struct gang *h, int machine, struct resources *sum)
{
    for (int i = 0; i < h->pod_count; i++)
        if (h->pods[i].node == machine)
            add(sum, &h->pods[i].want);
}

/* Gangs that are looked at once each. */
struct seen {
    int gangs[2 * 64], count;
};

static bool has_seen(const struct seen *seen, int gang)
{
    int k = 0;
    while (k < seen->count && seen->gangs[k] != gang)
        k++;
    return k < seen->count;
}

static void leaves(const struct grid *g, int gang, int machine, struct seen *seen, struct resources *sum)
{
    if (gang < 0 || has_seen(seen, gang))
        return;
    seen->gangs[seen->count++] = gang;
    add_held(&g->gangs[gang], machine, sum);
}

/* GPUs of a machine that the account counts twice: for who runs there and for who has them reserved, neither of whom is
 * in `but`. */
static int counted_twice(const struct grid *g, int node, const struct seen *but)
{
    int first = g->space->cells[g->space->node_cell[node]].first, n = 0;
    for (int i = first; i < first + space_gpus(g->space, g->space->node_cell[node]); i++)
        n += g->gpus[i].user >= 0 && g->gpus[i].reserver >= 0 && !has_seen(but, g->gpus[i].user) &&
             !has_seen(but, g->gpus[i].reserver);
    return n;
}

/* What is counted of a machine by those who must leave it for the gang, or lose what they have reserved there; and GPUs
 * that are counted twice as others wait for each other. */
static struct resources leaving(const struct fit *f, int node, int first, uint64_t got)
{
    const struct grid *g = f->grid;
    const struct space_cell *x = &g->space->cells[g->space->node_cell[node]];
    int machine = g->account_node[node];
    struct resources sum = {0};
    struct seen seen = {.count = 0};
    for (int i = x->first; i < x->first + space_gpus(g->space, g->space->node_cell[node]); i++) {
        const struct gpu_state *st = &g->gpus[i];
        bool picked = i >= first && i < first + 64 && (got >> (i - first) & 1);
        if (picked && st->reserver != f->gang)
            leaves(g, st->reserver, machine, &seen, &sum);
        if (picked || st->reserver == f->gang)
            leaves(g, st->user, machine, &seen, &sum);
    }
    for (int i = 0; i < g->undo_count; i++) /* taken over for an earlier pod */
        if (g->undo[i].reserver != f->gang && seen.count < (int)(sizeof seen.gangs / sizeof *seen.gangs))
            leaves(g, g->undo[i].reserver, machine, &seen, &sum);
    sum.gpus += counted_twice(g, node, &seen);
    return sum;
}

bool pods_room(const struct fit *f, int node, int first, uint64_t got)
{
    const struct grid *g = f->grid;
    const struct pod *pod = f->pod;
    if (!g->account)
        return true;
    const struct cluster_node *n = cluster_at(g->account, g->account_node[node]);
    if (cluster_room(g->account, g->account_node[node], &pod->want, pod->ports))
        return true;
    if (n->bucket < 0 || n->port_free < pod->ports)
        return false;
    struct resources gone = leaving(f, node, first, got);
    return n->total.cpus - n->used.cpus + gone.cpus >= pod->want.cpus &&
           n->total.memory_mb - n->used.memory_mb + gone.memory_mb >= pod->want.memory_mb &&
           n->total.gpus - n->used.gpus + gone.gpus >= pod->want.gpus;
}

int pods_best(const struct grid *g, const struct gang *me, const struct pod *pod)
{
    return g->account ? cluster_best(g->account, &pod->want, pod->ports, me->only) : -1;
}

/* What others have reserved on a machine and do not use yet. */
static struct resources reserved(const struct grid *g, const struct gang *me, int node)
{
    int first = g->space->cells[g->space->node_cell[node]].first, mine = (int)(me - g->gangs);
    struct seen seen = {.count = 0};
    struct resources sum = {0};
    for (int i = first; i < first + space_gpus(g->space, g->space->node_cell[node]); i++)
        if (g->gpus[i].reserver != mine)
            leaves(g, g->gpus[i].reserver, g->account_node[node], &seen, &sum);
    return sum;
}

bool pods_clear(const struct grid *g, const struct gang *me)
{
    static const struct seen nobody = {.count = 0};
    for (int i = 0; g->account && i < me->pod_count; i++) {
        const struct cluster_node *n = cluster_at(g->account, me->pods[i].node);
        int node = g->grid_node[me->pods[i].node];
        struct resources later = {0};
        if (node >= 0 && (n->used.cpus > n->total.cpus || n->used.memory_mb > n->total.memory_mb))
            later = reserved(g, me, node);
        if (n->used.cpus - later.cpus > n->total.cpus || n->used.memory_mb - later.memory_mb > n->total.memory_mb)
            return false;
        if (n->used.gpus > n->total.gpus &&
            (node < 0 || n->used.gpus - counted_twice(g, node, &nobody) > n->total.gpus))
            return false;
    }
    return true;
}

/* ---- taking and giving ---- */

void pods_take(struct grid *g, struct gang *me, struct pod *pod, int node)
{
    pod->node = node;
    if (g->account)
        cluster_reserve(g->account, node, &pod->want, me->ports + pod->port, pod->ports);
}

void pods_give(struct grid *g, struct gang *me, struct pod *pod)
{
    if (g->account && pod->node >= 0)
        cluster_give(g->account, pod->node, &pod->want, me->ports + pod->port, pod->ports);
    pod->node = -1;
}

void pods_give_all(struct grid *g, struct gang *me)
{
    for (int i = 0; i < me->pod_count; i++)
        pods_give(g, me, &me->pods[i]);
}

void grid_release(struct grid *g, int gang, int number)
{
    struct gang *me = &g->gangs[gang];
    struct pod *pod = &me->pods[number];
    grid_count(g, me, -1);
    for (int i = pod->first; i < pod->first + pod->gpus; i++) {
        const struct gpu_state *st = &g->gpus[me->gpus[i]];
        share_set(g, me->gpus[i], st->user == gang ? -1 : st->user, st->reserver);
    }
    memmove(&me->gpus[pod->first], &me->gpus[pod->first + pod->gpus],
            (size_t)(me->placed - pod->first - pod->gpus) * sizeof *me->gpus);
    for (int i = 0; i < me->pod_count; i++)
        if (me->pods[i].first > pod->first)
            me->pods[i].first -= pod->gpus;
    me->placed -= pod->gpus;
    me->total -= pod->gpus;
    me->free_cpus -= pod->want.gpus ? 0 : pod->want.cpus;
    pod->gpus = 0;
    pods_give(g, me, pod);
    grid_count(g, me, 1);
    g->version++;
}

int grid_pod(const struct grid *g, int gang, int pod, const int **ports)
{
    const struct gang *me = &g->gangs[gang];
    if (ports)
        *ports = me->pods[pod].ports ? &me->ports[me->pods[pod].port] : NULL;
    return me->pods[pod].node;
}

bool grid_pod_gpus(const struct grid *g, int gang, int number, int *out)
{
    const struct gang *me = &g->gangs[gang];
    const struct pod *pod = &me->pods[number];
    const struct space *s = g->space;
    if (!pod->gpus)
        return false;
    const struct space_cell *x = &s->cells[s->leaf_cell[me->gpus[pod->first]]];
    int first = s->cells[s->node_cell[x->node]].first;
    for (int i = 0; i < pod->gpus; i++)
        out[i] = me->gpus[pod->first + i] - first;
    return g->topology->chains[x->chain].node_level > 1;
}
