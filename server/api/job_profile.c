/* SPDX-License-Identifier: MIT
 *
 * GET /jobs/{job}/profile: the series of the newest job attempt's GPUs and the log of its first task, held against the
 * rules of metrics/profile.h and metrics/progress.h. At most six hours of samples, 64 GPUs, and of the log its begin
 * and its end are looked at; few at once, because expressions over a log cost some tens of milliseconds.
 */
#include "server/api/job_profile.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/json.h"
#include "engines/local/logs.h"
#include "metrics/advice.h"
#include "metrics/gpu_use_store.h"
#include "metrics/profile.h"
#include "metrics/progress.h"
#include "metrics/series_store.h"
#include "server/api/api.h"
#include "server/api/job_view.h"
#include "server/api/task_use.h"
#include "server/gpu_watch.h"

enum { HEAD = 65536, TAIL = 262144, STEP_MS = 5000 };
#define SPAN_MAX_MS (6 * INT64_C(3600000))

struct series_of_gpu {
    float values[PROFILE_SERIES][PROFILE_SAMPLES_MAX];
};

/* One call. On the heap. */
struct look {
    struct api *api;
    struct store *store;
    int64_t now_ms;
    int attempt; /* the newest that was sampled */
    char uuid[PROFILE_GPUS_MAX][GPU_UUID_SIZE];
    int gpus;
    int64_t began_ms, ended_ms, from_ms, step_ms;
    struct series_of_gpu *series; /* `gpus` */
    float host[PROFILE_HOSTS][PROFILE_SAMPLES_MAX];
    struct profile_gpu gpu[PROFILE_GPUS_MAX];
    struct profile_input in;
    struct profile_scratch scratch;
    struct profile profile;
    char task[ID_SIZE]; /* whose log is read; "": none has begun */
    int task_attempt_of;
    int64_t launched_ms, completed_ms;
    bool told;
    struct progress_told progress;
};

/* ---- samples ---- */

static int take_gpu(void *ctx, const struct gpu_use_row *row)
{
    struct look *l = ctx;

    if (row->job_attempt != l->attempt || !l->gpus) {
        l->attempt = row->job_attempt;
        l->gpus = 0;
        l->began_ms = row->began_ms;
        l->ended_ms = row->ended_ms;
    }
    if (l->gpus == PROFILE_GPUS_MAX)
        return 0;
    memcpy(l->uuid[l->gpus++], row->uuid, strnlen(row->uuid, GPU_UUID_SIZE - 1) + 1);
    l->began_ms = row->began_ms < l->began_ms ? row->began_ms : l->began_ms;
    l->ended_ms = row->ended_ms > l->ended_ms ? row->ended_ms : l->ended_ms;
    return 0;
}

/* The columns of series_field that the rules look at, and what makes their units of them. */
static const struct {
    enum source_field field;
    double unit;
} columns[PROFILE_SERIES] = {[PROFILE_BUSY] = {SOURCE_BUSY, 1},
                             [PROFILE_MEMORY_BUSY] = {SOURCE_MEMORY_BUSY, 1},
                             [PROFILE_MEMORY] = {SOURCE_MEMORY_USED, 1},
                             [PROFILE_POWER] = {SOURCE_POWER, 1000}};

static void take_points(const struct look *l, const struct rollup *points, int gpu)
{
    for (int f = 0; f < PROFILE_SERIES; f++) {
        float *to = l->series[gpu].values[f];
        int column = 0;

        for (int i = 0; i < l->in.count; i++)
            to[i] = NAN;
        while (series_field[column] != columns[f].field)
            column++;
        for (int i = 0; i < points->count; i++) {
            const struct rollup_cell *c = &points->rows[i].cells[column];
            const int64_t at = (points->rows[i].begin_ms - l->from_ms) / l->step_ms;

            if (c->count && at >= 0 && at < l->in.count)
                to[at] = (float)(rollup_mean(c) / columns[f].unit);
        }
    }
}

static int read_gpu(struct look *l, enum series_resolution resolution, int gpu, struct err *e)
{
    const struct series_range range = {l->uuid[gpu], l->from_ms, l->from_ms + l->in.count * l->step_ms};
    struct rollup points;

    rollup_init(&points, l->step_ms);
    int rc = series_store_read(l->store, &range, resolution, &points, e) ||
                     gpu_watch_add_new(l->api->watch, l->store, &range, &points, e)
                 ? -1
                 : 0;
    if (!rc)
        take_points(l, &points, gpu);
    rollup_fini(&points);
    for (int f = 0; f < PROFILE_SERIES; f++)
        l->gpu[gpu].series[f] = l->series[gpu].values[f];
    struct source_sample last; /* limits are set for months */
    if (gpu_watch_last(l->api->watch, l->uuid[gpu], &last) && source_has(&last, SOURCE_POWER_LIMIT))
        l->gpu[gpu].power_limit = (double)last.value[SOURCE_POWER_LIMIT] / 1000;
    return rc;
}

