/* SPDX-License-Identifier: MIT
 *
 * Drawing a plan. A chain for each SKU, number of GPUs in a node, and way in which they lie
 * (inventory/node_topology.h); racks with as many nodes as each other are one chain, too, and so are pods with as many
 * such racks. Promises are cut out of the
 * chains in the order of the virtual clusters, the largest shapes first; "default" gets what is left. What is promised
 * but not there (any more) is nobody's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/internal.h"
#include "core/plan.h"

/* A plan under way, and what of each chain is not given away yet. */
struct making {
    const struct core_plan_from *from;
    struct topology topology;
    struct vcluster *vcs;
    int *left;     /* GPUs by chain */
    int *whole[2]; /* racks, and pods, by chain */
    int missing;   /* cells that were promised and are not there */
};

/* ---- topology ---- */

/* What decides where a node belongs: nodes of one rack that are alike are one root, and so are racks of one pod. */
struct kind {
    char sku[SKU_NAME_MAX];
    int gpus, racks;
    struct node_topology lies;
};

enum { GPUS_MAX = 1 << 30 /* more than any cluster has */ };
enum { KIND_TEXT = SKU_NAME_MAX + 2 * NODE_NAME_MAX + 64 };

static void add_level(struct topology_chain *c, const char *name, int gpus)
{
    int below = c->levels ? c->level[c->levels - 1].gpus : 1;
    struct topology_level *l = &c->level[c->levels++];
    *l = (struct topology_level){.fanout = gpus / below, .gpus = gpus};
    snprintf(l->name, sizeof l->name, "%s", name);
}

/* GPU, pair, socket, node, rack, pod: levels that would be another's equal are left out. */
static struct topology_chain chain_of(const struct kind *k, int nodes)
{
    struct topology_chain c = {.levels = 0};
    int socket = k->gpus / k->lies.sockets;
    add_level(&c, k->sku, 1);
    if (k->lies.pairs && socket > 2)
        add_level(&c, "pair", 2);
    if (k->lies.sockets > 1 && socket > 1)
        add_level(&c, "socket", socket);
    c.node_level = c.levels;
    add_level(&c, "node", k->gpus);
    if (nodes > k->racks)
        add_level(&c, "rack", k->gpus * (nodes / k->racks));
    if (k->racks > 1)
        add_level(&c, "pod", k->gpus * nodes);
    return c;
}

static bool same_chain(const struct topology_chain *a, const struct topology_chain *b)
{
    bool same = a->levels == b->levels && a->node_level == b->node_level && !strcmp(a->level[0].name, b->level[0].name);
    for (int l = 1; same && l < a->levels; l++)
        same = a->level[l].gpus == b->level[l].gpus && !strcmp(a->level[l].name, b->level[l].name);
    return same;
}

/* The number of a chain, added when there is none like it yet; -1 on out of memory. */
static int find_chain(struct topology *t, const struct topology_chain *c)
{
    size_t i = 0;
    while (i < t->chain_count && !same_chain(&t->chains[i], c))
        i++;
    if (i < t->chain_count)
        return (int)i;
    struct topology_chain *grown = realloc(t->chains, (t->chain_count + 1) * sizeof *grown);
    if (!grown)
        return -1;
    t->chains = grown;
    grown[t->chain_count] = *c;
    return (int)t->chain_count++;
}

static int add_to_root(struct topology_root *root, const char *node)
{
    char(*grown)[TOPOLOGY_NAME_MAX] = realloc(root->nodes, (root->node_count + 1) * sizeof *grown);
    if (!grown)
        return -1;
    root->nodes = grown;
    snprintf(grown[root->node_count++], TOPOLOGY_NAME_MAX, "%s", node);
    return 0;
}

/* Roots under way, and which is of which kind in which rack. */
struct roots {
    struct kind *kinds;      /* by root */
    char (*keys)[KIND_TEXT]; /* likewise */
    struct hash *by_key;     /* number + 1 as pointer */
};

