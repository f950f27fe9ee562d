/* SPDX-License-Identifier: MIT
 *
 * The cluster that a trace is replayed on, and what its virtual clusters own.
 */
#ifndef DROVER_SIM_SETUP_H
#define DROVER_SIM_SETUP_H

#include <stdbool.h>
#include <stddef.h>

#include "inventory/topology.h"
#include "sim/policy.h"

struct err;
struct grid;
struct trace;

struct setup {
    struct topology topology;
    struct vcluster *vcs; /* one for each of the trace's, by its number, then those it does not name */
    size_t vc_count;
    int *vc_gpus; /* guaranteed to each */
    int gpus;
    int node_gpus; /* of the largest machines: a pod's size */
    bool by_rule;  /* the virtual clusters' quotas are the rule's, not described ones */
};

/* A cluster of `gpus` GPUs on machines of 8 (pairs, quads), shared out by the quota rule. `s` must be zeroed; the
 * caller frees it with setup_fini, also after -1. */
int setup_by_rule(struct setup *s, struct trace *t, int gpus, struct err *e);
/* The cluster that a file describes: {"cell_types", "cells"} as in scenarios; "vcs" (absent: by the rule); "policies"
 * (policy_read). */
int setup_described(struct setup *s, struct trace *t, const char *path, struct policies *p, struct err *e);
/* NULL ok. */
void setup_fini(struct setup *s);

/* A grid under a policy. `only` >= 0: only this virtual cluster owns something, its cells; the policy is not asked.
 * NULL on error. */
struct grid *setup_grid(const struct setup *s, const struct policy *p, int only, struct err *e);

#endif
