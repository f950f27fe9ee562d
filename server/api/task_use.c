/* SPDX-License-Identifier: MIT */
/* Curves of long attempts have wide points: a series takes for each moment the point that it lies in. */
#include "server/api/task_use.h"

#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "metrics/task_use_store.h"

enum { POINTS_TOLD_MAX = 200000 };

struct writing {
    struct json_out *j;
    struct curve *curves; /* room for one of each kind; NULL: none are wanted */
    int64_t points, told;
    struct err *e;
};

static void write_count(struct json_out *j, const char *key, int64_t n)
{
    json_out_key(j, key);
    if (n < 0)
        json_out_null(j);
    else
        json_out_int(j, n);
}

/* Percent of the time of a point; NAN where nothing is known of it. */
static double percent(const struct curve_point *p)
{
    return p->busy_ms ? (double)p->percent_ms / (double)p->busy_ms : (double)NAN;
}

static void write_percents(struct json_out *j, const char *key, const struct curve *c)
{
    json_out_key(j, key);
    json_out_array(j);
    for (int i = 0; i < c->count; i++)
        json_out_double(j, percent(&c->points[i]));
    json_out_array_end(j);
}

/* The largest of a curve at the times of another one, which has points at least where it has: each look is added to
 * both. */
static void write_most(struct json_out *j, const char *key, const struct curve *times, const struct curve *c)
{
    json_out_key(j, key);
    json_out_array(j);
    for (int i = 0, at = 0; i < times->count; i++) {
        const int64_t begin = times->points[i].slot * times->width_ms, end = begin + times->width_ms;
        int64_t most = -1;

        for (; at < c->count && c->points[at].slot * c->width_ms < end; at++)
            if (c->points[at].slot * c->width_ms >= begin && c->points[at].memory_max > most)
                most = c->points[at].memory_max;
        if (most < 0)
            json_out_null(j);
        else
            json_out_int(j, most);
    }
    json_out_array_end(j);
}

/* Those of cores and waits were added to at the same times, so that their points are of the same times; of the network
 * there may be fewer. */
static int write_curve(struct writing *w, const struct task_use_row *row)
{
    struct json_out *j = w->j;
    const struct curve *cores = &w->curves[TASK_USE_CORES];

    for (int i = 0; i < TASK_USE_CURVES; i++) {
        if (curve_open(&w->curves[i], row->curves[i].data, row->curves[i].len))
            log_error("task_curve_damaged", "task attempt %s", row->use.attempt_id);
        curve_shrink(&w->curves[i], (int)w->points);
    }
    w->told += cores->count;
    if (w->told > POINTS_TOLD_MAX)
        return err_set(w->e, ERR_INVALID_PARAMETERS, "That is more than %d points of all tasks: ask for fewer of each.",
                       POINTS_TOLD_MAX);
    json_out_key(j, "curve");
    json_out_object(j);
    json_out_kint(j, "stepMs", cores->width_ms);
    json_out_key(j, "time");
    json_out_array(j);
    for (int i = 0; i < cores->count; i++)
        json_out_int(j, cores->points[i].slot * cores->width_ms);
    json_out_array_end(j);
    write_percents(j, "cpu", cores);
    json_out_key(j, "memoryMax");
    json_out_array(j);
    for (int i = 0; i < cores->count; i++)
        json_out_int(j, cores->points[i].memory_max);
    json_out_array_end(j);
    write_percents(j, "waiting", &w->curves[TASK_USE_WAITS]);
    write_most(j, "received", cores, &w->curves[TASK_USE_RECEIVED]);
    write_most(j, "sent", cores, &w->curves[TASK_USE_SENT]);
    json_out_object_end(j);
    return 0;
}

