/* SPDX-License-Identifier: MIT
 *
 * What would let a gang start before maintenance begins: a shorter time limit.
 */
#include <stdlib.h>

#include "scheduler/explain_internal.h"

enum { LIMITS_MAX = 16, MINUTE_MS = 60 * 1000 };

static int longer(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x > y ? -1 : x < y;
}

/* In whole minutes, where that leaves something: nobody writes a limit to the millisecond. */
static int64_t round_down(int64_t ms)
{
    return ms >= MINUTE_MS ? ms - ms % MINUTE_MS : ms - ms % 1000;
}

/* Limits by which it would end before some machine's window, the longest first. NULL on out of memory. */
static int64_t *list_limits(const struct explain *x, const struct explain_ask *ask, size_t *count)
{
    const struct cluster *c = x->grid->account;
    int64_t now = x->now_ms ? x->now_ms : x->grid->now_ms, has = ask->request->lasts_ms;
    int64_t *list = calloc(cluster_count(c) + 1, sizeof *list);
    size_t n = 0, kept = 0;
    for (int i = 0; list && i < (int)cluster_count(c); i++) {
        int64_t left = cluster_at(c, i)->closes_ms ? round_down(cluster_at(c, i)->closes_ms - now) : 0;
        if (left > 0 && (!has || left < has))
            list[n++] = left;
    }
    if (n > 1)
        qsort(list, n, sizeof *list, longer);
    for (size_t i = 0; i < n; i++)
        if (!kept || list[kept - 1] != list[i])
            list[kept++] = list[i];
    *count = kept < LIMITS_MAX ? kept : LIMITS_MAX;
    return list;
}

int64_t explain_shorter(struct explain *x, const struct explain_ask *ask)
{
    size_t n = 0;
    int64_t *limits = list_limits(x, ask, &n), found = 0;
    struct grid_request r = *ask->request;
    x->failed = x->failed || !limits;
    for (size_t i = 0; limits && i < n && !found; i++) {
        r.lasts_ms = limits[i];
        found = explain_starts_anew(x, ask, &r) ? limits[i] : 0;
    }
    free(limits);
    return found;
}
