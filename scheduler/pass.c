/* SPDX-License-Identifier: MIT
 *
 * The pass: a heap of groups by (priority, submission of the head); the best group's head is placed or its group is
 * marked blocked until the cluster's release version changes. Cost: O(groups) to begin, O(log groups) a decision.
 */
#include "scheduler/pass.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"

/* One role of the gang at hand: where its tasks' spots and ports begin in the scratch. */
struct part {
    const struct sched_role *role;
    size_t spot, port;
};

/* Scratch of one pass. */
struct pass {
    struct cluster *cluster;
    struct sched_group **heap;
    size_t heap_count;
    struct sched_spot *spots;
    size_t spot_cap;
    int *ports;
    size_t port_cap;
    struct part *parts;
    size_t part_cap;
};

static bool before(const struct sched_group *a, const struct sched_group *b)
{
    if (a->request.priority != b->request.priority)
        return a->request.priority > b->request.priority;
    return a->head->seq < b->head->seq;
}

static void sift_down(struct pass *p, size_t i)
{
    for (;;) {
        size_t best = i, l = 2 * i + 1, r = l + 1;
        if (l < p->heap_count && before(p->heap[l], p->heap[best]))
            best = l;
        if (r < p->heap_count && before(p->heap[r], p->heap[best]))
            best = r;
        if (best == i)
            return;
        struct sched_group *t = p->heap[i];
        p->heap[i] = p->heap[best];
        p->heap[best] = t;
        i = best;
    }
}

static void drop_top(struct pass *p)
{
    p->heap[0] = p->heap[--p->heap_count];
    sift_down(p, 0);
}

/* Tasks and ports of a whole gang. */
static void sizes(const struct sched_request *r, size_t *tasks, size_t *ports, struct resources *sum)
{
    *tasks = *ports = 0;
    *sum = (struct resources){0};
    for (size_t i = 0; i < r->role_count; i++) {
        const struct sched_role *role = &r->roles[i];
        *tasks += (size_t)role->instances;
        *ports += (size_t)role->instances * (size_t)role->ports;
        sum->cpus += role->instances * role->per_task.cpus;
        sum->memory_mb += role->instances * role->per_task.memory_mb;
        sum->gpus += role->instances * role->per_task.gpus;
    }
}

static bool covers(const struct resources *have, const struct resources *want)
{
    return have->cpus >= want->cpus && have->memory_mb >= want->memory_mb && have->gpus >= want->gpus;
}

/* `old`, or a larger one, with room for `want` items of `size` bytes. NULL on out of memory. */
static void *grow(void *old, size_t *cap, size_t want, size_t size)
{
    if (old && want <= *cap)
        return old;
    void *grown = realloc(old, (want ? want : 1) * size);
    if (grown)
        *cap = want;
    return grown;
}

/* Makes the scratch large enough for a gang. 0 or -1; what there was stays either way. */
static int ensure_scratch(struct pass *p, size_t tasks, size_t ports, size_t roles)
{
    void *grown;
    if (!(grown = grow(p->spots, &p->spot_cap, tasks, sizeof *p->spots)))
        return -1;
    p->spots = grown;
    if (!(grown = grow(p->ports, &p->port_cap, ports, sizeof *p->ports)))
        return -1;
    p->ports = grown;
    if (!(grown = grow(p->parts, &p->part_cap, roles, sizeof *p->parts)))
        return -1;
    p->parts = grown;
    return 0;
}

static void free_scratch(struct pass *p)
{
    free(p->heap);
    free(p->spots);
    free(p->ports);
    free(p->parts);
}

/* Whether tasks of `a` are harder to place than those of `b`. */
static bool larger(const struct sched_role *a, const struct sched_role *b)
{
    if (a->per_task.gpus != b->per_task.gpus)
        return a->per_task.gpus > b->per_task.gpus;
    if (a->per_task.cpus != b->per_task.cpus)
        return a->per_task.cpus > b->per_task.cpus;
    return a->per_task.memory_mb > b->per_task.memory_mb;
}

/* The roles in the order of placement: large tasks first, as small ones fit beside them and not the other way round;
 * else as written. Spots and ports stay in the order of the request. */
static void order_parts(struct pass *p, const struct sched_request *r)
{
    size_t spot = 0, port = 0;
    for (size_t i = 0; i < r->role_count; i++) {
        struct part part = {.role = &r->roles[i], .spot = spot, .port = port};
        size_t at = i;
        for (; at && larger(part.role, p->parts[at - 1].role); at--)
            p->parts[at] = p->parts[at - 1];
        p->parts[at] = part;
        spot += (size_t)part.role->instances;
        port += (size_t)part.role->instances * (size_t)part.role->ports;
    }
}

/* Gives back what the first `placed` tasks took, in the order of placement. */
static void give_back(struct pass *p, size_t roles, size_t placed)
{
    for (size_t i = 0; i < roles; i++) {
        const struct part *part = &p->parts[i];
        for (int n = 0; n < part->role->instances && placed; n++, placed--) {
            const struct sched_spot *spot = &p->spots[part->spot + (size_t)n];
            cluster_give(p->cluster, spot->node, &part->role->per_task, spot->ports, part->role->ports);
        }
    }
}

