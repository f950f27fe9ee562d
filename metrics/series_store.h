/* SPDX-License-Identifier: MIT
 *
 * Rows of gpu_series: what was sampled of a GPU, sealed (metrics/series.h), and its rollups by minutes, quarters of an
 * hour and hours, of which a row has those of an hour, a day and a week. GPUs are known by their UUID.
 */
#ifndef DROVER_METRICS_SERIES_STORE_H
#define DROVER_METRICS_SERIES_STORE_H

#include <stdint.h>

#include "base/buf.h"
#include "inventory/node.h"
#include "metrics/rollup.h"

struct err;
struct store;

enum series_resolution { SERIES_SAMPLES, SERIES_MINUTES, SERIES_QUARTERS, SERIES_HOURS, SERIES_RESOLUTIONS };

/* Between the points of each; 0: as they were sampled. */
extern const int64_t series_width_ms[SERIES_RESOLUTIONS];

/* What is kept for so many days, by resolution; 0 = for ever. */
struct series_keep {
    int days[SERIES_RESOLUTIONS];
};

/* The samples of one GPU for a while. */
struct series_batch {
    char uuid[GPU_UUID_SIZE];
    int64_t begin_ms, end_ms; /* of the first sample, of the last */
    struct buf sealed;        /* series_seal's */
    struct rollup minutes;    /* of the same samples */
};

/* Seals samples, whose times grow. 0 or -1; to be given back in any case. */
int series_batch_init(struct series_batch *b, const char *uuid, const struct source_sample *samples, int count);
void series_batch_fini(struct series_batch *b);

/* The writer, in a transaction: stores what was sealed and takes it into the rollups. 0 or -1. */
int series_store_add(struct store *s, const struct series_batch *b, struct err *e);
/* Removes what has been kept for long enough. 0 or -1. */
int series_store_forget(struct store *s, const struct series_keep *keep, int64_t now_ms, struct err *e);

/* What is asked for: from a time on, before another. */
struct series_range {
    const char *uuid;
    int64_t from_ms, to_ms;
};

/* The finest resolution that has a point at most each `step_ms` and is kept for as long as the range is old. The step
 * becomes a whole multiple of it. */
enum series_resolution series_resolve(const struct series_keep *keep, int64_t from_ms, int64_t now_ms,
                                      int64_t *step_ms);
/* Adds what is stored of the range in that resolution to a rollup of steps. What is damaged is left out, and logged.
 * 0 or -1. */
int series_store_read(struct store *s, const struct series_range *range, enum series_resolution resolution,
                      struct rollup *out, struct err *e);
/* The time of the last sample that is stored; 0: none. 0 or -1. */
int series_store_last(struct store *s, const char *uuid, int64_t *at_ms, struct err *e);

#endif
