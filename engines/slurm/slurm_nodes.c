/* SPDX-License-Identifier: MIT
 *
 * The nodes of the cluster, and what jobs that are none of ours hold there. That is not offered to the core: CPUs and
 * memory are taken off what a node has; GPUs get the mark "foreign", and since Slurm does not tell which they are,
 * those that we do not know to be ours, from the highest down. What our attempts ask counts as ours from the order on:
 * so what waits in Slurm behind foreign jobs is not counted twice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "engines/slurm/slurm_impl.h"

enum { NODES_MS = 5000, NODES_REST = 20 };

/* What attempts of ours hold, or ask for, on one node. */
struct ours {
    struct resources sum;
    bool gpus[NODE_GPU_MAX];
};

static void count_ours(const struct slurm *s, const char *node, struct ours *out)
{
    const struct slurm_attempt *a;
    size_t pos = 0;
    *out = (struct ours){.sum = {.cpus = 0}};
    while ((a = hash_next(s->attempts, &pos))) {
        if ((a->state == SLURM_DONE && !a->sweep) || strcmp(a->node, node) != 0)
            continue;
        out->sum.cpus += a->limits.cpus;
        out->sum.memory_mb += a->limits.memory_mb;
        out->sum.gpus += a->limits.gpus;
        for (int i = 0; i < a->record.gpu_count; i++)
            if (a->record.gpus[i] >= 0 && a->record.gpus[i] < NODE_GPU_MAX)
                out->gpus[a->record.gpus[i]] = true;
    }
}

static int64_t foreign(int64_t held, int64_t ours)
{
    return held > ours ? held - ours : 0;
}

static void take_foreign(const struct slurm *s, const struct shape_node *told, struct node *n)
{
    struct ours ours;
    count_ours(s, n->name, &ours);
    const int64_t cpus = foreign(told->held.cpus, ours.sum.cpus),
                  memory = foreign(told->held.memory_mb, ours.sum.memory_mb);
    int64_t gpus = foreign(told->held.gpus, ours.sum.gpus);
    n->cpus -= (int)(cpus < n->cpus ? cpus : n->cpus);
    n->memory_mb -= memory < n->memory_mb ? memory : n->memory_mb;
    for (int i = n->gpu_count - 1; i >= 0 && gpus > 0; i--)
        if (!ours.gpus[n->gpus[i].index]) {
            n->gpus[i].health = (struct gpu_mark){.cause = GPU_FOREIGN, .action = GPU_ACTION_QUARANTINE};
            gpus--;
        }
}

static bool same_gpus(const struct node *a, const struct node *b)
{
    if (a->gpu_count != b->gpu_count)
        return false;
    for (int i = 0; i < a->gpu_count; i++)
        if (strcmp(a->gpus[i].model, b->gpus[i].model) != 0 || !gpu_mark_same(&a->gpus[i].health, &b->gpus[i].health))
            return false;
    return true;
}

static bool same(const struct node *a, const struct node *b)
{
    return a->up == b->up && a->cpus == b->cpus && a->memory_mb == b->memory_mb && !strcmp(a->address, b->address) &&
           !strcmp(a->boot_id, b->boot_id) && same_gpus(a, b);
}

/* The node as known; a new one has been told nothing of. NULL on out of memory. */
static struct slurm_node *known_node(struct slurm *s, const char *name)
{
    struct slurm_node *k = hash_get(s->nodes, name);
    if (k)
        return k;
    k = calloc(1, sizeof *k);
    if (!k)
        return NULL;
    snprintf(k->node.name, sizeof k->node.name, "%s", name);
    if (!hash_put(s->nodes, k->node.name, k))
        return k;
    free(k);
    return NULL;
}

static void on_node(void *ctx, const struct shape_node *told)
{
    struct slurm *s = ctx;
    struct node n = told->node;
    struct slurm_node *k = told->mine ? known_node(s, n.name) : NULL;
    if (!k)
        return;
    n.port_first = s->port_first;
    n.port_last = s->port_last;
    snprintf(n.isolation, sizeof n.isolation, "slurm");
    take_foreign(s, told, &n);
    k->seen = true;
    if (k->told && same(&k->node, &n))
        return;
    if (k->node.up && !n.up)
        log_warn("slurm_node", "Slurm starts nothing on %s now: %s", n.name,
                 told->reason[0] ? told->reason : "it is down");
    k->node = n;
    k->told = true;
    slurm_event_node(s, &k->node);
}

/* What was not in the answer is no node of ours any more. */
static void tell_missing(struct slurm *s)
{
    struct slurm_node *n;
    size_t pos = 0;
    while ((n = hash_next(s->nodes, &pos))) {
        if (!n->seen && n->node.up) {
            n->node.up = false;
            slurm_event_node(s, &n->node);
        }
        n->seen = false;
    }
}

static void on_nodes(void *ctx, const struct rest_answer *answer)
{
    struct slurm *s = ctx;
    const int64_t now = clock_read().mono, rest = NODES_REST * (now - s->nodes_began);
    s->nodes_busy = false;
    s->nodes_due = now + (rest > NODES_MS ? rest : NODES_MS);
    if (answer->down || answer->status != 200)
        return;
    const int unread = shape_v38_nodes(answer->text, answer->len, s->site->partition, on_node, s);
    if (unread < 0) {
        log_warn("slurm_unreadable", "the list of nodes cannot be read; they are kept as last known");
        return;
    }
    if (unread)
        log_warn("slurm_unreadable", "%d nodes cannot be read; they are kept as last known", unread);
    else
        tell_missing(s);
}

/* Whole, not since a time: with update_time slurmrestd answers 500 where nodes have changed and partitions have not,
 * as it does when slurmctld is away. */
void slurm_nodes_step(struct slurm *s, int64_t now)
{
    const struct rest_call call = {.method = "GET", .path = SHAPE_V38_PATH "/nodes", .done = on_nodes, .ctx = s};
    if (!s->version || s->nodes_busy || now < s->nodes_due)
        return;
    s->nodes_busy = !rest_send(s->rest, &call);
    s->nodes_began = now;
}
