/* SPDX-License-Identifier: MIT
 *
 * What the task attempts of a job used beside GPUs (metrics/task_use.h), as parts of replies about the job.
 */
#ifndef DROVER_SERVER_API_TASK_USE_H
#define DROVER_SERVER_API_TASK_USE_H

#include <stdint.h>

struct err;
struct json_out;
struct store;

/* Writes the array that is schema JobTaskUse's; with curves of at most `points` points where that is not 0. 0 or -1. */
int task_use_write(struct json_out *j, struct store *s, const char *job_id, int64_t points, struct err *e);

/* Series of a job attempt over all its tasks, a value each `step_ms` from `from_ms` on; NAN: nothing is known. */
struct task_use_series {
    int job_attempt;
    int64_t from_ms, step_ms;
    int count;
    float *cores; /* percent of the cores that its tasks asked for */
    float *waits; /* percent of the time in which one of them waited for a disc or a storage, mean over tasks */
};
/* 1: something is known; 0: nothing is; or -1. */
int task_use_series(struct store *s, const char *job_id, const struct task_use_series *out, struct err *e);

#endif
