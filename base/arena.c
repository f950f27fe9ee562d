/* SPDX-License-Identifier: MIT
 *
 * The bump allocator: a chain of blocks, newest first. Blocks grow from 4 KiB to 64 KiB; anything larger gets a block
 * of its own.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_DEFAULT_MAX ((size_t)16 << 20)
#define ARENA_FIRST ((size_t)4096)
#define ARENA_LARGEST ((size_t)65536)
#define ARENA_ALIGN _Alignof(max_align_t)

struct arena_block {
    struct arena_block *older;
    size_t size;
    size_t used;
    max_align_t data[];
};

struct arena {
    struct arena_block *newest;
    size_t max;
    size_t used;
    size_t next_size;
};

struct arena *arena_create(size_t max)
{
    struct arena *a = calloc(1, sizeof(*a));

    if (a) {
        a->max = max ? max : ARENA_DEFAULT_MAX;
        a->next_size = ARENA_FIRST;
    }
    return a;
}

void arena_destroy(struct arena *a)
{
    if (!a)
        return;
    while (a->newest) {
        struct arena_block *b = a->newest;

        a->newest = b->older;
        free(b);
    }
    free(a);
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = NULL, *b = a->newest;
    while (b) {
        struct arena_block *older = b->older;
        if (!keep && b->size <= ARENA_LARGEST)
            keep = b; /* the newest of the ordinary ones is the largest of them */
        else
            free(b);
        b = older;
    }
    if (keep) {
        memset(keep->data, 0, keep->used);
        keep->used = 0;
        keep->older = NULL;
    }
    a->newest = keep;
    a->used = 0;
}

struct arena *arena_create_sized(size_t max, size_t first)
{
    struct arena *a = arena_create(max);

    if (a)
        a->next_size = first < ARENA_LARGEST ? first : ARENA_LARGEST;
    return a;
}

/* A block with room for `size` bytes. A large one goes behind the newest, which keeps its free rest in use. */
static struct arena_block *arena_add_block(struct arena *a, size_t size)
{
    size_t most = a->newest ? a->next_size / 2 : a->next_size;
    size_t room = size > most ? size : a->next_size;
    struct arena_block *b = calloc(1, sizeof(*b) + room);

    if (!b)
        return NULL;
    b->size = room;
    if (room == size && a->newest) {
        b->older = a->newest->older;
        a->newest->older = b;
    } else {
        b->older = a->newest;
        a->newest = b;
        if (a->next_size < ARENA_LARGEST)
            a->next_size *= 2;
    }
    return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
    struct arena_block *b = a->newest;
    void *p;

    if (size > a->max)
        return NULL;
    size = size ? (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN : ARENA_ALIGN;
    if (size > a->max - a->used)
        return NULL;
    if (!b || size > b->size - b->used)
        b = arena_add_block(a, size);
    if (!b)
        return NULL;
    p = (char *)b->data + b->used;
    b->used += size;
    a->used += size;
    return p;
}

void *arena_calloc(struct arena *a, size_t n, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(n, size, &total))
        return NULL;
    return arena_alloc(a, total);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    char *copy;
    const char *end;

    if (!s)
        return NULL;
    end = memchr(s, '\0', n);
    if (end)
        n = (size_t)(end - s);
    if (n == SIZE_MAX)
        return NULL;
    copy = arena_alloc(a, n + 1);
    if (copy)
        memcpy(copy, s, n);
    return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    char *text = NULL;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    if (n >= 0)
        text = arena_alloc(a, (size_t)n + 1);
    if (text)
        (void)vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(ap);
    return text;
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}