/* Nodes alike, where they stand. A pod without a name is none; words have no NUL, so each has its end. */
static void write_key(const struct kind *k, const char *within, char key[KIND_TEXT])
{
    snprintf(key, KIND_TEXT, "%s %d %d %d %zu %s %s", k->sku, k->gpus, k->lies.sockets, k->lies.pairs,
             strlen(k->lies.pod), k->lies.pod, within);
}

static int add_node(struct topology *t, struct roots *r, const struct cluster_node *node)
{
    const struct node *n = &node->info;
    struct kind k = {.gpus = n->gpu_count, .racks = 1, .lies = node->lies};
    size_t at = t->root_count;
    char *key = r->keys[at];
    sku_of_node(n, k.sku);
    write_key(&k, k.lies.rack, key);
    uintptr_t known = k.lies.rack[0] ? (uintptr_t)hash_get(r->by_key, key) : 0;
    if (known)
        return add_to_root(&t->roots[known - 1], n->name);
    if (k.lies.rack[0] && hash_put(r->by_key, key, (void *)(at + 1)))
        return -1;
    r->kinds[at] = k;
    t->root_count++;
    return add_to_root(&t->roots[at], n->name);
}

/* Appends the nodes of a rack to another of its pod. */
static int join_rack(struct topology_root *pod, struct topology_root *rack)
{
    for (size_t i = 0; i < rack->node_count; i++)
        if (add_to_root(pod, rack->nodes[i]))
            return -1;
    free(rack->nodes);
    *rack = (struct topology_root){.nodes = NULL};
    return 0;
}

/* Racks of one pod that are alike, with as many nodes, become one root: where the first of them was. */
static int join_pods(struct topology *t, struct roots *r)
{
    struct hash *pods = hash_create();
    size_t kept = 0, count = t->root_count;
    int rc = pods ? 0 : -1;
    for (size_t i = 0; i < count && !rc; i++) {
        const struct kind k = r->kinds[i];
        char size[24], *key = r->keys[i]; /* what it was looked for by is not needed any more */
        snprintf(size, sizeof size, "%zu", t->roots[i].node_count);
        write_key(&k, size, key);
        uintptr_t known = k.lies.pod[0] ? (uintptr_t)hash_get(pods, key) : 0;
        if (known) {
            r->kinds[known - 1].racks++;
            rc = join_rack(&t->roots[known - 1], &t->roots[i]);
            continue;
        }
        if (k.lies.pod[0])
            rc = hash_put(pods, key, (void *)(kept + 1));
        if (kept != i) {
            t->roots[kept] = t->roots[i];
            t->roots[i] = (struct topology_root){.nodes = NULL};
            r->kinds[kept] = k;
        }
        kept++;
    }
    if (!rc)
        t->root_count = kept;
    hash_destroy(pods);
    return rc;
}

static int add_nodes(struct making *m, struct roots *r)
{
    const struct cluster *c = m->from->cluster;
    for (size_t i = 0; i < cluster_count(c); i++) {
        const struct cluster_node *n = cluster_at(c, (int)i);
        if (n->info.gpu_count && add_node(&m->topology, r, n))
            return -1;
    }
    if (join_pods(&m->topology, r))
        return -1;
    for (size_t i = 0; i < m->topology.root_count; i++) {
        struct topology_root *root = &m->topology.roots[i];
        struct topology_chain chain = chain_of(&r->kinds[i], (int)root->node_count);
        root->chain = find_chain(&m->topology, &chain);
        if (root->chain < 0)
            return -1;
    }
    return 0;
}

/* What is promised in one piece. */
enum shape { SHAPE_GPU, SHAPE_SOCKET, SHAPE_NODE, SHAPE_RACK, SHAPE_POD, SHAPES };

static bool is_level(const struct topology_chain *c, int level, const char *name)
{
    return level >= 0 && level < c->levels && !strcmp(c->level[level].name, name);
}

