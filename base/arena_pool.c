/* SPDX-License-Identifier: MIT
 *
 * A stack of empty arenas: the last one given back is the next one taken, while its block is still in the cache.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"

/* The address sanitizer sees the use of memory that was given back only if it is freed. */
#if defined(__SANITIZE_ADDRESS__)
enum { POOL_KEEPS = 0 };
#else
enum { POOL_KEEPS = 1 };
#endif

struct arena_pool {
    pthread_mutex_t lock;
    size_t max;
    size_t keep;
    size_t count;
    struct arena *ready[];
};

struct arena_pool *arena_pool_create(size_t max, size_t keep)
{
    struct arena_pool *p = calloc(1, sizeof(*p) + keep * sizeof(struct arena *));

    if (p) {
        pthread_mutex_init(&p->lock, NULL);
        p->max = max;
        p->keep = POOL_KEEPS ? keep : 0;
    }
    return p;
}

void arena_pool_destroy(struct arena_pool *p)
{
    if (!p)
        return;
    while (p->count)
        arena_destroy(p->ready[--p->count]);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

struct arena *arena_pool_take(struct arena_pool *p)
{
    struct arena *a = NULL;

    pthread_mutex_lock(&p->lock);
    if (p->count)
        a = p->ready[--p->count];
    pthread_mutex_unlock(&p->lock);
    return a ? a : arena_create(p->max);
}

void arena_pool_give(struct arena_pool *p, struct arena *a)
{
    if (!a)
        return;
    arena_reset(a);
    pthread_mutex_lock(&p->lock);
    if (p->count < p->keep) {
        p->ready[p->count++] = a;
        a = NULL;
    }
    pthread_mutex_unlock(&p->lock);
    arena_destroy(a);
}
