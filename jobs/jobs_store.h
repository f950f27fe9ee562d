/* SPDX-License-Identifier: MIT
 *
 * Jobs in the database: rows as plain structs, their writers (the core thread, within a transaction that the caller
 * began) and their readers (any connection).
 *
 * Times are milliseconds since 1970; 0 stands for NULL, "not yet". Strings of rows that are read live only during the
 * callback. A callback gives 0 to go on; any other value ends the walk, which then returns it.
 */
#ifndef DROVER_JOBS_JOBS_STORE_H
#define DROVER_JOBS_JOBS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "jobs/job.h"

struct err;
struct store;

/* Table job. Name without user. Lists leave detail, config and secrets NULL. */
struct job_row {
    int64_t seq; /* order of submission; the key of updates */
    const char *id, *user, *name, *vc;
    int priority;
    const char *priority_class; /* NULL = not given */
    enum run_state state;
    bool stop_requested; /* executionType STOP */
    int64_t submitted_ms, created_ms, launched_ms, completed_ms;
    int64_t due_ms;      /* as of struct job */
    const char *held_by; /* likewise; NULL = nobody */
    const char *avoids;  /* likewise, JSON array of node names; NULL = none */
    int attempt;
    int retries_user, retries_platform, retries_resource;
    int64_t total_gpus;
    int total_tasks, total_roles;
    bool ended; /* exit_code counts */
    int exit_code;
    const char *exit_phrase, *wait_reason; /* NULL = none */
    bool archived;                         /* ended and put away: its name is free; written by jobs_write_archive */
    const char *tags;                      /* JSON list of strings; kept by jobs_store_tag, not written by others */
    const char *detail;                    /* JSON object of the core's; NULL writes {} */
    const char *config;                    /* YAML, masked; written by insert only */
    const void *secrets;                   /* sealed, NULL = none; written by insert only */
    size_t secrets_len;
};

/* Table job_attempt. */
struct job_attempt_row {
    const char *job_id;
    int attempt;
    enum run_state state;
    int64_t created_ms, launched_ms, completed_ms;
    bool ended;
    int exit_code;
    const char *exit_phrase; /* NULL = none */
    const char *detail;      /* JSON object: the trigger. NULL writes {} */
};

/* Table task_attempt. */
struct task_attempt_row {
    const char *id, *job_id;
    int job_attempt;
    const char *role; /* as in the config */
    int task_index;
    int attempt;
    enum run_state state;
    const char *node;  /* NULL = none */
    const char *gpus;  /* JSON list of integers; NULL writes [] */
    const char *ports; /* JSON object label -> list of integers; NULL writes {} */
    const char *nonce;
    int64_t engine_epoch, last_seq;
    enum claim_state claim;
    int retries, accountable_retries;
    int64_t created_ms, launched_ms, completed_ms;
    bool ended;
    int exit_code;
    const char *exit_phrase; /* NULL = none */
    const char *detail;      /* JSON object: signal, message, onHost, gpuUuids. NULL writes {} */
};

/* Table event. */
struct event_row {
    int64_t id;
    const char *job_id; /* NULL = about no job */
    int job_attempt;    /* -1 = about none, as the next four */
    const char *role;   /* NULL */
    int task_index, task_attempt;
    const char *type, *severity, *reason, *message; /* never NULL */
    int64_t time_ms;
    /* Only read, by jobs_store_read_events_after: of the job as it is now; NULL and 0 when it is gone. */
    const char *user, *name, *vc;
    enum run_state job_state;
};

typedef int jobs_store_job_fn(void *ctx, const struct job_row *row);
typedef int jobs_store_attempt_fn(void *ctx, const struct job_attempt_row *row);
typedef int jobs_store_task_fn(void *ctx, const struct task_attempt_row *row);
typedef int jobs_store_event_fn(void *ctx, const struct event_row *row);

/* --- writers: 0 or -1; row structs and their strings need live only during the call --- */

/* A new job. */
int jobs_store_insert_job(struct store *s, const struct job_row *row, struct err *e);
/* All columns that change in a job's life, by seq. ERR_INTERNAL when there is no such row. */
int jobs_store_update_job(struct store *s, const struct job_row *row, struct err *e);
/* Insert or update, by (job, attempt) and by id. */
int jobs_store_put_job_attempt(struct store *s, const struct job_attempt_row *row, struct err *e);
int jobs_store_put_task_attempt(struct store *s, const struct task_attempt_row *row, struct err *e);
int jobs_store_add_event(struct store *s, const struct event_row *row, struct err *e);
/* Ends a job that cannot be loaded, and what of its attempts has not ended, as FAILED. */
struct jobs_store_failure {
    const char *job_id;
    int64_t now_ms;
    int exit_code;
    const char *exit_phrase;
    const char *detail; /* JSON object: the trigger */
};
int jobs_store_fail_job(struct store *s, const struct jobs_store_failure *f, struct err *e);
/* Adds (or drops) a tag of a job; one that is there already (or is not) changes nothing. */
int jobs_store_tag(struct store *s, const char *job_id, const char *tag, bool drop, struct err *e);

