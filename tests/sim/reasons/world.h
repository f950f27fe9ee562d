/* SPDX-License-Identifier: MIT
 *
 * A small cluster under virtual time for questions about waiting jobs: machines of two SKUs, three virtual clusters, an
 * engine that starts whatever it is told. A world is what its script says, so that it can be played again and then be
 * changed: what would have happened if ...?
 */
#ifndef TESTS_SIM_REASONS_WORLD_H
#define TESTS_SIM_REASONS_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/core.h"

enum {
    WORLD_NODES = 5,
    WORLD_GPUS = 4,
    WORLD_VCS = 3, /* "a" owns whole nodes, "b" so many GPUs, "default" the rest */
    WORLD_SKUS = 2,
    WORLD_USERS = 3,
    WORLD_JOBS = 64,
    WORLD_ACTS = 96,
    WORLD_ORDERS = 1024,
    WORLD_PODS = 4,
    WORLD_WINDOWS = 16,
    WORLD_CPUS = 16 /* of a node */
};

/* What a made-up job asks: `pods` tasks of one role. */
struct wish {
    int pods, gpus, cpus, priority;
    enum spec_preemption preemption;
    int vc, user;
    int sku;  /* -1: any */
    int node; /* only this one; -1: any */
    int ports;
    int limit; /* seconds that it may run; 0: no limit */
    bool lazy;
};

/* One thing that happens. */
enum act_kind {
    ACT_SUBMIT,
    ACT_END,
    ACT_FAIL, /* by no fault of its own: it is tried again in a minute */
    ACT_STOP,
    ACT_HOLD, /* much: 1 = hold, 0 = release */
    ACT_LEAVE,
    ACT_UP,
    ACT_CORDON,
    ACT_BORROW,
    ACT_QUOTA,
    ACT_CAP,
    ACT_NODES,
    ACT_WINDOW, /* maintenance of a node from so many seconds on; sku: for so many seconds */
    ACT_OPEN,   /* all maintenance of a node is called off */
    ACT_WAIT
};

struct act {
    enum act_kind kind;
    int which; /* job, node or virtual cluster */
    int much;  /* up and cordoned: 0 or 1; borrow, quota, cap, nodes: so many more; wait, window: seconds */
    int sku;   /* of the quota, or the nodes */
    bool stop; /* of the window: who runs when it begins is stopped */
    struct wish wish;
};

struct script {
    int nodes, sku[WORLD_NODES];
    struct vc vcs[WORLD_VCS];
    struct act acts[WORLD_ACTS];
    int act_count;
    bool faulty;  /* the platform fails what would have ended: machines are avoided */
    bool planned; /* maintenance is planned, and jobs have time limits */
};

struct world_order {
    int job;
    char id[ID_SIZE], nonce[33];
    bool alive, told; /* not ended; told to stop */
};

/* Maintenance of one node, by wall clock; nothing is taken from the core but its number. */
struct world_window {
    int node;
    int64_t id, start, end;
};

struct world_job {
    struct wish wish;
    char full_name[32];
};

struct world {
    const struct script *script;
    struct core *core;
    struct effects fx;
    struct clock_now now;
    struct vc vcs[WORLD_VCS];
    struct world_job jobs[WORLD_JOBS]; /* in the order of submission; refused ones as well */
    int job_count;
    struct world_order orders[WORLD_ORDERS];
    int order_count, started;
    struct world_window windows[WORLD_WINDOWS]; /* those that are over, too */
    int window_count;
    int64_t seq;
};

extern const char *const world_vc_names[WORLD_VCS];
extern const char *const world_sku_names[WORLD_SKUS];

/* A script out of a seed. */
void world_draw(struct script *s, uint64_t seed);
/* Plays a script. world_end frees it. */
void world_begin(struct world *w, const struct script *s);
void world_end(struct world *w);
/* Things that happen at one moment, and one pass after them. */
void world_act(struct world *w, const struct act *acts, int count);
/* The live job of that number, or NULL. */
const struct job *world_job(const struct world *w, int number);
/* The number of a job by name, or -1. */
int world_find(const struct world *w, const char *full_name);
/* Whether it waits and has reserved nothing. */
bool world_waits(const struct world *w, int number);
/* Its GPUs as the core knows them, -1 when it is on no grid. */
int world_gang(const struct world *w, int number);
/* For whoever looks into a lie: machines, virtual clusters, and who is where. */
void world_print(const struct world *w);

#endif
