/* SPDX-License-Identifier: MIT
 *
 * From JSON to topology. Each type of a top-level cell becomes a chain; machines get the names given, or made-up ones.
 */
#include "sim/described.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"

enum { GPUS_MAX = 1000000 /* of one chain's cell, and of all cells */ };

static const cJSON *member(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

/* Follows the types from the top down; levels come out upside down and are turned. */
static int read_chain(const cJSON *types, const char *top, struct topology_chain *c, struct err *e)
{
    const char *name = top;
    int64_t below = 1; /* cells of this level in one of the top */
    c->node_level = -1;
    for (;;) {
        const cJSON *type = member(types, name);
        const char *child = NULL;
        int64_t count = 1;
        bool node = false;
        if (c->levels == TOPOLOGY_LEVELS)
            return err_set(e, ERR_INVALID_PARAMETERS, "Cell type %s has more than %d levels.", top, TOPOLOGY_LEVELS);
        if (type && (json_get_string(type, "child", &child, e) || json_get_int(type, "count", &count, e) ||
                     json_get_bool(type, "node", &node, e)))
            return -1;
        if (count < 1 || count > 4096 || (below *= count) > GPUS_MAX)
            return err_set(e, ERR_INVALID_PARAMETERS, "Cell type %s has no children, or more than %d GPUs.", name,
                           GPUS_MAX);
        struct topology_level *l = &c->level[c->levels++];
        snprintf(l->name, sizeof l->name, "%s", name);
        l->fanout = (int)count;
        if (node)
            c->node_level = c->levels - 1;
        if (!child)
            break;
        name = child;
    }
    for (int i = 0; i < c->levels / 2; i++) {
        struct topology_level t = c->level[i];
        c->level[i] = c->level[c->levels - 1 - i];
        c->level[c->levels - 1 - i] = t;
    }
    c->node_level = c->levels - 1 - c->node_level;
    if (c->node_level < 1 || c->node_level >= c->levels)
        return err_set(e, ERR_INVALID_PARAMETERS, "Cell type %s has no level that is a node.", top);
    topology_chain_size(c);
    return 0;
}

static int find_chain(struct topology *t, const cJSON *types, const char *top, struct err *e)
{
    for (size_t i = 0; i < t->chain_count; i++)
        if (!strcmp(t->chains[i].level[t->chains[i].levels - 1].name, top))
            return (int)i;
    struct topology_chain *grown = realloc(t->chains, (t->chain_count + 1) * sizeof *grown);
    if (!grown)
        return err_set(e, ERR_INTERNAL, "out of memory");
    t->chains = grown;
    grown[t->chain_count] = (struct topology_chain){0};
    if (read_chain(types, top, &grown[t->chain_count], e))
        return -1;
    return (int)t->chain_count++;
}

static int add_pin(struct topology *t, const char *name, const char *first_node, int level, struct err *e)
{
    struct topology_pin *grown = realloc(t->pins, (t->pin_count + 1) * sizeof *grown);
    if (!grown)
        return err_set(e, ERR_INTERNAL, "out of memory");
    t->pins = grown;
    struct topology_pin *p = &grown[t->pin_count++];
    *p = (struct topology_pin){.level = level};
    snprintf(p->name, sizeof p->name, "%s", name);
    snprintf(p->first_node, sizeof p->first_node, "%s", first_node);
    return 0;
}

/* Names the machines beneath one described cell (NULL: not described). */
static int walk(struct topology *t, struct topology_root *root, const cJSON *cell, int level, struct err *e)
{
    const struct topology_chain *c = &t->chains[root->chain];
    const char *name = NULL, *pin = NULL;
    size_t first = root->node_count;
    if (cell && (json_get_string(cell, "name", &name, e) || json_get_string(cell, "pin", &pin, e)))
        return -1;
    if (level == c->node_level) {
        char *slot = root->nodes[root->node_count++];
        if (name)
            snprintf(slot, TOPOLOGY_NAME_MAX, "%s", name);
        else
            snprintf(slot, TOPOLOGY_NAME_MAX, "%.40s-%zu-%zu", c->level[level].name, t->root_count, first);
    } else {
        const cJSON *children = cell ? member(cell, "children") : NULL;
        if (children && cJSON_GetArraySize(children) != c->level[level].fanout)
            return err_set(e, ERR_INVALID_PARAMETERS, "A cell of type %s must have %d children.", c->level[level].name,
                           c->level[level].fanout);
        for (int i = 0; i < c->level[level].fanout; i++)
            if (walk(t, root, children ? cJSON_GetArrayItem(children, i) : NULL, level - 1, e))
                return -1;
    }
    return pin ? add_pin(t, pin, root->nodes[first], level, e) : 0;
}

static int add_root(struct topology *t, const cJSON *types, const cJSON *cell, struct err *e)
{
    const char *type = "";
    if (json_get_string(cell, "type", &type, e))
        return -1;
    int chain = find_chain(t, types, type, e);
    if (chain < 0)
        return -1;
    const struct topology_chain *c = &t->chains[chain];
    struct topology_root *root = &t->roots[t->root_count];
    *root = (struct topology_root){.chain = chain};
    root->nodes = calloc((size_t)(c->level[c->levels - 1].gpus / c->level[c->node_level].gpus), sizeof *root->nodes);
    if (!root->nodes)
        return err_set(e, ERR_INTERNAL, "out of memory");
    t->root_count++;
    return walk(t, root, cell, c->levels - 1, e);
}

int described_cluster(const cJSON *o, struct topology *t, struct err *e)
{
    const cJSON *types = member(o, "cell_types"), *cells = member(o, "cells"), *cell;
    int64_t gpus = 0;
    if (!cJSON_IsObject(types) || !cJSON_IsArray(cells))
        return err_set(e, ERR_INVALID_PARAMETERS, "A cluster must have cell_types and cells.");
    t->roots = calloc((size_t)cJSON_GetArraySize(cells) + 1, sizeof *t->roots);
    if (!t->roots)
        return err_set(e, ERR_INTERNAL, "out of memory");
    cJSON_ArrayForEach(cell, cells)
    {
        if (add_root(t, types, cell, e))
            return -1;
        const struct topology_chain *c = &t->chains[t->roots[t->root_count - 1].chain];
        gpus += c->level[c->levels - 1].gpus;
        if (gpus > GPUS_MAX)
            return err_set(e, ERR_INVALID_PARAMETERS, "The cluster has more than %d GPUs.", GPUS_MAX);
    }
    return 0;
}

struct vcluster *described_vcs(const cJSON *o, const struct topology *t, size_t *count, struct err *e)
{
    const cJSON *spec;
    struct vcluster *vcs = calloc((size_t)cJSON_GetArraySize(o) + 1, sizeof *vcs);
    *count = 0;
    if (!vcs) {
        err_set(e, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    cJSON_ArrayForEach(spec, o)
    {
        struct vcluster *v = &vcs[(*count)++];
        snprintf(v->name, sizeof v->name, "%s", spec->string);
        if (topology_vcluster_parse(t, spec, v, e)) {
            described_vcs_free(vcs, *count);
            return NULL;
        }
    }
    return vcs;
}

void described_vcs_free(struct vcluster *vcs, size_t count)
{
    for (size_t i = 0; vcs && i < count; i++)
        topology_vcluster_fini(&vcs[i]);
    free(vcs);
}
