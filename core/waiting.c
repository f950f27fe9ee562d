/* SPDX-License-Identifier: MIT
 *
 * A job's gang on the grid: it waits in the line, reserves, holds, and gives back task by task.
 *
 *   enqueue ─► in the line ─► (line_pass) ─► holds ─► release, task by task ─► gone
 *                   ▲             └────────► reserves ─► (victims leave) ─► holds
 *                   └──────────────────────────┘ the reservation is lost
 *
 * While the plan is stale (nodes or promises have changed) nobody enters the grid: core_plan_make takes in all who
 * wait.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "core/avoid.h"
#include "core/internal.h"

struct core_gang *core_gang_of(const struct job *j)
{
    return j->queue_entry;
}

/* ---- what is asked ---- */

struct grid_request *core_ask(struct arena *a, const struct spec *spec)
{
    struct grid_request *r = arena_alloc(a, sizeof *r);
    struct grid_pods *pods = arena_calloc(a, spec->role_count, sizeof *pods);
    struct grid_need *needs = arena_calloc(a, spec->role_count, sizeof *needs);
    if (!r || !pods || !needs)
        return NULL;
    for (size_t i = 0; i < spec->role_count; i++) {
        const struct spec_role *role = &spec->roles[i];
        pods[i] = (struct grid_pods){.count = role->instances, .gpus = (int)role->per_task.gpus};
        needs[i] = (struct grid_need){
            .cpus = role->per_task.cpus, .memory_mb = role->per_task.memory_mb, .ports = role->port_total};
    }
    *r = (struct grid_request){.vc = spec->vc,
                               .models = spec->skus,
                               .pin = spec->pin,
                               .pods = pods,
                               .needs = needs,
                               .pod_kinds = spec->role_count,
                               .priority = spec->priority,
                               .patient = true,
                               .no_stop = spec->preemption == SPEC_PREEMPTION_NEVER};
    return r;
}

/* The node wishes as one text, for the line to tell shapes apart. NULL on out of memory. */
static const char *wish_text(struct arena *a, const struct spec *spec)
{
    struct buf text;
    buf_init(&text, 0);
    for (size_t i = 0; spec->nodes && spec->nodes[i]; i++)
        buf_addf(&text, "+%s", spec->nodes[i]);
    for (size_t i = 0; spec->not_nodes && spec->not_nodes[i]; i++)
        buf_addf(&text, "-%s", spec->not_nodes[i]);
    const char *kept = text.bad ? NULL : arena_strdup(a, buf_str(&text));
    buf_fini(&text);
    return kept;
}

struct core_gang *core_gang_make(struct job *j)
{
    struct core_gang *g = j->queue_entry;
    if (g)
        return g;
    g = arena_alloc(j->arena, sizeof *g);
    struct grid_request *ask = g ? core_ask(j->arena, j->spec) : NULL;
    if (!ask)
        return NULL;
    *g = (struct core_gang){.ask = *ask, .gang = -1};
    g->ask.seq = j->seq;
    g->ask.owner = j;
    g->ask.later = !j->spec->nodes;
    if ((j->spec->nodes || j->spec->not_nodes) && !(g->ask.only = wish_text(j->arena, j->spec)))
        return NULL;
    j->queue_entry = g;
    return g;
}

/* ---- entering and leaving ---- */

static bool is_in(const char *const *list, const char *name)
{
    for (size_t i = 0; list && list[i]; i++)
        if (!strcmp(list[i], name))
            return true;
    return false;
}

size_t core_wishes(const struct cluster *c, const struct spec *spec, const struct avoid *from, const char **out)
{
    size_t n = 0;
    for (size_t i = 0; i < cluster_count(c); i++) {
        const char *name = cluster_at(c, (int)i)->info.name;
        if ((!spec->nodes || is_in(spec->nodes, name)) && !is_in(spec->not_nodes, name) && !avoid_has(from, name))
            out[n++] = name;
    }
    return n;
}

/* Tells the grid which nodes will do. 0, or -1 on out of memory. */
static int tell_wishes(struct core *c, const struct job *j, int gang)
{
    const struct spec *spec = j->spec;
    if (!spec->nodes && !spec->not_nodes && !core_avoids(j))
        return 0;
    const char **names = calloc(cluster_count(c->cluster) + 1, sizeof(char *));
    if (!names)
        return -1;
    int rc = grid_only(c->grid, gang, names, core_wishes(c->cluster, spec, j->avoid, names));
    free(names);
    return rc;
}

int core_line_join(struct core *c, struct job *j)
{
    struct core_gang *g = core_gang_of(j);
    struct err e = {0};
    if (core_ask_refresh(c, j, g))
        return -1;
    g->ask.avoid = core_avoids(j) ? j->avoid : NULL;
    g->gang = grid_submit(c->grid, &g->ask, &e);
    if (g->gang < 0) /* it names what is not there: it waits for another plan */
        return e.code == ERR_INTERNAL ? -1 : 0;
    g->line.gang = g->gang;
    g->line.seq = j->seq;
    g->line.owner = j;
    return tell_wishes(c, j, g->gang) || line_add(c->line, &g->line, &g->ask) ? -1 : 0;
}

int core_enqueue(struct core *c, struct job *j, int64_t since_mono)
{
    struct core_gang *g = core_gang_make(j);
    if (!g)
        return -1;
    g->queued = true;
    g->line.since_ms = since_mono;
    c->waiting++;
    if (core_avoid_join(c, j))
        return -1;
    return c->stale ? 0 : core_line_join(c, j);
}

/* Takes a job off the list of those that reserve. */
static void stop_reserving(struct core *c, struct job *j)
{
    c->changes++;
    size_t i = 0;
    while (i < c->reserving_count && c->reserving[i] != j)
        i++;
    if (i < c->reserving_count)
        c->reserving[i] = c->reserving[--c->reserving_count];
}

void core_dequeue(struct core *c, struct job *j)
{
    struct core_gang *g = core_gang_of(j);
    if (!g || !g->queued)
        return;
    g->queued = false;
    c->waiting--;
    core_avoid_leave(c, j);
    if (g->line.group)
        line_remove(c->line, &g->line);
    else
        stop_reserving(c, j);
    if (g->gang >= 0)
        grid_remove(c->grid, g->gang);
    g->gang = -1;
}

int core_reserve(struct core *c, struct job *j)
{
    if (c->reserving_count == c->reserving_cap) {
        size_t cap = c->reserving_cap ? c->reserving_cap * 2 : 16;
        struct job **grown = realloc(c->reserving, cap * sizeof(struct job *));
        if (!grown)
            return -1;
        c->reserving = grown;
        c->reserving_cap = cap;
    }
    c->reserving[c->reserving_count++] = j;
    c->changes++;
    return 0;
}

void core_hold(struct core *c, struct job *j)
{
    core_gang_of(j)->queued = false;
    c->waiting--;
    c->changes++;
    core_avoid_leave(c, j);
    stop_reserving(c, j);
}

void core_release(struct core *c, struct task *t)
{
    struct core_gang *g = core_gang_of(t->job);
    if (g && g->gang >= 0)
        grid_release(c->grid, g->gang, (int)(t - t->job->tasks));
    else
        cluster_give(c->cluster, cluster_find(c->cluster, t->node), &t->role->per_task, t->ports, t->role->port_total);
    core_vc_count(c, t, -1);
    c->changes++;
    if (--t->job->tasks_live || !g || g->gang < 0)
        return;
    grid_remove(c->grid, g->gang);
    g->gang = -1;
}
