/* SPDX-License-Identifier: MIT
 *
 * Which GPUs of one machine a pod gets, and at whose cost.
 */
#ifndef DROVER_SCHEDULER_FIT_H
#define DROVER_SCHEDULER_FIT_H

#include <stdbool.h>

struct gang;
struct grid;
struct pod;

enum fit_mode { FIT_IDLE, FIT_OPPO, FIT_LOWER, FIT_DRAIN /* FIT_LOWER, and whoever runs in the share */ };

/* Who asks, for what. */
struct fit {
    struct grid *grid;
    int gang;
    const struct pod *pod; /* the one to be placed */
    int share;             /* -1: opportunistic */
    enum fit_mode mode;
    bool loose; /* only GPUs that no lot covers, or (FIT_LOWER) a lot of one GPU of the share's own */
    int spare;  /* loose and FIT_LOWER: of those that no lot covers, at most so many */
};

/* Chooses `want` GPUs of a cell within one machine, close together. The number of gangs that must go for it, or -1;
 * those that are only lent in do not count in a lot. `out` gets the GPUs. */
int fit_pick(const struct fit *f, int cell, int want, int *out);
/* Whether the asker may have a gang leave, or take over what it has reserved. */
bool fit_may_stop(const struct fit *f, const struct gang *h);
/* The gang that a GPU counts for: who reserved it, else who runs on it; -1 = none. */
int fit_holder(const struct grid *g, int gpu);

#endif
