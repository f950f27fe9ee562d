/* SPDX-License-Identifier: MIT
 *
 * Inside the local engine. Everything here belongs to the engine's thread, but the queue of orders.
 *
 * One attempt's way:
 *
 *   LAUNCH ─► WAITING ──START sent──► STARTING ──STATE from the shim──► RUNNING ──ENDED──► DONE ──FORGET──► gone
 *                                        │                                 └─ENDED, held─► HELD ──ENDED──► DONE
 *                                        │ end of its socket                │ end of its socket
 *   ADOPT ───────────────────────────────┴──► FINDING ◄─────────────────────┘
 *                                               ├─ exit file ─────────────────────────────► DONE (EXITED)
 *                                               ├─ lock held: connect to its socket ──────► RUNNING, HELD
 *                                               └─ lock free: kill what carries its mark ─► DONE (LOST)
 */
#ifndef DROVER_ENGINES_LOCAL_LOCAL_IMPL_H
#define DROVER_ENGINES_LOCAL_LOCAL_IMPL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engines/engine.h"
#include "engines/local/local.h"
#include "engines/local/procs.h"
#include "engines/local/record.h"

struct hash;
struct proto_msg;
struct taskspec;

enum local_source_kind { LOCAL_WAKE, LOCAL_SPAWNER, LOCAL_SPAWNER_EXIT, LOCAL_SHIM };

/* What an epoll event points to. */
struct local_source {
    enum local_source_kind kind;
    struct local_attempt *attempt; /* LOCAL_SHIM */
};

enum local_state { LOCAL_WAITING, LOCAL_STARTING, LOCAL_FINDING, LOCAL_RUNNING, LOCAL_HELD, LOCAL_DONE };

/* How an attempt ended; repeated when the core asks again. */
struct local_end {
    enum engine_event_kind kind; /* REFUSED, EXITED, LOST */
    int code, signal, busy_port;
    bool never_started;
    bool held; /* its sandbox stays */
    int64_t wall_ms;
    char message[256];
};

struct local_attempt {
    char id[ID_SIZE];
    char nonce[33];
    int64_t epoch;
    enum local_state state;
    struct local_source source;
    struct engine_order *order; /* LAUNCH: kept until the shim answers */
    int ctl;                    /* our end of the shim's control socket, or -1 */
    bool confirmed;             /* CONFIRMED (and STARTED) were told */
    bool adopt;                 /* an ADOPT order waits for its answer */
    struct record record;       /* as the shim told; zero before */
    pid_t shim;                 /* as the spawner told, 0 before */
    int64_t shim_ticks;
    int gpu_count;
    int gpus[NODE_GPU_MAX];    /* held by it */
    bool stop;                 /* STOP was ordered */
    int grace_ms, stop_signal; /* as ordered */
    int64_t kill_shim_at;      /* monotonic ms: a shim that does not stop its task by then is killed */
    int64_t look_at;           /* monotonic ms: next look while FINDING or HELD; 0 = none */
    int looks;
    bool cleared;       /* the spawner found nothing left of it */
    int64_t give_up_at; /* monotonic ms: its leftovers do not die, its GPUs are quarantined; 0 = not set */
    struct local_end end;
    struct local_attempt *next_start;              /* list of those whose START waits for the spawner */
    struct local_attempt *next_timed, *prev_timed; /* list of those with a time above */
    bool timed;
    struct local_attempt *next_dead;
};

/* The connection to the spawner. */
struct local_spawner {
    int fd;           /* -1 = none */
    bool service;     /* not ours to start */
    bool ready;       /* it has answered our HELLO */
    unsigned guards;  /* what it can guard tasks with, as far as the site allows */
    bool blocked;     /* its queue is full: wait for EPOLLOUT */
    int64_t flush_at; /* monotonic ms: we are out of descriptors, try to send again then; 0 = not so */
    int pidfd;        /* of a spawner that we started; -1 */
    pid_t pid;
    int64_t next_try; /* monotonic ms */
    int backoff_ms;
    struct local_source source, exit_source;
};

struct local {
    struct engine base; /* first */
    char *data, *spawner_path, *shim_path, *gpu_device;
    unsigned allowed; /* guards that the site allows */
    char boot[PROCS_BOOT_SIZE];
    bool rebooted; /* since the engine last used this folder */
    const char *shell;
    int log_max_mb;
    struct node node;
    struct local_attempt *gpu_owner[NODE_GPU_MAX];
    int data_dir, run_dir;

