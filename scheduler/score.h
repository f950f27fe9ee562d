/* SPDX-License-Identifier: MIT
 *
 * The score by which a pod's place is chosen, out of those that its rights allow: named terms, each the smaller the
 * better, times their weights; the least sum wins. Weights are configuration, values are recorded with each placement.
 */
#ifndef DROVER_SCHEDULER_SCORE_H
#define DROVER_SCHEDULER_SCORE_H

#include <stdint.h>

struct grid;

enum score_term {
    SCORE_VICTIMS, /* gangs that must leave for it; in a share's lot only those with a guarantee, of one that is newly
                    * bound: opportunistic GPUs in it */
    SCORE_LEFT,    /* GPUs that stay for others in the room it goes to: the tighter the better */
    SCORE_APART,   /* levels (pair, socket, node, rack ...) between it and the gang's pod before it; 8: no cell has both
                    */
    SCORE_SPREAD,  /* the reverse, for gangs that shall not fall together: 8 less SCORE_APART */
    SCORE_LINKS,   /* levels that its own GPUs lie further apart than they must */
    SCORE_FRESH,   /* 1 for a machine on which nobody was yet */
    SCORE_FRAGMENTS, /* hundredths of GPUs of the machine that typical pods can use no more (FGD), shifted to be no less
                      * than 0 */
    SCORE_TERMS,
};

enum { SCORE_WEIGHT_MAX = 1000000 };

struct score_weights {
    int of[SCORE_TERMS];
};

/* Harm first, then tightness, then nearness; the others weigh nothing. */
extern const struct score_weights score_defaults;

/* The name of a term, as configuration and records have it. Never NULL. */
const char *score_name(enum score_term t);
/* The term of that name, or SCORE_TERMS. */
enum score_term score_find(const char *name);
/* What the terms come to. */
int64_t score_sum(const struct score_weights *w, const int terms[SCORE_TERMS]);

/* From now on the grid chooses by these weights; it begins with the defaults. */
void score_use(struct grid *g, const struct score_weights *w);
/* The terms of a gang's place, summed up over its pods with GPUs, as they were when it was chosen. */
void score_of(const struct grid *g, int gang, int terms[SCORE_TERMS]);

#endif
