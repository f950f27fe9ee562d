/* SPDX-License-Identifier: MIT
 *
 * A running scenario, and what it expects of a job.
 */
#ifndef DROVER_SIM_SCENARIO_EXPECT_H
#define DROVER_SIM_SCENARIO_EXPECT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "inventory/topology.h"
#include "scheduler/grid.h"

struct scenario_job {
    const char *name;
    const cJSON *ask; /* the step that submitted it */
    int gang;         /* -1: refused or gone */
    int64_t seq;
};

struct scenario {
    const cJSON *file, *cluster, *vcset;
    struct topology topology;
    struct vcluster *vcs;
    size_t vc_count;
    struct grid *grid;
    struct scenario_job *jobs;
    size_t job_count;
    int64_t next_seq;
    int step; /* 1-based */
    bool failed;
    char why[256];
};

/* Notes the first failure, with the number of the step. */
void scenario_fail(struct scenario *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A job by name, or NULL. */
struct scenario_job *scenario_job(struct scenario *s, const char *name);
/* Level of a cell type in a chain, or -1. */
int scenario_level(const struct scenario *s, int chain, const char *type);
/* Name of a machine by number; "" when there is none. */
const char *scenario_node_name(const struct topology *t, int node);
/* Checks everything that `expect` (NULL: nothing) says of a job. */
void scenario_expect(struct scenario *s, const struct scenario_job *j, const cJSON *expect);

#endif
