/* SPDX-License-Identifier: MIT
 *
 * What a replay measures as it goes: use, fragmentation, and what each virtual cluster got of what it was due. Keeps
 * its own account of GPUs, from what the scheduler says where a gang lies.
 */
#ifndef DROVER_SIM_MEASURE_H
#define DROVER_SIM_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#include "scheduler/grid.h"

struct setup;
struct trace;

/* A virtual cluster's guaranteed jobs: GPUs they want (waiting or running) and hold. */
struct measure_vc {
    int64_t changed_ms;
    int64_t due_gpu_ms, got_gpu_ms; /* integrals of min(quota, want), and of min(quota, want, hold) */
    int64_t want, hold;
};

struct measure {
    const struct setup *setup;
    int *node_free;
    size_t node_count;
    /* Fragmentation (FGD; Weng et al., ATC 2023): of a machine with k GPUs free, k times the part of the trace's pods
     * that want more than k. */
    double *fragment; /* by k */
    double fragments; /* sum over machines, now */
    double fragment_gpu_ms, idle_gpu_ms, busy_gpu_ms;
    int64_t busy;
    int64_t changed_ms;
    struct measure_vc *vcs;
};

/* Everything idle at `now_ms`. 0, or -1 on out of memory; measure_fini also then. */
int measure_init(struct measure *m, const struct setup *s, const struct trace *t, int64_t now_ms);
/* NULL ok. */
void measure_fini(struct measure *m);
/* A gang's GPUs are taken (sign 1) or free again (-1). */
void measure_gpus(struct measure *m, int64_t now_ms, const struct grid_place *at, size_t count, int sign);
/* A virtual cluster's wants and holdings change by so many GPUs. */
void measure_demand(struct measure *m, int64_t now_ms, int vc, int want, int hold);
/* Brings all integrals up to a moment. */
void measure_until(struct measure *m, int64_t now_ms);

#endif
