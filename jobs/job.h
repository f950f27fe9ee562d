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
#include "jobs/spec.h"
#include "jobs/state.h"

struct arena;
struct exit_entry;

#define JOB_USER_MAX 64
#define JOB_NAME_MAX 255
/* Cap for a job's arena: every job that spec_parse accepts fits, submitted or loaded. Memory is taken as needed. */
#define JOB_ARENA_BYTES ((size_t)48 << 20)
/* "user~name" and a NUL */
#define JOB_FULL_NAME_SIZE (JOB_USER_MAX + 1 + JOB_NAME_MAX + 1)

/* A claim's life (DESIGN 1.7). */
enum claim_state { CLAIM_NONE, CLAIM_PROPOSED, CLAIM_CONFIRMED, CLAIM_REFUSED, CLAIM_EXPIRED };

/* How a task attempt ended. */
struct exit_info {
    bool known;        /* false until it ended */
    int code;          /* exit status 0..255, 128+signal, or a negative platform code of the catalogue */
    int signal;        /* 0 when it exited by itself */
    char message[256]; /* diagnosis of the engine, "" when none */
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
    int *ports;       /* role->port_total ports, grouped as role->ports; in the job's arena */
    bool on_host;     /* the image was not run: host used (unknownImage: host) */
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
};

struct job {
    char id[ID_SIZE];
    char user[JOB_USER_MAX + 1];
    char full_name[JOB_FULL_NAME_SIZE]; /* user~name */
    struct arena *arena;                /* owns spec, tasks and this struct's strings */
    struct spec *spec;
    enum run_state state;
    bool stop_requested; /* executionType STOP */
    char stopped_by[JOB_USER_MAX + 1];
    int attempt; /* current job attempt, 0.. */
    int retries_user, retries_platform, retries_resource;
    int64_t seq;          /* submission order, unique */
    int64_t submitted_ms; /* wall times; 0 = not yet */
    int64_t created_ms;   /* of the current attempt */
    int64_t launched_ms;
    int64_t completed_ms;
    int64_t retry_at_mono;         /* back-off: not before this; 0 = now */
    enum run_state outcome;        /* SUCCEEDED, FAILED or STOPPED once decided, else 0 */
    int exit_code;                 /* of the trigger */
    const struct exit_entry *exit; /* catalogue entry of the outcome, or NULL */
    struct exit_trigger trigger;
    struct task *tasks;                  /* spec->total_tasks, role by role */
    int tasks_live;                      /* tasks in a PLACED state */
    bool row_pending;                    /* its row is already to be written in this batch */
    void *queue_entry;                   /* the core's place in the waiting queue; NULL when not queued */
    const unsigned char *sealed_secrets; /* in the arena; NULL = none */
    size_t sealed_len;
};

/* A job from a parsed spec, WAITING, with its tasks WAITING. Takes over the arena (freed by job_destroy); on error the
 * arena stays the caller's. `user` is checked against JOB_USER_MAX. NULL on out of memory. */
struct job *job_create(struct arena *a, struct spec *spec, const char *user, const char id[ID_SIZE]);
/* Frees the job with its arena. NULL ok. */
void job_destroy(struct job *j);
/* Puts all tasks back to WAITING for a new job attempt. */
void job_reset_tasks(struct job *j);

#endif
