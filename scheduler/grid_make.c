/* SPDX-License-Identifier: MIT
 *
 * Making a grid: cells, shares, pins, and the check that what is promised is there.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "scheduler/grid_internal.h"

/* The share of a virtual cluster in a chain (pin -1), made when it is not there yet. */
static struct share *share_of(struct grid *g, int vc, int chain, int pin)
{
    for (int i = 0; i < g->share_count; i++)
        if (g->shares[i].vc == vc && g->shares[i].chain == chain && g->shares[i].pin == pin)
            return &g->shares[i];
    struct share *s = &g->shares[g->share_count];
    *s = (struct share){.vc = vc, .chain = chain, .pin = pin, .lot = -1, .rack = space_rack_add(g->space)};
    if (s->rack < 0)
        return NULL;
    g->share_count++;
    return s;
}

static int make_pin(struct grid *g, int vc, int pin, struct err *e)
{
    const struct topology_pin *p = &g->topology->pins[pin];
    int node = space_find_node(g->space, p->first_node);
    int cell = node < 0 ? -1 : space_ancestor(g->space, g->space->node_cell[node], p->level);
    if (cell < 0 || !space_is_free(g->space, cell))
        return err_set(e, ERR_INVALID_PARAMETERS, "Pinned cell %s does not exist or is given away twice.", p->name);
    struct share *s = share_of(g, vc, g->space->cells[cell].chain, pin);
    if (!s)
        return err_set(e, ERR_INTERNAL, "out of memory");
    s->total = space_gpus(g->space, cell);
    share_bind(g, (int)(s - g->shares), cell, true);
    return 0;
}

static int make_shares(struct grid *g, int vc, struct err *e)
{
    const struct vcluster *v = &g->vcs[vc];
    for (size_t i = 0; i < v->pin_count; i++)
        if (make_pin(g, vc, v->pins[i], e))
            return -1;
    for (size_t i = 0; i < v->quota_count; i++) {
        const struct vcluster_quota *q = &v->quotas[i];
        struct share *s = share_of(g, vc, q->chain, -1);
        if (!s)
            return err_set(e, ERR_INTERNAL, "out of memory");
        s->quota[q->level] += q->count;
        s->total += q->count * g->topology->chains[q->chain].level[q->level].gpus;
        g->space->levels[q->chain][q->level].need += q->count;
    }
    return 0;
}

static int copy_vcs(struct grid *g, const struct vcluster *vcs, size_t count)
{
    g->vcs = calloc(count + 1, sizeof *g->vcs);
    g->vc_use = calloc(count + 1, sizeof *g->vc_use);
    if (!g->vcs || !g->vc_use)
        return -1;
    size_t shares = 1;
    for (size_t i = 0; i < count; i++) {
        g->vcs[i] = vcs[i]; /* lists are borrowed until grid_create returns */
        shares += vcs[i].quota_count + vcs[i].pin_count;
    }
    g->vc_count = count;
    g->shares = calloc(shares, sizeof *g->shares);
    return g->shares ? 0 : -1;
}

static int make_gpus(struct grid *g)
{
    int n = g->space->gpu_count;
    g->gpus = calloc((size_t)n + 1, sizeof *g->gpus);
    g->uses = calloc((size_t)n + 1, sizeof *g->uses);
    g->undo = calloc((size_t)n + 1, sizeof *g->undo);
    g->lots = calloc((size_t)n + 1, sizeof *g->lots);
    g->free_lots = calloc((size_t)n + 1, sizeof *g->free_lots);
    if (!g->gpus || !g->uses || !g->undo || !g->lots || !g->free_lots)
        return -1;
    for (int i = 0; i < n; i++) {
        g->gpus[i].user = g->gpus[i].reserver = -1;
        g->free_lots[g->free_lot_count++] = n - 1 - i;
    }
    return 0;
}

struct grid *grid_create(const struct topology *t, const struct vcluster *vcs, size_t vc_count, struct err *e)
{
    struct grid *g = calloc(1, sizeof *g);
    if (!g) {
        err_set(e, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    g->topology = t;
    g->version = 1;
    g->weights = score_defaults;
    g->space = space_create(t);
    if (!g->space || copy_vcs(g, vcs, vc_count) || make_gpus(g)) {
        err_set(e, ERR_INVALID_PARAMETERS, "The cells cannot be built: a node is named twice, or memory is short.");
        goto fail;
    }
    for (size_t i = 0; i < vc_count; i++)
        if (make_shares(g, (int)i, e))
            goto fail;
    for (size_t c = 0; c < t->chain_count; c++)
        if (!space_feasible(g->space, (int)c)) {
            err_set(e, ERR_INVALID_PARAMETERS, "The virtual clusters are promised more cells of \"%s\" than there are.",
                    t->chains[c].level[t->chains[c].levels - 1].name);
            goto fail;
        }
    for (size_t i = 0; i < vc_count; i++) {
        g->vcs[i].quotas = NULL;
        g->vcs[i].pins = NULL;
    }
    return g;
fail:
    grid_destroy(g);
    return NULL;
}

void grid_destroy(struct grid *g)
{
    if (!g)
        return;
    for (int i = 0; i < g->gang_count; i++) {
        free(g->gangs[i].pods);
        free(g->gangs[i].order);
        free(g->gangs[i].ports);
        free(g->gangs[i].gpus);
        free(g->gangs[i].stops);
        free(g->gangs[i].only);
        free(g->gangs[i].chains);
    }
    for (size_t i = 0; i < g->vc_count && g->vc_use; i++)
        free(g->vc_use[i].by_user);
    space_destroy(g->space);
    free(g->vcs);
    free(g->vc_use);
    free(g->shares);
    free(g->lots);
    free(g->free_lots);
    free(g->gpus);
    free(g->uses);
    free(g->undo);
    grid_copy_free(g->own);
    free(g->machines);
    free(g->crowds);
    free(g->account_node);
    free(g->grid_node);
    free(g->gangs);
    free(g->free_gangs);
    free(g);
}

int grid_account(struct grid *g, struct cluster *account)
{
    size_t machines = cluster_count(account);
    g->account_node = calloc((size_t)g->space->node_count + 1, sizeof *g->account_node);
    g->grid_node = calloc(machines + 1, sizeof *g->grid_node);
    g->machines = calloc(machines + 1, sizeof *g->machines);
    g->crowds = calloc(machines + 1, sizeof *g->crowds);
    if (!g->account_node || !g->grid_node || !g->machines || !g->crowds)
        return -1;
    g->account = account;
    for (size_t i = 0; i < machines; i++) {
        g->machines[i] = (struct pod_link){.gang = -1};
        int node = space_find_node(g->space, cluster_at(account, (int)i)->info.name);
        g->grid_node[i] = node;
        if (node >= 0)
            g->account_node[node] = (int)i;
    }
    return 0;
}
