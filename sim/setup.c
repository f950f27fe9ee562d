/* SPDX-License-Identifier: MIT
 *
 * Clusters for replays. What a virtual cluster owns is kept as cells; policies see it as cells, as a number, or not at
 * all.
 */
#include "sim/setup.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "scheduler/grid.h"
#include "sim/described.h"
#include "sim/trace_read.h"

enum { NODE_GPUS = 8, NODE_LEVEL = 3, GPUS_MAX = 1000000 };

/* ---- the plain cluster ---- */

static int describe_plain(struct setup *s, int nodes, struct err *e)
{
    static const char *const names[] = {"gpu", "pair", "quad", "node"};
    struct topology *t = &s->topology;
    t->chains = calloc(1, sizeof *t->chains);
    t->roots = calloc((size_t)nodes, sizeof *t->roots);
    if (!t->chains || !t->roots)
        return err_set(e, ERR_INTERNAL, "out of memory");
    t->chain_count = 1;
    t->chains[0].levels = NODE_LEVEL + 1;
    t->chains[0].node_level = NODE_LEVEL;
    for (int l = 0; l <= NODE_LEVEL; l++) {
        snprintf(t->chains[0].level[l].name, TOPOLOGY_NAME_MAX, "%s", names[l]);
        t->chains[0].level[l].fanout = 2;
    }
    topology_chain_size(&t->chains[0]);
    for (int n = 0; n < nodes; n++) {
        struct topology_root *root = &t->roots[n];
        root->nodes = calloc(1, sizeof *root->nodes);
        if (!root->nodes)
            return err_set(e, ERR_INTERNAL, "out of memory");
        snprintf(root->nodes[0], TOPOLOGY_NAME_MAX, "n%d", n);
        root->node_count = 1;
        t->root_count++;
    }
    return 0;
}

/* Quotas of whole machines by the rule, of the first chain. */
static int share_out(struct setup *s, struct trace *t, struct err *e)
{
    const struct topology_chain *c = &s->topology.chains[0];
    const int each = s->topology.chain_count == 1 ? c->level[c->node_level].gpus : 0;
    if (!each)
        return err_set(e, ERR_INVALID_PARAMETERS,
                       "the quota rule needs machines that are alike: describe the virtual clusters (\"vcs\")");
    if (trace_read_quota(t, s->gpus / each, e))
        return -1;
    s->vcs = calloc(t->vc_count, sizeof *s->vcs);
    if (!s->vcs)
        return err_set(e, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; i < t->vc_count; i++) {
        struct vcluster *v = &s->vcs[s->vc_count++];
        memcpy(v->name, t->vcs[i].name, sizeof v->name);
        v->quotas = calloc(1, sizeof *v->quotas);
        if (!v->quotas)
            return err_set(e, ERR_INTERNAL, "out of memory");
        v->quotas[v->quota_count++] = (struct vcluster_quota){.level = c->node_level, .count = t->vcs[i].nodes};
    }
    s->by_rule = true;
    return 0;
}

/* ---- sizes ---- */

/* Pinned cells are not counted: jobs of a trace name none. */
static int owned(const struct setup *s, const struct vcluster *v)
{
    int gpus = 0;
    for (size_t q = 0; q < v->quota_count; q++)
        gpus += v->quotas[q].count * s->topology.chains[v->quotas[q].chain].level[v->quotas[q].level].gpus;
    return gpus;
}

static void measure_cluster(struct setup *s)
{
    for (size_t r = 0; r < s->topology.root_count; r++) {
        const struct topology_chain *c = &s->topology.chains[s->topology.roots[r].chain];
        int node = c->level[c->node_level].gpus;
        s->gpus += c->level[c->levels - 1].gpus;
        s->node_gpus = node > s->node_gpus ? node : s->node_gpus;
    }
}

static int measure_vcs(struct setup *s, struct err *e)
{
    s->vc_gpus = calloc(s->vc_count + 1, sizeof *s->vc_gpus);
    for (size_t i = 0; s->vc_gpus && i < s->vc_count; i++)
        s->vc_gpus[i] = owned(s, &s->vcs[i]);
    return s->vc_gpus ? 0 : err_set(e, ERR_INTERNAL, "out of memory");
}

int setup_by_rule(struct setup *s, struct trace *t, int gpus, struct err *e)
{
    if (gpus < NODE_GPUS || gpus % NODE_GPUS || gpus > GPUS_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "--gpus must be a multiple of %d, at most %d", NODE_GPUS, GPUS_MAX);
    if (describe_plain(s, gpus / NODE_GPUS, e))
        return -1;
    measure_cluster(s);
    return share_out(s, t, e) || measure_vcs(s, e) ? -1 : 0;
}

/* ---- the described cluster ---- */

