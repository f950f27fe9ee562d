/* SPDX-License-Identifier: MIT
 *
 * Pods and the account: what a pod takes of its machine beside GPUs. A gang that waits for its victims has taken its
 * part already, beyond what there is: nobody else comes in between, and it starts when what runs leaves room for it.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "scheduler/grid_internal.h"

int pods_machine(const struct grid *g, int node)
{
    return g->account ? g->account_node[node] : node;
}

bool pods_allow(const struct grid *g, const struct gang *me, int node)
{
    return pods_may_use(g, me, pods_machine(g, node));
}

int64_t pods_until(const struct grid *g, const struct gang *me)
{
    if (!g->closing)
        return 0;
    return me->ask.lasts_ms ? g->now_ms + me->ask.lasts_ms : INT64_MAX;
}

bool pods_closed(const struct grid *g, const struct gang *me, int machine)
{
    return g->closing && cluster_closes(g->account, machine, pods_until(g, me));
}

bool pods_may_use(const struct grid *g, const struct gang *me, int machine)
{
    return (!me->only || me->only[machine]) && !pods_closed(g, me, machine);
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

/* ---- reserved ---- */

/* What others have reserved on a machine and do not use yet. */
static struct resources reserved(const struct grid *g, const struct gang *me, int machine)
{
    struct resources sum = {0};
    for (struct pod_link at = g->machines[machine]; at.gang >= 0;) {
        const struct gang *h = &g->gangs[at.gang];
        const struct pod *pod = &h->pods[at.pod];
        if (h != me && h->state == GRID_PREEMPTING) {
            sum.cpus += pod->want.cpus;
            sum.memory_mb += pod->want.memory_mb;
            sum.gpus += pod->want.gpus;
        }
        at = pod->next;
    }
    return sum;
}

bool pods_clear(const struct grid *g, const struct gang *me)
{
    for (int i = 0; g->account && i < me->pod_count; i++) {
        const struct cluster_node *n = cluster_at(g->account, me->pods[i].node);
        bool gpus = me->pods[i].want.gpus && n->used.gpus > n->total.gpus;
        if (!gpus && n->used.cpus <= n->total.cpus && n->used.memory_mb <= n->total.memory_mb)
            continue;
        struct resources later = reserved(g, me, me->pods[i].node);
        if (n->used.cpus - later.cpus > n->total.cpus || n->used.memory_mb - later.memory_mb > n->total.memory_mb ||
            (gpus && n->used.gpus - later.gpus > n->total.gpus))
            return false;
    }
    return true;
}

/* ---- taking and giving ---- */

static struct pod *pod_at(const struct grid *g, struct pod_link at)
{
    return &g->gangs[at.gang].pods[at.pod];
}

/* Who is on a machine now. */
static struct crowd look_around(const struct grid *g, int machine)
{
    struct crowd c = {.known = true, .least = INT_MAX};
    for (struct pod_link at = g->machines[machine]; at.gang >= 0; at = pod_at(g, at)->next) {
        const struct gang *h = &g->gangs[at.gang];
        c.lent = c.lent || h->oppo;
        c.reserves = c.reserves || h->state == GRID_PREEMPTING;
        if (!h->oppo && h->ask.priority < c.least)
            c.least = h->ask.priority;
    }
    return c;
}

const struct crowd *pods_crowd(struct grid *g, int machine)
{
    if (!g->crowds[machine].known)
        g->crowds[machine] = look_around(g, machine);
    return &g->crowds[machine];
}

void pods_changed(struct grid *g, const struct gang *me)
{
    for (int i = 0; g->account && i < me->pod_count; i++)
        if (me->pods[i].node >= 0)
            g->crowds[me->pods[i].node].known = false;
}

bool pods_check(const struct grid *g)
{
    for (int m = 0; m < (int)cluster_count(g->account); m++) {
        struct crowd c = look_around(g, m), k = g->crowds[m];
        if (k.known && (k.lent != c.lent || k.reserves != c.reserves || k.least != c.least))
            return false;
    }
    return true;
}

void pods_join(struct grid *g, struct gang *me, struct pod *pod)
{
    struct pod_link *first = &g->machines[pod->node];
    const struct pod_link it = {.gang = (int)(me - g->gangs), .pod = (int)(pod - me->pods)};
    pod->prev = (struct pod_link){.gang = -1};
    pod->next = *first;
    if (first->gang >= 0)
        pod_at(g, *first)->prev = it;
    *first = it;
    g->crowds[pod->node].known = false;
}

static void part(struct grid *g, struct pod *pod)
{
    g->crowds[pod->node].known = false;
    if (pod->next.gang >= 0)
        pod_at(g, pod->next)->prev = pod->prev;
    if (pod->prev.gang >= 0)
        pod_at(g, pod->prev)->next = pod->next;
    else
        g->machines[pod->node] = pod->next;
}

int64_t pods_many(const struct grid *g, int machine, const struct pod *pod, int most)
{
    const struct cluster_node *n = cluster_at(g->account, machine);
    const int64_t left[] = {n->total.cpus - n->used.cpus, n->total.memory_mb - n->used.memory_mb, n->port_free};
    const int64_t want[] = {pod->want.cpus, pod->want.memory_mb, pod->ports};
    int64_t many = most;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        if (want[i] && left[i] / want[i] < many)
            many = left[i] > 0 ? left[i] / want[i] : 0;
    return many;
}

void pods_take(struct grid *g, struct gang *me, struct pod *pod, int node)
{
    pod->node = node;
    if (!g->account)
        return;
    cluster_reserve(g->account, node, &pod->want, me->ports + pod->port, pod->ports);
    pods_join(g, me, pod);
}

void pods_give(struct grid *g, struct gang *me, struct pod *pod)
{
    if (g->account && pod->node >= 0) {
        part(g, pod);
        cluster_give(g->account, pod->node, &pod->want, me->ports + pod->port, pod->ports);
    }
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
