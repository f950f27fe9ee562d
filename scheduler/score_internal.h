/* SPDX-License-Identifier: MIT
 *
 * Measuring one possible place of a pod, for place.c.
 */
#ifndef DROVER_SCHEDULER_SCORE_INTERNAL_H
#define DROVER_SCHEDULER_SCORE_INTERNAL_H

#include "scheduler/grid_internal.h"
#include "scheduler/score.h"

/* One possible place of a pod of `want` GPUs. */
struct score_case {
    const struct grid *grid;
    const int *gpus; /* which of them */
    int cell, want;  /* the room: a cell within one machine */
    int victims;     /* gangs that must leave */
    int near;        /* machine's cell of the gang's pod before; -1: none in this chain */
    int left;        /* GPUs of the room that stay for others */
};

/* Its score by the grid's weights. */
int64_t score_weigh(const struct score_case *c);
/* Adds each term's value to the sums. */
void score_note(const struct score_case *c, int sums[SCORE_TERMS]);

#endif
