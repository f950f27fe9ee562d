/* SPDX-License-Identifier: MIT */
/* Nothing here waits for the driver: metrics/source_thread.h does, for so long. */
#include "server/gpu_watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "metrics/nvml.h"
#include "metrics/prometheus.h"
#include "metrics/remote_config.h"
#include "metrics/source_thread.h"
#include "server/gpu_account.h"
#include "server/gpu_health.h"
#include "server/gpu_idle.h"
#include "server/gpu_series.h"

enum {
    FIND_MS = 60000, /* cards without a persistent driver take seconds each to wake up */
    READ_MS = 10000,
    LEAVE_MS = 2000,
    FLUSH_MS = 30000
};

struct gpu_watch {
    struct source_thread *source;
    struct gpu gpus[NODE_GPU_MAX];
    int count;
    struct sampler *sampler; /* NULL: nothing is sampled */
    struct gpu_account *account;
    struct gpu_health *health;
    struct gpu_idle *idle;
    int snooze_minutes;
    struct gpu_series *series;
    struct series_keep keep;
};

/* sampler_taken_fn: who holds what is found first. */
static void take(void *ctx, const struct source_reading *readings, int count, int64_t ms)
{
    struct gpu_watch *w = ctx;
    int64_t since;
    gpu_account_take(w->account, readings, count, ms);
    gpu_health_take(w->health, readings, sampler_state(w->sampler, &since));
    gpu_idle_take(w->idle, readings, ms);
    gpu_series_take(w->series, readings, count);
}

/* What samples take. 0 or -1. */
static int make_sampler(struct gpu_watch *w, const struct gpu_watch_config *c, struct err *e)
{
    const struct gpu_account_config account = {.readers = c->readers,
                                               .snapshots = c->snapshots,
                                               .mailbox = c->mailbox,
                                               .gpus = w->gpus,
                                               .count = w->count,
                                               .flush_ms = FLUSH_MS};
    const struct gpu_series_config series = {.mailbox = c->mailbox,
                                             .gpus = w->gpus,
                                             .count = w->count,
                                             .period_ms = (int64_t)c->period_s * 1000,
                                             .seal_ms = (int64_t)c->seal_s * 1000,
                                             .keep = c->keep};
    w->account = gpu_account_create(&account, e);
    w->series = w->account ? gpu_series_create(&series, e) : NULL;
    if (!w->series)
        return -1;
    const struct gpu_health_config health = {.rules = c->rules, .account = w->account, .readers = c->readers};
    w->health = gpu_health_create(&health, w->gpus, w->count, e);
    if (!w->health)
        return -1;
    const struct gpu_idle_config idle = {.site = c->idle,
                                         .account = w->account,
                                         .readers = c->readers,
                                         .snapshots = c->snapshots,
                                         .mailbox = c->mailbox,
                                         .count = w->count,
                                         .flush_ms = FLUSH_MS};
    w->idle = gpu_idle_create(&idle, e);
    if (!w->idle)
        return -1;
    const struct sampler_config sampler = {.source = w->source,
                                           .count = w->count,
                                           .period_ms = (int64_t)c->period_s * 1000,
                                           .limit_ms = READ_MS,
                                           .keep_ms = GPU_WATCH_KEEP_MS,
                                           .taken = take,
                                           .ctx = w};
    w->sampler = sampler_create(&sampler, e);
    return w->sampler ? 0 : -1;
}

struct gpu_watch *gpu_watch_create(const struct gpu_watch_config *c, struct err *e)
{
    struct gpu_watch *w = calloc(1, sizeof *w);
    if (!w) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    w->keep = c->keep;
    w->snooze_minutes = c->idle->snooze_minutes;
    struct source *source = c->prometheus->to.url[0] ? prometheus_create(c->prometheus, c->node, e) : nvml_create(e);
    w->source = source_thread_create(source, e);
    w->count = w->source ? source_thread_find(w->source, w->gpus, FIND_MS, e) : -1;
    if (w->count >= 0 && (!w->count || !c->period_s || !make_sampler(w, c, e)))
        return w;
    gpu_watch_destroy(w);
    return NULL;
}

