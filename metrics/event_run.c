/* SPDX-License-Identifier: MIT */
/* A restart is told from programs that write at the same time by the clock: only what was written before the later file
 * began is void. */
#include "metrics/event_run.h"

#include <stdlib.h>

/* A point and where it stood, so that points of one step keep their order. */
struct placed {
    struct event_point p;
    int64_t place;
};

static int by_step(const void *one, const void *other)
{
    const struct placed *a = one, *b = other;

    if (a->p.step != b->p.step)
        return a->p.step < b->p.step ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

/* Whether a later file has begun at or before its step, after it was written. */
static bool is_void(const struct event_point *p, const struct event_series *const *later, int count)
{
    for (int i = 0; i < count; i++)
        if (later[i]->kept && p->step >= later[i]->points[0].step && p->time_ms <= later[i]->points[0].time_ms)
            return true;
    return false;
}

static void add_figures(struct event_run *r, const struct event_series *s)
{
    const bool had = r->count > r->not_finite;

    r->count += s->count;
    r->not_finite += s->not_finite;
    r->single = s->single;
    if (s->count == s->not_finite)
        return;
    if (!had || s->min.value < r->min.value)
        r->min = s->min;
    if (!had || s->max.value > r->max.value)
        r->max = s->max;
}

/* Evenly, with both ends. */
static void thin(struct event_run *r, const struct placed *all, int count, int points)
{
    const int wanted = count < points ? count : points;

    for (int i = 0; i < wanted; i++) {
        const int64_t at = wanted > 1 ? (int64_t)i * (count - 1) / (wanted - 1) : 0;

        r->points[i] = all[at].p;
    }
    r->point_count = wanted;
}

int event_run_join(struct event_run *r, const struct event_series *const *series, int count, int points)
{
    size_t room = 1;
    int n = 0;
    int rc = -1;

    *r = (struct event_run){.tag = count ? series[0]->tag : NULL};
    for (int i = 0; i < count; i++)
        room += (size_t)series[i]->kept + 1;
    struct placed *all = calloc(room, sizeof *all);

    r->points = calloc(room < (size_t)points ? room : (size_t)points, sizeof *r->points);
    if (!all || !r->points)
        goto out;
    for (int i = 0; i < count; i++) {
        const struct event_series *s = series[i];

        add_figures(r, s);
        for (int k = 0; k < s->kept + !s->last_kept; k++) {
            const struct event_point *p = k < s->kept ? &s->points[k] : &s->last;

            if (s->kept && !is_void(p, series + i + 1, count - i - 1)) {
                all[n] = (struct placed){.p = *p, .place = n};
                n++;
            }
        }
    }
    qsort(all, (size_t)n, sizeof *all, by_step);
    thin(r, all, n, points);
    if (n)
        r->last = all[n - 1].p;
    rc = 0;
out:
    if (rc) {
        free(r->points);
        r->points = NULL;
    }
    free(all);
    return rc;
}
