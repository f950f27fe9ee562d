/* SPDX-License-Identifier: MIT
 *
 * Pods on machines, for the grid's own files: what each takes of the account, who is on a machine, and who must leave
 * it where CPUs or memory are short.
 */
#ifndef DROVER_SCHEDULER_PODS_H
#define DROVER_SCHEDULER_PODS_H

#include <stdbool.h>
#include <stdint.h>

#include "inventory/node.h"

struct fit;
struct gang;
struct grid;
struct grid_request;

/* A pod by its gang's number and its own; gang -1: none. */
struct pod_link {
    int gang, pod;
};

struct pod {
    struct resources want;
    int ports, port; /* how many, and where they begin in the gang's */
    int node;        /* machine as the account numbers it (the grid, where there is none); -1: not placed, or gone */
    int first, gpus; /* its GPUs in the gang's list */
    struct pod_link next, prev; /* of those on its machine */
};

/* Who is on a machine, in short: most that are full have nobody whose leaving would help. */
struct crowd {
    bool known;    /* else it is to be looked at anew */
    bool lent;     /* somebody has no guarantee */
    bool reserves; /* somebody does not run yet */
    int least;     /* the lowest priority within a guarantee; INT_MAX: nobody is */
};

/* GPUs of a machine that a pod would take: bits from `first`. */
struct pods_pick {
    int first;
    uint64_t got;
};

/* What it costs when gangs go, those not counted that leave anyway: how many within their guarantees and in all, the
 * highest priority, GPUs that they hold, and the submission of the oldest. */
struct pods_harm {
    int held, gangs, priority, gpus;
    int64_t oldest;
};

/* ---- pods.c ---- */

/* A pod's machine, as the account numbers it. */
int pods_machine(const struct grid *g, int node);
/* Whether a gang may use a machine of the grid. */
bool pods_allow(const struct grid *g, const struct gang *me, int node);
/* The same of one as the account numbers it, and whether a window there begins before the gang has to end. */
bool pods_may_use(const struct grid *g, const struct gang *me, int machine);
bool pods_closed(const struct grid *g, const struct gang *me, int machine);
/* Until when it may run if it starts now (INT64_MAX: for ever); 0 where no window is ahead anywhere. */
int64_t pods_until(const struct grid *g, const struct gang *me);
/* How many pods like that one a machine has CPUs, memory and ports for that nobody has taken, at most `most`. The grid
 * has an account. O(1). */
int64_t pods_many(const struct grid *g, int machine, const struct pod *pod, int most);
/* Takes the pod's part of its machine's account, which may be more than there is while others leave. */
void pods_take(struct grid *g, struct gang *me, struct pod *pod, int node);
/* Gives it back. */
void pods_give(struct grid *g, struct gang *me, struct pod *pod);
void pods_give_all(struct grid *g, struct gang *me);
/* Notes that a pod is on its machine, of which the account has its part. */
void pods_join(struct grid *g, struct gang *me, struct pod *pod);
/* Who is on a machine. O(1), but for the first time after a change: O(pods there). */
const struct crowd *pods_crowd(struct grid *g, int machine);
/* The gang's class or state has changed. */
void pods_changed(struct grid *g, const struct gang *me);
/* Whether what is known of who is where is so. */
bool pods_check(const struct grid *g);
/* Whether the machines have what the gang has reserved. */
bool pods_clear(const struct grid *g, const struct gang *me);
/* Fills the gang's pods from the request. 0, or -1 on out of memory. */
int pods_make(const struct grid_request *r, struct gang *me);

/* ---- stops.c ---- */

/* Whether a machine has room for the pod of `f` when it takes those GPUs and, as far as the mode allows, others stop;
 * `harm` gets what that costs. */
bool pods_room(const struct fit *f, int machine, struct pods_pick pick, struct pods_harm *harm);
/* The pod is about to take those GPUs: marks all who go for it. */
void pods_mark(const struct fit *f, int machine, struct pods_pick pick);
/* A machine for a pod without GPUs, or -1: where the fewest must go, in the mode of `f`. */
int pods_best(const struct fit *f);
/* The gang is placed: lists whom it stops beside the users of its GPUs, no more than it needs. Those who lose what they
 * have reserved stay marked. 0, or -1 on out of memory. */
int stops_note(struct grid *g, int gang);
/* Takes those off the list who are not needed any more, as there is room without them. */
void stops_look(struct grid *g, int gang);
/* It waits for none of them any more. */
void stops_clear(struct grid *g, struct gang *me);
/* A gang is gone: nobody waits for it. */
void stops_forget(struct grid *g, int gang);
/* Whether it is on the gang's list. */
bool stops_has(const struct gang *me, int gang);

#endif
