/* SPDX-License-Identifier: MIT
 *
 * Looks begin at multiples of the period after the first; those that a slow one took the time of are left out.
 */
#include "metrics/sampler.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "metrics/ring.h"
#include "metrics/source_thread.h"

struct sampler {
    struct sampler_config config;
    pthread_t thread;
    bool started;
    struct source_reading *readings; /* the thread's */
    int64_t looked_mono;             /* when the last look ended; the thread's */
    pthread_mutex_t lock;            /* of what follows */
    pthread_cond_t wake;
    bool quit;
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

static void look(struct sampler *s)
{
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

static void add_ms(struct timespec *at, int64_t ms)
{
    int64_t ns = at->tv_nsec + ms % 1000 * 1000000;

    at->tv_sec += (time_t)(ms / 1000 + ns / 1000000000);
    at->tv_nsec = (long)(ns % 1000000000);
}

static bool is_past(const struct timespec *at)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > at->tv_sec || (now.tv_sec == at->tv_sec && now.tv_nsec >= at->tv_nsec);
}

/* Whether to go on, at that time. */
static bool waits(struct sampler *s, const struct timespec *at)
{
    int rc = 0;

    pthread_mutex_lock(&s->lock);
    while (!s->quit && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&s->wake, &s->lock, at);
    bool go = !s->quit;
    pthread_mutex_unlock(&s->lock);
    return go;
}

static void *thread_main(void *arg)
{
    struct sampler *s = arg;
    struct timespec next;

    (void)pthread_setname_np(pthread_self(), "gpu-sampler");
    clock_gettime(CLOCK_MONOTONIC, &next);
    while (waits(s, &next)) {
        look(s);
        do
            add_ms(&next, s->config.period_ms);
        while (is_past(&next));
    }
    return NULL;
}

/* ---- life ---- */

struct sampler *sampler_create(const struct sampler_config *c, struct err *e)
{
    struct sampler *s = calloc(1, sizeof *s);
    pthread_condattr_t attr;

    if (!s) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    s->config = *c;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, &attr);
    pthread_condattr_destroy(&attr);
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
    int rc = pthread_create(&s->thread, NULL, thread_main, s);

    if (rc)
        return err_errno(e, rc, "no thread for samples");
    s->started = true;
    return 0;
}

void sampler_stop(struct sampler *s)
{
    if (!s || !s->started)
        return;
    pthread_mutex_lock(&s->lock);
    s->quit = true;
    pthread_cond_broadcast(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    s->started = false;
}

void sampler_destroy(struct sampler *s)
{
    if (!s)
        return;
    sampler_stop(s);
    for (int i = 0; i < s->config.count; i++)
        ring_fini(&s->rings[i]);
    pthread_cond_destroy(&s->wake);
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
