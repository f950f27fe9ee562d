/* SPDX-License-Identifier: MIT
 *
 * One job attempt as read for a reply: rows copied into the request's arena, with the spec for what has no row yet.
 */
#ifndef DROVER_SERVER_API_JOB_VIEW_H
#define DROVER_SERVER_API_JOB_VIEW_H

#include "base/err.h"
#include "jobs/jobs_store.h"
#include "jobs/spec.h"

struct api;
struct arena;
struct cluster;
struct err;
struct job_json_end;
struct json_out;
struct request;
struct store;

/* The deciding task and words of an attempt, from its detail column. */
struct job_view_trigger {
    const char *message; /* NULL = none */
    const char *role;    /* NULL = none */
    int64_t index;
};

struct job_view {
    struct arena *arena;
    struct job_row job; /* strings in the arena */
    const char *full_name;
    const struct spec *spec;
    int attempt;                /* which job attempt was read */
    bool has_attempt;           /* it has a row: it was placed once */
    struct job_attempt_row row; /* of the attempt */
    struct job_view_trigger trigger;
    struct task_attempt_row *tasks; /* spec->total_tasks, role by role; id NULL where there is no row */
};

/* Reads the job of the path. `attempt` -1 = the current one; another must exist, else ERR_NO_JOB. 0 or -1. */
int job_view_read(struct job_view *v, struct api *a, struct request *r, int attempt, struct err *e);
/* The job's row only (with config), strings in the request's arena. 0 or -1. */
int job_view_row(struct job_view *v, struct store *s, struct request *r, struct err *e);
/* The task attempt that the path names ({job}, {attempt}, {role}, {index}, {taskAttempt}); strings in the request's
 * arena. 0 or -1: ERR_NO_JOB, or `missing` when the job has no such task attempt. */
int job_view_task_attempt(struct api *a, struct request *r, struct task_attempt_row *out, enum err_code missing,
                          struct err *e);
/* Members that details and the older job-attempts share (job_get.c): "taskRoles", and "appExitSpec" to "appExitType".
 */
void job_view_write_roles(struct json_out *j, const struct job_view *v, const struct cluster *c);
void job_view_write_exit(struct json_out *j, const struct job_view *v);
/* How the attempt ended, with what its deciding task tells of it. Borrows from the view. */
void job_view_end(const struct job_view *v, struct job_json_end *out);
/* Copies a task row with its strings. 0, or -1 on out of memory. */
int job_view_copy_task(struct arena *a, struct task_attempt_row *to, const struct task_attempt_row *from);

#endif
