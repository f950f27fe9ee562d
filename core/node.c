/* SPDX-License-Identifier: MIT
 *
 * Nodes: what the engine tells of them, and an admin's marks, which the engine does not take away.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "core/internal.h"

/* The marks of the node that is known by this name, if there is one. */
static void keep_marks(const struct core *c, struct node *n)
{
    int index = cluster_find(c->cluster, n->name);
    n->maintenance = index < 0 && core_maintenance_covers(c, n->name);
    if (index < 0)
        return;
    const struct node *known = &cluster_at(c->cluster, index)->info;
    n->maintenance = known->maintenance;
    n->cordoned = known->cordoned;
    n->draining = known->draining;
    memcpy(n->cordon_reason, known->cordon_reason, sizeof n->cordon_reason);
    memcpy(n->labels, known->labels, sizeof n->labels);
}

/* Whether the GPUs lie as before, in a rack of the same name. */
static bool same_topology(const struct cluster_node *was, const struct node *n)
{
    struct node_topology now;
    if (!strcmp(was->info.labels, n->labels))
        return true;
    node_topology_read(n, &now);
    return was->lies.sockets == now.sockets && was->lies.pairs == now.pairs && !strcmp(was->lies.rack, now.rack) &&
           !strcmp(was->lies.pod, now.pod);
}

/* Whether it looks the same to the grid. */
static bool same_gpus(const struct cluster_node *was, const struct node *n)
{
    return was->info.gpu_count == n->gpu_count &&
           (!n->gpu_count || !strcmp(was->info.gpus[0].model, n->gpus[0].model)) && same_topology(was, n);
}

static void grow(struct resources *largest, const struct cluster_node *n)
{
    if (n->total.gpus > largest->gpus)
        largest->gpus = n->total.gpus;
    if (n->total.cpus > largest->cpus)
        largest->cpus = n->total.cpus;
    if (n->total.memory_mb > largest->memory_mb)
        largest->memory_mb = n->total.memory_mb;
}

int core_node_put(struct core *c, const struct node *n)
{
    int index = cluster_find(c->cluster, n->name), gpus = 0;
    bool fresh = index < 0, other = index < 0 || !same_gpus(cluster_at(c->cluster, index), n);
    bool was_up = index >= 0 && cluster_at(c->cluster, index)->bucket >= 0;
    struct resources was = index < 0 ? (struct resources){0} : cluster_at(c->cluster, index)->total;
    index = cluster_put_node(c->cluster, n);
    if (index < 0)
        return -1;
    if (fresh)
        core_maintenance_mark(c, index);
    if (was_up != (cluster_at(c->cluster, index)->bucket >= 0) ||
        memcmp(&was, &cluster_at(c->cluster, index)->total, sizeof was) != 0)
        c->avoid_stale = true;
    grow(&c->largest, cluster_at(c->cluster, index));
    if (other) {
        core_vc_refresh(c);
        return 0;
    }
    if (c->stale)
        return 0;
    gpus = n->gpu_count ? grid_node(c->grid, n->name) : -1;
    if (gpus >= 0)
        grid_health(c->grid, gpus, cluster_at(c->cluster, index)->bucket >= 0);
    else if (cluster_at(c->cluster, index)->bucket < 0)
        grid_lost(c->grid, index);
    grid_touch(c->grid);
    c->changes++;
    return 0;
}

static struct node *copy(struct step *s, const struct node *n)
{
    struct node *own = arena_alloc(s->fx->arena, sizeof *own);
    if (own)
        *own = *n;
    else
        s->fx->failed = true;
    return own;
}

static void store(struct step *s, const struct node *n)
{
    if (core_node_put(s->core, n))
        s->fx->failed = true;
    effects_add(s->fx, &(struct effect){.kind = EFFECT_NODE_ROW, .node = n});
}

int core_load_node(struct core *c, const struct node *n)
{
    struct node own = *n;
    keep_marks(c, &own);
    return core_node_put(c, &own);
}

