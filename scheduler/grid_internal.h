/* SPDX-License-Identifier: MIT
 *
 * The grid's private state, shared by grid.c, share.c, fit.c and place.c only.
 */
#ifndef DROVER_SCHEDULER_GRID_INTERNAL_H
#define DROVER_SCHEDULER_GRID_INTERNAL_H

#include "scheduler/cluster.h"
#include "scheduler/fit.h"
#include "scheduler/grid.h"
#include "scheduler/score.h"
#include "scheduler/space.h"

/* What one virtual cluster owns in one chain, or one pinned cell. */
struct share {
    int vc, chain;
    int pin; /* topology pin, or -1 */
    int lot; /* the pin's lot */
    int quota[TOPOLOGY_LEVELS], bound[TOPOLOGY_LEVELS];
    int total, held;                    /* GPUs */
    int rack;                           /* rooms: nodes, or parts of nodes, in bound lots */
    int held_at[GRID_PRIORITY_MAX + 1]; /* held GPUs by priority */
};

/* A cell in use for a share. Unbound as soon as nobody guaranteed is in it. */
struct lot {
    int share, cell;
    int held; /* GPUs held in it */
    bool fixed;
};

/* One pod. */
struct pod {
    struct resources want;
    int ports, port; /* how many, and where they begin in the gang's */
    int node;        /* machine as the account numbers it (the grid, where there is none); -1: not placed, or gone */
    int first, gpus; /* its GPUs in the gang's list */
};

struct gang {
    bool live;
    struct pod *pods; /* in the order of the request */
    int *order;       /* in which they are placed */
    int pod_count;
    int *ports;
    int64_t free_cpus;       /* CPUs of its pods without GPUs */
    struct grid_request ask; /* strings NULL, pods own */
    int vc;
    int pin; /* share, or -1 */
    int total;
    bool oppo; /* class it has now */
    enum grid_state state;
    enum grid_reason reason;
    uint64_t tried_at; /* version at which it did not fit */
    uint64_t mark;     /* already a victim in the plan of this stamp */
    bool *only;        /* by machine, as pod.node; NULL = all */
    int *gpus;         /* its GPUs, `placed` of them */
    int placed;
    bool *chains;           /* by chain: whether its model is asked for */
    bool delayed;           /* does not start where it has its place (grid_delay) */
    bool drains;            /* has reserved by age: it waits for guaranteed gangs to end, and stops none */
    bool borrowed;          /* guaranteed priority, running on what its virtual cluster borrowed */
    int terms[SCORE_TERMS]; /* of the score of its place */
};

/* GPUs that a virtual cluster's users hold, and what it has borrowed. */
struct vc_use {
    int *by_user, users;
    int borrowed;
    int64_t free_cpus;
    int drains; /* gangs that have reserved by age */
};

/* What each GPU is: who runs on it, and for whom it is reserved. */
struct gpu_state {
    int user, reserver; /* gangs, -1 = none */
    uint8_t use;        /* enum space_use, as counted */
    int16_t priority;   /* of the holder, as counted */
    int lot;            /* as counted */
};

/* One change of a GPU, to be undone when the rest of a gang does not fit. */
struct undo {
    int gpu, reserver;
};

struct grid_copy;

struct grid {
    struct grid_copy *own; /* what a copy owns and an original borrows; NULL: nothing */
    const struct topology *topology;
    struct space *space;
    struct cluster *account;       /* NULL: GPUs alone */
    int *account_node, *grid_node; /* by machine; by machine of the account, -1: has no GPUs */
    struct score_weights weights;
    struct vcluster *vcs; /* names and limits */
    size_t vc_count;
    struct vc_use *vc_use;
    struct share *shares;
    int share_count;
    struct lot *lots;
    int *free_lots, free_lot_count;
    struct gpu_state *gpus;
    uint8_t *uses; /* for the recount */
    struct gang *gangs;
    int gang_count, gang_cap;
    int *free_gangs, free_gang_count;
    struct undo *undo;
    int undo_count;
    uint64_t version, stamp;
    uint64_t upsets; /* grows when a gang's placement costs another one its reservation or its guarantee */
};

/* ---- share.c ---- */

