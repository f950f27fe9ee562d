/* SPDX-License-Identifier: MIT
 *
 * The truth and its transitions. core_step takes one command and the time and says what is to be done; it does no I/O,
 * starts no thread and reads no clock or random source. One owner thread.
 *
 * A batch:  core_step ... core_step, core_schedule, then the loop writes the rows and commits, performs the other
 * effects, and calls core_batch_end. If the commit failed, the loop destroys the core and loads a new one from the
 * rows.
 */
#ifndef DROVER_CORE_CORE_H
#define DROVER_CORE_CORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "core/command.h"
#include "core/effect.h"
#include "inventory/vc.h"
#include "jobs/job.h"
#include "jobs/lease.h"

struct cluster;
struct core;
struct core_shown;
struct score_weights;

struct core_config {
    int64_t epoch;            /* of this server's life; grows by one at each start */
    int64_t next_event_id;    /* one above the highest in the rows */
    int64_t next_seq;         /* likewise, submission order */
    unsigned char seed[32];   /* ids and nonces of attempts are derived from it */
    int64_t claim_timeout_ms; /* an unconfirmed claim expires after this; 0 = 60 s */
    size_t max_live_jobs;     /* more are refused; 0 = 200,000 */
    int64_t age_ms;           /* who has waited for so long reserves; 0 = an hour */
};

/* An empty core. NULL on out of memory. */
struct core *core_create(const struct core_config *config);
/* Frees it and all live jobs. NULL ok. */
void core_destroy(struct core *c);

/* Places are chosen by these weights (scheduler/score.h) from now on; a core begins with the defaults. */
void core_weigh(struct core *c, const struct score_weights *w);

/* Loading, before the first step. core_load_node: a node from its row (down until the engine
 * reports it), or, after a reload, as the engine told it last (then its row's mark "cordoned" stays). core_load_job
 * takes over a job whose tasks were filled from rows (also when it fails), and accounts its resources. 0, or -1 on out
 * of memory. */
int core_load_node(struct core *c, const struct node *n);
int core_load_job(struct core *c, struct job *j, struct clock_now now);
/* A virtual cluster from its row, after the nodes. "default" is there from the start. 0, or -1 on out of memory. */
int core_load_vc(struct core *c, const struct vc *vc);
/* A debug reservation that is live, from its row, after the jobs. 0, or -1 on out of memory. */
int core_load_lease(struct core *c, const struct lease *l, struct clock_now now);
/* A maintenance window that is not over, from its row, after the nodes. 0, or -1 on out of memory. */
int core_load_maintenance(struct core *c, const struct maintenance *m);
/* A task attempt that is not accounted for, of a job that could not be loaded: core_adopt orders its end. 0, or -1 on
 * out of memory. */
int core_load_orphan(struct core *c, const char id[ID_SIZE], const char nonce[33]);
/* An id for an event that the loader writes itself. */
int64_t core_take_event_id(struct core *c);
/* After loading: orders to find out what became of every placed task. */
void core_adopt(struct core *c, struct effects *fx);

/* One transition. `cmd` must stay alive until core_batch_end. */
void core_step(struct core *c, const struct command *cmd, struct clock_now now, struct effects *fx);
/* Places what fits; once per batch, after its steps. */
void core_schedule(struct core *c, struct clock_now now, struct effects *fx);
/* After the batch was committed and its effects performed: frees the jobs that ended in it. */
void core_batch_end(struct core *c, struct effects *fx);

/* When the next COMMAND_TICK is due, on the monotonic clock; INT64_MAX when never. */
int64_t core_deadline(const struct core *c);

/* Looks up a live job by "user~name"; NULL when there is none. Borrowed until the next step. */
const struct job *core_find(const struct core *c, const char *full_name);
/* The account of resources. Borrowed. */
const struct cluster *core_cluster(const struct core *c);
/* Number of live jobs, and of those that wait. */
size_t core_live_jobs(const struct core *c);
size_t core_waiting_jobs(const struct core *c);
/* Number of live leases. */
size_t core_live_leases(const struct core *c);
/* Whether the account equals a recount over live tasks and every index is sound (I4, I5). For tests and assertions. */
bool core_check(const struct core *c);

/* GPUs of a guarantee: shapes count as the largest that there is of them among the nodes. Any thread. */
int core_guarantee_gpus(const struct cluster *nodes, const struct vc_guarantee *g);

/* What readers on other threads are shown: a copy of the account and of the virtual clusters. Immutable. */
struct core_view_vc {
    struct vc spec;
    int guaranteed;        /* GPUs, less what those below it are promised */
    int64_t held;          /* GPUs of its jobs, but for opportunistic ones */
    struct resources used; /* of all its placed tasks */
    size_t live_jobs, leases;
};
struct core_view {
    struct cluster *cluster;
    struct core_shown *shown; /* the plan, for core/explain.h; NULL: there is none yet */
    bool behind;              /* the plan has changed since: another view is worth making in a moment */
    struct core_view_vc *vcs;
    size_t vc_count;
    size_t live_jobs, waiting_jobs;
};
/* A copy of the state as it is. NULL on out of memory. The owner's thread. */
struct core_view *core_view_create(struct core *c, int64_t now_mono);
/* NULL ok. */
void core_view_destroy(struct core_view *v);
/* The virtual cluster of that name, or NULL. */
const struct core_view_vc *core_view_vc(const struct core_view *v, const char *name);

#endif
