/* SPDX-License-Identifier: MIT
 *
 * Topology and virtual clusters as plain data: sizes, paths, and the spec's JSON.
 */
#include "inventory/topology.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"

void topology_fini(struct topology *t)
{
    for (size_t i = 0; t && i < t->root_count; i++)
        free(t->roots[i].nodes);
    if (!t)
        return;
    free(t->chains);
    free(t->roots);
    free(t->pins);
    *t = (struct topology){0};
}

void topology_vcluster_fini(struct vcluster *v)
{
    if (!v)
        return;
    free(v->quotas);
    free(v->pins);
    *v = (struct vcluster){0};
}

void topology_chain_size(struct topology_chain *c)
{
    c->level[0].fanout = c->level[0].gpus = 1;
    for (int l = 1; l < c->levels; l++)
        c->level[l].gpus = c->level[l].fanout * c->level[l - 1].gpus;
}

/* Follows a path down one chain. The level it ends at, or -1. */
static int follow(const struct topology_chain *c, const char *path)
{
    for (int l = c->levels - 1; l >= 0; l--) {
        size_t n = strcspn(path, ".");
        if (strlen(c->level[l].name) != n || memcmp(c->level[l].name, path, n) != 0)
            return -1;
        if (!path[n])
            return l;
        path += n + 1;
    }
    return -1;
}

int topology_path(const struct topology *t, const char *path, int *chain, int *level, struct err *e)
{
    for (size_t i = 0; i < t->chain_count; i++) {
        int l = follow(&t->chains[i], path);
        if (l >= 0) {
            *chain = (int)i;
            *level = l;
            return 0;
        }
    }
    return err_set(e, ERR_INVALID_PARAMETERS, "There is no cell type \"%s\".", path);
}

static int get_amount(const cJSON *o, const char *key, int *out, struct err *e)
{
    int64_t v = *out;
    if (json_get_int(o, key, &v, e))
        return -1;
    if (v < 0 || v > 1000000)
        return err_set(e, ERR_INVALID_PARAMETERS, "%s must be between 0 and 1000000.", key);
    *out = (int)v;
    return 0;
}

static int parse_cells(const struct topology *t, const cJSON *list, struct vcluster *v, struct err *e)
{
    static const char *const keys[] = {"cell", "count", NULL};
    const cJSON *item;
    v->quotas = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *v->quotas);
    if (!v->quotas)
        return err_set(e, ERR_INTERNAL, "out of memory");
    cJSON_ArrayForEach(item, list)
    {
        struct vcluster_quota q = {0};
        const char *path = "";
        if (json_only_keys(item, keys, e) || json_get_string(item, "cell", &path, e) ||
            get_amount(item, "count", &q.count, e) || topology_path(t, path, &q.chain, &q.level, e))
            return -1;
        v->quotas[v->quota_count++] = q;
    }
    return 0;
}

static int parse_pins(const struct topology *t, const cJSON *list, struct vcluster *v, struct err *e)
{
    const cJSON *item;
    v->pins = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *v->pins);
    if (!v->pins)
        return err_set(e, ERR_INTERNAL, "out of memory");
    cJSON_ArrayForEach(item, list)
    {
        const char *name = cJSON_IsString(item) ? item->valuestring : "";
        size_t i = 0;
        while (i < t->pin_count && strcmp(t->pins[i].name, name) != 0)
            i++;
        if (i == t->pin_count)
            return err_set(e, ERR_INVALID_PARAMETERS, "There is no pinned cell \"%s\".", name);
        v->pins[v->pin_count++] = (int)i;
    }
    return 0;
}

int topology_vcluster_parse(const struct topology *t, const struct cJSON *spec, struct vcluster *v, struct err *e)
{
    static const char *const keys[] = {"cells", "pins", "borrow", "userCap", NULL};
    if (json_only_keys(spec, keys, e) || get_amount(spec, "borrow", &v->borrow, e) ||
        get_amount(spec, "userCap", &v->user_cap, e))
        return -1;
    const cJSON *cells = cJSON_GetObjectItemCaseSensitive(spec, "cells");
    const cJSON *pins = cJSON_GetObjectItemCaseSensitive(spec, "pins");
    if ((cells && !cJSON_IsArray(cells)) || (pins && !cJSON_IsArray(pins)))
        return err_set(e, ERR_INVALID_PARAMETERS, "cells and pins must be lists.");
    return parse_cells(t, cells, v, e) || parse_pins(t, pins, v, e) ? -1 : 0;
}