/* Lots of a level that the share may still bind, less those that no healthy cell is left for. */
int share_usable(const struct grid *g, const struct share *s, int level);
/* Binds a free cell. The lot, or -1 when it would break somebody's guarantee. */
int share_bind(struct grid *g, int share, int cell, bool ignore_health);
void share_unbind(struct grid *g, int lot); /* nobody is in it */
/* Binds each of at most 64 GPUs that has no lot as one of its own. False when that would break a guarantee; nothing is
 * bound then. */
bool share_bind_each(struct grid *g, int share, const int *gpus, int n);
/* Whether it would. */
bool share_may_bind(struct grid *g, int share, const int *gpus, int n);
/* Sets who runs on a GPU and who has it reserved, and counts. Lots that empty are unbound. */
void share_set(struct grid *g, int gpu, int user, int reserver);
/* Hangs the rooms of a machine that came back. */
void share_hang_rooms(struct grid *g, int node);
/* Held GPUs of priorities below. */
int share_held_below(const struct share *s, int priority);

/* ---- grid.c ---- */

/* Counts a gang that holds GPUs (1), or has given them back (-1), against its user and what was borrowed. */
void grid_count(struct grid *g, const struct gang *me, int sign);
int grid_user_room(struct grid *g, const struct gang *me); /* to count its user: 0, or -1 on out of memory */
/* The share of a pinned cell that the virtual cluster owns, or -1. */
int grid_find_pin(const struct grid *g, int vc, const char *name);
/* Whether a gang may run on what its virtual cluster borrows: within its limit, and without it or one above it
 * holding, with all below, more than it owns with them and may borrow. */
bool grid_may_borrow(const struct grid *g, const struct gang *me);
/* Whether a gang would exceed its virtual cluster's CPUs for pods without GPUs. */
bool grid_over_cpus(const struct grid *g, const struct gang *me);

/* adopt.c: has a waiting gang run where its seats are; 0, or -1 on out of memory. */
int adopt_seats(struct grid *g, int gang, const struct grid_seat *seats);

/* lazy.c: places a gang at the cost of lower ones (FIT_LOWER). Victims that are lazy lose their guarantee first and
 * keep running where that is enough; where it is of no use they keep both. Whether it was placed, as place_gang. */
bool lazy_place(struct grid *g, int gang);

/* grid_clone.c: frees it; NULL ok. */
void grid_copy_free(struct grid_copy *own);

/* ---- pods.c ---- */

/* A pod's machine, as the account numbers it. */
int pods_machine(const struct grid *g, int node);
/* Whether a gang may use a machine of the grid. */
bool pods_allow(const struct grid *g, const struct gang *me, int node);
/* Whether the account of a machine has room for the pod of `f`, once those have left who run on the GPUs `got` (bits
 * from `first`) or on others that the gang has reserved there. */
bool pods_room(const struct fit *f, int node, int first, uint64_t got);
/* Takes the pod's part of its machine's account, which may be more than there is while others leave. */
void pods_take(struct grid *g, struct gang *me, struct pod *pod, int node);
/* Gives it back. */
void pods_give(struct grid *g, struct gang *me, struct pod *pod);
void pods_give_all(struct grid *g, struct gang *me);
/* A machine for a pod without GPUs, or -1. */
int pods_best(const struct grid *g, const struct gang *me, const struct pod *pod);
/* Whether what the gang has reserved is really there: nobody is in its way any more. */
bool pods_clear(const struct grid *g, const struct gang *me);
/* Fills the gang's pods from the request. 0, or -1 on out of memory. */
int pods_make(const struct grid_request *r, struct gang *me);

/* ---- place.c ---- */

/* Whether a gang may use a share (by number): its virtual cluster's, of a model that it asks for, its pin or no pin. */
bool place_may_use(const struct gang *me, const struct share *s, int number);
/* Places a whole gang or nothing, harming others at most as `most` says. Whether it did; its GPUs are then reserved for
 * it, and g->undo tells what they were. */
bool place_gang(struct grid *g, int gang, enum fit_mode most);
/* The same without a guarantee: on what is idle anywhere. */
bool place_oppo(struct grid *g, int gang);
/* Takes the last placement back. */
void place_undo(struct grid *g, int gang);

#endif
