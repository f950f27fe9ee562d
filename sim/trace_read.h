/* SPDX-License-Identifier: MIT
 *
 * A trace as data.
 */
#ifndef DROVER_SIM_TRACE_READ_H
#define DROVER_SIM_TRACE_READ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "scheduler/line.h"

struct err;

struct trace_job {
    int64_t submit_ms, duration_ms;
    size_t row; /* in the file */
    int vc, gpus;
    int64_t start_ms; /* -1: never */
    int gang;
    struct line_entry entry;
};

struct trace_vc {
    char name[TOPOLOGY_NAME_MAX];
    double gpu_hours;
    int nodes; /* quota */
};

/* Jobs in order of submission. */
struct trace {
    struct trace_job *jobs;
    size_t job_count;
    struct trace_vc *vcs;
    size_t vc_count;
};

/* Reads CSV. `t` must be zeroed; the caller frees it with trace_read_fini, also after -1. */
int trace_read_stream(FILE *f, struct trace *t, struct err *e);
int trace_read_file(const char *path, struct trace *t, struct err *e);
/* NULL ok. */
void trace_read_fini(struct trace *t);
/* Hands `nodes` machines out to the virtual clusters by the quota rule. 0, or -1 when there are fewer than those. */
int trace_read_quota(struct trace *t, int nodes, struct err *e);

#endif
