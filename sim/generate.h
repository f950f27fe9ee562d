/* SPDX-License-Identifier: MIT
 *
 * Traces that nobody recorded: the same seed gives the same bytes.
 */
#ifndef DROVER_SIM_GENERATE_H
#define DROVER_SIM_GENERATE_H

#include <stdint.h>
#include <stdio.h>

struct err;

struct generate {
    int jobs, vcs, users; /* users of all virtual clusters */
    int gpus;             /* of the cluster to be loaded */
    int load_percent;     /* GPU time wanted, of what the cluster has until the last submission */
    int oppo_percent;     /* opportunistic jobs; of the others, two thirds are test, the rest prod, a few crit */
    uint64_t seed;
};

/* Writes CSV: submit_time_s,user,vc,name,priority,gpus,duration_s. 0 or -1. */
int generate_trace(const struct generate *g, FILE *out, struct err *e);

#endif
