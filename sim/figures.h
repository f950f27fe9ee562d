/* SPDX-License-Identifier: MIT
 *
 * From what became of each job to the figures that people compare.
 */
#ifndef DROVER_SIM_FIGURES_H
#define DROVER_SIM_FIGURES_H

#include "sim/replay.h"
#include "sim/trace_read.h"

/* Of `count` values; all 0 when there are none. */
struct figures_spread {
    size_t count;
    double mean, p50, p95, p99, worst;
};

struct figures_vc {
    struct figures_spread wait_s; /* its jobs that ran, of any class */
    struct figures_spread cost_s; /* guaranteed ones: wait here minus wait alone */
    size_t beyond;                /* of those, how many waited longer than grace explains */
    double beyond_worst_s;
    double served_percent; /* GPU time it got of what it was due: min(quota, demand) over time */
};

/* One policy. */
struct figures {
    struct figures_spread wait_s, slowdown, class_wait_s[TRACE_CLASSES];
    struct figures_vc *vcs;
    double use_percent, fragment_percent; /* of the idle GPUs, those of no use to the trace's pods */
    double lost_gpu_h;
    double fair_vc, fair_user; /* Jain's index over what is served, and over users' mean slowdown; 0 = no users */
};

/* Runs that a policy's is compared with: each virtual cluster alone, and alone but with this run's delays. Waits in ms
 * by job. */
struct figures_reference {
    const int64_t *alone, *paced;
};

/* Fills `f`, which the caller frees with figures_fini. 0, or -1 on out of memory. */
int figures_make(struct figures *f, const struct replay_plan *p, const struct replay_result *r,
                 const struct figures_reference *ref);
/* NULL ok. */
void figures_fini(struct figures *f);

#endif
