/* SPDX-License-Identifier: MIT
 *
 * The series that are kept of a GPU, beyond the hour that is in memory: the figures of its samples that go up and down.
 * What never changes, or is told of by events, is none. Pure.
 */
#ifndef DROVER_METRICS_SERIES_H
#define DROVER_METRICS_SERIES_H

#include "metrics/source.h"

struct buf;

enum { SERIES_COUNT = 12 };

/* Which figure each of them is. Their order is that of the columns in chunks, so that it never changes: new ones come
 * behind the last. */
extern const enum source_field series_field[SERIES_COUNT];

/* Appends samples as a sealed chunk (metrics/chunk.h). Their times grow. 0 or -1. */
int series_seal(struct buf *out, const struct source_sample *samples, int count);

#endif
