/* SPDX-License-Identifier: MIT
 *
 * Nodes that jobs avoid after a fault of the platform. What a job avoids narrows what the grid is asked for when it
 * enters the line. Whoever could then run nowhere, even with nobody else there, goes back on it, oldest node first;
 * where machines that are down are why, as much as would do were they up.
 *
 *   attempt ends ─► core_avoid_fault ─► back-off ─► enqueue ─► (core_avoid_look) ─► line
 *                                                    ▲              └─ too narrow: leaves the line, drops nodes ─┐
 *                                                    └──────────────────────────────────────────────────────────┘
 *
 * That is looked at before a pass, never in one: a pass goes over the line's groups, which may end when somebody
 * leaves the line.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "core/avoid.h"
#include "core/internal.h"

/* ---- a fault ---- */

/* Where the task was that ended the attempt. NULL: it was none, or the platform is not to blame. */
static const char *faulty_node(const struct job *j)
{
    const struct exit_trigger *why = &j->trigger;
    if (j->exit.category != EXIT_CATEGORY_PLATFORM || !why->role)
        return NULL;
    for (int i = 0; i < j->spec->total_tasks; i++)
        if (j->tasks[i].index == why->task_index && !strcmp(j->tasks[i].role->name, why->role))
            return j->tasks[i].node;
    return NULL;
}

const char *core_avoid_fault(struct step *s, struct job *j)
{
    const char *node = faulty_node(j);
    if (!node || cluster_count(s->core->cluster) < 2) /* there is no other */
        return NULL;
    if (!j->avoid && !(j->avoid = arena_calloc(j->arena, 1, sizeof *j->avoid))) {
        s->fx->failed = true;
        return NULL;
    }
    avoid_add(j->avoid, node);
    return node;
}

bool core_avoids(const struct job *j)
{
    return j->avoid && j->avoid->count;
}

/* ---- who is queued and avoids something ---- */

int core_avoid_join(struct core *c, struct job *j)
{
    if (!core_avoids(j))
        return 0;
    if (c->avoiding_count == c->avoiding_cap) {
        size_t cap = c->avoiding_cap ? c->avoiding_cap * 2 : 16;
        struct job **grown = realloc(c->avoiding, cap * sizeof(struct job *));
        if (!grown)
            return -1;
        c->avoiding = grown;
        c->avoiding_cap = cap;
    }
    c->avoiding[c->avoiding_count++] = j;
    c->avoid_stale = true;
    return 0;
}

void core_avoid_leave(struct core *c, const struct job *j)
{
    size_t i = 0;
    while (i < c->avoiding_count && c->avoiding[i] != j)
        i++;
    if (i < c->avoiding_count)
        c->avoiding[i] = c->avoiding[--c->avoiding_count];
}

/* ---- whether it can still run ---- */

static bool could_run(const struct core_avoid_ask *a, const struct avoid *from, bool all_up)
{
    struct explain_ask ask = *a->ask;
    ask.node_count = core_wishes(a->cluster, a->spec, from, a->names);
    ask.nodes = a->names;
    return explain_could(a->explain, &ask, all_up);
}

/* The least that lets it run; -1: not even all. */
static int least(const struct core_avoid_ask *a, const struct avoid *from, bool all_up)
{
    struct avoid left = *from;
    for (int n = 0; n <= from->count; n++) {
        if (could_run(a, &left, all_up))
            return n;
        avoid_drop(&left, 1);
    }
    return -1;
}

int core_avoid_excess(const struct core_avoid_ask *a, const struct avoid *from)
{
    int n = least(a, from, false);
    if (n < 0)
        n = least(a, from, true);
    return n < 0 ? 0 : n;
}

/* The same of a job that is queued. */
static int too_many(const struct core *c, const struct job *j, struct explain *x, const char **names)
{
    const struct explain_ask ask = {.request = &core_gang_of(j)->ask, .self = -1, .not = -1};
    const struct core_avoid_ask a = {.explain = x, .ask = &ask, .cluster = c->cluster, .spec = j->spec, .names = names};
    return core_gang_of(j)->gang < 0 ? 0 : core_avoid_excess(&a, j->avoid);
}

/* It may use its oldest nodes again, and enters the line as what it now asks for. */
static void lift(struct step *s, struct job *j, int n)
{
    int64_t since_mono = core_gang_of(j)->line.since_ms;
    struct avoid lifted = {.count = n};
    struct buf text;
    memcpy(lifted.node, j->avoid->node, (size_t)n * sizeof lifted.node[0]);
    buf_init(&text, 1024);
    avoid_text(&lifted, ", ", &text);
    core_dequeue(s->core, j);
    avoid_drop(j->avoid, n);
    if (core_enqueue(s->core, j, since_mono))
        s->fx->failed = true;
    effects_job(s->fx, j);
    core_event_job(s, j, "NodeAvoidanceLifted",
                   "No longer avoided: %s. There is no other place where the job could run.", buf_str(&text));
    buf_fini(&text);
}

void core_avoid_look(struct step *s)
{
    struct core *c = s->core;
    c->avoid_stale = false;
    if (!c->avoiding_count)
        return;
    struct explain *x = explain_begin(c->grid);
    const char **names = calloc(cluster_count(c->cluster) + 1, sizeof(char *));
    size_t count = c->avoiding_count;
    struct job **jobs = calloc(count, sizeof(struct job *));
    int *drop = calloc(count, sizeof *drop);
    bool ok = x && names && jobs && drop;
    for (size_t i = 0; ok && i < count; i++) {
        jobs[i] = c->avoiding[i];
        drop[i] = too_many(c, jobs[i], x, names);
    }
    explain_end(x);
    for (size_t i = 0; ok && i < count; i++) /* the grid was asked; now it may change */
        if (drop[i])
            lift(s, jobs[i], drop[i]);
    if (!ok)
        s->fx->failed = true;
    free(drop);
    free(jobs);
    free(names);
    c->avoid_stale = false; /* who came back avoids less than what was found to be too much */
}