/* The level of a chain that is such a shape, or -1. A node whose sockets are not told is one socket. */
static int level_of(const struct topology_chain *c, enum shape s)
{
    const int levels[SHAPES] = {[SHAPE_SOCKET] = c->node_level - is_level(c, c->node_level - 1, "socket"),
                                [SHAPE_NODE] = c->node_level,
                                [SHAPE_RACK] = is_level(c, c->node_level + 1, "rack") ? c->node_level + 1 : -1,
                                [SHAPE_POD] = is_level(c, c->levels - 1, "pod") ? c->levels - 1 : -1};
    return levels[s];
}

static int top_gpus(const struct topology_chain *c)
{
    return c->level[c->levels - 1].gpus;
}

static int cells_in_root(const struct topology_chain *c, enum shape s)
{
    int level = level_of(c, s);
    return level < 0 ? 0 : top_gpus(c) / c->level[level].gpus;
}

static int make_topology(struct making *m)
{
    size_t n = cluster_count(m->from->cluster) + 1;
    struct roots r = {calloc(n, sizeof *r.kinds), calloc(n, sizeof *r.keys), hash_create()};
    m->topology.roots = calloc(n, sizeof *m->topology.roots);
    int rc = m->topology.roots && r.kinds && r.keys && r.by_key ? add_nodes(m, &r) : -1;
    free(r.kinds);
    free(r.keys);
    hash_destroy(r.by_key);
    if (rc)
        return -1;
    m->left = calloc(m->topology.chain_count + 1, sizeof *m->left);
    for (int k = 0; k < 2; k++)
        m->whole[k] = calloc(m->topology.chain_count + 1, sizeof *m->whole[k]);
    if (!m->left || !m->whole[0] || !m->whole[1])
        return -1;
    for (size_t i = 0; i < m->topology.root_count; i++) {
        int chain = m->topology.roots[i].chain;
        const struct topology_chain *c = &m->topology.chains[chain];
        m->left[chain] += top_gpus(c);
        for (int k = 0; k < 2; k++)
            m->whole[k][chain] += cells_in_root(c, (enum shape)(SHAPE_RACK + k));
    }
    return 0;
}

/* ---- promises ---- */

static void give(struct making *m, struct vcluster *v, const struct vcluster_quota *q)
{
    if (q->count <= 0)
        return;
    v->quotas[v->quota_count++] = *q;
    m->left[q->chain] -= q->count * m->topology.chains[q->chain].level[q->level].gpus;
}

struct amounts {
    int of[SHAPES];
};

/* So many of the chains of a SKU, as far as there are some. */
static void give_sku(struct making *m, struct vcluster *v, const char *sku, enum shape s, int want)
{
    for (size_t i = 0; i < m->topology.chain_count && want > 0; i++) {
        const struct topology_chain *c = &m->topology.chains[i];
        int level = level_of(c, s);
        if (level < 0 || strcmp(c->level[0].name, sku) != 0)
            continue;
        int has = m->left[i] / c->level[level].gpus;
        if (s >= SHAPE_RACK && m->whole[s - SHAPE_RACK][i] < has)
            has = m->whole[s - SHAPE_RACK][i];
        int n = want < has ? want : has;
        give(m, v, &(struct vcluster_quota){.chain = (int)i, .level = level, .count = n});
        if (s >= SHAPE_RACK) /* pods are given first: of their racks none is whole for others */
            m->whole[0][i] -= s == SHAPE_POD ? n * cells_in_root(c, SHAPE_RACK) : n;
        if (s == SHAPE_POD)
            m->whole[1][i] -= n;
        want -= n;
    }
    m->missing += want > 0 ? want : 0;
}

static int node_size(const struct topology_chain *c)
{
    return c->level[c->node_level].gpus;
}

/* GPUs of the largest of each shape, none smaller than the shape below it: machines without sockets are one, and where
 * there are no racks or pods, each is as large as what it would hold. */