static int read_samples(struct look *l, struct err *e)
{
    const int64_t from = l->ended_ms - l->began_ms > SPAN_MAX_MS ? l->ended_ms - SPAN_MAX_MS : l->began_ms;

    l->step_ms = ((l->ended_ms - from) / (PROFILE_SAMPLES_MAX - 2) / STEP_MS + 1) * STEP_MS;
    const enum series_resolution resolution =
        series_resolve(gpu_watch_keep(l->api->watch), from, l->now_ms, &l->step_ms);
    l->from_ms = from / l->step_ms * l->step_ms;
    l->in.count = (int)((l->ended_ms - l->from_ms) / l->step_ms + 1);
    if (l->in.count > PROFILE_SAMPLES_MAX)
        l->in.count = PROFILE_SAMPLES_MAX;
    l->in.period_ms = l->step_ms;
    l->series = calloc((size_t)l->gpus + 1, sizeof *l->series);
    if (!l->series)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    for (int i = 0; i < l->gpus; i++)
        if (read_gpu(l, resolution, i, e))
            return -1;
    l->in.gpus = l->gpu;
    l->in.gpu_count = l->gpus;
    return 0;
}

/* What its tasks use beside GPUs. */
static int read_host(struct look *l, const char *job_id, struct err *e)
{
    const struct task_use_series out = {.job_attempt = l->attempt,
                                        .from_ms = l->from_ms,
                                        .step_ms = l->step_ms,
                                        .count = l->in.count,
                                        .cores = l->host[PROFILE_CPU],
                                        .waits = l->host[PROFILE_IO_WAIT]};
    const int rc = task_use_series(l->store, job_id, &out, e);

    for (int h = 0; rc > 0 && h < PROFILE_HOSTS; h++)
        l->in.host[h] = l->host[h];
    return rc < 0 ? -1 : 0;
}

/* When the first GPU began to compute; else when the task was started. */
static int64_t find_begun(const struct look *l)
{
    for (int i = 0; i < l->in.count && l->from_ms <= l->began_ms; i++)
        for (int g = 0; g < l->gpus; g++)
            if (l->series[g].values[PROFILE_BUSY][i] > 2)
                return l->from_ms + i * l->step_ms > l->launched_ms ? l->from_ms + i * l->step_ms : l->launched_ms;
    return l->launched_ms;
}

/* ---- the log ---- */

/* The first task of the newest job attempt that was started; of its attempts the newest. */
static int take_task(void *ctx, const struct task_attempt_row *row)
{
    struct look *l = ctx;

    if (!row->launched_ms || (l->task[0] && row->job_attempt == l->task_attempt_of && row->attempt == 0))
        return 0;
    memcpy(l->task, row->id, strnlen(row->id, ID_SIZE - 1) + 1);
    l->task_attempt_of = row->job_attempt;
    l->launched_ms = row->launched_ms;
    l->completed_ms = row->ended ? row->completed_ms : 0;
    return 0;
}

static int64_t last_word(const struct look *l, const struct logs *f)
{
    struct stat st;

    if (f->fd >= 0 && !f->packed.shelf && !fstat(f->fd, &st))
        return st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    return l->completed_ms ? l->completed_ms : l->now_ms;
}

static int read_piece(struct progress *p, struct logs *f, int64_t from, int64_t to, struct err *e)
{
    char piece[16384];

    while (from < to) {
        const int64_t want = to - from < (int64_t)sizeof piece ? to - from : (int64_t)sizeof piece;
        const int64_t got = logs_read(f, from, piece, (size_t)want, e);

        if (got <= 0)
            return (int)got;
        progress_read(p, -1, piece, (size_t)got);
        from += got;
    }
    return 0;
}

/* 0, -1 with the error; a log that is not there is none. */
static int read_log(struct look *l, const char *config, struct err *e)
{
    struct err why = {0};
    struct logs f;
    int64_t size = 0;
    bool complete;

    if (!l->task[0] || logs_open(&f, l->api->shelf, l->task, "all", &why))
        return 0;
    struct progress *p = progress_create(e);
    int rc = p ? logs_size(&f, &size, &complete, e) : -1;
    const int64_t cut = size > HEAD + TAIL ? size - TAIL : HEAD;
    if (!rc && config)
        progress_declare(p, config, strlen(config));
    if (!rc && !(rc = read_piece(p, &f, 0, size < HEAD ? size : HEAD, e)) && cut > HEAD)
        progress_gap(p);
    if (!rc)
        rc = read_piece(p, &f, cut, size, e);
    if (!rc) {
        const int64_t now = l->completed_ms ? l->completed_ms : l->now_ms;
        const struct progress_times times = {find_begun(l), last_word(l, &f), now};

        progress_gap(p);
        progress_tell(p, &times, &l->progress);
        l->told = size > 0;
    }
    progress_destroy(p);
    logs_close(&f);
    return rc;
}