const struct gpu *gpu_watch_gpus(const struct gpu_watch *w, int *count)
{
    *count = w->count;
    return w->gpus;
}

int gpu_watch_start(struct gpu_watch *w, struct engine *engine, struct err *e)
{
    if (!w->sampler)
        return 0;
    gpu_health_use(w->health, engine);
    return sampler_start(w->sampler, e);
}

void gpu_watch_stop(struct gpu_watch *w)
{
    if (!w || !w->sampler)
        return;
    sampler_stop(w->sampler);
    gpu_idle_close(w->idle);
    gpu_account_close(w->account);
    gpu_series_close(w->series);
}

const struct series_keep *gpu_watch_keep(const struct gpu_watch *w)
{
    static const struct series_keep none;
    return w ? &w->keep : &none;
}

int gpu_watch_snooze(const struct gpu_watch *w)
{
    return w ? w->snooze_minutes : IDLE_SNOOZE_MINUTES;
}

void gpu_watch_destroy(struct gpu_watch *w)
{
    if (!w)
        return;
    sampler_destroy(w->sampler);
    gpu_health_destroy(w->health);
    gpu_idle_destroy(w->idle);
    gpu_account_destroy(w->account);
    gpu_series_destroy(w->series);
    source_thread_destroy(w->source, LEAVE_MS);
    free(w);
}

/* Its index, -1 for none that is sampled. */
static int find(const struct gpu_watch *w, const char *uuid)
{
    if (w && w->sampler && uuid[0])
        for (int i = 0; i < w->count; i++)
            if (!strcmp(w->gpus[i].uuid, uuid))
                return i;
    return -1;
}

void gpu_watch_forgive(const struct gpu_watch *w, const struct node *n)
{
    for (int i = 0; i < n->gpu_count; i++)
        if (find(w, n->gpus[i].uuid) >= 0) {
            gpu_health_forgive(w->health);
            return;
        }
}

enum sampler_state gpu_watch_state(const struct gpu_watch *w, const char *uuid, int64_t *since_ms)
{
    *since_ms = 0;
    return find(w, uuid) < 0 ? SAMPLER_BEGINS : sampler_state(w->sampler, since_ms);
}

bool gpu_watch_last(const struct gpu_watch *w, const char *uuid, struct source_sample *out)
{
    int i = find(w, uuid);
    return i >= 0 && sampler_last(w->sampler, i, out);
}

int gpu_watch_since(const struct gpu_watch *w, const char *uuid, int64_t after_ms, struct source_sample *out, int max)
{
    int i = find(w, uuid);
    return i < 0 ? 0 : sampler_since(w->sampler, i, after_ms, out, max);
}

int gpu_watch_add_new(const struct gpu_watch *w, struct store *s, const struct series_range *range,
                      struct rollup *points, struct err *e)
{
    enum { SAMPLES_MAX = GPU_WATCH_KEEP_MS / 1000 + 1 };
    int64_t stored_ms;
    if (series_store_last(s, range->uuid, &stored_ms, e))
        return -1;
    struct source_sample *samples = malloc(SAMPLES_MAX * sizeof *samples);
    const int64_t after = stored_ms >= range->from_ms ? stored_ms : range->from_ms - 1;
    int rc = samples ? 0 : -1;
    int count = samples ? gpu_watch_since(w, range->uuid, after, samples, SAMPLES_MAX) : 0;
    for (int i = 0; i < count && !rc && samples[i].wall_ms < range->to_ms; i++)
        rc = rollup_add(points, &samples[i]);
    free(samples);
    return rc ? err_set(e, ERR_INTERNAL, "Out of memory.") : 0;
}
