/* SPDX-License-Identifier: MIT
 *
 * What explain.c and explain_help.c share.
 */
#ifndef DROVER_SCHEDULER_EXPLAIN_INTERNAL_H
#define DROVER_SCHEDULER_EXPLAIN_INTERNAL_H

#include "scheduler/explain.h"
#include "scheduler/grid_internal.h"

/* The grid as it is or might be. Copies are made when they are asked first. */
enum explain_copy {
    EXPLAIN_NOW,   /* as it is */
    EXPLAIN_OPEN,  /* no machine in maintenance, or about to be */
    EXPLAIN_WELL,  /* all machines up, none in maintenance */
    EXPLAIN_ALONE, /* nobody there */
    EXPLAIN_FREE,  /* nobody there, no machine in maintenance */
    EXPLAIN_EMPTY, /* nobody there, all machines up, none in maintenance */
    EXPLAIN_CLEAR, /* without those who have reserved */
    EXPLAIN_COPIES,
};

struct explain {
    const struct grid *grid;
    struct grid *copies[EXPLAIN_COPIES];
    bool failed; /* out of memory */
    int64_t now_ms;
    /* What is changed on the copies that helps are tried on: its users' cap is so much higher, which has the plan
     * made anew, and all machines are up. */
    int cap_more;
    bool mended;
};

/* The request as a gang on a copy, or -1 where it is refused: its virtual cluster has nothing of the kind. */
int explain_enter(struct grid *g, const struct explain_ask *ask, const struct grid_request *r);
/* Whether a request would be placed, or have something reserved, on a copy. Costs the copy nothing but what
 * grid->upsets tells. */
bool explain_try(struct grid *g, const struct explain_ask *ask, const struct grid_request *r);
/* The same on one of the copies, which is made anew when it was upset. */
bool explain_starts(struct explain *x, enum explain_copy which, const struct explain_ask *ask,
                    const struct grid_request *r);
/* Whether a gang holds or has reserved something. */
bool explain_holds(const struct grid *g, int gang);
/* A machine of the account is up again on a copy, and not in maintenance, nor will be; only the latter. */
void explain_mend(struct grid *copy, int machine);
void explain_open(struct grid *copy, int machine);
/* A copy of all, at the time that is asked for. NULL on out of memory. */
struct grid *explain_clone(const struct explain *x);
/* Whether the one in question has reserved something. */
bool explain_reserves(const struct explain *x, const struct explain_ask *ask);
int explain_find_vc(const struct grid *g, const char *name); /* -1: none */

bool explain_is_bad(const struct cluster_node *n); /* down or cordoned */
bool explain_has_window(const struct cluster_node *n);

/* explain_pass.c: whether it starts after passes over a copy, which is used up, and is not overtaken again. */
enum explain_changed {
    EXPLAIN_NO_MACHINES,
    EXPLAIN_MACHINES,  /* some are up again, and whoever goes by nodes looks anew */
    EXPLAIN_REPLANNED, /* the same, and who had reserved stands in the line again: the copy is another plan */
};
bool explain_passes(struct explain *x, const struct explain_ask *ask, struct grid *g, enum explain_changed changed);
/* A copy with nobody in it but those who wait; machines as they are there, or all up. NULL on out of memory. */
struct grid *explain_alone(const struct grid *g, bool all_up);

/* explain_window.c: the longest time limit with which it would start now, as it would then end before maintenance; 0:
 * none does. */
int64_t explain_shorter(struct explain *x, const struct explain_ask *ask);

/* explain_help.c: whether the job would start if it were submitted anew as this. */
bool explain_starts_anew(struct explain *x, const struct explain_ask *ask, const struct grid_request *r);
/* Fills out->help, whose reason and numbers are known. 0, or -1 on out of memory. */
int explain_help(struct explain *x, const struct explain_ask *ask, struct explanation *out);

#endif
