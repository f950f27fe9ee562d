/* SPDX-License-Identifier: MIT
 *
 * Reading the facts off a world, through what the grid shows of its gangs.
 */
#include "tests/sim/reasons/facts.h"

#include <string.h>

#include "core/internal.h"

const struct wish *facts_wish(const struct facts *f, int job)
{
    return &f->world->jobs[job].wish;
}

bool facts_in_way(const struct facts *f, int job, int of)
{
    int list[WORLD_JOBS], gang = world_gang(f->world, of);
    const struct grid *g = f->world->core->grid;
    if (gang < 0 || grid_state_of(g, gang) != GRID_PREEMPTING)
        return false;
    for (size_t i = grid_in_way(g, gang, list, WORLD_JOBS); i-- > 0;)
        if (list[i] == world_gang(f->world, job))
            return true;
    return false;
}

static void read_holder(struct facts *f, int job)
{
    struct grid_place at[WORLD_NODES * WORLD_GPUS];
    const struct grid *g = f->world->core->grid;
    struct holder *h = &f->holders[job];
    int gang = world_gang(f->world, job);
    *h = (struct holder){.job = job};
    if (gang < 0 || grid_state_of(g, gang) == GRID_WAITING)
        return;
    h->there = true;
    h->reserves = grid_state_of(g, gang) == GRID_PREEMPTING;
    h->oppo = grid_is_oppo(g, gang);
    h->borrowed = grid_right_of(g, gang) == GRID_BORROWED;
    for (int j = 0; j < f->world->job_count; j++)
        f->waits[job][j] = h->reserves && facts_in_way(f, j, job);
    for (int p = 0; p < facts_wish(f, job)->pods; p++)
        h->node[p] = grid_pod(g, gang, p, NULL);
    size_t n = grid_places(g, gang, at, sizeof at / sizeof *at);
    for (size_t i = 0; i < n; i++) {
        (h->reserves ? f->reserver : f->user)[at[i].node][at[i].gpu] = job;
        f->whole[at[i].node][at[i].gpu] |= at[i].level == 1;
        if (!h->oppo)
            f->owner[at[i].node][at[i].gpu] = facts_wish(f, job)->vc;
    }
}

/* What each virtual cluster owns; "default" the rest, in whole machines where it can be. */
static void read_promises(struct facts *f)
{
    const struct script *s = f->world->script;
    for (int k = 0; k < WORLD_SKUS; k++) {
        int left = 0;
        for (int n = 0; n < s->nodes; n++)
            left += s->sku[n] == k ? WORLD_GPUS : 0;
        for (int v = 0; v < WORLD_VCS; v++) {
            const struct vc *vc = &f->world->vcs[v];
            for (size_t i = 0; i < vc->guarantee_count; i++)
                if (!strcmp(vc->guarantee[i].sku, world_sku_names[k])) {
                    f->promised_nodes[v][k] = vc->guarantee[i].nodes;
                    f->promised_gpus[v][k] = vc->guarantee[i].gpus;
                }
            left -= f->promised_nodes[v][k] * WORLD_GPUS + f->promised_gpus[v][k];
        }
        f->promised_nodes[WORLD_VCS - 1][k] = left / WORLD_GPUS;
        f->promised_gpus[WORLD_VCS - 1][k] = left % WORLD_GPUS;
    }
}

void facts_read(struct facts *f, const struct world *w)
{
    *f = (struct facts){.world = w};
    for (int n = 0; n < WORLD_NODES; n++)
        for (int g = 0; g < WORLD_GPUS; g++)
            f->user[n][g] = f->reserver[n][g] = f->owner[n][g] = NOBODY;
    for (int n = 0; n < w->script->nodes; n++) {
        const struct node *info = &cluster_at(core_cluster(w->core), n)->info;
        f->bad[n] = !info->up || info->cordoned;
        f->up[n] = !f->bad[n];
        f->closes[n] = INT64_MAX;
    }
    for (int i = 0; i < w->window_count; i++) {
        const struct world_window *x = &w->windows[i];
        if (x->end <= w->now.wall)
            continue;
        if (x->start <= w->now.wall)
            f->up[x->node] = false;
        else if (x->start < f->closes[x->node])
            f->closes[x->node] = x->start;
    }
    for (int j = 0; j < w->job_count; j++)
        read_holder(f, j);
    read_promises(f);
}
