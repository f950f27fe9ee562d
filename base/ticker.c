/* SPDX-License-Identifier: MIT
 *
 * Waits on the monotonic clock, which no set clock moves.
 */
#include "base/ticker.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"

struct ticker {
    const char *name;
    int64_t period_ms;
    void (*fn)(void *ctx);
    void *ctx;
    pthread_t thread;
    pthread_mutex_t lock; /* of quit */
    pthread_cond_t wake;
    bool quit;
};

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
static bool waits(struct ticker *t, const struct timespec *at)
{
    int rc = 0;

    pthread_mutex_lock(&t->lock);
    while (!t->quit && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&t->wake, &t->lock, at);
    bool go = !t->quit;
    pthread_mutex_unlock(&t->lock);
    return go;
}

static void *thread_main(void *arg)
{
    struct ticker *t = arg;
    struct timespec next;

    (void)pthread_setname_np(pthread_self(), t->name);
    clock_gettime(CLOCK_MONOTONIC, &next);
    while (waits(t, &next)) {
        t->fn(t->ctx);
        do
            add_ms(&next, t->period_ms);
        while (is_past(&next));
    }
    return NULL;
}

static void ticker_free(struct ticker *t)
{
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

struct ticker *ticker_start(const char *name, int64_t period_ms, void (*fn)(void *ctx), void *ctx, struct err *e)
{
    struct ticker *t = calloc(1, sizeof *t);
    pthread_condattr_t attr;

    if (!t) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    *t = (struct ticker){.name = name, .period_ms = period_ms, .fn = fn, .ctx = ctx};
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->wake, &attr);
    pthread_condattr_destroy(&attr);
    int rc = pthread_create(&t->thread, NULL, thread_main, t);
    if (!rc)
        return t;
    err_errno(e, rc, "no thread for %s", name);
    ticker_free(t);
    return NULL;
}

void ticker_stop(struct ticker *t)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->quit = true;
    pthread_cond_broadcast(&t->wake);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    ticker_free(t);
}
