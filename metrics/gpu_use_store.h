/* SPDX-License-Identifier: MIT
 *
 * Rows of gpu_use: what task attempts made of their GPUs, kept with them for good. While an attempt holds a GPU its row
 * has all that is needed to go on after a restart; then only what it came to.
 */
#ifndef DROVER_METRICS_GPU_USE_STORE_H
#define DROVER_METRICS_GPU_USE_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "metrics/gpu_use.h"

struct buf;
struct err;
struct store;

/* Writes the row as it is now, with its sealed curve (metrics/curve.h); `over`: nothing will be added to it. The
 * writer, in a transaction. 0 or -1. */
int gpu_use_store_put(struct store *s, const struct gpu_use *u, const struct buf *curve, bool over, struct err *e);

/* A callback gives 0 to go on; any other value ends the walk, which then returns it. `curve` lives during it. */
typedef int gpu_use_store_fn(void *ctx, const struct gpu_use *u, const void *curve, size_t len);
/* Those that are not over. */
int gpu_use_store_each_live(struct store *s, gpu_use_store_fn *fn, void *ctx, struct err *e);

/* One row of a job. Strings live during the callback. */
struct gpu_use_row {
    const char *role, *node, *uuid;
    int job_attempt, task_index, task_attempt, gpu;
    int64_t began_ms, ended_ms;
    struct gpu_use_sum sum;
    const void *curve; /* sealed */
    size_t curve_len;  /* 0: none, of a row of an earlier program */
};
typedef int gpu_use_row_fn(void *ctx, const struct gpu_use_row *row);
/* By job attempt, role, index, attempt and GPU. */
int gpu_use_store_of_job(struct store *s, const char *job_id, gpu_use_row_fn *fn, void *ctx, struct err *e);

#endif