/* ---- the reply ---- */

static void write_known(struct json_out *j, const char *key, double v)
{
    json_out_key(j, key);
    if (isfinite(v))
        json_out_double(j, v);
    else
        json_out_null(j);
}

static void write_proofs(struct json_out *j, const struct profile *p)
{
    json_out_key(j, "proofs");
    json_out_array(j);
    for (int i = 0; i < p->proof_count; i++) {
        json_out_object(j);
        json_out_kstring(j, "figure", profile_figure_name(p->proofs[i].figure));
        write_known(j, "value", p->proofs[i].value);
        write_known(j, p->proofs[i].above ? "atLeast" : "below", p->proofs[i].limit);
        json_out_object_end(j);
    }
    json_out_array_end(j);
    json_out_key(j, "figures");
    json_out_object(j);
    for (int f = 0; f < PROFILE_FIGURES; f++)
        write_known(j, profile_figure_name((enum profile_figure)f), p->figures[f]);
    json_out_object_end(j);
}

static void write_advice(struct json_out *j, const struct profile *p)
{
    char sentence[ADVICE_SENTENCE];

    advice_sentence(p, sentence);
    json_out_kstring(j, "sentence", sentence);
    json_out_key(j, "advice");
    json_out_array(j);
    for (const char *const *try = advice_tries(p); *try; try++)
        json_out_string(j, *try);
    json_out_array_end(j);
}

static void write_progress(struct json_out *j, const struct look *l)
{
    const struct progress_told *t = &l->progress;

    json_out_key(j, "progress");
    if (!l->told) {
        json_out_null(j);
        return;
    }
    json_out_object(j);
    write_known(j, "step", t->step);
    write_known(j, "steps", t->steps);
    write_known(j, "epoch", t->epoch);
    write_known(j, "epochs", t->epochs);
    write_known(j, "loss", t->loss);
    write_known(j, "done", t->done);
    write_known(j, "stepsPerSecond", t->steps_a_second);
    write_known(j, "leftMs", t->left_ms < 0 || l->completed_ms ? (double)NAN : (double)t->left_ms);
    json_out_kint(j, "silentMs", t->silent_ms);
    json_out_kbool(j, "stalled", t->stalled);
    json_out_object_end(j);
}

static void write_look(struct json_out *j, const struct look *l)
{
    const struct profile *p = &l->profile;

    json_out_object(j);
    json_out_kint(j, "jobAttempt", l->attempt);
    json_out_kint(j, "gpus", l->gpus);
    json_out_ktime(j, "from", l->from_ms);
    json_out_ktime(j, "to", l->ended_ms);
    json_out_kint(j, "stepMs", l->step_ms);
    json_out_kstring(j, "kind", profile_kind_name(p->kind));
    json_out_kint(j, "kindConfidence", p->kind_confidence);
    write_known(j, "periodSeconds", p->period_s > 0 ? p->period_s : (double)NAN);
    json_out_kstring(j, "bottleneck", profile_bottleneck_name(p->bottleneck));
    json_out_kint(j, "confidence", p->confidence);
    write_proofs(j, p);
    write_advice(j, p);
    write_progress(j, l);
    json_out_object_end(j);
}

static int write_profile(struct api_reading *x, struct err *e)
{
    struct look *l = x->context;
    struct job_view v;

    l->store = x->store;
    if (job_view_row(&v, x->store, x->request, e) || gpu_use_store_of_job(x->store, v.job.id, take_gpu, l, e) ||
        jobs_store_read_task_attempts(x->store, v.job.id, take_task, l, e))
        return -1;
    if ((l->gpus && (read_samples(l, e) || read_host(l, v.job.id, e))) || read_log(l, v.job.config, e))
        return -1;
    const struct progress_told *t = &l->progress;
    if (l->told)
        l->in.hint = (struct profile_hint){.learns = t->tells_loss || !isnan(t->epoch),
                                           .steps = t->tells_steps,
                                           .unfinished = t->tells_steps && !(t->done >= 1) && !l->completed_ms,
                                           .requests = t->tells_requests,
                                           .silent_ms = t->silent_ms};
    else
        l->in.hint.silent_ms = -1;
    profile_make(&l->in, &l->scratch, &l->profile);
    write_look(x->out, l);
    return 0;
}

int api_job_profile(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct look *l = calloc(1, sizeof *l);
    int rc = -1;

    if (atomic_fetch_add(&a->log_looks, 1) >= LOG_LOOKS_MAX) {
        err_set(e, ERR_TOO_MANY, "Others are looking at logs; ask again in a moment.");
    } else if (!l) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
    } else {
        l->api = a;
        l->now_ms = request_now(r).wall;
        rc = api_read(a, r, write_profile, l, e);
        free(l->series);
    }
    atomic_fetch_sub(&a->log_looks, 1);
    free(l);
    return rc;
}
