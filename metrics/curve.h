/* SPDX-License-Identifier: MIT
 *
 * How one use of a GPU went, in few points however long it lasts: when they are all taken, each two neighbours become
 * one of twice the width. Kept with the task attempt. Pure.
 */
#ifndef DROVER_METRICS_CURVE_H
#define DROVER_METRICS_CURVE_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct source_sample;

enum { CURVE_POINTS_MAX = 1000 };

struct curve_point {
    int64_t slot;       /* it stands for the time from so many widths since 1970 on */
    int64_t busy_ms;    /* of which it is known how busy it was */
    int64_t percent_ms; /* sum of percent by time */
    int64_t busy_max;   /* percent */
    int64_t memory_max; /* bytes in use; -1: not known */
};

/* All zero: empty. Points by time; those of which nothing is known are missing. */
struct curve {
    int64_t width_ms;
    int count;
    struct curve_point points[CURVE_POINTS_MAX];
};

/* Adds a sample that stands for so long. Of a GPU that is lost nothing; one from before the last point, whose clock was
 * set back, is added to that. */
void curve_add(struct curve *c, const struct source_sample *s, int64_t ms);
/* Makes its points wider until there are at most so many. */
void curve_shrink(struct curve *c, int points);

/* Appends it as a chunk; nothing when it is empty. 0 or -1. */
int curve_seal(const struct curve *c, struct buf *out);
/* Reads such bytes; none are an empty curve. 0, or -1 for what is damaged, and the curve is empty. */
int curve_open(struct curve *c, const void *data, size_t len);

#endif
