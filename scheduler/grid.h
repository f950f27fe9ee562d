/* SPDX-License-Identifier: MIT
 *
 * Gangs on cells: virtual clusters with guaranteed shapes, gang placement, preemption and reservations. The pure heart
 * of the scheduler; GPUs only. One owner thread, no clock, same input same result.
 *
 *   submit ─► WAITING ─► try ─► ALLOCATED                         (nobody in the way)
 *                 ▲        └──► PREEMPTING ─► try ─► ALLOCATED    (victims are told; their GPUs are reserved)
 *                 └──────────────────┘ overtaken by a higher gang, or the reservation is given up
 *
 * Classes: priority -1 is opportunistic and uses what is idle anywhere; 0..1000 is guaranteed and uses the cells of its
 * virtual cluster. It takes opportunistic GPUs back, and those of lower gangs of its own virtual cluster.
 *
 * What changes a grid is here; what one can ask it is in grid_view.h.
 */
#ifndef DROVER_SCHEDULER_GRID_H
#define DROVER_SCHEDULER_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inventory/topology.h"

struct avoid;
struct cluster;
struct err;
struct grid;
struct line_place;

enum { GRID_PODS_MAX = 64, GRID_PRIORITY_MAX = 1000 };

enum grid_state {
    GRID_WAITING,
    GRID_PREEMPTING, /* GPUs reserved; victims must leave first */
    GRID_ALLOCATED,
};

/* `count` pods of `gpus` GPUs, each on one machine. Pods are numbered in the order of the kinds. */
struct grid_pods {
    int count, gpus;
};

/* What else each pod of a kind needs of its machine's account (grid_account). */
struct grid_need {
    int64_t cpus, memory_mb;
    int ports;
};

/* What a gang asks. Borrowed for the call of grid_submit. */
struct grid_request {
    const char *vc;
    const char *model;         /* NULL: any that the virtual cluster owns */
    const char *const *models; /* NULL-terminated: any of these; NULL: no such list */
    const char *pin;           /* NULL: none */
    const struct grid_pods *pods;
    const struct grid_need *needs; /* one a kind; NULL: GPUs alone */
    size_t pod_kinds;
    const char *only; /* text of the wishes that grid_only is told, so that the line tells shapes apart; NULL: none */
    const struct avoid *avoid; /* likewise, nodes that it keeps away from; NULL: none */
    int priority;
    int user;         /* number of the submitter, for the cap per user */
    bool lazy;        /* may be made opportunistic instead of being stopped */
    bool patient;     /* where its virtual cluster has nothing of the kind it waits, instead of being refused */
    bool later;       /* its wishes only exclude machines: those that come later will do */
    bool no_stop;     /* while within its guarantee it is never a victim */
    int64_t lasts_ms; /* it runs for so long at most; 0 = there is no limit, or nobody asks */
    int64_t seq;      /* submission order; larger is younger */
    void *owner;      /* the caller's job */
};

/* Why a gang does not run. A closed table. */
enum grid_reason {
    GRID_REASON_NONE,       /* it runs */
    GRID_REASON_NEW,        /* not yet considered */
    GRID_REASON_QUOTA,      /* the virtual cluster's guarantee is used up */
    GRID_REASON_USER_CAP,   /* the user's share of it is used up */
    GRID_REASON_NEVER,      /* no machine, or not enough quota, of this shape exists */
    GRID_REASON_FRAGMENTED, /* enough in total, but not together */
    GRID_REASON_PRIORITY,   /* what it needs is held by gangs it may not preempt */
    GRID_REASON_BUSY,       /* opportunistic: not enough is idle */
    GRID_REASON_RESERVED,   /* what it needs is reserved for others */
    GRID_REASON_VICTIMS,    /* its victims have not left yet */
    GRID_REASON_UNHEALTHY,  /* the machines of its share are down */
};

/* A word for a reason; never NULL. */
const char *grid_reason_name(enum grid_reason r);

/* Builds the cells and gives each virtual cluster its shares. `t` is borrowed; `vcs` are copied. NULL when the
 * guarantees do not fit the cells (ERR_INVALID_PARAMETERS) or on out of memory. */
struct grid *grid_create(const struct topology *t, const struct vcluster *vcs, size_t vc_count, struct err *e);
/* NULL ok. */
void grid_destroy(struct grid *g);

/* A copy of a grid with an account, which is copied as well. Of the gangs that only wait, those of the list are copied
 * (of a copy, all); owners are NULL. NULL on out of memory. */
