/* SPDX-License-Identifier: MIT
 *
 * One table of figures for both; /metrics has base units.
 * Where they are sent (metrics/remote.h), samples keep their times. Who holds a GPU is a series of its own, with the
 * value 1, to be joined where it is wanted: figures of a GPU are then the same series whoever has it, and nobody is
 * told of jobs that they may not read.
 */
#include "server/api/gpu_figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "core/core.h"
#include "jobs/job.h"
#include "jobs/jobs_store.h"
#include "metrics/remote.h"
#include "scheduler/cluster.h"
#include "server/api/api.h"
#include "server/gpu_holders.h"
#include "server/gpu_watch.h"
#include "server/readers.h"

static const struct figure {
    enum source_field field;
    const char *key;                 /* in JSON, as the source counts */
    struct exposition_family family; /* no name: it is no series */
    double unit;                     /* a base unit is so many of the source's */
} figures[] = {
    {SOURCE_BUSY,
     "utilization",
     {"drover_gpu_utilization_ratio", EXPOSITION_GAUGE, "ratio",
      "Share of the last moment in which anything was computed."},
     100},
    {SOURCE_MEMORY_BUSY,
     "memoryUtilization",
     {"drover_gpu_memory_utilization_ratio", EXPOSITION_GAUGE, "ratio",
      "Share of the last moment in which memory was read or written."},
     100},
    {SOURCE_MEMORY_TOTAL,
     "memoryTotal",
     {"drover_gpu_memory_bytes", EXPOSITION_GAUGE, "bytes", "Memory of the GPU."},
     1},
    {SOURCE_MEMORY_USED,
     "memoryUsed",
     {"drover_gpu_memory_used_bytes", EXPOSITION_GAUGE, "bytes", "Memory in use, by whomever."},
     1},
    {SOURCE_POWER, "powerMilliwatts", {"drover_gpu_power_watts", EXPOSITION_GAUGE, "watts", "Power drawn."}, 1e3},
    {SOURCE_POWER_LIMIT,
     "powerLimitMilliwatts",
     {"drover_gpu_power_limit_watts", EXPOSITION_GAUGE, "watts", "Power that the GPU may draw."},
     1e3},
    {SOURCE_TEMPERATURE,
     "temperature",
     {"drover_gpu_temperature_celsius", EXPOSITION_GAUGE, "celsius", "Temperature of the GPU."},
     1},
    {SOURCE_CLOCK, "clockMHz", {"drover_gpu_clock_hertz", EXPOSITION_GAUGE, "hertz", "Clock of the processors."}, 1e-6},
    {SOURCE_CLOCK_MEMORY,
     "memoryClockMHz",
     {"drover_gpu_memory_clock_hertz", EXPOSITION_GAUGE, "hertz", "Clock of the memory."},
     1e-6},
    {SOURCE_ENERGY,
     "energyMillijoules",
     {"drover_gpu_energy_joules", EXPOSITION_COUNTER, "joules", "Energy used since the driver was loaded."},
     1e3},
    {SOURCE_ECC_CORRECTED,
     "eccCorrected",
     {"drover_gpu_ecc_corrected_errors", EXPOSITION_COUNTER, NULL,
      "Memory errors that were corrected since the driver was loaded."},
     1},
    {SOURCE_ECC_UNCORRECTED,
     "eccUncorrected",
     {"drover_gpu_ecc_uncorrected_errors", EXPOSITION_COUNTER, NULL,
      "Memory errors that could not be corrected since the driver was loaded."},
     1},
    {SOURCE_XID,
     "xid",
     {"drover_gpu_last_xid", EXPOSITION_GAUGE, NULL,
      "Code of the last error that the driver reported since droverd was started; 0: none."},
     1},
    {SOURCE_PROCESSES,
     "processes",
     {"drover_gpu_processes", EXPOSITION_GAUGE, NULL, "Processes that compute on the GPU."},
     1},
    {SOURCE_ROWS_PENDING, "rowsPending", {.name = NULL}, 1},
    {SOURCE_ROWS_FAILED, "rowsFailed", {.name = NULL}, 1},
    {SOURCE_THROTTLE, "throttleReasons", {.name = NULL}, 1},
    {SOURCE_MIG, "mig", {.name = NULL}, 1},
};

enum { FIGURES = sizeof figures / sizeof *figures, SAMPLES_MAX = GPU_WATCH_KEEP_MS / 1000 + 1 };
_Static_assert((int)FIGURES == (int)SOURCE_FIELDS, "all of them");

static const struct exposition_family lost_family = {"drover_gpu_lost", EXPOSITION_GAUGE, NULL,
                                                     "Whether the GPU has fallen off the bus."};
static const struct exposition_family health_family = {"drover_gpu_health", EXPOSITION_GAUGE, NULL,
                                                       "1 for the state that the GPU was found in."};
static const struct exposition_family driver_family = {"drover_gpu_driver_up", EXPOSITION_GAUGE, NULL,
                                                       "Whether the node's GPU driver answers."};