/* Takes resources for the whole gang. 1 = placed, 0 = does not fit (nothing taken), -1 = out of memory. */
static int place(struct pass *p, const struct sched_request *r)
{
    size_t tasks, ports, done = 0;
    struct resources sum, have = cluster_free(p->cluster);
    sizes(r, &tasks, &ports, &sum);
    if (!covers(&have, &sum))
        return 0;
    if (ensure_scratch(p, tasks, ports, r->role_count))
        return -1;
    assert(r->roles && p->parts && p->spots && p->ports);
    order_parts(p, r);
    for (size_t i = 0; i < r->role_count; i++) {
        const struct part *part = &p->parts[i];
        const struct sched_role *role = part->role;
        int *port = p->ports + part->port;
        for (int n = 0; n < role->instances; n++, done++, port += role->ports) {
            int node = cluster_best(p->cluster, &role->per_task, role->ports);
            if (node < 0) {
                give_back(p, r->role_count, done);
                return 0;
            }
            p->spots[part->spot + (size_t)n] = (struct sched_spot){.node = node, .ports = port};
            cluster_take(p->cluster, node, &role->per_task, port, role->ports);
        }
    }
    return 1;
}

static int start(struct pass *p, const struct sched_queue *q)
{
    size_t groups = queue_groups(q);
    p->heap = malloc((groups ? groups : 1) * sizeof(struct sched_group *));
    if (!p->heap)
        return -1;
    uint64_t version = cluster_release_version(p->cluster);
    for (size_t i = 0; i < groups; i++) {
        struct sched_group *g = queue_group(q, i);
        if (g->blocked_at != version)
            p->heap[p->heap_count++] = g;
    }
    for (size_t i = p->heap_count / 2; i-- > 0;)
        sift_down(p, i);
    return 0;
}

int pass_run(struct cluster *c, struct sched_queue *q, pass_claim_fn *claim, void *ctx)
{
    struct pass p = {.cluster = c};
    int claims = 0;
    /* A failed try gives back what it took, which must not look like a release: blocked groups would be tried for ever.
     */
    if (start(&p, q))
        claims = -1;
    while (claims >= 0 && p.heap_count) {
        struct sched_group *g = p.heap[0];
        int placed = place(&p, &g->request);
        if (placed < 0) {
            claims = -1;
        } else if (!placed) {
            drop_top(&p);
            g->blocked_at = UINT64_MAX; /* resolved below to the version after this pass */
        } else {
            struct sched_entry *en = g->head;
            size_t tasks, ports;
            struct resources sum;
            sizes(&g->request, &tasks, &ports, &sum);
            struct sched_claim cl = {.entry = en, .spots = p.spots, .spot_count = tasks};
            if (g->count == 1)
                drop_top(&p);
            queue_remove(q, en); /* frees the group when it was its last */
            if (p.heap_count)
                sift_down(&p, 0);
            claim(ctx, &cl);
            claims++;
        }
    }
    for (size_t i = 0; i < queue_groups(q); i++)
        if (queue_group(q, i)->blocked_at == UINT64_MAX)
            queue_group(q, i)->blocked_at = cluster_release_version(c);
    free_scratch(&p);
    return claims;
}

/* The largest usable node by each resource, and whether any node alone could hold one task of each role. */
static const struct sched_role *too_large(const struct cluster *c, const struct sched_request *r)
{
    for (size_t i = 0; i < r->role_count; i++) {
        bool some = false;
        for (size_t n = 0; n < cluster_count(c) && !some; n++) {
            const struct cluster_node *node = cluster_at(c, (int)n);
            some = node->bucket >= 0 && covers(&node->total, &r->roles[i].per_task);
        }
        if (!some)
            return &r->roles[i];
    }
    return NULL;
}

/* "2 GPUs, 4 CPUs and 1.5 GiB of memory"; GPUs only when the job asks for some. */
static void put_amounts(struct buf *out, const struct resources *r, bool gpus)
{
    if (gpus)
        buf_addf(out, "%lld GPU%s, ", (long long)r->gpus, r->gpus == 1 ? "" : "s");
    buf_addf(out, "%lld CPU%s and ", (long long)r->cpus, r->cpus == 1 ? "" : "s");
    if (r->memory_mb < 1024)
        buf_addf(out, "%lld MiB of memory", (long long)r->memory_mb);
    else
        buf_addf(out, "%.1f GiB of memory", (double)r->memory_mb / 1024);
}

enum sched_reason pass_explain(struct cluster *c, const struct sched_request *r, struct buf *out)
{
    struct resources sum, have = cluster_free(c), total = cluster_total(c);
    size_t tasks, ports;
    sizes(r, &tasks, &ports, &sum);
    const struct sched_role *big = too_large(c, r);
    if (!total.cpus) {
        buf_adds(out, "No node is up. The job starts when a node returns.");
        return SCHED_REASON_NO_NODE;
    }
    if (big) {
        buf_adds(out, "No node is large enough for one task: it asks for ");
        put_amounts(out, &big->per_task, sum.gpus > 0);
        buf_adds(out, ". A smaller request per task would fit.");
        return SCHED_REASON_NEVER_NODE;
    }
    if (!covers(&total, &sum)) {
        buf_adds(out, "The job asks for more than the whole cluster has: ");
        put_amounts(out, &sum, sum.gpus > 0);
        buf_adds(out, ", of ");
        put_amounts(out, &total, sum.gpus > 0);
        buf_adds(out, ".");
        return SCHED_REASON_NEVER_TOTAL;
    }
    if (!covers(&have, &sum)) {
        buf_adds(out, "The job needs ");
        put_amounts(out, &sum, sum.gpus > 0);
        buf_adds(out, ", more than what is free now: ");
        put_amounts(out, &have, sum.gpus > 0);
        buf_adds(out, ".");
        return SCHED_REASON_BUSY;
    }
    struct pass p = {.cluster = c};
    int placed = place(&p, r);
    if (placed > 0)
        give_back(&p, r->role_count, tasks);
    free_scratch(&p);
    if (placed > 0) {
        buf_adds(out, "Enough is free; the job starts in the next pass.");
        return SCHED_REASON_FITS;
    }
    buf_adds(out, "Enough is free in total, but not together on the nodes as the job's tasks need it.");
    return SCHED_REASON_FRAGMENTED;
}