/* --- for the core: look-ups by index, and what is loaded at start --- */
struct jobs_store_target {
    char id[ID_SIZE];
    char user[JOB_USER_MAX + 1];
    char vc[JOB_USER_MAX + 1];
};
/* Id, owner and virtual cluster of "user~name". 1 found, 0 not, -1 error. */
int jobs_store_find_target(struct store *s, const char *full_name, struct jobs_store_target *out, struct err *e);
/* Of a task attempt: whose it is, and whether it has ended and its job been deleted. 1 found, 0 not, -1 error. */
struct jobs_store_owner {
    char user[JOB_USER_MAX + 1], vc[JOB_USER_MAX + 1];
    bool deleted;
};
int jobs_store_find_owner(struct store *s, const char *task_attempt, struct jobs_store_owner *out, struct err *e);
/* Whether "user~name" is taken, by a job in whatever state. 1, 0 or -1. */
int jobs_store_name_taken(struct store *s, const char *full_name, struct err *e);
/* Whether the job has the tag. 1, 0 or -1. */
int jobs_store_has_tag(struct store *s, const char *full_name, const char *tag, struct err *e);
/* The highest event id and job seq, 0 when there is none. 0 or -1. */
int jobs_store_max_ids(struct store *s, int64_t *event_id, int64_t *seq, struct err *e);
/* All jobs that have not ended, whole, in order of seq. */
int jobs_store_each_live(struct store *s, jobs_store_job_fn *fn, void *ctx, struct err *e);
struct jobs_store_attempt {
    const char *job_id;
    int job_attempt;
};
/* The newest attempt of each task of a job attempt that has any, by role and index. */
int jobs_store_each_task(struct store *s, const struct jobs_store_attempt *of, jobs_store_task_fn *fn, void *ctx,
                         struct err *e);

/* --- for the API --- */

/* One job by "user~name" or id, whole. Returns what `fn` returned; ERR_NO_JOB and -1 when there is none. */
int jobs_store_read_job(struct store *s, const char *name_or_id, jobs_store_job_fn *fn, void *ctx, struct err *e);
/* The attempts of a job, oldest first. */
int jobs_store_read_attempts(struct store *s, const char *job_id, jobs_store_attempt_fn *fn, void *ctx, struct err *e);
/* A task that is placed on a node. */
struct jobs_store_placed {
    const char *user, *name, *vc, *job_id, *role, *node, *attempt_id; /* the task attempt's */
    int task_index;
    enum run_state state;
    const char *gpus; /* JSON list of integers */
    int64_t launched_ms;
};
typedef int jobs_store_placed_fn(void *ctx, const struct jobs_store_placed *task);
struct jobs_store_on_node {
    const char *node;   /* NULL = all */
    const char *reader; /* only jobs that this user may read; NULL = all */
};
/* The tasks that hold something of a node, in order of their jobs. */
int jobs_store_each_placed(struct store *s, const struct jobs_store_on_node *where, jobs_store_placed_fn *fn, void *ctx,
                           struct err *e);
/* All attempts of one task within a job attempt, oldest first. `role` as in the config. */
struct jobs_store_task_key {
    const char *job_id;
    int job_attempt;
    const char *role;
    int task_index;
};
int jobs_store_read_history(struct store *s, const struct jobs_store_task_key *key, jobs_store_task_fn *fn, void *ctx,
                            struct err *e);
/* All attempts of all tasks of a job, by job attempt, role, index and attempt. */
int jobs_store_read_task_attempts(struct store *s, const char *job_id, jobs_store_task_fn *fn, void *ctx,
                                  struct err *e);
struct jobs_store_events {
    const char *job_id, *severity; /* severity NULL = all */
    int64_t after, limit;
};
/* Events of a job, newest first, at most `limit`, with this severity; `after` does not count. */
int jobs_store_read_events(struct store *s, const struct jobs_store_events *which, jobs_store_event_fn *fn, void *ctx,
                           struct err *e);
/* Events of all jobs with an id above `after`, oldest first, at most `limit`, with their jobs: for streams that resume.
 * Only these two fields of `which` count. */
int jobs_store_read_events_after(struct store *s, const struct jobs_store_events *which, jobs_store_event_fn *fn,
                                 void *ctx, struct err *e);

#endif
