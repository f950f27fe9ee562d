/* SPDX-License-Identifier: MIT
 *
 * One tag over the event files of a folder, which a program has written one after the other: where it was started anew
 * and went on from an earlier step, the steps that it wrote twice count once. Pure.
 */
#ifndef DROVER_METRICS_EVENT_RUN_H
#define DROVER_METRICS_EVENT_RUN_H

#include "metrics/event_file.h"

/* What all its files say of a tag. */
struct event_run {
    const char *tag;
    bool single;
    int64_t count, not_finite;         /* values read, also those that were written again later */
    struct event_point last, min, max; /* the one of the highest step (the last of these); of the finite ones read */
    struct event_point *points;        /* steps never descend; the caller's to free */
    int point_count;
};

/* Joins the series of one tag, in the order of their files, into at most `points` (2 or more), among them the first and
 * the last. A series without values adds nothing. 0, or -1 on out of memory, and nothing is to be freed. */
int event_run_join(struct event_run *r, const struct event_series *const *series, int count, int points);

#endif
