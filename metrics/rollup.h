/* SPDX-License-Identifier: MIT
 *
 * Samples of a GPU summed up by spans of time: of each series how many there were, their sum, least and largest. Sums
 * of sums are exact, so that hours made of minutes say what hours made of samples would. A span in which nothing was
 * sampled is none. Pure.
 */
#ifndef DROVER_METRICS_ROLLUP_H
#define DROVER_METRICS_ROLLUP_H

#include <stddef.h>
#include <stdint.h>

#include "metrics/series.h"

struct buf;

/* Of a rollup; what would need more is refused. */
#define ROLLUP_ROWS_MAX 4096

struct rollup_cell {
    int64_t count, sum, min, max; /* count 0: the rest is 0 */
};

struct rollup_row {
    int64_t begin_ms;
    struct rollup_cell cells[SERIES_COUNT];
};

/* Rows by time, of those spans only in which there is something. */
struct rollup {
    int64_t width_ms; /* of each; they begin at its multiples */
    int count, room;
    struct rollup_row *rows;
};

/* Empty. */
void rollup_init(struct rollup *r, int64_t width_ms);
void rollup_fini(struct rollup *r);

/* Adds a sample; a row of a rollup whose width divides this one's; all rows of one. 0, or -1: out of memory or rows. */
int rollup_add(struct rollup *r, const struct source_sample *s);
int rollup_add_row(struct rollup *r, const struct rollup_row *row);
int rollup_add_all(struct rollup *r, const struct rollup *finer);
/* The mean of a cell that has anything. */
double rollup_mean(const struct rollup_cell *c);

/* Appends it as a chunk. 0 or -1. */
int rollup_seal(const struct rollup *r, struct buf *out);
/* Adds the rows of such a chunk that begin from `from_ms` on and before `to_ms`; and samples of one of series_seal,
 * likewise. 0, -1: out of memory or rows, or 1: damaged. */
int rollup_unseal(struct rollup *r, const void *data, size_t len, int64_t from_ms, int64_t to_ms);
int rollup_unseal_samples(struct rollup *r, const void *data, size_t len, int64_t from_ms, int64_t to_ms);

#endif
