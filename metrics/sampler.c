/* SPDX-License-Identifier: MIT
 *
 * Looks are a ticker's; who asks for samples meets it at the lock.
 */
#include "metrics/sampler.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/ticker.h"
#include "metrics/ring.h"
#include "metrics/source_thread.h"

struct sampler {
    struct sampler_config config;
    struct ticker *ticker;           /* NULL: it does not run */
    struct source_reading *readings; /* the thread's */
    int64_t looked_mono;             /* when the last look ended; the thread's */
    pthread_mutex_t lock;            /* of what follows */
    enum sampler_state state;
    int64_t since_ms;
    struct ring rings[NODE_GPU_MAX];
};

/* ---- the thread ---- */

static void tell(enum sampler_state before, enum sampler_state now, const struct err *e)
{
    if (now == before)
        return;
    if (now == SAMPLER_HANGS)
        log_error("gpu_driver_hangs", "the GPUs' driver does not answer; nothing is known of them");
    else if (now == SAMPLER_FAILS)
        log_error("gpu_driver_fails", "%s", e->text);
    else if (before != SAMPLER_BEGINS)
        log_info("gpu_driver_answers", "the GPUs' driver answers again");
}

static void keep(struct sampler *s, enum sampler_state state, int64_t wall_ms)
{
    pthread_mutex_lock(&s->lock);
    for (int i = 0; state == SAMPLER_READS && i < s->config.count; i++)
        ring_put(&s->rings[i], &s->readings[i].sample);
    if (state != s->state)
        s->since_ms = wall_ms;
    s->state = state;
    pthread_mutex_unlock(&s->lock);
}

static void look(void *ctx)
{
    struct sampler *s = ctx;
    const struct sampler_config *c = &s->config;
    struct err e = {0};
    enum sampler_state before = s->state; /* only this thread writes it */
    int rc = source_thread_read(c->source, s->readings, c->count, c->limit_ms, &e);
    enum sampler_state state = !rc ? SAMPLER_READS : rc == SOURCE_HANGS ? SAMPLER_HANGS : SAMPLER_FAILS;
    const struct clock_now now = clock_read();
    int64_t ms = s->looked_mono ? now.mono - s->looked_mono : c->period_ms;

    s->looked_mono = now.mono;
    for (int i = 0; !rc && i < c->count; i++)
        s->readings[i].sample.wall_ms = now.wall;
    keep(s, state, now.wall);
    tell(before, state, &e);
    if (c->taken)
        c->taken(c->ctx, rc ? NULL : s->readings, c->count, ms < 2 * c->period_ms ? ms : 2 * c->period_ms);
}

/* ---- life ---- */

struct sampler *sampler_create(const struct sampler_config *c, struct err *e)
{
    struct sampler *s = calloc(1, sizeof *s);

    if (!s) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    s->config = *c;
    pthread_mutex_init(&s->lock, NULL);
    s->readings = calloc((size_t)c->count + 1, sizeof *s->readings);
    bool whole = s->readings != NULL;
    for (int i = 0; i < c->count; i++)
        whole = !ring_init(&s->rings[i], (int)(c->keep_ms / c->period_ms) + 1) && whole;
    if (whole)
        return s;
    sampler_destroy(s);
    err_set(e, ERR_INTERNAL, "Out of memory.");
    return NULL;
}

int sampler_start(struct sampler *s, struct err *e)
{
    s->ticker = ticker_start("gpu-sampler", s->config.period_ms, look, s, e);
    return s->ticker ? 0 : -1;
}

void sampler_stop(struct sampler *s)
{
    if (!s)
        return;
    ticker_stop(s->ticker);
    s->ticker = NULL;
}

void sampler_destroy(struct sampler *s)
{
    if (!s)
        return;
    sampler_stop(s);
    for (int i = 0; i < s->config.count; i++)
        ring_fini(&s->rings[i]);
    pthread_mutex_destroy(&s->lock);
    free(s->readings);
    free(s);
}

/* ---- reading ---- */

enum sampler_state sampler_state(struct sampler *s, int64_t *since_ms)
{
    pthread_mutex_lock(&s->lock);
    enum sampler_state state = s->state;
    *since_ms = s->since_ms;
    pthread_mutex_unlock(&s->lock);
    return state;
}

bool sampler_last(struct sampler *s, int gpu, struct source_sample *out)
{
    pthread_mutex_lock(&s->lock);
    bool has = s->state == SAMPLER_READS && gpu >= 0 && gpu < s->config.count;
    if (has)
        *out = *ring_at(&s->rings[gpu], 0);
    pthread_mutex_unlock(&s->lock);
    return has;
}

int sampler_since(struct sampler *s, int gpu, int64_t after_ms, struct source_sample *out, int max)
{
    int n = 0;

    if (gpu < 0 || gpu >= s->config.count)
        return 0;
    pthread_mutex_lock(&s->lock);
    const struct ring *r = &s->rings[gpu];
    while (n < max && n < ring_count(r) && ring_at(r, n)->wall_ms > after_ms)
        n++;
    for (int i = 0; i < n; i++)
        out[i] = *ring_at(r, n - 1 - i);
    pthread_mutex_unlock(&s->lock);
    return n;
}
