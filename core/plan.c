/* SPDX-License-Identifier: MIT
 *
 * The plan: a grid made of the nodes and the promises (plan_draw.c). It is made anew when a node appears or gets other
 * GPUs, and when a promise changes; who runs is adopted, who waits enters again. That is rare, and it is the one way:
 * at a start, too.
 */
#include <stdlib.h>
#include <string.h>

#include "core/internal.h"
#include "core/plan.h"

/* ---- the jobs ---- */

/* What fits no promise any more goes on without one. */
int core_plan_adopt(struct core *c, struct job *j)
{
    struct core_gang *g = core_gang_make(j);
    struct grid_seat *seats = calloc((size_t)j->spec->total_tasks + 1, sizeof *seats);
    struct err e = {0};
    if (!g || !seats || core_ask_refresh(c, j, g)) {
        free(seats);
        return -1;
    }
    for (int i = 0; i < j->spec->total_tasks; i++) {
        const struct task *t = &j->tasks[i];
        bool placed = (t->state & STATE_PLACED) != 0;
        seats[i] = (struct grid_seat){
            .node = placed ? cluster_find(c->cluster, t->node) : -1, .gpus = t->gpus, .ports = t->ports};
    }
    g->gang = grid_adopt_seats(c->grid, &g->ask, seats, &e);
    if (g->gang < 0 && e.code != ERR_INTERNAL) {
        struct grid_request loose = g->ask;
        loose.models = NULL;
        loose.pin = NULL;
        loose.priority = -1;
        e = (struct err){0};
        g->gang = grid_adopt_seats(c->grid, &loose, seats, &e);
    }
    free(seats);
    return e.code == ERR_INTERNAL ? -1 : 0; /* not even so: the account holds it, which is the last word */
}

static int take_job(struct core *c, struct job *j)
{
    struct core_gang *g = core_gang_of(j);
    if (j->tasks_live)
        return core_plan_adopt(c, j);
    return g && g->queued ? core_line_join(c, j) : 0;
}

static int take_jobs(struct core *c)
{
    size_t n;
    struct job **all = core_by_seq(c, &n);
    int rc = all ? 0 : -1;
    for (size_t i = 0; all && i < n && !rc; i++)
        rc = take_job(c, all[i]);
    free(all);
    for (size_t i = 0; i < c->leases.count && !rc; i++)
        rc = core_lease_seat(c, c->leases.list[i]);
    return rc;
}

/* ---- making ---- */

void core_plan_fini(struct core *c)
{
    line_destroy(c->line);
    grid_destroy(c->grid);
    topology_fini(&c->topology);
    c->line = NULL;
    c->grid = NULL;
}

/* Everybody leaves the old grid; reservations are given back to the account. */
static void leave(struct core *c)
{
    size_t pos = 0;
    struct job *j;
    for (size_t i = 0; i < c->reserving_count; i++)
        grid_remove(c->grid, core_gang_of(c->reserving[i])->gang);
    c->reserving_count = 0;
    while ((j = hash_next(c->by_id, &pos))) {
        struct core_gang *g = core_gang_of(j);
        if (!g)
            continue;
        g->gang = -1;
        g->line = (struct line_entry){.since_ms = g->line.since_ms};
    }
    for (size_t i = 0; i < c->leases.count; i++)
        if (core_gang_of(c->leases.list[i]))
            core_gang_of(c->leases.list[i])->gang = -1;
    core_plan_fini(c);
}

static void set_health(struct core *c)
{
    for (size_t i = 0; i < cluster_count(c->cluster); i++) {
        const struct cluster_node *n = cluster_at(c->cluster, (int)i);
        int node = n->info.gpu_count ? grid_node(c->grid, n->info.name) : -1;
        if (node >= 0 && n->bucket < 0)
            grid_health(c->grid, node, false);
    }
}

/* The plan of what the core knows. 0, or -1 on out of memory. */
static int draw(struct core *c, struct core_plan *out)
{
    const struct vc **vcs = calloc(c->vc_count + 1, sizeof(struct vc *));
    struct core_plan_from from = {.cluster = c->cluster, .vcs = vcs, .vc_count = c->vc_count};
    for (size_t i = 0; vcs && i < c->vc_count; i++)
        vcs[i] = &c->vcs[i]->spec;
    int rc = vcs ? core_plan_draw(&from, out) : -1;
    free(vcs);
    return rc;
}

int core_plan_make(struct core *c)
{
    struct core_plan plan = {.vcs = NULL};
    struct err e = {0};
    leave(c);
    int rc = draw(c, &plan);
    c->topology = plan.topology;
    plan.topology = (struct topology){.chains = NULL};
    if (!rc)
        c->grid = grid_create(&c->topology, plan.vcs, plan.vc_count, &e);
    if (c->grid)
        score_use(c->grid, &c->weights);
    if (c->grid && !grid_account(c->grid, c->cluster))
        c->line = line_create(c->grid, c->config.age_ms);
    core_plan_drop(&plan);
    if (!c->line)
        return -1;
    set_health(c);
    c->stale = false;
    c->avoid_stale = true;
    c->changes++;
    return take_jobs(c);
}
