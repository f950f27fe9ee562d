/* SPDX-License-Identifier: MIT
 *
 * The world around a core under random histories: what would be in the database, and an engine. Rows are folded from
 * the effects of each batch, as the loop would write them; a restart makes a core out of nothing but these.
 *
 *   core_events.c   what happens: the events, and the main
 *   core_world.c    batches: commit or not, perform or not, restart
 *   core_fold.c     effects become rows; what one row may say after another (I1, I2, I5)
 *   core_leases.c   the same for debug reservations
 *   core_windows.c  the same for maintenance windows
 *   core_engine.c   the engine: it confirms, refuses, starts, ends and loses attempts
 *   core_holds.c    what must hold after each batch, stated anew (I3, I4, I9)
 */
#ifndef DROVER_TESTS_SIM_CORE_WORLD_H
#define DROVER_TESTS_SIM_CORE_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/core.h"
#include "engines/engine.h"
#include "inventory/vc.h"
#include "jobs/job.h"
#include "sim/random.h"
#include "tests/sim/seeds.h"

enum {
    NODES = 32,
    NODE_GPUS = 8,
    VCS = 4,
    USERS = 3,
    JOBS = 40,
    TASKS = 8, /* of a job */
    PORTS = 2, /* of a task */
    LEASES = 24,
    WINDOWS = 8,
    LEASE_MINUTES = 5,
    ATTEMPTS = 1024,
    CLAIM_MS = 60 * 1000,
    AGE_MS = 60 * 1000
};

/* What a job asks: up to two roles. */
struct wish {
    int vc, user, roles, instances[2], gpus[2], cpus[2];
    int priority, retries, task_retries, min_failed, min_succeeded;
    bool gang, lazy;
    enum spec_preemption preemption;
    struct spec_debug debug;
    int64_t limit_ms;
    int only, never; /* node, -1 = none */
    int sku;         /* -1 = any */
};

struct row_task {
    bool there;
    int job_attempt;
    struct task t; /* as the newest row says; `role` and `job` dangle */
    int node, ports[PORTS], gpus[NODE_GPUS];
    enum run_state told; /* by its events */
};

/* What becomes of it when others need its GPUs: it is sent to wait, does so in this batch, is sent away for good. */
enum sent { SENT_NOT, SENT_WAITING, SENT_BACK, SENT_AWAY };

struct row_job {
    bool used, there; /* accepted; its row is written */
    struct wish wish;
    char name[24];
    struct job row;      /* as the newest row says; pointers dangle */
    struct avoid avoid;  /* likewise */
    enum run_state told; /* by its events */
    struct row_task tasks[TASKS];
    char right; /* by the record of its placement: 'g'uarantee, 'b'orrowed, 'o'pportunistic; 0 = not sure any more */
    enum sent sent;
    int retries_then; /* all, when it was sent to wait */
    int64_t wait_ms;  /* waits since */
    bool reserves_aged;
    int launches; /* fresh ones of this batch */
};

/* A debug reservation. */
struct row_lease {
    bool there;
    struct lease l; /* as the newest row says; what it points to dangles */
    char owner[JOB_USER_MAX + 1], job[24];
    int vc, user, node, gpus[NODE_GPUS];
    enum lease_state told; /* by its events */
};

/* A maintenance window. */
struct row_window {
    bool there;
    struct maintenance m; /* as the newest row says; what it points to dangles */
    uint32_t mask;        /* of nodes; all bits: all nodes */
};

struct row_node {
    bool there, shrunk; /* has less than it had, and perhaps than is used */
    struct node n;
};

/* The engine's memory of an attempt. */
enum doing { DOING_ORDERED, DOING_CONFIRMED, DOING_STARTED, DOING_ENDED };
struct attempt {
    char id[ID_SIZE], nonce[33];
    int job, task, node, gpus;
    enum doing doing;
    enum engine_event_kind end; /* DOING_ENDED: how */
    int code;
    bool never_started, stop;
    bool hold, held; /* its sandbox is to stay when it fails; does */
    bool kept;       /* did once */
    enum spec_hold how;
    bool absent, again; /* it was never ordered; is to be told again */
};

struct world {
    uint64_t seed;
    bool plain; /* nodes alike and rich in all but GPUs, so that the guarantee can be stated */
    bool tell;
    struct core *core;
    struct effects fx;
    struct clock_now now;
    int64_t loaded_ms, epoch, last_id, last_seq, engine_seq;
    int names;
    struct row_node nodes[NODES];
    int node_count;
    struct vc vcs[VCS];
    bool vc_there[VCS];
    struct row_job jobs[JOBS];
    struct row_lease leases[LEASES];
    struct row_window windows[WINDOWS];
    bool maintains; /* windows are made in this history */
    struct attempt attempts[ATTEMPTS];
    int attempt_count;
    bool replan; /* this batch makes the plan anew: rights may be others */
};

#define wrong seeds_wrong

/* core_world.c. An empty core with the first nodes told; false on out of memory. */
bool world_make(struct world *w);
void world_fini(struct world *w);
/* What becomes of a batch. */
enum batch_end { BATCH_DONE, BATCH_NOT_COMMITTED, BATCH_NOT_PERFORMED };
/* Ends the batch; after the last two the core is made anew from the rows. False: something is violated. */
bool world_settle(struct world *w, enum batch_end how);
/* The core is destroyed, and made from the rows. */
bool world_restart(struct world *w);
/* A job of a wish, owned by the caller. */
struct job *world_job(const struct world *w, const struct row_job *r);
/* Tells the core of a node as `n` is. */
void world_tell_node(struct world *w, const struct node *n);
/* Number of a node by its name "nN", of a virtual cluster (-1 = none), of the job with this id, or name (NULL = none).
 */
int world_node(const char *name);
int world_user(const char *name);
int world_vc(const char *name);
struct row_job *world_find(struct world *w, const char *id);
struct row_lease *world_lease(struct world *w, const char *id);
struct row_job *world_named(struct world *w, const char *full_name);
const char *world_vc_name(int vc);
const char *world_sku(int sku);
int wish_tasks(const struct wish *wish);
int wish_gpus(const struct wish *wish);
/* Role of a task by its number. */
int wish_role(const struct wish *wish, int task);

/* core_fold.c. The batch's effects become rows. False: one is not as it must be. */
bool fold_batch(struct world *w);

/* core_leases.c. A row, or an event, of a lease. False: it is not as it must be. */
bool lease_row(struct world *w, const struct lease *l);
bool lease_event(struct world *w, const struct effect_event *ev);
/* The leases of the rows go into a core. */
bool leases_load(struct world *w);
/* What the core has of them is what the rows say; each is in time. */
bool leases_hold(struct world *w);

/* core_engine.c. Orders of the batch, after the commit. */
bool engine_perform(struct world *w);
/* Something happens to an attempt, and is told; one that is to stop is preferred. */
void engine_event(struct world *w);
/* All attempts end, and are told. */
void engine_end_all(struct world *w);
struct attempt *engine_find(struct world *w, const char *id);

/* core_holds.c. What must hold after a batch; every 1,000 events a recount of all. */
bool holds(struct world *w);
bool holds_recount(struct world *w);
/* GPUs that a virtual cluster has for itself, in whole nodes and others. */
struct own {
    int nodes, gpus;
};
struct own holds_own(const struct world *w, int vc);

#endif
