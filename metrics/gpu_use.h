/* SPDX-License-Identifier: MIT
 *
 * How a task attempt used one GPU, added up sample by sample while it holds it. A sample stands for the time since the
 * one before; time without samples (a driver that hangs, a server that was down) counts for nothing. Pure.
 */
#ifndef DROVER_METRICS_GPU_USE_H
#define DROVER_METRICS_GPU_USE_H

#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "inventory/node.h"

struct source_sample;

enum { GPU_USE_BINS = 101, GPU_USE_BLOB = GPU_USE_BINS * 8 };

/* Plain data. Times in ms. */
struct gpu_use {
    char attempt_id[ID_SIZE]; /* of the task attempt; "" = nobody's */
    int gpu;
    char uuid[GPU_UUID_SIZE];
    int64_t began_ms, ended_ms;    /* the first and the last sample, as the wall clock had it */
    int64_t busy_ms[GPU_USE_BINS]; /* by percent: so long it was so busy */
    int64_t memory_ms;             /* of this memory is known */
    int64_t memory_total;          /* bytes */
    int64_t memory_max;            /* bytes */
    int64_t memory_mib_ms;         /* sum of MiB in use by time */
    int64_t energy_uj;             /* sum of power by time */
};

/* What it comes to. */
struct gpu_use_sum {
    int64_t sampled_ms;              /* of which it is known how busy it was */
    int64_t idle_ms;                 /* of that, nothing was computed */
    double mean;                     /* percent; 0 when nothing was sampled, as those below */
    int max, p50, p95;               /* percent, quantiles by nearest rank over time */
    int64_t memory_mean, memory_max; /* bytes */
    int64_t memory_total, energy_uj;
};

/* Adds a sample that stands for so long. Of a GPU that is lost nothing. */
void gpu_use_add(struct gpu_use *u, const struct source_sample *s, int64_t ms);
/* What it comes to so far. */
struct gpu_use_sum gpu_use_sum(const struct gpu_use *u);

/* The times by percent as they are stored while they grow. decode: 0, or -1 for what is none. */
void gpu_use_encode(const struct gpu_use *u, unsigned char out[GPU_USE_BLOB]);
int gpu_use_decode(struct gpu_use *u, const void *blob, size_t len);

#endif