/* Puts the trace's virtual clusters first, in its order. */
static int sort_vcs(struct setup *s, const struct trace *t, struct err *e)
{
    for (size_t i = 0; i < t->vc_count; i++) {
        size_t k = i;
        while (k < s->vc_count && strcmp(s->vcs[k].name, t->vcs[i].name) != 0)
            k++;
        if (k == s->vc_count)
            return err_set(e, ERR_INVALID_PARAMETERS, "virtual cluster \"%s\" of the trace is not described",
                           t->vcs[i].name);
        struct vcluster v = s->vcs[i];
        s->vcs[i] = s->vcs[k];
        s->vcs[k] = v;
    }
    return 0;
}

static int read_description(struct setup *s, struct trace *t, const cJSON *o, struct policies *p, struct err *e)
{
    static const char *const keys[] = {"cell_types", "cells", "vcs", "policies", NULL};
    const cJSON *vcs = cJSON_GetObjectItemCaseSensitive(o, "vcs");
    if (json_only_keys(o, keys, e) || described_cluster(o, &s->topology, e) ||
        policy_read(p, cJSON_GetObjectItemCaseSensitive(o, "policies"), e))
        return -1;
    measure_cluster(s);
    if (!s->gpus)
        return err_set(e, ERR_INVALID_PARAMETERS, "the cluster has no cells");
    if (!vcs)
        return share_out(s, t, e);
    s->vcs = described_vcs(vcs, &s->topology, &s->vc_count, e);
    return s->vcs ? sort_vcs(s, t, e) : -1;
}

int setup_described(struct setup *s, struct trace *t, const char *path, struct policies *p, struct err *e)
{
    struct buf data;
    buf_init(&data, JSON_MAX_BYTES);
    cJSON *o = fs_read(path, JSON_MAX_BYTES, &data, e) ? NULL : json_parse(buf_str(&data), data.len, 0, e);
    int rc = o ? read_description(s, t, o, p, e) || measure_vcs(s, e) : -1;
    cJSON_Delete(o);
    buf_fini(&data);
    return rc ? err_wrap(e, "%s", path) : 0;
}

void setup_fini(struct setup *s)
{
    if (!s)
        return;
    described_vcs_free(s->vcs, s->vc_count);
    topology_fini(&s->topology);
    free(s->vc_gpus);
    *s = (struct setup){0};
}

/* ---- grids ---- */

/* All GPUs of each chain, in no shape: what a virtual cluster owns that has the pool. */
static size_t pool_quotas(const struct setup *s, struct vcluster_quota *out)
{
    for (size_t c = 0; c < s->topology.chain_count; c++)
        out[c] = (struct vcluster_quota){.chain = (int)c};
    for (size_t r = 0; r < s->topology.root_count; r++) {
        const struct topology_chain *c = &s->topology.chains[s->topology.roots[r].chain];
        out[s->topology.roots[r].chain].count += c->level[c->levels - 1].gpus;
    }
    return s->topology.chain_count;
}

/* The same GPUs as a quota of cells, by number. */
static void flatten(const struct setup *s, const struct vcluster *v, struct vcluster_quota *out)
{
    for (size_t q = 0; q < v->quota_count; q++) {
        const struct vcluster_quota *was = &v->quotas[q];
        int gpus = was->count * s->topology.chains[was->chain].level[was->level].gpus;
        out[q] = (struct vcluster_quota){.chain = was->chain, .count = gpus};
    }
}

/* A virtual cluster as a policy sees it; its quotas may take room from `next`, which moves on. */
static void view(const struct setup *s, const struct policy *p, size_t vc, struct vcluster *out,
                 struct vcluster_quota **next)
{
    if (p->quota == POLICY_COUNT) {
        flatten(s, &s->vcs[vc], *next);
        out->quotas = *next;
    }
    *next += s->vcs[vc].quota_count;
    if (p->quota != POLICY_POOL)
        return;
    out->quota_count = out->pin_count = 0;
    out->borrow = out->user_cap = 0;
    if (vc == 0) {
        out->quotas = *next;
        out->quota_count = pool_quotas(s, *next);
    }
}

/* A virtual cluster when only one, `only`, owns something. */
static void view_alone(int only, size_t vc, struct vcluster *out)
{
    out->borrow = out->user_cap = 0;
    if ((int)vc != only)
        out->quota_count = out->pin_count = 0;
}

struct grid *setup_grid(const struct setup *s, const struct policy *p, int only, struct err *e)
{
    size_t quotas = s->topology.chain_count;
    for (size_t i = 0; i < s->vc_count; i++)
        quotas += s->vcs[i].quota_count;
    struct vcluster *vcs = calloc(s->vc_count + 1, sizeof *vcs);
    struct vcluster_quota *room = calloc(quotas + 1, sizeof *room), *next = room;
    struct grid *g = NULL;
    if (!vcs || !room) {
        err_set(e, ERR_INTERNAL, "out of memory");
        goto out;
    }
    /* Last first: the pool's quotas, of the first, come after all others. */
    for (size_t i = s->vc_count; i-- > 0;) {
        vcs[i] = s->vcs[i];
        if (only < 0)
            view(s, p, i, &vcs[i], &next);
        else
            view_alone(only, i, &vcs[i]);
    }
    g = grid_create(&s->topology, vcs, s->vc_count, e);
out:
    free(vcs);
    free(room);
    return g;
}
