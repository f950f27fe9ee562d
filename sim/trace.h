/* SPDX-License-Identifier: MIT
 *
 * Replays of traces in virtual time.
 *
 * A trace is CSV with the columns submit_time_s, vc, gpus (the job's total) and duration_s, in any order; others are
 * ignored. The cluster has `gpus` GPUs on machines of 8. Quota rule: each virtual cluster gets whole machines by its
 * share of the GPU-hours, largest remainder, at least one; a job larger than its quota is counted apart and not run.
 */
#ifndef DROVER_SIM_TRACE_H
#define DROVER_SIM_TRACE_H

#include <stdio.h>

struct err;

/* Replays the trace under each policy (fifo: one pool; count: quotas by quantity; shape: quotas of whole machines) and
 * prints a table of waits for each, and of the sharing cost per virtual cluster. 0 or -1. */
int trace_run(const char *path, int gpus, FILE *out, struct err *e);

#endif
