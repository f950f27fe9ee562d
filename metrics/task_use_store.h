/* SPDX-License-Identifier: MIT
 *
 * Rows of task_use: what task attempts used beside GPUs, kept with them for good. While an attempt runs its row has all
 * that is needed to go on after a restart.
 */
#ifndef DROVER_METRICS_TASK_USE_STORE_H
#define DROVER_METRICS_TASK_USE_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "metrics/task_use.h"

struct buf;
struct err;
struct store;

/* A use with its sealed curves. */
struct task_use_sealed {
    const struct task_use *use;
    const struct buf *curves; /* TASK_USE_CURVES of them */
};
/* Writes the row as it is now; `over`: nothing will be added to it. The writer, in a transaction. 0 or -1. */
int task_use_store_put(struct store *s, const struct task_use_sealed *u, bool over, struct err *e);

/* A row; what it points to lives during the callback. */
struct task_use_row {
    const char *role, *node;
    int job_attempt, task_index, task_attempt;
    struct task_use use;
    struct task_use_bytes {
        const void *data;
        size_t len;
    } curves[TASK_USE_CURVES]; /* sealed */
};
/* A callback gives 0 to go on; any other value ends the walk, which then returns it. */
typedef int task_use_row_fn(void *ctx, const struct task_use_row *row);
/* Those that are not over; of the place only what the row itself has. */
int task_use_store_each_live(struct store *s, task_use_row_fn *fn, void *ctx, struct err *e);
/* Those of a job, by job attempt, role, index and attempt. */
int task_use_store_of_job(struct store *s, const char *job_id, task_use_row_fn *fn, void *ctx, struct err *e);

#endif
