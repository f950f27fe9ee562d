/* SPDX-License-Identifier: MIT
 *
 * The reaper of connections past their deadline. Deadlines are atomics that HTTP threads move without a lock, often
 * (three times a request); while there are connections the thread looks at all of them twice a second. How much of a
 * reply was taken it asks the kernel, and only at the deadline: what the peer has acknowledged, not what fills buffers.
 */
#include "server/http/deadline.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"

#define NEVER INT64_MAX
#define LOOK_MS 500 /* at most so late */
#define PACE_BYTES 65536

struct deadline_entry {
    _Atomic int64_t at; /* monotonic ms */
    /* While a reply is taken: the deadline without what was taken of it, the milliseconds that 64 KiB earn (0: none),
     * and the bytes that the peer had acknowledged before. */
    _Atomic int64_t pace_at, pace_ms, pace_from;
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

/* Bytes that the peer has acknowledged since it connected; 0 for what is no TCP socket. */
static int64_t acknowledged(int fd)
{
    struct tcp_info info = {.tcpi_state = 0};
    socklen_t len = sizeof(info);

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) ||
        len < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(info.tcpi_bytes_acked))
        return 0;
    return (int64_t)info.tcpi_bytes_acked;
}

/* Until when, with what was taken. */
static int64_t earned(struct deadline_entry *en)
{
    int64_t pace = atomic_load(&en->pace_ms);

    if (!pace)
        return 0;
    return atomic_load(&en->pace_at) + (acknowledged(en->fd) - atomic_load(&en->pace_from)) / PACE_BYTES * pace;
}

static void reap(struct deadline *d)
{
    int64_t now = d->now_ms();

    for (struct deadline_entry *en = d->entries; en; en = en->next) {
        int64_t at = atomic_load(&en->at), later;

        if (at > now)
            continue;
        later = earned(en);
        /* Unless its thread moves it in this moment. Only the read and write ends are shut: the descriptor stays
         * libmicrohttpd's to close. */
        if (atomic_compare_exchange_strong(&en->at, &at, later > now ? later : NEVER) && later <= now)
            shutdown(en->fd, SHUT_RDWR);
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
    if (!en)
        return;
    /* In this order: the reaper never takes the end of a reply's time for the end of what follows it. */
    atomic_store(&en->at, ms < 0 ? NEVER : d->now_ms() + ms);
    atomic_store(&en->pace_ms, 0);
}

void deadline_pace(struct deadline *d, struct deadline_entry *en, int64_t ms, int64_t ms_per_64k)
{
    int64_t at = d->now_ms() + ms;

    if (!en)
        return;
    atomic_store(&en->pace_at, at);
    atomic_store(&en->pace_from, acknowledged(en->fd));
    atomic_store(&en->pace_ms, ms_per_64k);
    atomic_store(&en->at, at);
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
