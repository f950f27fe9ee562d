/* SPDX-License-Identifier: MIT
 *
 * One scheduling pass: inventory and queue in, plan of claims out. Pure and deterministic.
 *
 * Order: priority, then submission. A gang is placed whole or not at all; one that does not fit lets others pass (as
 * HiveD does; reservations against starvation come with the full scheduler).
 */
#ifndef DROVER_SCHEDULER_PASS_H
#define DROVER_SCHEDULER_PASS_H

#include <stddef.h>

#include "scheduler/cluster.h"
#include "scheduler/queue.h"

struct buf;

/* Where one task goes. */
struct sched_spot {
    int node;   /* cluster index */
    int *ports; /* chosen ports, sched_role.ports of them; in the claim's memory */
};

/* A gang's placement: all tasks, role by role, instance by instance. */
struct sched_claim {
    struct sched_entry *entry;
    const struct sched_spot *spots;
    size_t spot_count;
};

/* Told each claim in order of decision. Its resources are already taken in the cluster; its entry has left the queue.
 * Memory of the claim is lent for the call. */
typedef void pass_claim_fn(void *ctx, const struct sched_claim *claim);

/* Places everything that fits. Returns the number of claims, or -1 on out of memory (claims told until then stand). */
int pass_run(struct cluster *c, struct sched_queue *q, pass_claim_fn *claim, void *ctx);

/* Why a request does not start. */
enum sched_reason {
    SCHED_REASON_FITS,        /* it would be placed now */
    SCHED_REASON_NO_NODE,     /* no usable node at all */
    SCHED_REASON_NEVER_NODE,  /* one task is larger than any node */
    SCHED_REASON_NEVER_TOTAL, /* the gang is larger than the cluster */
    SCHED_REASON_BUSY,        /* not enough is free in total */
    SCHED_REASON_FRAGMENTED,  /* enough is free in total, but not where it is needed */
};

/* The dominant reason for a request against a cluster, as enum and as one or two sentences for people (look.md tone)
 * appended to `out`. Does not change the cluster for good: what it tries it gives back. */
enum sched_reason pass_explain(struct cluster *c, const struct sched_request *r, struct buf *out);

#endif