static const struct exposition_family held_family = {"drover_gpu_held", EXPOSITION_GAUGE, NULL,
                                                     "1 for the job that holds the GPU."};

void gpu_figures_json(struct json_out *j, const struct source_sample *sample)
{
    json_out_object(j);
    json_out_ktime(j, "time", sample->wall_ms);
    for (size_t i = 0; i < FIGURES; i++) {
        json_out_key(j, figures[i].key);
        if (source_has(sample, figures[i].field))
            json_out_int(j, sample->value[figures[i].field]);
        else
            json_out_null(j);
    }
    json_out_object_end(j);
}

static const char *state_of(const struct gpu_watch *w, const struct gpu *g, struct source_sample *last, bool *sampled)
{
    int64_t since;
    *sampled = gpu_watch_last(w, g->uuid, last);
    if (*sampled)
        return last->lost ? "lost" : "ok";
    switch (gpu_watch_state(w, g->uuid, &since)) {
    case SAMPLER_HANGS:
        return "driverHangs";
    case SAMPLER_FAILS:
        return "driverFails";
    default:
        return "unknown";
    }
}

static void write_mark(struct json_out *j, const struct gpu_mark *m)
{
    const struct gpu_cause_info *what = gpu_cause_info(m->cause);
    char text[128];
    gpu_mark_text(m, text, sizeof text);
    json_out_key(j, "health");
    json_out_object(j);
    json_out_kstring(j, "state", gpu_health_word(what->state));
    json_out_kstring(j, "cause", m->cause ? what->word : NULL);
    json_out_kstring(j, "reason", m->cause ? text : NULL);
    json_out_kstring(j, "action", m->cause ? gpu_action_word(m->action) : NULL);
    json_out_object_end(j);
}

void gpu_figures_members(struct json_out *j, const struct gpu_watch *w, const struct gpu *g)
{
    struct source_sample last;
    bool sampled;
    json_out_kint(j, "index", g->index);
    json_out_kstring(j, "uuid", g->uuid[0] ? g->uuid : NULL);
    json_out_kstring(j, "model", g->model);
    json_out_kbool(j, "simulated", g->simulated);
    json_out_kbool(j, "quarantined", g->quarantined);
    json_out_kstring(j, "state", state_of(w, g, &last, &sampled));
    write_mark(j, &g->health);
    json_out_key(j, "sample");
    if (sampled)
        gpu_figures_json(j, &last);
    else
        json_out_null(j);
}

const char *gpu_figures_key(enum source_field field)
{
    size_t i = 0;
    while (figures[i].field != field)
        i++;
    return figures[i].key;
}

/* ---- /metrics ---- */

/* A GPU as one scrape sees it. */
struct seen {
    const char *node;
    const struct gpu *gpu;
    char index[12];
    bool sampled;
    struct source_sample sample;
};

static size_t look(struct seen *out, const struct gpu_watch *w, const struct cluster *c)
{
    size_t n = 0;
    for (size_t i = 0; i < cluster_count(c); i++) {
        const struct node *node = &cluster_at(c, (int)i)->info;
        for (int k = 0; k < node->gpu_count; k++, n++) {
            out[n].node = node->name;
            out[n].gpu = &node->gpus[k];
            snprintf(out[n].index, sizeof out[n].index, "%d", node->gpus[k].index);
            out[n].sampled = gpu_watch_last(w, node->gpus[k].uuid, &out[n].sample);
        }
    }
    return n;
}

static void write_one(struct exposition *x, const struct seen *s, double value)
{
    const char *labels[] = {"node", s->node, "gpu", s->index, "UUID", s->gpu->uuid, "model", s->gpu->model, NULL};
    exposition_sample(x, labels, value);
}

static void write_samples(struct exposition *x, const struct seen *seen, size_t count)
{
    for (size_t f = 0; f < FIGURES; f++) {
        if (!figures[f].family.name)
            continue;
        exposition_begin(x, &figures[f].family);
        for (size_t i = 0; i < count; i++)
            if (seen[i].sampled && source_has(&seen[i].sample, figures[f].field))
                write_one(x, &seen[i], (double)seen[i].sample.value[figures[f].field] / figures[f].unit);
    }
    exposition_begin(x, &lost_family);
    for (size_t i = 0; i < count; i++)
        if (seen[i].sampled)
            write_one(x, &seen[i], seen[i].sample.lost);
}

void gpu_figures_send(struct remote *to, const struct gpu_sampled *of)
{
    char index[12], name[96];
    snprintf(index, sizeof index, "%d", of->gpu->index);
    const char *labels[] = {"node", of->node, "gpu", index, "UUID", of->gpu->uuid, "model", of->gpu->model, NULL};
    const struct source_sample *s = of->samples, *last = &s[of->count - 1];
    for (size_t f = 0; f < FIGURES; f++) {
        if (!figures[f].family.name || !source_has(last, figures[f].field))
            continue;
        exposition_name(&figures[f].family, name, sizeof name);
        remote_series(to, name, labels);
        for (int i = 0; i < of->count; i++)
            if (source_has(&s[i], figures[f].field))
                remote_sample(to, s[i].wall_ms, (double)s[i].value[figures[f].field] / figures[f].unit);
    }
    remote_series(to, lost_family.name, labels);
    for (int i = 0; i < of->count; i++)
        remote_sample(to, s[i].wall_ms, s[i].lost);
}

