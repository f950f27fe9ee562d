/* SPDX-License-Identifier: MIT
 *
 * SKU types, from the core's published snapshot.
 */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "core/core.h"
#include "scheduler/cluster.h"
#include "server/api/api.h"
#include "server/snapshot.h"

struct snapshot *api_snapshot(struct api *a, struct err *e)
{
    struct snapshot *s = snapshots_get(a->snapshots);
    if (!s)
        err_set(e, ERR_BUSY, "The server is starting.");
    return s;
}

/* Whether a virtual cluster may use nodes of a SKU: "default" and opportunistic jobs may use any. */
static bool owns(const struct core_view_vc *vc, const char *sku)
{
    for (size_t i = 0; i < vc->spec.guarantee_count; i++)
        if (!strcmp(vc->spec.guarantee[i].sku, sku))
            return true;
    return !strcmp(vc->spec.name, VC_DEFAULT) || !strcmp(sku, SKU_CPU);
}

/* One kind of nodes. */
struct sku {
    char name[SKU_NAME_MAX];
    struct resources unit; /* the smallest of its nodes */
    int64_t total, free;   /* units of the nodes that take work: GPUs; of nodes without any, CPUs */
};

/* Adds what a node has, and what of it is free. */
static void add_stock(struct sku *k, const struct cluster_node *n)
{
    const struct resources *all = &n->total, *used = &n->used;
    int64_t have = k->unit.gpus ? all->gpus : all->cpus;
    int64_t held = k->unit.gpus ? used->gpus : used->cpus;
    if (n->bucket < 0)
        return;
    k->total += have;
    k->free += have > held ? have - held : 0;
}

/* The SKUs of the cluster, in order of their first node. Returns how many. */
static size_t collect(const struct cluster *c, struct sku *list, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < cluster_count(c); i++) {
        const struct node *n = &cluster_at(c, (int)i)->info;
        struct resources unit = sku_unit(n);
        struct sku one = {.unit = unit};
        size_t k = 0;
        sku_of_node(n, one.name);
        while (k < count && strcmp(list[k].name, one.name) != 0)
            k++;
        if (k == max || (!unit.gpus && !unit.cpus))
            continue;
        if (k == count)
            list[count++] = one;
        if (unit.cpus < list[k].unit.cpus)
            list[k].unit.cpus = unit.cpus;
        if (unit.memory_mb < list[k].unit.memory_mb)
            list[k].unit.memory_mb = unit.memory_mb;
        add_stock(&list[k], cluster_at(c, (int)i));
    }
    return count;
}

static void write_skus(struct json_out *j, const struct core_view *v, const struct core_view_vc *vc)
{
    enum { SKUS_MAX = 64 };
    struct sku list[SKUS_MAX];
    size_t count = collect(v->cluster, list, SKUS_MAX);
    json_out_object(j);
    for (size_t i = 0; i < count; i++) {
        if (vc && !owns(vc, list[i].name))
            continue;
        json_out_key(j, list[i].name);
        json_out_object(j);
        json_out_kint(j, "cpu", list[i].unit.cpus);
        json_out_kint(j, "memory", list[i].unit.memory_mb);
        json_out_kint(j, "gpu", list[i].unit.gpus);
        json_out_kint(j, "total", list[i].total);
        json_out_kint(j, "free", list[i].free);
        json_out_object_end(j);
    }
    json_out_object_end(j);
}

int api_sku_types(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    const char *name = NULL;
    if (request_query(r, "vc", &name, e))
        return -1;
    struct snapshot *s = api_snapshot(a, e);
    if (!s)
        return -1;
    const struct core_view_vc *vc = name ? core_view_vc(s->view, name) : NULL;
    bool known = !name || vc;
    if (known) {
        struct api_json out;
        write_skus(api_json_begin(&out), s->view, vc);
        api_json_send(&out, r, 200);
    } else {
        err_set(e, ERR_NO_VC, "Virtual cluster %s is not found.", name);
    }
    snapshots_put(a->snapshots, s);
    return known ? 0 : -1;
}
