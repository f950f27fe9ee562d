/* SPDX-License-Identifier: MIT
 *
 * Nodes, virtual clusters and SKU types, from the core's published snapshot.
 */
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "scheduler/cluster.h"
#include "server/api/api.h"
#include "server/snapshot.h"

static struct snapshot *newest(struct api *a, struct err *e)
{
    struct snapshot *s = snapshots_get(a->snapshots);
    if (!s)
        err_set(e, ERR_BUSY, "The server is starting.");
    return s;
}

static void write_use(struct json_out *j, const char *key, int64_t total, int64_t used)
{
    json_out_key(j, key);
    json_out_object(j);
    json_out_kint(j, "total", total);
    json_out_kint(j, "used", used);
    json_out_object_end(j);
}

static void write_gpus(struct json_out *j, const struct cluster_node *n)
{
    bool simulated = n->info.gpu_count > 0 && n->info.gpus[0].simulated;
    json_out_key(j, "gpus");
    json_out_object(j);
    json_out_kint(j, "total", n->total.gpus);
    json_out_kint(j, "used", n->used.gpus);
    json_out_kint(j, "quarantined", n->info.gpu_count - n->total.gpus);
    json_out_kbool(j, "simulated", simulated);
    json_out_kstring(j, "model", n->info.gpu_count ? n->info.gpus[0].model : NULL);
    json_out_object_end(j);
}

static const char *node_state(const struct node *n)
{
    if (!n->up)
        return "down";
    return n->cordoned ? "cordoned" : "up";
}

int api_nodes(struct request *r, void *context, struct err *e)
{
    struct snapshot *s = newest(context, e);
    if (!s)
        return -1;
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    json_out_array(j);
    for (size_t i = 0; i < cluster_count(s->cluster); i++) {
        const struct cluster_node *n = cluster_at(s->cluster, (int)i);
        json_out_object(j);
        json_out_kstring(j, "name", n->info.name);
        json_out_kstring(j, "address", n->info.address);
        json_out_kstring(j, "state", node_state(&n->info));
        json_out_kstring(j, "isolation", n->info.isolation);
        write_use(j, "cpus", n->total.cpus, n->used.cpus);
        write_use(j, "memoryMB", n->total.memory_mb, n->used.memory_mb);
        write_gpus(j, n);
        json_out_object_end(j);
    }
    json_out_array_end(j);
    snapshots_put(((struct api *)context)->snapshots, s);
    api_json_send(&out, r, 200);
    return 0;
}

static void write_amounts(struct json_out *j, const char *key, const struct resources *r)
{
    json_out_key(j, key);
    json_out_object(j);
    json_out_kint(j, "cpu", r->cpus);
    json_out_kint(j, "memory", r->memory_mb);
    json_out_kint(j, "gpu", r->gpus);
    json_out_kint(j, "vCores", r->cpus);
    json_out_kint(j, "GPUs", r->gpus);
    json_out_object_end(j);
}

static double percent(int64_t part, int64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0.0;
}

/* The one virtual cluster of this release, "default": all usable nodes. */
static void write_vc(struct json_out *j, const struct cluster *c)
{
    struct resources total = cluster_total(c), used = total, free = cluster_free(c);
    used.cpus -= free.cpus;
    used.memory_mb -= free.memory_mb;
    used.gpus -= free.gpus;
    double busy = total.gpus ? percent(used.gpus, total.gpus) : percent(used.cpus, total.cpus);
    json_out_object(j);
    json_out_kint(j, "capacity", 100);
    json_out_key(j, "usedCapacity");
    json_out_double(j, busy);
    json_out_kint(j, "maxCapacity", 100);
    json_out_kbool(j, "dedicated", false);
    write_amounts(j, "resourcesUsed", &used);
    write_amounts(j, "resourcesGuaranteed", &total);
    write_amounts(j, "resourcesTotal", &total);
    json_out_object_end(j);
}

static void write_node_gpus(struct json_out *j, const struct cluster *c)
{
    json_out_object(j);
    for (size_t i = 0; i < cluster_count(c); i++) {
        const struct cluster_node *n = cluster_at(c, (int)i);
        json_out_key(j, n->info.name);
        json_out_object(j);
        json_out_kint(j, "gpuUsed", n->used.gpus);
        json_out_kint(j, "gpuAvailable", n->total.gpus - n->used.gpus);
        json_out_kint(j, "gpuTotal", n->total.gpus);
        json_out_object_end(j);
    }
    json_out_object_end(j);
}

int api_vcs(struct request *r, void *context, struct err *e)
{
    const char *nodes = NULL;
    if (request_query(r, "nodes", &nodes, e))
        return -1;
    struct snapshot *s = newest(context, e);
    if (!s)
        return -1;
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    if (nodes) {
        write_node_gpus(j, s->cluster);
    } else {
        json_out_object(j);
        json_out_key(j, "default");
        write_vc(j, s->cluster);
        json_out_object_end(j);
    }
    snapshots_put(((struct api *)context)->snapshots, s);
    api_json_send(&out, r, 200);
    return 0;
}

int api_vc(struct request *r, void *context, struct err *e)
{
    const char *name = request_param(r, "vc");
    if (strcmp(name, "default") != 0)
        return err_set(e, ERR_NO_VC, "Virtual cluster %s is not found.", name);
    struct snapshot *s = newest(context, e);
    if (!s)
        return -1;
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    write_vc(j, s->cluster);
    snapshots_put(((struct api *)context)->snapshots, s);
    api_json_send(&out, r, 200);
    return 0;
}

/* One SKU per kind of node: its share of a GPU, or of a CPU where there is none. */
int api_sku_types(struct request *r, void *context, struct err *e)
{
    struct snapshot *s = newest(context, e);
    if (!s)
        return -1;
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    json_out_object(j);
    for (size_t i = 0; i < cluster_count(s->cluster); i++) {
        const struct cluster_node *n = cluster_at(s->cluster, (int)i);
        int64_t parts = n->total.gpus ? n->total.gpus : n->total.cpus;
        if (n->bucket < 0 || parts <= 0)
            continue;
        json_out_key(j, n->info.name);
        json_out_object(j);
        json_out_kint(j, "cpu", n->total.cpus / parts);
        json_out_kint(j, "memory", n->total.memory_mb / parts);
        json_out_kint(j, "gpu", n->total.gpus ? 1 : 0);
        json_out_object_end(j);
    }
    json_out_object_end(j);
    snapshots_put(((struct api *)context)->snapshots, s);
    api_json_send(&out, r, 200);
    return 0;
}