/* Samples with their times: those that came since the last look, and the newest in any case, so that its series goes on
 * where none came. */
static int send_samples(struct exposition *x, const struct gpu_watch *w, const struct seen *seen, size_t count)
{
    struct source_sample *samples = malloc(SAMPLES_MAX * sizeof *samples);
    for (size_t i = 0; samples && i < count; i++) {
        if (!seen[i].sampled)
            continue;
        int n = gpu_watch_since(w, seen[i].gpu->uuid, x->after_ms, samples, SAMPLES_MAX);
        if (!n)
            samples[n++] = seen[i].sample;
        gpu_figures_send(
            x->remote, &(struct gpu_sampled){.node = seen[i].node, .gpu = seen[i].gpu, .samples = samples, .count = n});
    }
    free(samples);
    return samples ? 0 : -1;
}

/* A series for each state, so that a change is a change of values. Simulated GPUs have none. */
static void write_health(struct exposition *x, const struct seen *seen, size_t count)
{
    exposition_begin(x, &health_family);
    for (size_t i = 0; i < count; i++)
        for (int state = GPU_STATE_OK; seen[i].gpu->uuid[0] && state <= GPU_STATE_HUNG; state++) {
            const struct gpu *g = seen[i].gpu;
            const char *labels[] = {
                "node",  seen[i].node, "gpu",    seen[i].index, "UUID",
                g->uuid, "model",      g->model, "state",       gpu_health_word((enum gpu_health_state)state),
                NULL};
            exposition_sample(x, labels, (int)gpu_cause_info(g->health.cause)->state == state);
        }
}

/* Of nodes whose GPUs are sampled: one driver for all of them. */
static void write_drivers(struct exposition *x, const struct gpu_watch *w, const struct cluster *c)
{
    exposition_begin(x, &driver_family);
    for (size_t i = 0; i < cluster_count(c); i++) {
        const struct node *node = &cluster_at(c, (int)i)->info;
        const char *labels[] = {"node", node->name, NULL};
        int64_t since;
        enum sampler_state state = SAMPLER_BEGINS;
        for (int k = 0; k < node->gpu_count && state == SAMPLER_BEGINS; k++)
            state = gpu_watch_state(w, node->gpus[k].uuid, &since);
        if (state != SAMPLER_BEGINS)
            exposition_sample(x, labels, state == SAMPLER_READS);
    }
}

/* Where the series of who holds what go, and the nodes. */
struct held {
    struct exposition *x;
    const struct cluster *cluster;
};

static int write_task(void *ctx, const struct jobs_store_placed *t)
{
    const struct held *h = ctx;
    int n = cluster_find(h->cluster, t->node), gpus[NODE_GPU_MAX];
    int count = n < 0 ? 0 : gpu_holders_list(t->gpus, cluster_at(h->cluster, n)->info.gpu_count, gpus);
    char job[JOB_FULL_NAME_SIZE];
    snprintf(job, sizeof job, "%s~%s", t->user, t->name);
    for (int i = 0; i < count; i++) {
        const struct gpu *g = &cluster_at(h->cluster, n)->info.gpus[gpus[i]];
        char index[12];
        snprintf(index, sizeof index, "%d", g->index);
        const char *labels[] = {"node", t->node, "gpu", index,  "UUID",  g->uuid, "job_name",
                                job,    "vc",    t->vc, "user", t->user, NULL};
        exposition_sample(h->x, labels, 1);
    }
    return 0;
}

/* All tasks are read once, and not anew for each node. */
static int write_held(struct exposition *x, struct store *s, const char *reader, const struct cluster *c, struct err *e)
{
    const struct jobs_store_on_node all = {.reader = reader};
    struct held h = {x, c};
    exposition_begin(x, &held_family);
    return jobs_store_each_placed(s, &all, write_task, &h, e);
}

int gpu_figures_expose(struct exposition *x, struct api *a, const struct metrics_look *look_for,
                       const struct core_view *view, struct err *e)
{
    const struct cluster *c = view->cluster;
    size_t count = 0;
    for (size_t i = 0; i < cluster_count(c); i++)
        count += (size_t)cluster_at(c, (int)i)->info.gpu_count;
    struct seen *seen = arena_calloc(look_for->arena, count + 1, sizeof *seen);
    if (!seen)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    count = look(seen, a->watch, c);
    if (x->remote && send_samples(x, a->watch, seen, count))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (!x->remote)
        write_samples(x, seen, count);
    write_health(x, seen, count);
    write_drivers(x, a->watch, c);
    struct store *s = readers_get(a->readers, e);
    int rc = s ? write_held(x, s, look_for->reader, c, e) : -1;
    readers_put(a->readers, s);
    return rc;
}
