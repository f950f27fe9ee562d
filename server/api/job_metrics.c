/* SPDX-License-Identifier: MIT
 *
 * GET /jobs/{job}/metrics: what the job's task attempts made of their GPUs, kept with them (metrics/gpu_use.h), the
 * newest job attempt in a few figures, and what the attempts used of the machine beside GPUs (metrics/task_use.h); on
 * demand with the curve of each (metrics/curve.h).
 */
#include <stdlib.h>

#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "metrics/curve.h"
#include "metrics/gpu_use_store.h"
#include "server/api/api.h"
#include "server/api/job_view.h"
#include "server/api/task_use.h"

enum { POINTS_TOLD_MAX = 200000 };

struct writing {
    struct json_out *j;
    struct curve *curve; /* room for one; NULL: none is wanted */
    int64_t points;      /* of each, at most */
    int64_t told;
    struct err *e;
    int attempt, gpus; /* of the newest so far */
    double percent_ms;
    struct gpu_use_sum all;
};

static void add(struct writing *w, const struct gpu_use_row *row)
{
    const struct gpu_use_sum *s = &row->sum;
    if (row->job_attempt != w->attempt || !w->gpus) {
        w->attempt = row->job_attempt;
        w->gpus = 0;
        w->percent_ms = 0;
        w->all = (struct gpu_use_sum){0};
    }
    w->gpus++;
    w->percent_ms += s->mean * (double)s->sampled_ms;
    w->all.sampled_ms += s->sampled_ms;
    w->all.idle_ms += s->idle_ms;
    w->all.energy_uj += s->energy_uj;
    if (s->max > w->all.max)
        w->all.max = s->max;
    if (s->memory_max >= w->all.memory_max) {
        w->all.memory_max = s->memory_max;
        w->all.memory_total = s->memory_total;
    }
}

/* A number where anything was sampled, else null. */
static void write_known(struct json_out *j, const char *key, const struct gpu_use_sum *s, double value)
{
    json_out_key(j, key);
    if (s->sampled_ms)
        json_out_double(j, value);
    else
        json_out_null(j);
}

static void write_sum(struct json_out *j, const struct gpu_use_sum *s)
{
    json_out_kint(j, "sampledMs", s->sampled_ms);
    json_out_kint(j, "idleMs", s->idle_ms);
    write_known(j, "utilization", s, s->mean);
    write_known(j, "utilizationMax", s, s->max);
    json_out_kint(j, "memoryTotal", s->memory_total);
    json_out_kint(j, "memoryMax", s->memory_max);
    json_out_key(j, "energyJoules");
    json_out_double(j, (double)s->energy_uj / 1e6);
}

/* One value a point. */
static void write_column(struct json_out *j, const char *key, const struct curve *c, int column)
{
    json_out_key(j, key);
    json_out_array(j);
    for (int i = 0; i < c->count; i++) {
        const struct curve_point *p = &c->points[i];
        if (column == 0)
            json_out_int(j, p->slot * c->width_ms);
        else if (column == 3 && p->memory_max >= 0)
            json_out_int(j, p->memory_max);
        else if (column == 3 || !p->busy_ms)
            json_out_null(j);
        else if (column == 1)
            json_out_double(j, (double)p->percent_ms / (double)p->busy_ms);
        else
            json_out_int(j, p->busy_max);
    }
    json_out_array_end(j);
}

/* 0 or -1. */
static int write_curve(struct writing *w, const struct gpu_use_row *row)
{
    struct json_out *j = w->j;
    struct curve *c = w->curve;
    if (curve_open(c, row->curve, row->curve_len))
        log_error("gpu_curve_damaged", "GPU %s from %lld on", row->uuid, (long long)row->began_ms);
    curve_shrink(c, (int)w->points);
    w->told += c->count;
    if (w->told > POINTS_TOLD_MAX)
        return err_set(w->e, ERR_INVALID_PARAMETERS, "That is more than %d points of all GPUs: ask for fewer of each.",
                       POINTS_TOLD_MAX);
    json_out_key(j, "curve");
    json_out_object(j);
    json_out_kint(j, "stepMs", c->width_ms);
    write_column(j, "time", c, 0);
    write_column(j, "utilization", c, 1);
    write_column(j, "utilizationMax", c, 2);
    write_column(j, "memoryMax", c, 3);
    json_out_object_end(j);
    return 0;
}

static int write_row(void *ctx, const struct gpu_use_row *row)
{
    struct writing *w = ctx;
    struct json_out *j = w->j;
    add(w, row);
    json_out_object(j);
    json_out_kint(j, "jobAttempt", row->job_attempt);
    json_out_kstring(j, "taskRoleName", row->role);
    json_out_kint(j, "taskIndex", row->task_index);
    json_out_kint(j, "taskAttempt", row->task_attempt);
    json_out_kstring(j, "node", row->node);
    json_out_kint(j, "gpu", row->gpu);
    json_out_kstring(j, "uuid", row->uuid);
    json_out_ktime(j, "firstSampleTime", row->began_ms);
    json_out_ktime(j, "lastSampleTime", row->ended_ms);
    write_sum(j, &row->sum);
    write_known(j, "utilizationP50", &row->sum, row->sum.p50);
    write_known(j, "utilizationP95", &row->sum, row->sum.p95);
    json_out_kint(j, "memoryMean", row->sum.memory_mean);
    if (w->curve && write_curve(w, row))
        return -1;
    json_out_object_end(j);
    return 0;
}

static int write_metrics(struct api_reading *x, struct err *e)
{
    const int64_t *points = x->context;
    struct writing w = {.j = x->out, .points = *points, .e = e};
    struct job_view v;
    if (job_view_row(&v, x->store, x->request, e))
        return -1;
    w.curve = *points ? malloc(sizeof *w.curve) : NULL;
    if (*points && !w.curve)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    json_out_object(w.j);
    json_out_key(w.j, "gpus");
    json_out_array(w.j);
    int rc = gpu_use_store_of_job(x->store, v.job.id, write_row, &w, e);
    free(w.curve);
    json_out_array_end(w.j);
    if (w.all.sampled_ms)
        w.all.mean = w.percent_ms / (double)w.all.sampled_ms;
    json_out_key(w.j, "lastAttempt");
    json_out_object(w.j);
    json_out_kint(w.j, "jobAttempt", w.attempt);
    json_out_kint(w.j, "gpus", w.gpus);
    write_sum(w.j, &w.all);
    json_out_object_end(w.j);
    json_out_key(w.j, "tasks");
    rc = rc ? rc : task_use_write(w.j, x->store, v.job.id, *points, e);
    json_out_object_end(w.j);
    return rc;
}

int api_job_metrics(struct request *r, void *context, struct err *e)
{
    int64_t range[2] = {1, CURVE_POINTS_MAX}, points = 0;
    if (request_query_int(r, "points", range, &points, e))
        return -1;
    return api_read(context, r, write_metrics, &points, e);
}
