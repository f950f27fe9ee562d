/* SPDX-License-Identifier: MIT
 *
 * GET /nodes/{node}/gpus: each GPU with its last sample, who holds it, and what the last hour was like.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "scheduler/cluster.h"
#include "server/api/api.h"
#include "server/api/gpu_figures.h"
#include "server/gpu_holders.h"
#include "server/gpu_watch.h"
#include "server/snapshot.h"

enum { SAMPLES_MAX = GPU_WATCH_KEEP_MS / 1000 + 1 };

struct asked {
    const struct gpu_watch *watch;
    const struct node *node;
    int64_t after_ms; /* of samples; 0 = none are wanted */
    struct source_sample *samples;
    struct gpu_holder holders[NODE_GPU_MAX];
};

static void write_holder(struct json_out *j, const struct gpu_holder *h)
{
    json_out_key(j, "task");
    if (!h->user) {
        json_out_null(j);
        return;
    }
    json_out_object(j);
    json_out_kstring(j, "username", h->user);
    json_out_kstring(j, "name", h->name);
    json_out_kstring(j, "jobId", h->job_id);
    json_out_kstring(j, "virtualCluster", h->vc);
    json_out_kstring(j, "taskRoleName", h->role);
    json_out_kint(j, "taskIndex", h->task_index);
    json_out_object_end(j);
}

/* One list a figure, which is smaller than an object a sample. */
static void write_series(struct json_out *j, const char *key, const struct asked *q, int count, int field)
{
    json_out_key(j, key);
    json_out_array(j);
    for (int i = 0; i < count; i++)
        if (field < 0)
            json_out_int(j, q->samples[i].wall_ms);
        else if (source_has(&q->samples[i], (enum source_field)field))
            json_out_int(j, q->samples[i].value[field]);
        else
            json_out_null(j);
    json_out_array_end(j);
}

static void write_history(struct json_out *j, const struct asked *q, const struct gpu *g)
{
    int count = gpu_watch_since(q->watch, g->uuid, q->after_ms, q->samples, SAMPLES_MAX);
    json_out_key(j, "history");
    json_out_object(j);
    write_series(j, "time", q, count, -1);
    write_series(j, "utilization", q, count, SOURCE_BUSY);
    write_series(j, "memoryUsed", q, count, SOURCE_MEMORY_USED);
    write_series(j, "powerMilliwatts", q, count, SOURCE_POWER);
    json_out_object_end(j);
}

static void write_gpu(struct json_out *j, const struct asked *q, const struct gpu *g)
{
    json_out_object(j);
    gpu_figures_members(j, q->watch, g);
    write_holder(j, &q->holders[g->index]);
    if (q->after_ms)
        write_history(j, q, g);
    json_out_object_end(j);
}

static int write_gpus(struct api_reading *x, struct err *e)
{
    struct asked *q = x->context;
    const struct identity *who = request_identity(x->request);
    const struct gpu_holders_of of = {
        .node = q->node->name, .reader = who->admin ? NULL : who->user, .arena = request_arena(x->request)};
    if (gpu_holders_read(x->store, &of, q->holders, e))
        return -1;
    json_out_array(x->out);
    for (int i = 0; i < q->node->gpu_count; i++)
        write_gpu(x->out, q, &q->node->gpus[i]);
    json_out_array_end(x->out);
    return 0;
}

int api_node_gpus(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    int64_t range[2] = {0, GPU_WATCH_KEEP_MS / 1000}, seconds = 0;
    struct asked q = {.watch = a->watch};
    if (request_query_int(r, "seconds", range, &seconds, e))
        return -1;
    struct snapshot *s = api_snapshot(a, e);
    if (!s)
        return -1;
    int index = cluster_find(s->cluster, request_param(r, "node"));
    int rc = -1;
    if (index < 0) {
        err_set(e, ERR_NO_NODE, "Node %.100s is not found.", request_param(r, "node"));
        goto out;
    }
    q.node = &cluster_at(s->cluster, index)->info;
    if (seconds) {
        q.after_ms = request_now(r).wall - seconds * 1000;
        q.samples = malloc(SAMPLES_MAX * sizeof *q.samples);
        if (!q.samples) {
            err_set(e, ERR_INTERNAL, "Out of memory.");
            goto out;
        }
    }
    rc = api_read(a, r, write_gpus, &q, e);
out:
    free(q.samples);
    snapshots_put(a->snapshots, s);
    return rc;
}
