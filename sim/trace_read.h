/* SPDX-License-Identifier: MIT
 *
 * A trace as data: jobs in order of submission, and whose they are. Columns and rules: docs/SIM.md.
 */
#ifndef DROVER_SIM_TRACE_READ_H
#define DROVER_SIM_TRACE_READ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "inventory/topology.h"

struct err;

enum { TRACE_JOBS_MAX = 10000000, TRACE_VCS_MAX = 1024, TRACE_USERS_MAX = 1000000, TRACE_GPUS_MAX = 65536 };
enum { TRACE_CLASSES = 4 };

/* Priority classes, lowest first: their words and numbers are those of the job protocol. */
struct trace_class {
    const char *name;
    int priority;
};
extern const struct trace_class trace_classes[TRACE_CLASSES];

struct trace_job {
    int64_t submit_ms, duration_ms;
    size_t row;       /* in the file */
    int vc, user;     /* user -1: the trace does not say */
    int gpus;         /* in all */
    int8_t job_class; /* index in trace_classes; -1: the trace does not say */
};

struct trace_vc {
    char name[TOPOLOGY_NAME_MAX];
    double gpu_hours;
    int nodes; /* by the quota rule */
};

struct trace {
    struct trace_job *jobs;
    size_t job_count;
    struct trace_vc *vcs;
    size_t vc_count;
    size_t user_count;
    size_t without_gpus; /* rows left out */
    size_t fractions;    /* jobs whose GPUs were rounded up to whole ones */
};

/* Reads CSV. `t` must be zeroed; the caller frees it with trace_read_fini, also after -1. An error names the line. */
int trace_read_stream(FILE *f, struct trace *t, struct err *e);
int trace_read_file(const char *path, struct trace *t, struct err *e);
/* NULL ok. */
void trace_read_fini(struct trace *t);
/* Hands `nodes` machines out to the virtual clusters by the quota rule: by share of GPU-hours, largest remainder, at
 * least one. 0, or -1 when there are fewer machines than virtual clusters. */
int trace_read_quota(struct trace *t, int nodes, struct err *e);

/* Gives a class to each job that has none: `percent` of trace_classes, 100 in all, drawn by `seed` and the row. */
void trace_read_classes(struct trace *t, const int percent[TRACE_CLASSES], uint64_t seed);

#endif
