/* SPDX-License-Identifier: MIT
 *
 * Two lists under one mutex; the taker waits on a condition variable of the boot-time clock's sibling, CLOCK_MONOTONIC.
 */
#include "server/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"

/* Mails at once that make a crowd, and how long one is waited for: some fsyncs' time on a fast disk. */
enum { GATHER_FROM = 4, GATHER_NS = 300000 };

struct lane {
    struct mail *first;
    struct mail **end;
    size_t count;
};

struct mailbox {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct lane client, engine;
    size_t client_max;
    size_t wanted; /* client mails that wake the taker */
    size_t taken;  /* of them, last time */
    bool closed;
};

static void lane_init(struct lane *l)
{
    l->first = NULL;
    l->end = &l->first;
    l->count = 0;
}

static void lane_put(struct lane *l, struct mail *m)
{
    m->next = NULL;
    *l->end = m;
    l->end = &m->next;
    l->count++;
}

static struct mail *lane_get(struct lane *l)
{
    struct mail *m = l->first;
    if (!m)
        return NULL;
    l->first = m->next;
    if (!l->first)
        l->end = &l->first;
    l->count--;
    m->next = NULL;
    return m;
}

struct mailbox *mailbox_create(size_t client_max)
{
    struct mailbox *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&b->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&b->lock, NULL);
    lane_init(&b->client);
    lane_init(&b->engine);
    b->client_max = client_max;
    b->wanted = 1;
    return b;
}

void mailbox_destroy(struct mailbox *b)
{
    if (!b)
        return;
    pthread_cond_destroy(&b->wake);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

int mailbox_post(struct mailbox *b, struct mail *m, struct err *e)
{
    int rc = 0;
    pthread_mutex_lock(&b->lock);
    if (b->closed)
        rc = err_set(e, ERR_BUSY, "The server is shutting down.");
    else if (b->client.count >= b->client_max)
        rc = err_set(e, ERR_BUSY, "The server has too many requests waiting; try again shortly.");
    else
        lane_put(&b->client, m);
    if (b->client.count >= b->wanted)
        pthread_cond_signal(&b->wake);
    pthread_mutex_unlock(&b->lock);
    return rc;
}

void mailbox_post_engine(struct mailbox *b, struct mail *m)
{
    pthread_mutex_lock(&b->lock);
    lane_put(&b->engine, m);
    pthread_cond_signal(&b->wake);
    pthread_mutex_unlock(&b->lock);
}

void mailbox_close(struct mailbox *b)
{
    pthread_mutex_lock(&b->lock);
    b->closed = true;
    pthread_cond_signal(&b->wake);
    pthread_mutex_unlock(&b->lock);
}

/* Waits until `at`. Whether it is there. */
static bool wait_until(struct mailbox *b, const struct timespec *at)
{
    return pthread_cond_timedwait(&b->wake, &b->lock, at) == ETIMEDOUT;
}

static struct timespec after_ns(int64_t ns)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    ns += at.tv_nsec;
    at.tv_sec += ns / 1000000000;
    at.tv_nsec = ns % 1000000000;
    return at;
}

/* Waits `ms` at most (INT64_MAX: for ever). */
static void wait_ms(struct mailbox *b, int64_t ms)
{
    if (ms == INT64_MAX) {
        pthread_cond_wait(&b->wake, &b->lock);
        return;
    }
    struct timespec at = after_ns(ms * 1000000);
    (void)wait_until(b, &at);
}

/* While many ask at once, a moment's patience makes few large batches of many small ones: each costs an fsync and the
 * pages that it touches. As many as last time are waited for; who asks alone waits for nobody. */
static void gather(struct mailbox *b)
{
    if (b->taken < GATHER_FROM || !b->client.count)
        return;
    struct timespec at = after_ns(GATHER_NS);
    b->wanted = b->taken;
    while (b->client.count < b->wanted && !b->engine.count && !b->closed)
        if (wait_until(b, &at))
            break;
    b->wanted = 1;
}

struct mail *mailbox_take(struct mailbox *b, size_t max, int64_t deadline_mono)
{
    struct lane out;
    lane_init(&out);
    pthread_mutex_lock(&b->lock);
    while (!b->client.count && !b->engine.count && !b->closed) {
        int64_t now = deadline_mono == INT64_MAX ? 0 : clock_read().mono;
        if (deadline_mono <= now)
            break;
        wait_ms(b, deadline_mono == INT64_MAX ? INT64_MAX : deadline_mono - now);
    }
    gather(b);
    size_t waiting = b->client.count;
    struct mail *m;
    while (out.count < max && ((m = lane_get(&b->engine)) || (m = lane_get(&b->client))))
        lane_put(&out, m);
    b->taken = waiting - b->client.count;
    pthread_mutex_unlock(&b->lock);
    return out.first;
}

bool mailbox_closed(struct mailbox *b)
{
    pthread_mutex_lock(&b->lock);
    bool closed = b->closed;
    pthread_mutex_unlock(&b->lock);
    return closed;
}
