/* SPDX-License-Identifier: MIT
 *
 * A bump allocator whose memory lives as long as one request (or one parsed document). Nothing is freed singly.
 * An arena is not for use from two threads at once.
 */
#ifndef DROVER_BASE_ARENA_H
#define DROVER_BASE_ARENA_H

#include <stddef.h>

struct arena;

/* An arena that refuses to hold more than `max` bytes (0 = 16 MiB). NULL on out of memory. */
struct arena *arena_create(size_t max);
/* The same with a first block of `first` bytes, for a holder of many arenas that knows what goes into one. */
struct arena *arena_create_sized(size_t max, size_t first);
/* Frees everything. NULL is fine. */
void arena_destroy(struct arena *a);
/* Takes back all that was handed out, for another round; keeps one block, so that small rounds allocate nothing. */
void arena_reset(struct arena *a);
/* Zeroed memory, aligned for any type; NULL when out of memory or over the cap. Owned by the arena. */
void *arena_alloc(struct arena *a, size_t size);
/* Zeroed array; NULL also when n * size overflows. */
void *arena_calloc(struct arena *a, size_t n, size_t size);
/* Copies of a string, of its first n bytes, and printf output. NULL as above; arena_strdup(a, NULL) is NULL. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Bytes handed out so far. */
size_t arena_used(const struct arena *a);

/* Arenas that one user after another takes, so that a request in the steady state allocates nothing. Any thread. */
struct arena_pool;

/* Each arena holds at most `max` bytes; at most `keep` lie ready. NULL on out of memory. */
struct arena_pool *arena_pool_create(size_t max, size_t keep);
/* Frees those that lie ready; all must have been given back. NULL is fine. */
void arena_pool_destroy(struct arena_pool *p);
/* An empty arena. NULL on out of memory. */
struct arena *arena_pool_take(struct arena_pool *p);
/* Gives one back, emptied. `a` may be NULL. */
void arena_pool_give(struct arena_pool *p, struct arena *a);

#endif