static struct amounts sizes_of(const struct making *m, const char *sku)
{
    struct amounts size = {{1, 1, 1, 1, 1}};
    for (size_t i = 0; i < m->topology.chain_count; i++) {
        const struct topology_chain *c = &m->topology.chains[i];
        int gpus = node_size(c);
        for (int s = SHAPE_SOCKET; s < SHAPES && !strcmp(c->level[0].name, sku); s++) {
            int level = level_of(c, (enum shape)s);
            gpus = level < 0 ? gpus : c->level[level].gpus;
            size.of[s] = gpus > size.of[s] ? gpus : size.of[s];
        }
    }
    return size;
}

static struct amounts amounts_of(const struct vc_guarantee *g)
{
    return (struct amounts){.of = {[SHAPE_GPU] = g->gpus,
                                   [SHAPE_SOCKET] = g->sockets,
                                   [SHAPE_NODE] = g->nodes,
                                   [SHAPE_RACK] = g->racks,
                                   [SHAPE_POD] = g->pods}};
}

/* What is missing of one shape is missing in smaller ones. */
static void push_down(struct amounts *own, const struct amounts *size)
{
    for (int s = SHAPE_POD; s > SHAPE_GPU; s--)
        if (own->of[s] < 0) {
            own->of[s - 1] += own->of[s] * size->of[s] / size->of[s - 1];
            own->of[s] = 0;
        }
}

/* A guarantee without what it promises to virtual clusters below; larger shapes are broken up where smaller ones do not
 * do. */
static struct amounts own_part(const struct making *m, const struct vc *vc, const struct vc_guarantee *all)
{
    struct amounts own = amounts_of(all), size = sizes_of(m, all->sku);
    for (size_t i = 0; i < m->from->vc_count; i++) {
        const struct vc *child = m->from->vcs[i];
        for (size_t k = 0; !strcmp(child->parent, vc->name) && k < child->guarantee_count; k++) {
            struct amounts a = amounts_of(&child->guarantee[k]);
            for (int s = 0; s < SHAPES && !strcmp(child->guarantee[k].sku, all->sku); s++)
                own.of[s] -= a.of[s];
        }
    }
    push_down(&own, &size);
    for (int s = SHAPE_GPU; s < SHAPE_POD; s++)
        if (own.of[s] < 0) {
            int more = size.of[s + 1] / size.of[s], broken = (-own.of[s] + more - 1) / more;
            own.of[s + 1] -= broken;
            own.of[s] += broken * more;
        }
    push_down(&own, &size);
    return own;
}

/* Whether a root has a node of that name. */
static bool has_node(const struct topology_root *root, const char *name)
{
    size_t i = 0;
    while (i < root->node_count && strcmp(root->nodes[i], name) != 0)
        i++;
    return i < root->node_count;
}

/* The nodes of its own, as cells to be named. */
static void give_pins(struct making *m, struct vcluster *v, const struct vc *vc)
{
    struct topology *t = &m->topology;
    for (size_t i = 0; i < vc->pin_count; i++) {
        size_t r = 0;
        while (r < t->root_count && !has_node(&t->roots[r], vc->pins[i]))
            r++;
        if (r == t->root_count)
            continue;
        const struct topology_chain *c = &t->chains[t->roots[r].chain];
        struct topology_pin *pin = &t->pins[t->pin_count];
        *pin = (struct topology_pin){.level = c->node_level};
        memcpy(pin->name, vc->pins[i], sizeof pin->name);
        memcpy(pin->first_node, pin->name, sizeof pin->first_node);
        v->pins[v->pin_count++] = (int)t->pin_count++;
        m->left[t->roots[r].chain] -= node_size(c);
        for (int k = 0; k < 2; k++) /* whichever it is: no more whole ones than that are promised */
            m->whole[k][t->roots[r].chain] -= m->whole[k][t->roots[r].chain] > 0;
    }
}

/* Everything that is left, in whole nodes where it can be. */
static void give_rest(struct making *m, struct vcluster *v)
{
    for (int nodes = 1; nodes >= 0; nodes--)
        for (size_t i = 0; i < m->topology.chain_count; i++) {
            const struct topology_chain *c = &m->topology.chains[i];
            int level = nodes ? c->node_level : 0;
            give(m, v,
                 &(struct vcluster_quota){.chain = (int)i, .level = level, .count = m->left[i] / c->level[level].gpus});
        }
}