struct grid *grid_clone(const struct grid *g, const struct line_place *waiting, size_t count);

/* The grid `g` (with an account) as it would be on another plan: machines and virtual clusters of `g` in their order,
 * and machines more at the end. Who ran is adopted, who had reserved waits; gangs keep their numbers. `t` and `account`
 * (nothing of which is taken, and which is the caller's again on failure) become the grid's. NULL on out of memory. */
struct grid_plan {
    const struct topology *topology;
    const struct vcluster *vcs;
    struct cluster *account;
};
struct grid *grid_replan(const struct grid *g, const struct grid_plan *p);

/* Takes in a gang that waits. Its number (reused after it has left), or -1 with what is wrong with the request. */
int grid_submit(struct grid *g, const struct grid_request *r, struct err *e);
/* From now on a pod also takes CPUs, memory and ports of its machine from `account` (borrowed), pods without GPUs are
 * placed by it alone, and gangs may span chains. Machines are then numbered as the account does, in grid_only too. 0,
 * or -1 on out of memory. Before the first gang. */
int grid_account(struct grid *g, struct cluster *account);
const struct cluster *grid_account_of(const struct grid *g);
/* Something changed in the account that the grid cannot see: more may fit. */
void grid_touch(struct grid *g);

/* The wall clock, and that windows of the account may have changed: who would run into one does not start there, and
 * who has reserved there looks elsewhere when it is tried. */
void grid_time(struct grid *g, int64_t now_ms);

/* Candidate machines, by name; NULL = all. Unknown names are ignored. 0, or -1 on out of memory. */
int grid_only(struct grid *g, int gang, const char *const *nodes, size_t count);
/* Tries to place a waiting gang, or looks whether a preempting one can start. */
enum grid_state grid_try(struct grid *g, int gang);
/* Has a waiting guaranteed gang reserve where the fewest others must leave. Only opportunistic ones are stopped for it
 * (grid_victims); it starts when the others have ended. One gang of a virtual cluster at a time. Its state. */
enum grid_state grid_reserve(struct grid *g, int gang);
/* Whether a gang that does not run yet has to wait where it is placed, as if somebody had to leave there first: it only
 * reserves, until it may start and is tried again. For who replays another run's delays. */
void grid_delay(struct grid *g, int gang, bool delay);
/* A gang leaves: ended, or withdrawn. Its number is free afterwards. */
void grid_remove(struct grid *g, int gang);
/* A machine goes down or comes back. What runs there is not moved; who has reserved there looks elsewhere. */
void grid_health(struct grid *g, int node, bool up);
/* The same for a machine without GPUs, as the account numbers it, that is lost. */
void grid_lost(struct grid *g, int machine);

/* One GPU of a gang: index in a machine, and the level of the lot it was bound in (-1 = none, or not known). */
struct grid_place {
    int node, gpu, level;
};

/* Where a gang ran before a restart. GPUs of machines that are gone have node -1 and are not counted. */
struct grid_past {
    const struct grid_place *at;
    size_t count;
    bool oppo;
};

/* A running gang from before a restart, on exactly these GPUs. It stays guaranteed if its share still holds it, else
 * becomes opportunistic. Its number, or -1. */
int grid_adopt(struct grid *g, const struct grid_request *r, const struct grid_past *past, struct err *e);

/* The same out of the account, which has the gang's resources taken already: for each pod its machine, or -1 when it
 * has left; `gpus` (one list after the other, as many as the pods that are there ask for) are wishes, -1 = any. GPUs
 * that are no more are not counted. */
struct grid_seat {
    int node;
    const int *gpus, *ports;
};
int grid_adopt_seats(struct grid *g, const struct grid_request *r, const struct grid_seat *seats, struct err *e);
/* One pod of an allocated gang has ended: its GPUs and its part of the account are free. */
void grid_release(struct grid *g, int gang, int pod);
/* Where a pod of an allocated or preempting gang is; `ports` (may be NULL) are lent until the gang changes. -1:
 * nowhere. */
int grid_pod(const struct grid *g, int gang, int pod, const int **ports);
/* Which GPUs of its machine a placed pod has: places as the topology numbers them, as many as it asked for. False where
 * the machine's GPUs all lie alike, so that it does not matter. */
bool grid_pod_gpus(const struct grid *g, int gang, int pod, int *out);

#include "scheduler/grid_view.h"

#endif
