/* SPDX-License-Identifier: MIT
 *
 * The reaper of connections past their deadline. Deadlines are atomics that HTTP threads move without a lock, often
 * (three times a request); while there are connections the thread looks at all of them twice a second.
 */
#include "server/http/deadline.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"

#define NEVER INT64_MAX
#define LOOK_MS 500 /* at most so late */

struct deadline_entry {
    _Atomic int64_t at; /* monotonic ms */
    int fd;
    struct deadline_entry *next, *prev;
};

struct deadline {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    int64_t (*now_ms)(void);
    struct deadline_entry *entries;
    bool stop;
};

static int64_t real_now(void)
{
    return clock_read().mono;
}

static void reap(struct deadline *d)
{
    int64_t now = d->now_ms();

    for (struct deadline_entry *en = d->entries; en; en = en->next) {
        if (atomic_load_explicit(&en->at, memory_order_relaxed) > now)
            continue;
        /* Only the read and write ends: the descriptor stays libmicrohttpd's to close. */
        shutdown(en->fd, SHUT_RDWR);
        atomic_store_explicit(&en->at, NEVER, memory_order_relaxed);
    }
}

static void *run(void *arg)
{
    struct deadline *d = arg;

    pthread_mutex_lock(&d->lock);
    while (!d->stop) {
        struct timespec until;

        if (!d->entries) {
            pthread_cond_wait(&d->wake, &d->lock);
            continue;
        }
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&d->wake, &d->lock, &until);
        reap(d);
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

struct deadline *deadline_create(int64_t (*now_ms)(void), struct err *e)
{
    struct deadline *d = calloc(1, sizeof(*d));
    pthread_condattr_t attr;
    int rc;

    if (!d) {
        err_set(e, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    d->now_ms = now_ms ? now_ms : real_now;
    pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&d->wake, &attr);
    pthread_condattr_destroy(&attr);
    rc = pthread_create(&d->thread, NULL, run, d);
    if (rc) {
        err_errno(e, rc, "deadline thread");
        pthread_cond_destroy(&d->wake);
        pthread_mutex_destroy(&d->lock);
        free(d);
        return NULL;
    }
    return d;
}

void deadline_destroy(struct deadline *d)
{
    if (!d)
        return;
    pthread_mutex_lock(&d->lock);
    d->stop = true;
    pthread_cond_signal(&d->wake);
    pthread_mutex_unlock(&d->lock);
    pthread_join(d->thread, NULL);
    pthread_cond_destroy(&d->wake);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

void deadline_set(struct deadline *d, struct deadline_entry *en, int64_t ms)
{
    if (en)
        atomic_store_explicit(&en->at, ms < 0 ? NEVER : d->now_ms() + ms, memory_order_relaxed);
}

struct deadline_entry *deadline_add(struct deadline *d, int fd, int64_t ms)
{
    struct deadline_entry *en = calloc(1, sizeof(*en));

    if (!en)
        return NULL;
    en->fd = fd;
    deadline_set(d, en, ms);
    pthread_mutex_lock(&d->lock);
    en->next = d->entries;
    if (d->entries)
        d->entries->prev = en;
    else
        pthread_cond_signal(&d->wake);
    d->entries = en;
    pthread_mutex_unlock(&d->lock);
    return en;
}

void deadline_remove(struct deadline *d, struct deadline_entry *en)
{
    if (!en)
        return;
    pthread_mutex_lock(&d->lock);
    if (en->prev)
        en->prev->next = en->next;
    else
        d->entries = en->next;
    if (en->next)
        en->next->prev = en->prev;
    pthread_mutex_unlock(&d->lock);
    free(en);
}
