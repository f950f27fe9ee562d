/* SPDX-License-Identifier: MIT
 *
 * GET /gpus: every GPU of every node in a few figures, for a map of them all. One list a figure and node, and each job
 * told once, so that 16,000 GPUs are less than a megabyte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/id.h"
#include "base/json.h"
#include "inventory/sku.h"
#include "jobs/jobs_store.h"
#include "scheduler/cluster.h"
#include "server/api/api.h"
#include "server/api/gpu_figures.h"
#include "server/gpu_holders.h"
#include "server/gpu_watch.h"
#include "server/snapshot.h"

/* Who holds a GPU: a place in the list of jobs, or one of these. HIDDEN: a job that the reader may not know of. */
enum { NOBODY = -2, HIDDEN = -1 };

struct map {
    const struct cluster *cluster;
    const struct gpu_watch *watch;
    struct json_out *out;
    size_t *first; /* place of each node's first GPU in `holders` */
    int *holders;
    int jobs;              /* told so far */
    bool naming;           /* else a task only says that its GPUs are held */
    char last_id[ID_SIZE]; /* of the job told last */
};

static void tell_job(struct map *m, const struct jobs_store_placed *t)
{
    if (!strcmp(m->last_id, t->job_id))
        return; /* tasks come in order of their jobs */
    m->jobs++;
    snprintf(m->last_id, sizeof m->last_id, "%s", t->job_id);
    json_out_object(m->out);
    json_out_kstring(m->out, "username", t->user);
    json_out_kstring(m->out, "name", t->name);
    json_out_kstring(m->out, "virtualCluster", t->vc);
    json_out_object_end(m->out);
}

static int take_task(void *ctx, const struct jobs_store_placed *t)
{
    struct map *m = ctx;
    int n = cluster_find(m->cluster, t->node), gpus[NODE_GPU_MAX];
    int count = n < 0 ? 0 : gpu_holders_list(t->gpus, cluster_at(m->cluster, n)->info.gpu_count, gpus);
    if (m->naming && count)
        tell_job(m, t);
    for (int i = 0; i < count; i++)
        m->holders[m->first[n] + (size_t)gpus[i]] = m->naming ? m->jobs - 1 : HIDDEN;
    return 0;
}

/* What is wrong with a GPU, in a word; NULL: nothing. */
static const char *wrong(const struct gpu *g)
{
    const struct gpu_cause_info *what = gpu_cause_info(g->health.cause);
    if (what->state != GPU_STATE_OK)
        return gpu_health_word(what->state);
    return g->quarantined ? "quarantined" : NULL;
}

/* Percent of its time, or of its memory, in use; -1 where that is not known. */
static int64_t percent(const struct source_sample *s, bool memory)
{
    if (!memory)
        return source_has(s, SOURCE_BUSY) ? s->value[SOURCE_BUSY] : -1;
    if (!source_has(s, SOURCE_MEMORY_USED) || !source_has(s, SOURCE_MEMORY_TOTAL) || s->value[SOURCE_MEMORY_TOTAL] <= 0)
        return -1;
    return (int64_t)(100.0 * (double)s->value[SOURCE_MEMORY_USED] / (double)s->value[SOURCE_MEMORY_TOTAL] + 0.5);
}

static void write_percents(const struct map *m, const struct node *n, const char *key, bool memory)
{
    json_out_key(m->out, key);
    json_out_array(m->out);
    for (int i = 0; i < n->gpu_count; i++) {
        struct source_sample last;
        int64_t value = gpu_watch_last(m->watch, n->gpus[i].uuid, &last) ? percent(&last, memory) : -1;
        if (value < 0)
            json_out_null(m->out);
        else
            json_out_int(m->out, value);
    }
    json_out_array_end(m->out);
}

static void write_node(const struct map *m, int index)
{
    const struct node *n = &cluster_at(m->cluster, index)->info;
    struct json_out *j = m->out;
    char sku[SKU_NAME_MAX];
    sku_of_node(n, sku);
    json_out_object(j);
    json_out_kstring(j, "name", n->name);
    json_out_kstring(j, "state", node_word(n));
    json_out_kstring(j, "sku", sku);
    json_out_kstring(j, "model", n->gpus[0].model);
    json_out_kbool(j, "simulated", n->gpus[0].simulated);
    write_percents(m, n, "utilization", false);
    write_percents(m, n, "memory", true);
    json_out_key(j, "wrong");
    json_out_array(j);
    for (int i = 0; i < n->gpu_count; i++)
        json_out_string(j, wrong(&n->gpus[i]));
    json_out_array_end(j);
    json_out_key(j, "job");
    json_out_array(j);
    for (int i = 0; i < n->gpu_count; i++) {
        int holder = m->holders[m->first[index] + (size_t)i];
        if (holder == NOBODY)
            json_out_null(j);
        else
            json_out_int(j, holder);
    }
    json_out_array_end(j);
    json_out_object_end(j);
}

/* Those that hold GPUs: first that they are held, where not everybody may be named, then by whom. */
static int read_holders(struct map *m, struct api_reading *x, struct err *e)
{
    const struct identity *who = request_identity(x->request);
    const struct jobs_store_on_node all = {.reader = NULL}, named = {.reader = who->admin ? NULL : who->user};
    if (named.reader && jobs_store_each_placed(x->store, &all, take_task, m, e))
        return -1;
    m->naming = true;
    return jobs_store_each_placed(x->store, &named, take_task, m, e);
}

static int write_map(struct api_reading *x, struct err *e)
{
    struct map *m = x->context;
    m->out = x->out;
    json_out_object(m->out);
    json_out_key(m->out, "jobs");
    json_out_array(m->out);
    if (read_holders(m, x, e))
        return -1;
    json_out_array_end(m->out);
    json_out_key(m->out, "nodes");
    json_out_array(m->out);
    for (size_t i = 0; i < cluster_count(m->cluster); i++)
        if (cluster_at(m->cluster, (int)i)->info.gpu_count)
            write_node(m, (int)i);
    json_out_array_end(m->out);
    json_out_object_end(m->out);
    return 0;
}

/* Room for the holders of all GPUs. 0 or -1. */
static int make_room(struct map *m)
{
    size_t nodes = cluster_count(m->cluster), gpus = 0;
    m->first = calloc(nodes + 1, sizeof *m->first);
    for (size_t i = 0; m->first && i < nodes; i++) {
        m->first[i] = gpus;
        gpus += (size_t)cluster_at(m->cluster, (int)i)->info.gpu_count;
    }
    m->holders = m->first ? calloc(gpus + 1, sizeof *m->holders) : NULL;
    for (size_t i = 0; m->holders && i < gpus; i++)
        m->holders[i] = NOBODY;
    return m->holders ? 0 : -1;
}

int api_gpu_map(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct snapshot *s = api_snapshot(a, e);
    if (!s)
        return -1;
    struct map m = {.cluster = s->cluster, .watch = a->watch};
    int rc = make_room(&m) ? err_set(e, ERR_INTERNAL, "Out of memory.") : api_read(a, r, write_map, &m, e);
    free(m.first);
    free(m.holders);
    snapshots_put(a->snapshots, s);
    return rc;
}