static int write_row(void *ctx, const struct task_use_row *row)
{
    struct writing *w = ctx;
    struct json_out *j = w->j;
    const struct task_use *u = &row->use;

    json_out_object(j);
    json_out_kint(j, "jobAttempt", row->job_attempt);
    json_out_kstring(j, "taskRoleName", row->role);
    json_out_kint(j, "taskIndex", row->task_index);
    json_out_kint(j, "taskAttempt", row->task_attempt);
    json_out_kstring(j, "node", row->node);
    json_out_ktime(j, "firstSampleTime", u->began_ms);
    json_out_ktime(j, "lastSampleTime", u->ended_ms);
    json_out_kint(j, "sampledMs", u->sampled_ms);
    json_out_kint(j, "cores", u->cores);
    json_out_key(j, "cpuSeconds");
    json_out_double(j, (double)u->cpu_ms / 1000);
    json_out_key(j, "coresUsed");
    json_out_double(j, task_use_cores(u));
    json_out_key(j, "coresUsedMax");
    json_out_double(j, (double)u->cores_max_milli / 1000);
    json_out_kint(j, "memoryLimit", u->memory_limit);
    json_out_kint(j, "memoryMean", task_use_memory(u));
    json_out_kint(j, "memoryMax", u->memory_max);
    write_count(j, "diskReadBytes", u->read_bytes);
    write_count(j, "diskWrittenBytes", u->written_bytes);
    json_out_kint(j, "waitingMs", u->wait_ms);
    write_count(j, "networkReceivedBytes", u->received_bytes);
    write_count(j, "networkSentBytes", u->sent_bytes);
    if (w->curves && write_curve(w, row))
        return -1;
    json_out_object_end(j);
    return 0;
}

int task_use_write(struct json_out *j, struct store *s, const char *job_id, int64_t points, struct err *e)
{
    struct curve *room = points ? calloc(TASK_USE_CURVES, sizeof *room) : NULL;
    struct writing w = {.j = j, .curves = room, .points = points, .e = e};

    if (points && !room)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    json_out_array(j);
    int rc = task_use_store_of_job(s, job_id, write_row, &w, e);
    json_out_array_end(j);
    free(room);
    return rc;
}

/* ---- series ---- */

struct gathering {
    const struct task_use_series *out;
    struct curve curve;
    double *cores, *share, *waits, *tasks; /* sums, by moment: cores used, asked for; percent, tasks known */
    bool any;
};

/* Calls what is known of each moment. */
static void each_moment(struct gathering *g, void (*fn)(struct gathering *g, int i, double percent, double asked),
                        double asked)
{
    const struct curve *c = &g->curve;
    int at = 0;

    for (int i = 0; i < g->out->count; i++) {
        const int64_t middle = g->out->from_ms + i * g->out->step_ms + g->out->step_ms / 2;

        while (at < c->count && (c->points[at].slot + 1) * c->width_ms <= middle)
            at++;
        /* a look stands for the time before it: a gap of one look's time is none */
        const bool near = at < c->count && c->points[at].slot * c->width_ms <= middle + g->out->step_ms;
        if (near && c->points[at].busy_ms)
            fn(g, i, percent(&c->points[at]), asked);
    }
}

static void add_cores(struct gathering *g, int i, double percent_used, double asked)
{
    g->cores[i] += percent_used * asked;
    g->share[i] += asked;
    g->any = true;
}

static void add_waits(struct gathering *g, int i, double percent_waited, double asked)
{
    (void)asked;
    g->waits[i] += percent_waited;
    g->tasks[i]++;
}

static int open_curve(struct gathering *g, const struct task_use_row *row, enum task_use_curve which)
{
    return curve_open(&g->curve, row->curves[which].data, row->curves[which].len);
}

static int gather(void *ctx, const struct task_use_row *row)
{
    struct gathering *g = ctx;

    if (row->job_attempt != g->out->job_attempt)
        return 0;
    if (!open_curve(g, row, TASK_USE_CORES))
        each_moment(g, add_cores, row->use.cores > 0 ? row->use.cores : 1);
    if (!open_curve(g, row, TASK_USE_WAITS))
        each_moment(g, add_waits, 0);
    return 0;
}

int task_use_series(struct store *s, const char *job_id, const struct task_use_series *out, struct err *e)
{
    struct gathering *g = calloc(1, sizeof *g);
    double *sums = calloc((size_t)out->count * 4 + 1, sizeof *sums);
    int rc = -1;

    if (g && sums) {
        g->out = out;
        g->cores = sums;
        g->share = sums + out->count;
        g->waits = g->share + out->count;
        g->tasks = g->waits + out->count;
        rc = task_use_store_of_job(s, job_id, gather, g, e);
        for (int i = 0; i < out->count; i++) {
            out->cores[i] = g->share[i] > 0 ? (float)(g->cores[i] / g->share[i]) : NAN;
            out->waits[i] = g->tasks[i] > 0 ? (float)(g->waits[i] / g->tasks[i]) : NAN;
        }
        rc = rc ? rc : g->any;
    } else {
        err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    free(sums);
    free(g);
    return rc;
}
