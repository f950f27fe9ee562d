/* SPDX-License-Identifier: MIT
 *
 * GET /nodes/{node}/gpus/{gpu}/history: what is stored of a GPU's series, and behind it what is only in memory yet.
 */
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "metrics/series_store.h"
#include "scheduler/cluster.h"
#include "server/api/api.h"
#include "server/api/gpu_figures.h"
#include "server/gpu_watch.h"
#include "server/snapshot.h"

enum { POINTS_MAX = 1000 };
#define TIME_MAX (INT64_C(1) << 48)
#define HOUR_MS INT64_C(3600000)

struct history {
    const struct gpu_watch *watch;
    struct series_range range;
    enum series_resolution resolution;
    struct rollup points;
};

/* ---- what is asked for ---- */

static int read_query(struct request *r, struct history *h, int64_t now_ms, struct err *e)
{
    int64_t times[2] = {0, TIME_MAX}, steps[2] = {1, INT32_MAX}, seconds = 0;
    struct series_range *range = &h->range;
    range->to_ms = now_ms + 1;
    if (request_query_int(r, "to", times, &range->to_ms, e))
        return -1;
    range->from_ms = range->to_ms > HOUR_MS ? range->to_ms - HOUR_MS : 0;
    if (request_query_int(r, "from", times, &range->from_ms, e) || request_query_int(r, "step", steps, &seconds, e))
        return -1;
    if (range->from_ms >= range->to_ms)
        return err_set(e, ERR_INVALID_PARAMETERS, "from must be before to.");
    if (!seconds) /* both ends may need a point more */
        seconds = (range->to_ms - range->from_ms) / (POINTS_MAX - 2) / 1000 + 1;
    int64_t step = seconds * 1000;
    h->resolution = series_resolve(gpu_watch_keep(h->watch), range->from_ms, now_ms, &step);
    range->from_ms = range->from_ms / step * step;
    range->to_ms = (range->to_ms + step - 1) / step * step;
    if ((range->to_ms - range->from_ms) / step > POINTS_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "That is more than %d points: choose a longer step.", POINTS_MAX);
    rollup_init(&h->points, step);
    return 0;
}

/* ---- what there is ---- */

enum part { PART_MIN, PART_MEAN, PART_MAX, PARTS };

/* One part of a series, a value a point. */
static void write_part(struct json_out *j, const struct history *h, int f, enum part part)
{
    static const char *const keys[PARTS] = {"min", "mean", "max"};
    json_out_key(j, keys[part]);
    json_out_array(j);
    for (int i = 0; i < h->points.count; i++) {
        const struct rollup_cell *c = &h->points.rows[i].cells[f];
        if (!c->count)
            json_out_null(j);
        else if (part == PART_MEAN)
            json_out_double(j, rollup_mean(c));
        else
            json_out_int(j, part == PART_MIN ? c->min : c->max);
    }
    json_out_array_end(j);
}

static void write_points(struct json_out *j, const struct history *h)
{
    json_out_object(j);
    json_out_kstring(j, "uuid", h->range.uuid);
    json_out_ktime(j, "from", h->range.from_ms);
    json_out_ktime(j, "to", h->range.to_ms);
    json_out_kint(j, "stepMs", h->points.width_ms);
    json_out_kint(j, "resolutionMs", series_width_ms[h->resolution]);
    json_out_key(j, "time");
    json_out_array(j);
    for (int i = 0; i < h->points.count; i++)
        json_out_int(j, h->points.rows[i].begin_ms);
    json_out_array_end(j);
    json_out_key(j, "series");
    json_out_object(j);
    for (int f = 0; f < SERIES_COUNT; f++) {
        json_out_key(j, gpu_figures_key(series_field[f]));
        json_out_object(j);
        for (int part = 0; part < PARTS; part++)
            write_part(j, h, f, (enum part)part);
        json_out_object_end(j);
    }
    json_out_object_end(j);
    json_out_object_end(j);
}

static int write_history(struct api_reading *x, struct err *e)
{
    struct history *h = x->context;
    if (series_store_read(x->store, &h->range, h->resolution, &h->points, e) ||
        gpu_watch_add_new(h->watch, x->store, &h->range, &h->points, e))
        return -1;
    write_points(x->out, h);
    return 0;
}

/* The UUID of the GPU that the path names, in the request's arena. NULL with the error. */
static const char *find_gpu(struct api *a, struct request *r, struct err *e)
{
    int64_t gpu = 0;
    struct snapshot *s = request_param_int(r, "gpu", 0, &gpu, e) ? NULL : api_snapshot(a, e);
    const char *uuid = NULL;
    if (!s)
        return NULL;
    int index = cluster_find(s->cluster, request_param(r, "node"));
    const struct node *node = index < 0 ? NULL : &cluster_at(s->cluster, index)->info;
    if (!node)
        err_set(e, ERR_NO_NODE, "Node %.100s is not found.", request_param(r, "node"));
    else if (gpu >= node->gpu_count)
        err_set(e, ERR_NO_NODE, "Node %.100s has no GPU %lld.", node->name, (long long)gpu);
    else if (!(uuid = arena_strdup(request_arena(r), node->gpus[gpu].uuid)))
        err_set(e, ERR_INTERNAL, "Out of memory.");
    snapshots_put(a->snapshots, s);
    return uuid;
}

int api_gpu_history(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct history h = {.watch = a->watch, .range.uuid = find_gpu(a, r, e)};
    if (!h.range.uuid || read_query(r, &h, request_now(r).wall, e))
        return -1;
    int rc = api_read(a, r, write_history, &h, e);
    rollup_fini(&h.points);
    return rc;
}