/* ---- the health of GPUs ---- */

/* "GPU 3: It has fallen off the bus." */
static void say(const struct gpu *g, char out[128])
{
    char text[112];
    gpu_mark_text(&g->health, text, sizeof text);
    snprintf(out, 128, "GPU %d: %s", g->index, text);
}

static bool holds(const struct task *t, int index)
{
    for (int64_t i = 0; i < t->role->per_task.gpus; i++)
        if (t->gpus[i] == index)
            return true;
    return false;
}

static void tell_tasks(struct step *s, const struct node *n, const struct gpu *g)
{
    char text[128];
    size_t pos = 0;
    const struct task *t;
    say(g, text);
    while ((t = hash_next(s->core->by_attempt, &pos)))
        if (t->node && !strcmp(t->node, n->name) && holds(t, g->index))
            core_event_task(s, t, g->health.cause ? "GpuHealth" : "GpuHealthy", "%s",
                            g->health.cause ? text : "Nothing is wrong with its GPU any more.");
}

/* What the health of its GPUs closes it also opens, where no admin has marked it meanwhile. */
static void cordon(struct node *n, const struct node *was)
{
    const struct gpu *why = NULL;
    bool had = false;
    for (int i = 0; i < n->gpu_count; i++) {
        why = !why && n->gpus[i].health.action == GPU_ACTION_CORDON ? &n->gpus[i] : why;
        had |= i < was->gpu_count && was->gpus[i].health.action == GPU_ACTION_CORDON;
    }
    if (why && !had && !n->cordoned) {
        n->cordoned = true;
        say(why, n->cordon_reason);
    } else if (!why && n->cordon_reason[0]) {
        n->cordoned = false;
        n->cordon_reason[0] = '\0';
    }
}

static void look_health(struct step *s, struct node *n)
{
    static const struct node nothing;
    int index = cluster_find(s->core->cluster, n->name);
    const struct node *was = index < 0 ? &nothing : &cluster_at(s->core->cluster, index)->info;
    for (int i = 0; i < n->gpu_count; i++) {
        const struct gpu_mark *before = i < was->gpu_count ? &was->gpus[i].health : &nothing.gpus[i].health;
        if (!gpu_mark_same(before, &n->gpus[i].health))
            tell_tasks(s, n, &n->gpus[i]);
    }
    cordon(n, was);
}

void core_node_told(struct step *s, const struct node *told)
{
    struct node *n = copy(s, told);
    if (!n)
        return;
    keep_marks(s->core, n);
    look_health(s, n);
    core_node_history(s, n, NULL, NULL);
    store(s, n);
}

/* ---- an admin's marks ---- */

void core_node(struct step *s, const struct command *cmd)
{
    const struct command_node *what = &cmd->node;
    struct err e = {0};
    int index = cluster_find(s->core->cluster, what->name);
    if (index < 0) {
        err_set(&e, ERR_NO_NODE, "Node %s is not found.", what->name);
        effects_reply(s->fx, cmd->reply_to, &e, NULL);
        return;
    }
    struct node *n = copy(s, &cluster_at(s->core->cluster, index)->info);
    if (!n)
        return;
    if (what->op == COMMAND_NODE_LABELS) {
        if (node_topology_check(what->labels, n->gpu_count, &e)) {
            effects_reply(s->fx, cmd->reply_to, &e, NULL);
            return;
        }
        snprintf(n->labels, sizeof n->labels, "%s", what->labels);
    } else {
        n->cordoned = what->op != COMMAND_NODE_UNCORDON;
        n->draining = what->op == COMMAND_NODE_DRAIN;
        n->cordon_reason[0] = '\0';
    }
    core_node_history(s, n, &cmd->actor, what->reason);
    store(s, n);
    effects_reply(s->fx, cmd->reply_to, NULL, NULL);
}
