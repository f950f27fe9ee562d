/* SPDX-License-Identifier: MIT
 *
 * One trace under several policies, and against each virtual cluster on machines of its own.
 */
#ifndef DROVER_SIM_COMPARE_H
#define DROVER_SIM_COMPARE_H

#include "sim/report.h"

/* What is asked. */
struct compare {
    const char *trace;
    const char *cluster; /* a file that describes it, or NULL: `gpus` GPUs on machines of 8 */
    int gpus;
    const char *policies; /* "fifo,shape", or NULL: all */
    int class_percent[TRACE_CLASSES];
    uint64_t seed;
    int64_t checkpoint_ms;
    int64_t age_ms, grace_ms; /* in place of the policies' own; -1 = theirs */
    enum report_format format;
};

/* Replays and reports to `out`. 0 or -1. */
int compare_run(const struct compare *c, FILE *out, struct err *e);

#endif
