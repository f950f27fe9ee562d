/* SPDX-License-Identifier: MIT */
/* A stack of idle connections under a mutex: the one used last is used next, with its cache warm. */
#include "server/readers.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "store/store.h"

/* A reader keeps the WAL from being emptied; at three megabytes a second of new rows that is a third of what it may
 * become. The slowest question there is, a year's report, takes some seconds. */
#define READERS_LONGEST_MS 30000

struct readers {
    char path[4096];
    pthread_mutex_t lock;
    pthread_cond_t back;
    struct store **idle;
    size_t idle_count, open_count, max;
};

struct readers *readers_create(const char *path, size_t max)
{
    struct readers *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->idle = calloc(max, sizeof(struct store *));
    if (!r->idle) {
        free(r);
        return NULL;
    }
    snprintf(r->path, sizeof r->path, "%s", path);
    r->max = max;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->back, NULL);
    return r;
}

void readers_destroy(struct readers *r)
{
    if (!r)
        return;
    while (r->idle_count)
        store_close(r->idle[--r->idle_count]);
    pthread_cond_destroy(&r->back);
    pthread_mutex_destroy(&r->lock);
    free(r->idle);
    free(r);
}

struct store *readers_get(struct readers *r, struct err *e)
{
    struct store *s = NULL;
    pthread_mutex_lock(&r->lock);
    while (!r->idle_count && r->open_count == r->max)
        pthread_cond_wait(&r->back, &r->lock);
    if (r->idle_count)
        s = r->idle[--r->idle_count];
    else
        r->open_count++;
    pthread_mutex_unlock(&r->lock);
    if (s)
        return s;
    s = store_open(r->path, STORE_READER, e);
    if (!s) {
        pthread_mutex_lock(&r->lock);
        r->open_count--;
        pthread_cond_signal(&r->back);
        pthread_mutex_unlock(&r->lock);
        return NULL;
    }
    store_bound_reads(s, READERS_LONGEST_MS);
    return s;
}

void readers_put(struct readers *r, struct store *s)
{
    if (!s)
        return;
    if (store_end_reads(s))
        log_error("snapshot_left", "a reader came back with its snapshot");
    pthread_mutex_lock(&r->lock);
    r->idle[r->idle_count++] = s;
    pthread_cond_signal(&r->back);
    pthread_mutex_unlock(&r->lock);
}
