/* SPDX-License-Identifier: MIT */
/* A bounded queue and its threads. */
#include "server/workers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/err.h"

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct work *first, **end;
    size_t count, max;
    bool closed;
    unsigned thread_count;
    pthread_t threads[];
};

static void *thread_main(void *ctx)
{
    struct workers *p = ctx;
    for (;;) {
        pthread_mutex_lock(&p->lock);
        while (!p->first && !p->closed)
            pthread_cond_wait(&p->wake, &p->lock);
        struct work *w = p->first;
        if (w) {
            p->first = w->next;
            if (!p->first)
                p->end = &p->first;
            p->count--;
        }
        pthread_mutex_unlock(&p->lock);
        if (!w)
            return NULL;
        w->run(w);
    }
}

struct workers *workers_create(unsigned threads, size_t queue, struct err *e)
{
    struct workers *p = calloc(1, sizeof *p + threads * sizeof(pthread_t));
    if (!p) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    p->end = &p->first;
    p->max = queue;
    while (p->thread_count < threads && !pthread_create(&p->threads[p->thread_count], NULL, thread_main, p))
        p->thread_count++;
    if (p->thread_count < threads) {
        workers_destroy(p);
        err_set(e, ERR_INTERNAL, "No threads for workers.");
        return NULL;
    }
    return p;
}

void workers_destroy(struct workers *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->closed = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->thread_count; i++)
        pthread_join(p->threads[i], NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

int workers_post(struct workers *p, struct work *w, struct err *e)
{
    int rc = 0;
    w->next = NULL;
    pthread_mutex_lock(&p->lock);
    if (p->closed) {
        rc = err_set(e, ERR_BUSY, "The server is shutting down.");
    } else if (p->count >= p->max) {
        rc = err_set(e, ERR_TOO_MANY, "Too many logins at once; try again shortly.");
    } else {
        *p->end = w;
        p->end = &w->next;
        p->count++;
        pthread_cond_signal(&p->wake);
    }
    pthread_mutex_unlock(&p->lock);
    return rc;
}
