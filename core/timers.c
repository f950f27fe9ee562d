/* SPDX-License-Identifier: MIT
 *
 * A binary heap by deadline.
 */
#include "core/timers.h"

#include <stdlib.h>

void timers_fini(struct timers *t)
{
    free(t->heap);
    *t = (struct timers){0};
}

int timers_add(struct timers *t, const struct timer *timer)
{
    if (t->count == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 32;
        struct timer *grown = realloc(t->heap, cap * sizeof *grown);
        if (!grown)
            return -1;
        t->heap = grown;
        t->cap = cap;
    }
    size_t i = t->count++;
    while (i && t->heap[(i - 1) / 2].at_mono > timer->at_mono) {
        t->heap[i] = t->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    t->heap[i] = *timer;
    return 0;
}

bool timers_pop(struct timers *t, int64_t now_mono, struct timer *out)
{
    if (!t->count || t->heap[0].at_mono > now_mono)
        return false;
    *out = t->heap[0];
    struct timer last = t->heap[--t->count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= t->count)
            break;
        if (child + 1 < t->count && t->heap[child + 1].at_mono < t->heap[child].at_mono)
            child++;
        if (t->heap[child].at_mono >= last.at_mono)
            break;
        t->heap[i] = t->heap[child];
        i = child;
    }
    if (t->count)
        t->heap[i] = last;
    return true;
}

int64_t timers_next(const struct timers *t)
{
    return t->count ? t->heap[0].at_mono : INT64_MAX;
}