/* The number of a virtual cluster, plus one; 0: there is none of that name. */
static int number_of(const struct core_plan_from *from, const char *name)
{
    for (size_t i = 0; i < from->vc_count; i++)
        if (name[0] && !strcmp(from->vcs[i]->name, name))
            return (int)i + 1;
    return 0;
}

static int make_vcs(struct making *m)
{
    size_t n = m->from->vc_count, most = SHAPES * m->topology.chain_count + SHAPES * VC_GUARANTEES_MAX;
    m->vcs = calloc(n + 1, sizeof *m->vcs);
    m->topology.pins = calloc(n * VC_PINS_MAX + 1, sizeof *m->topology.pins);
    if (!m->vcs || !m->topology.pins)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const struct vc *vc = m->from->vcs[i];
        struct vcluster *v = &m->vcs[i];
        *v = (struct vcluster){.borrow = vc->borrow, .user_cap = vc->user_cap, .cpus = vc->cpus};
        v->above = number_of(m->from, vc->parent);
        snprintf(v->name, sizeof v->name, "%s", vc->name);
        v->quotas = calloc(most, sizeof *v->quotas);
        v->pins = calloc(VC_PINS_MAX + 1, sizeof *v->pins);
        if (!v->quotas || !v->pins)
            return -1;
        give_pins(m, v, vc);
    }
    for (int s = SHAPE_POD; s >= SHAPE_GPU; s--)
        for (size_t i = 0; i < n; i++) {
            const struct vc *vc = m->from->vcs[i];
            for (size_t k = 0; k < vc->guarantee_count; k++)
                give_sku(m, &m->vcs[i], vc->guarantee[k].sku, (enum shape)s, own_part(m, vc, &vc->guarantee[k]).of[s]);
        }
    for (size_t i = 0; i < n; i++)
        if (!strcmp(m->vcs[i].name, VC_DEFAULT))
            give_rest(m, &m->vcs[i]);
    return 0;
}

static void making_fini(struct making *m)
{
    free(m->left);
    free(m->whole[0]);
    free(m->whole[1]);
}

int core_plan_draw(const struct core_plan_from *from, struct core_plan *out)
{
    struct making m = {.from = from};
    int rc = make_topology(&m) || make_vcs(&m) ? -1 : 0;
    *out = (struct core_plan){
        .topology = m.topology, .vcs = m.vcs, .vc_count = m.vcs ? from->vc_count : 0, .missing = m.missing};
    making_fini(&m);
    return rc;
}

int core_guarantee_gpus(const struct cluster *nodes, const struct vc_guarantee *g)
{
    struct core_plan_from from = {.cluster = nodes};
    struct making m = {.from = &from};
    struct amounts a = amounts_of(g), size = {{1, 1, 1, 1, 1}};
    int64_t gpus = 0;
    char sku[SKU_NAME_MAX];
    for (size_t i = 0; i < cluster_count(nodes) && g->nodes; i++) {
        const struct node *n = &cluster_at(nodes, (int)i)->info;
        sku_of_node(n, sku);
        if (!strcmp(sku, g->sku) && n->gpu_count > size.of[SHAPE_NODE])
            size.of[SHAPE_NODE] = n->gpu_count;
    }
    if ((g->sockets || g->racks || g->pods) && !make_topology(&m)) /* dear: only where it is asked for */
        size = sizes_of(&m, g->sku);
    for (int s = 0; s < SHAPES; s++)
        gpus += (int64_t)a.of[s] * size.of[s];
    topology_fini(&m.topology);
    making_fini(&m);
    return gpus < GPUS_MAX ? (int)gpus : GPUS_MAX;
}

void core_plan_drop(struct core_plan *p)
{
    for (size_t i = 0; i < p->vc_count; i++)
        topology_vcluster_fini(&p->vcs[i]);
    free(p->vcs);
    topology_fini(&p->topology);
    *p = (struct core_plan){.vcs = NULL};
}