    pthread_mutex_t lock; /* guards the next three */
    struct engine_order *first, **last;
    bool quit;
    int wake; /* eventfd */

    pthread_t thread;
    bool started;
    engine_sink_fn *sink;
    void *sink_ctx;
    int64_t seq;
    int epoll;
    struct local_source wake_source;
    struct hash *attempts;
    struct local_attempt *timed, *dead;
    struct local_attempt *start_first, **start_last;
    struct local_spawner spawner;
    int adopts;                /* ADOPT orders without answer */
    bool ready;                /* READY was told for the adoptions so far */
    struct local_stuck *stuck; /* whose GPUs are quarantined */
    int64_t stuck_at;          /* monotonic ms: the next look at them */
    int stuck_ms;              /* leftovers that live so long after SIGKILL are stuck; and between two looks at them */
};

/* local_node.c: finds CPUs, memory, GPUs. 0 or -1. */
int local_node_find(struct node *n, const struct local_config *c, struct err *e);

/* local_guard.c: whether the node can run it as it asks; otherwise it is refused. Needs a spawner that is ready. */
bool local_guard_fits(struct local *l, struct local_attempt *a);
/* The root of the attempt's image in the store, in the order's arena; NULL when it is not there, or nothing here can
 * enter it. */
const char *local_guard_image(struct local *l, struct local_attempt *a);
/* What the spawner is to guard the task with: limits, devices, guards. 0 or -1. */
int local_guard_fill(struct local *l, struct local_attempt *a, struct taskspec *t, struct err *e);
/* The spawner told what it can do: the node's level of isolation. */
void local_guard_found(struct local *l, int64_t guards);

/* local_event.c: events to the sink. */
void local_event_node(struct local *l);
void local_event_ready(struct local *l);
/* CONFIRMED and, with a start in the record, STARTED; once, or again when `repeat`. */
void local_event_running(struct local *l, struct local_attempt *a, bool repeat);
/* Ends the attempt: tells a->end, releases GPUs, state DONE. */
void local_event_end(struct local *l, struct local_attempt *a);
/* Tells a->end again. */
void local_event_repeat(struct local *l, struct local_attempt *a);

/* local_attempt.c: orders, and messages of shims. */
void local_attempt_order(struct local *l, struct engine_order *o);
void local_attempt_input(struct local *l, struct local_attempt *a);
void local_attempt_timer(struct local *l, struct local_attempt *a, int64_t now);
/* The spawner's answer to START. */
void local_attempt_answer(struct local *l, const struct proto_msg *m);
/* Earliest time of the attempt's timers, 0 = none; and the upkeep of l->timed after a change. */
int64_t local_attempt_due(const struct local_attempt *a);
void local_attempt_timed(struct local *l, struct local_attempt *a);
void local_attempt_refuse(struct local *l, struct local_attempt *a, int code, const char *message);
/* The shim said (or its file says) that it ended. */
void local_attempt_ended(struct local *l, struct local_attempt *a, const struct record *r);
/* Tells its shim to end what is left, as ordered by the last STOP. */
void local_attempt_end_now(struct local *l, struct local_attempt *a);
/* Watches a connected control socket. */
void local_attempt_watch(struct local *l, struct local_attempt *a, int fd);
/* Frees it; later, when no epoll event can point to it any more. */
void local_attempt_drop(struct local *l, struct local_attempt *a);
void local_attempt_free(struct local_attempt *a);

/* local_find.c: what became of an attempt, from its folder. Takes one look; sets a->look_at when another is needed. */
void local_find_look(struct local *l, struct local_attempt *a);
/* Kills what carries the attempt's mark. How many there were, 0 when nothing is left for sure: of tasks that run as
 * other users only the spawner can say that (`cleared`: it did), who is asked. */
int local_find_left(struct local *l, const char *id, bool cleared);

/* local_spawner.c: queues the START of an attempt; sends what can be sent. */
void local_spawner_start(struct local *l, struct local_attempt *a);
void local_spawner_unqueue(struct local *l, struct local_attempt *a);
/* Asks it to end what is left of an attempt whose shim is gone; the answer sets a->cleared, or local_stuck_cleared. */
void local_spawner_clear(struct local *l, const char *id);
void local_spawner_input(struct local *l, bool writable);
void local_spawner_exited(struct local *l);
/* Connects or starts the spawner if that is due. Time of the next try, 0 = none needed. */
int64_t local_spawner_keep(struct local *l, int64_t now);

#endif
