/* SPDX-License-Identifier: MIT
 *
 * One run of a trace in virtual time: the grid and the line that droverd schedules with, under a clock that jumps from
 * event to event.
 */
#ifndef DROVER_SIM_REPLAY_H
#define DROVER_SIM_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/measure.h"

struct err;
struct policy;

enum replay_fate { REPLAY_LEFT_OUT, REPLAY_SKIPPED /* above its quota */, REPLAY_UNSTARTED, REPLAY_ENDED };

/* What became of one job. */
struct replay_job {
    enum replay_fate fate;
    int64_t start_ms, end_ms; /* the first start, the last end */
};

/* How long each reservation waited for others to stop, in order of reservation, as a list for each job. */
struct replay_delays {
    struct {
        int64_t ms;
        int next; /* of the same job, or -1 */
    } * list;
    size_t count, cap;
    int *first, *last; /* by job; -1 = none */
};

struct replay_result {
    struct replay_job *jobs;
    struct measure measure;
    struct replay_delays delays;
    int64_t span_ms;
    size_t ran, skipped, unstarted, preemptions;
    int64_t lost_gpu_ms;
    double cpu_s;
};

/* What to run. */
struct replay_plan {
    const struct trace *trace; /* every job has its class */
    const struct setup *setup;
    const struct policy *policy;
    int64_t checkpoint_ms; /* what is preempted has saved its work so often; 0 = never */
    /* >= 0: only the guaranteed jobs of this virtual cluster, on its own share. */
    int only;
    /* With `only`: another run's delays. Each reservation waits as long as it did there. NULL: nobody else is there. */
    const struct replay_delays *paced;
};

/* Runs it. `r` must be zeroed; the caller frees it with replay_result_fini, also after -1. */
int replay_run(const struct replay_plan *p, struct replay_result *r, struct err *e);
/* NULL ok. */
void replay_result_fini(struct replay_result *r);

#endif
