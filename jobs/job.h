/* SPDX-License-Identifier: MIT
 *
 * A live job in memory: the job, its current job attempt and the current attempt of each task. History is in the
 * database only. Owned by the core's state; read by nobody else.
 */
#ifndef DROVER_JOBS_JOB_H
#define DROVER_JOBS_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "jobs/avoid.h"
#include "jobs/exits.h"
#include "jobs/spec.h"
#include "jobs/state.h"

struct arena;

#define JOB_USER_MAX 64
#define JOB_NAME_MAX 255
/* Cap for the arena of a job, or of its document: every job that spec_parse accepts fits, submitted or loaded. Memory
 * is taken as needed. */
#define JOB_ARENA_BYTES ((size_t)48 << 20)
/* "user~name" and a NUL */
#define JOB_FULL_NAME_SIZE (JOB_USER_MAX + 1 + JOB_NAME_MAX + 1)

/* A claim's life (DESIGN 1.7). */
enum claim_state { CLAIM_NONE, CLAIM_PROPOSED, CLAIM_CONFIRMED, CLAIM_REFUSED, CLAIM_EXPIRED };

/* How a task attempt ended. */
struct exit_info {
    bool known;        /* false until it ended */
    bool held;         /* its sandbox stays, for a lease */
    int code;          /* exit status 0..255, 128+signal, or a negative platform code of the catalogue */
    int signal;        /* 0 when it exited by itself */
    char message[256]; /* diagnosis of the engine, "" when none */
    struct exit_verdict verdict;
    const char *diagnosis; /* JSON (diagnosis.h); only while the end is taken in: rows have it. NULL = none */
};

/* The current attempt of one task. */
struct task {
    const struct spec_role *role; /* in the job's spec */
    int role_index;
    int index;               /* within the role, 0.. */
    int attempt;             /* task attempt number within the job attempt, 0.. */
    int retries;             /* all retries of this task in this job attempt */
    int accountable_retries; /* those that counted */
    enum run_state state;
    enum claim_state claim;
    char id[ID_SIZE]; /* of the task attempt; "" while WAITING */
    char nonce[33];   /* launch nonce, hex */
    int64_t epoch;    /* engine epoch that launched it */
    int64_t last_seq; /* highest engine event sequence taken in */
    const char *node; /* name, borrowed from the core's node table; NULL while WAITING */
    int *gpus;        /* GPU indices, role->per_task.gpus of them; -1 until confirmed; in the job's arena */
    int *gpu_wishes;  /* indices that lie well together, asked of the engine at the launch; NULL: any will do */
    char (*gpu_uuids)[GPU_UUID_SIZE]; /* of these GPUs; NULL: not confirmed, or they have none */
    int *ports;                       /* role->port_total ports, grouped as role->ports; in the job's arena */
    enum spec_hold hold; /* what its sandbox keeps if it fails the job; asked of the engine at the launch */
    bool on_host;        /* the image was not run: host used (unknownImage: host) */
    bool stop_sent;
    int64_t created_ms, launched_ms, completed_ms; /* wall; 0 = not yet */
    struct exit_info exit;
    struct job *job;
};

/* Why and by what a job attempt was decided. */
struct exit_trigger {
    char message[256];
    const char *role; /* NULL = none */
    int task_index;
    struct exit_verdict verdict; /* of that task's end, or of the code alone */
};

struct lease;

struct job {
    char id[ID_SIZE];
    char user[JOB_USER_MAX + 1];
    char full_name[JOB_FULL_NAME_SIZE]; /* user~name */
    struct arena *arena;                /* owns spec, tasks and this struct's strings */
    struct spec *spec;
    enum run_state state;
    bool stop_requested; /* executionType STOP */
    char stopped_by[JOB_USER_MAX + 1];
    int stop_code;                  /* exit code of a stop that nobody asked for; 0 = EXIT_CODE_STOPPED */
    char wait_reason[24];           /* for which it waits, as was told last; "" = nothing was */
    int64_t reason_ms;              /* wall: when that was; not kept over a restart */
    char held_by[JOB_USER_MAX + 1]; /* while it waits: who holds it, so that it is not considered; "" = nobody */
    struct avoid *avoid;            /* nodes that it keeps away from, in its arena; NULL = none */
    int attempt;                    /* current job attempt, 0.. */
    int retries_user, retries_platform, retries_resource;
    int64_t seq;          /* submission order, unique */
    int64_t submitted_ms; /* wall times; 0 = not yet */
    int64_t created_ms;   /* of the current attempt */
    int64_t launched_ms;
    int64_t completed_ms;
    int64_t due_ms;           /* wall: it waits since then, and is not considered before; 0 = since submitted_ms */
    enum run_state outcome;   /* SUCCEEDED, FAILED or STOPPED once decided, else 0 */
    int exit_code;            /* of the trigger */
    struct exit_verdict exit; /* of the outcome; no phrase = none */
    struct exit_trigger trigger;
    struct task *tasks;                  /* spec->total_tasks, role by role */
    int tasks_live;                      /* tasks in a PLACED state */
    bool row_pending;                    /* its row is already to be written in this batch */
    struct lease *lease;                 /* not a job, but what stands for this lease; NULL: a job */
    void *queue_entry;                   /* the core's place in the waiting queue; NULL when not queued */
    const unsigned char *sealed_secrets; /* in the arena; NULL = none */
    size_t sealed_len;
};

/* A job of a parsed spec, WAITING, with its tasks WAITING, in an arena of its own; the spec is copied. `user` is
 * checked against JOB_USER_MAX. NULL when it is too long, or on out of memory. */
struct job *job_create(const struct spec *spec, const char *user, const char id[ID_SIZE]);
/* Keeps a copy of its sealed secrets. 0, or -1 on out of memory. */
int job_seal(struct job *j, const void *sealed, size_t len);
/* Frees the job with its arena. NULL ok. */
void job_destroy(struct job *j);
/* Puts all tasks back to WAITING for a new job attempt. */
void job_reset_tasks(struct job *j);

#endif
