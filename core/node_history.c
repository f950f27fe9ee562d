/* SPDX-License-Identifier: MIT
 *
 * What becomes of a node, for its history: the difference between what was known of it and what is told now.
 */
#include <stdio.h>
#include <string.h>

#include "core/internal.h"

struct telling {
    struct step *s;
    const struct node *n;
    const char *user, *reason;
};

static void tell(const struct telling *t, enum node_event_kind kind, const char *reason)
{
    effects_node_event(t->s->fx, &(struct node_event){.id = t->s->core->next_event_id++,
                                                      .time_ms = t->s->now.wall,
                                                      .kind = kind,
                                                      .node = t->n->name,
                                                      .user = t->user,
                                                      .reason = reason});
}

/* "GPU 3: It has fallen off the bus." */
static void say(const struct gpu *g, char out[128])
{
    char text[112];
    gpu_mark_text(&g->health, text, sizeof text);
    snprintf(out, 128, "GPU %d: %s", g->index, text);
}

static void tell_gpu(const struct telling *t, const struct gpu *was, const struct gpu *g)
{
    char text[128];
    snprintf(text, sizeof text, "GPU %d", g->index);
    if (was->quarantined != g->quarantined)
        tell(t, g->quarantined ? NODE_GPU_QUARANTINED : NODE_GPU_UNQUARANTINED, text);
    if (gpu_mark_same(&was->health, &g->health))
        return;
    if (g->health.cause)
        say(g, text);
    tell(t, g->health.cause ? NODE_GPU_HEALTH : NODE_GPU_HEALTHY, text);
}

/* An admin's marks, or those that the health of a GPU has put there. */
static void tell_marks(const struct telling *t, const struct node *was)
{
    const struct node *n = t->n;
    if (n->draining && !was->draining)
        tell(t, NODE_DRAINED, t->reason);
    else if (n->cordoned && (!was->cordoned || was->draining) && !n->draining)
        tell(t, NODE_CORDONED, n->cordon_reason[0] ? n->cordon_reason : t->reason);
    else if (!n->cordoned && was->cordoned)
        tell(t, NODE_UNCORDONED, t->reason);
    if (strcmp(n->labels, was->labels) != 0)
        tell(t, NODE_LABELS, n->labels);
}

void core_node_history(struct step *s, const struct node *n, const struct command_actor *by, const char *reason)
{
    static const struct node nothing;
    int index = cluster_find(s->core->cluster, n->name);
    const struct node *was = index < 0 ? &nothing : &cluster_at(s->core->cluster, index)->info;
    const struct telling t = {.s = s, .n = n, .user = by && by->user ? by->user : "", .reason = reason ? reason : ""};
    if (index < 0)
        tell(&t, NODE_ADDED, "");
    else if (n->up != (was->up || was->was_up))
        tell(&t, n->up ? NODE_UP : NODE_DOWN, "");
    tell_marks(&t, was);
    for (int i = 0; i < n->gpu_count; i++)
        tell_gpu(&t, i < was->gpu_count ? &was->gpus[i] : &nothing.gpus[0], &n->gpus[i]);
}
