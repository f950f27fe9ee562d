/* SPDX-License-Identifier: MIT
 *
 * Inside the Slurm engine. Everything here belongs to its thread; only orders come from others.
 *
 * One attempt:
 *
 *   LAUNCH ─► SUBMIT ── accepted ─────────────► KNOWN ── ended, logs copied ──► DONE ── FORGET ──► (gone)
 *               ▲  └─── no answer ─► DOUBT ───► ▲  │                             ▲
 *               │                     │  found ─┘  └─ Slurm does not know it ─► DOUBT
 *               └── not there, once ──┴── not there: the latch is taken ─────────┘ LOST
 *
 * ADOPT begins at KNOWN where a Slurm id was noted, else at DOUBT. A doubt is resolved by one look at all jobs for all
 * attempts that are in doubt by then. Nothing is concluded from an answer that did not come.
 */
#ifndef DROVER_ENGINES_SLURM_SLURM_IMPL_H
#define DROVER_ENGINES_SLURM_SLURM_IMPL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "engines/engine.h"
#include "engines/local/record.h"
#include "engines/slurm/place.h"
#include "engines/slurm/rest.h"
#include "engines/slurm/shape_v38.h"
#include "engines/slurm/slurm.h"
#include "engines/slurm/token.h"

struct hash;

#define SLURM_NAME "drover-" /* of our jobs, before the attempt's id */
#define SLURM_SUBMITS 2      /* of one attempt: the second after Slurm lost the first */

enum slurm_state { SLURM_SUBMIT, SLURM_DOUBT, SLURM_KNOWN, SLURM_DONE };

struct slurm_end {
    enum engine_event_kind kind; /* EXITED, LOST, REFUSED */
    int code, signal;
    bool never_started;
    int64_t wall_ms;
    char message[160];
};

struct slurm_attempt {
    struct slurm *slurm;
    char id[ID_SIZE], nonce[33];
    char token[33]; /* of the last submission */
    int64_t epoch;
    enum slurm_state state;
    bool busy;             /* a request about it is under way */
    bool adopt;            /* its ADOPT is not answered */
    bool started;          /* STARTED was told: its latch names a job */
    bool confirmed;        /* CONFIRMED was told */
    bool stop, forgotten;  /* ordered */
    bool sweep;            /* DONE, but Slurm may still have a job of it, which is to go */
    bool ended_at_slurm;   /* Slurm says that nothing of it is left */
    bool told_stale;       /* that Slurm does not answer */
    int grace_ms, signal;  /* of the stop */
    int terms;             /* signals sent for it */
    int64_t kill_at;       /* mono: the job is cancelled */
    int64_t due, pull_due; /* mono: what to do next, and when to look for logs */
    int64_t wait_ms;       /* between looks */
    int64_t pull_ms;
    int64_t job_id;   /* Slurm's; 0 = not known */
    int64_t ours;     /* the one that Slurm told us of under our name: no other is ever cancelled */
    int64_t found_id; /* by the lookup under way */
    int64_t doubt_at; /* mono: a lookup that begins then tells */
    int64_t runs_at;  /* mono: Slurm said first that it runs */
    int64_t gone_at;  /* mono: since when it started and is not at Slurm; 0 = it is */
    int submits;
    char node[NODE_NAME_MAX]; /* that the plan chose */
    struct resources limits;
    char reason[48];            /* of waiting, as last told */
    struct engine_order *order; /* its launch, until it has started */
    const char *checkpoint;     /* path for its checkpoints, the order's; NULL = none */
    struct shape_job job;       /* as last seen */
    struct record record;       /* of the mirror */
    struct slurm_end end;
};

struct slurm_node {
    struct node node; /* as told */
    bool told;
    bool seen; /* in the answer that is being read */
};

struct slurm {
    struct engine base; /* the first member */
    const struct slurm_settings *site;
    char *data;
    int port_first, port_last;
    struct places places;
    struct rest *rest;
    char token[TOKEN_MAX + 1];
    int64_t token_until; /* mono */
    engine_sink_fn *sink;
    void *ctx;
    int64_t seq;
    pthread_t thread;
    pthread_mutex_t lock;
    struct engine_order *first, **last; /* under the lock */
    bool quit, running;                 /* quit: under the lock */
    struct hash *attempts;
    int adopts;    /* not answered */
    int64_t began; /* mono: the thread */
    bool ready;
    bool version, version_busy; /* it was found; it is being asked for */
    bool version_told;          /* in the log */
    int64_t version_due;
    struct hash *nodes;
    bool nodes_busy;
    int64_t nodes_due, nodes_began; /* mono */
    bool looking;
    int64_t look_began, look_due; /* mono */
    struct shape_list list;
};

/* slurm_attempt.c: an order about an attempt; what is due by then; a look's result for one in doubt. */
void slurm_attempt_order(struct slurm *s, struct engine_order *o);
void slurm_attempt_step(struct slurm_attempt *a, int64_t now);
void slurm_attempt_found(struct slurm_attempt *a, int64_t now);
void slurm_attempt_drop(struct slurm_attempt *a);
/* Whether a look at all jobs would tell something about it. */
bool slurm_attempt_doubtful(const struct slurm_attempt *a);

/* slurm_submit.c: sends the submission; 0 = it is on its way, -1 = it was refused, or is to be tried later. */
int slurm_submit(struct slurm_attempt *a, int64_t now);

/* slurm_end.c: Slurm says that it ended; Slurm does not have it; it is refused; proves by the latch that it will never
 * start (true), or finds that it has. */
void slurm_end_ended(struct slurm_attempt *a, const struct shape_job *j, int64_t now);
void slurm_end_absent(struct slurm_attempt *a, int64_t now);
void slurm_end_refuse(struct slurm_attempt *a, int code, const char *why);
bool slurm_end_never(struct slurm_attempt *a, const char *why);

/* slurm_event.c */
void slurm_event_node(struct slurm *s, const struct node *n);
void slurm_event_running(struct slurm_attempt *a);
void slurm_event_started(struct slurm_attempt *a);
void slurm_event_note(struct slurm_attempt *a, const char *text);
void slurm_event_end(struct slurm_attempt *a);
void slurm_event_adopted(struct slurm_attempt *a);

/* slurm_nodes.c: asks for nodes where that is due. slurm_look.c: begins the look at all jobs where one is due; asks for
 * the version until it is found. */
void slurm_nodes_step(struct slurm *s, int64_t now);
void slurm_look_step(struct slurm *s, int64_t now);
void slurm_version_step(struct slurm *s, int64_t now);

/* slurm_user.c: the Unix user of a launch. 0, or -1 with the error. */
int slurm_user_find(const struct slurm *s, const char *drover_user, char *name, size_t size, struct err *e);

#endif
