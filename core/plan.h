/* SPDX-License-Identifier: MIT
 *
 * The plan that the grid is: drawn from nodes and promises, made, and made anew. For the core's own files.
 */
#ifndef DROVER_CORE_PLAN_H
#define DROVER_CORE_PLAN_H

#include <stddef.h>

#include "inventory/topology.h"

struct cluster;
struct core;
struct job;
struct vc;
struct vcluster;

/* plan.c: what a plan is made from, and what it is: chains of cells, and what each virtual cluster owns of them. */
struct core_plan_from {
    const struct cluster *cluster;
    const struct vc *const *vcs;
    size_t vc_count;
};
struct core_plan {
    struct topology topology;
    struct vcluster *vcs; /* as many as there are virtual clusters, in their order */
    size_t vc_count;
    int missing; /* promised cells that are not there */
};
/* plan_draw.c. Draws a plan, for core_plan_drop also after -1 (out of memory). Any thread. */
int core_plan_draw(const struct core_plan_from *from, struct core_plan *out);
void core_plan_drop(struct core_plan *p);
/* Makes the grid anew. 0, or -1 on out of memory. */
int core_plan_make(struct core *c);
/* Puts a job (or what stands for a lease) where its tasks are, which the account has; without a guarantee where it fits
 * none. 0, or -1 on out of memory. */
int core_plan_adopt(struct core *c, struct job *j);
void core_plan_fini(struct core *c);

#endif
