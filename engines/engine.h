/* SPDX-License-Identifier: MIT
 *
 * What runs tasks: the boundary between the core and an engine (local, slurm, kubernetes, simulated).
 *
 * The core sends orders; an order is queued and never blocks. The engine answers by events, from its own thread, into a
 * sink that is never dropped. Orders are idempotent by attempt id: after a restart the core sends ENGINE_ADOPT for
 * every live attempt before anything else, and the engine reports what became of each. An engine keeps what an event
 * told until ENGINE_FORGET for that attempt, which the core sends after the commit that took the end in.
 */
#ifndef DROVER_ENGINES_ENGINE_H
#define DROVER_ENGINES_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "inventory/node.h"

struct err;
struct arena;

enum engine_order_kind {
    ENGINE_LAUNCH, /* start this attempt once; with an existing latch it only reports */
    ENGINE_ADOPT,  /* find out what became of it; report CONFIRMED+STARTED, EXITED or LOST. Its launch has no script */
    ENGINE_STOP,   /* signal, grace, then kill of the whole tree; EXITED follows */
    ENGINE_FORGET, /* its end is on disk: stop watching, release its GPUs and ports; keep logs */
    ENGINE_MARK,   /* of no attempt: what the node's GPUs were found to be; ENGINE_NODE follows where that is new */
};

/* A folder of the node (a team storage) that the task finds at another path. Both are absolute; a source that is not
 * there, or that the task's level of isolation cannot show at its target, refuses the task. */
#define ENGINE_MOUNTS_MAX 64
struct engine_mount {
    const char *source, *target;
    bool read_only;
};

/* What stays when the command fails: the sandbox, with the GPUs or without. */
enum engine_hold { ENGINE_HOLD_NOTHING, ENGINE_HOLD_GPUS, ENGINE_HOLD_SANDBOX };

/* Everything needed to start one task attempt. Owned by its arena. */
struct engine_launch {
    const char *full_name; /* user~job */
    const char *user;
    const char *job_id;
    const char *role;
    int job_attempt, task_index, task_attempt;
    const char *node;
    struct resources limits;
    int shm_mb;
    const int *ports; /* from the plan; must be free on the node */
    size_t port_count;
    const char *const *env; /* "KEY=value", NULL-terminated; without GPU indices */
    const char *script;     /* shell script of the task, secrets filled in: never logged, file mode 0600 */
    const char *image_uri;
    bool image_on_host;          /* site says unknownImage: host */
    const char *isolation;       /* extras.drover.requires.isolation, NULL = nothing */
    const char *checkpoint_name; /* NULL = none */
    const char
        *code; /* archive in DATA/code/jobs to be unpacked where the task works, by the name of it; NULL = none */
    const struct engine_mount *mounts; /* at most ENGINE_MOUNTS_MAX */
    size_t mount_count;
    enum engine_hold hold; /* LAUNCH: of one that fails, until STOP; an engine that cannot hold ends it as ever */
    int gpu_count;
    const int *gpus; /* known indices when adopting, wishes when launching; NULL or -1 entries: none */
};

/* An order. Handed over: the engine frees it with engine_order_destroy. */
struct engine_order {
    enum engine_order_kind kind;
    char attempt_id[ID_SIZE];
    char nonce[33];
    int64_t epoch;                /* of the server that orders */
    struct arena *arena;          /* owns launch; NULL when there is none */
    struct engine_launch *launch; /* LAUNCH and ADOPT */
    const struct gpu_mark *marks; /* MARK: the arena's, by index; NULL = none */
    int mark_count;
    int grace_ms, signal;      /* STOP: between that signal (0 = TERM) and the kill */
    struct engine_order *next; /* the engine's queue link */
};

/* What GPUs were found to be. NULL on out of memory. */
struct engine_order *engine_order_mark(const struct gpu_mark *marks, int count);
/* A zeroed order with an arena when `with_launch`. NULL on out of memory. */
struct engine_order *engine_order_create(enum engine_order_kind kind, bool with_launch);
/* Frees it with its arena (the script is wiped). NULL ok. */
void engine_order_destroy(struct engine_order *o);

enum engine_event_kind {
    ENGINE_NODE,      /* a node appeared or changed: node */
    ENGINE_CONFIRMED, /* the claim holds: gpus */
    ENGINE_REFUSED,   /* not started, will not be: exit_code says why (catalogue), message; ports may be foreign-busy */
    ENGINE_STARTED,   /* the command runs */
    ENGINE_EXITED,    /* ended, its tree is gone, logs are complete: exit_code, signal */
    ENGINE_LOST,      /* latch without shim or exit file, or node rebooted: it will never report */
    ENGINE_NOTE,      /* nothing changes; message is worth an event of the job */
    ENGINE_READY,     /* all ADOPT orders sent before the first LAUNCH were answered */
};

/* An event. Plain data, copied by the sink. */
struct engine_event {
    enum engine_event_kind kind;
    char attempt_id[ID_SIZE];
    char nonce[33];
    int64_t epoch;
    int64_t seq;     /* grows within one engine instance */
    int64_t wall_ms; /* when it happened */
    int exit_code;   /* 0..255, 128+signal, or a negative catalogue code */
    int signal;
    bool never_started; /* LOST: proven that the command was not started */
    bool on_host;       /* CONFIRMED: image not run */
    bool held;          /* EXITED: the command is gone, its sandbox is not; after STOP comes another without this */
    int gpu_count;
    int gpus[NODE_GPU_MAX];
    int busy_port; /* REFUSED with a port conflict: which; else 0 */
    char message[256];
    struct node node; /* ENGINE_NODE */
};

/* Takes an event; copies it; never blocks for long; called from the engine's thread. */
typedef void engine_sink_fn(void *ctx, const struct engine_event *ev);

struct engine;

/* The vtable. */
struct engine_ops {
    const char *name;
    /* Begins to report into the sink. 0 or -1. */
    int (*start)(struct engine *en, engine_sink_fn *sink, void *ctx, struct err *e);
    /* Queues an order and takes it over. Any thread; never blocks, never fails. */
    void (*order)(struct engine *en, struct engine_order *o);
    /* Stops reporting and joins the thread. Tasks go on running. */
    void (*stop)(struct engine *en);
    void (*destroy)(struct engine *en);
};

/* First member of every engine. */
struct engine {
    const struct engine_ops *ops;
};

#endif
