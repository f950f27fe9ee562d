/* SPDX-License-Identifier: MIT
 *
 * The grid's private state, shared by the files of the grid only.
 */
#ifndef DROVER_SCHEDULER_GRID_INTERNAL_H
#define DROVER_SCHEDULER_GRID_INTERNAL_H

#include "scheduler/cluster.h"
#include "scheduler/fit.h"
#include "scheduler/grid.h"
#include "scheduler/pods.h"
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
    uint64_t mark;     /* already a victim in the plan of this stamp, or about to lose what it has reserved */
    uint64_t look;     /* of whoever looks through a machine's pods (grid.look), with a number of its own */
    int slot;
    int *stops, stop_count; /* whom it waits for, beside the users of its GPUs: they hold the CPUs or memory */
    int stopped;            /* lists of stops that it is on */
    int in_way;             /* the same, and GPUs of its that others have reserved: it leaves */
    bool *only;             /* by machine, as pod.node; NULL = all */
    int *gpus;              /* its GPUs, `placed` of them */
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
    struct pod_link *machines;     /* the first of the pods of each machine, as the account numbers it */
    struct crowd *crowds;          /* who that is, in short */
    int reserving;                 /* gangs that have reserved */
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
    uint64_t version, stamp, look;
    uint64_t misses; /* grows when a pod finds a machine short of CPUs or memory, whoever may be stopped */
    bool going;      /* the plan has marked somebody who goes */
    int stopping;    /* pods of the plan for which somebody goes beside the users of its GPUs */
    bool closing;    /* machines of the account have a maintenance window ahead */
    int64_t now_ms;  /* wall clock, for whoever may be before one */
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
