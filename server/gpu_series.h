/* SPDX-License-Identifier: MIT
 *
 * Samples on their way to where they are kept: gathered by GPU for a while in memory, then sealed and written together
 * (metrics/series_store.h). A kill costs what was not sealed yet; a stop nothing.
 */
#ifndef DROVER_SERVER_GPU_SERIES_H
#define DROVER_SERVER_GPU_SERIES_H

#include "metrics/series_store.h"

struct gpu_series;
struct mailbox;
struct source_reading;

struct gpu_series_config {
    struct mailbox *mailbox;
    const struct gpu *gpus; /* both borrowed */
    int count;
    int64_t period_ms; /* between samples */
    int64_t seal_ms;   /* what is sealed together: the time from one multiple of it to the next */
    struct series_keep keep;
};

/* NULL with the error. */
struct gpu_series *gpu_series_create(const struct gpu_series_config *c, struct err *e);
/* A look (sampler_taken_fn's); NULL: nothing. The sampler's thread. */
void gpu_series_take(struct gpu_series *g, const struct source_reading *readings, int count);
/* Seals all there is; no look comes after this. Before the core stops. */
void gpu_series_close(struct gpu_series *g);
/* After the core has stopped. NULL ok. */
void gpu_series_destroy(struct gpu_series *g);

#endif
