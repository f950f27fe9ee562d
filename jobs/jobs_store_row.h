/* SPDX-License-Identifier: MIT
 *
 * From the columns of a statement to row structs, for the jobs_store*.c files. The columns of a SELECT must be the list
 * beside the function, at the start.
 */
#ifndef DROVER_JOBS_JOBS_STORE_ROW_H
#define DROVER_JOBS_JOBS_STORE_ROW_H

#include "jobs/jobs_store.h"

struct stmt;

#define JOBS_STORE_ROW_LIST                                                                                            \
    "j.seq, j.id, j.user, j.name, j.vc, j.priority, j.priority_class, j.state, j.execution_type, j.submitted_ms, "     \
    "j.created_ms, j.launched_ms, j.completed_ms, j.attempt, j.retries_user, j.retries_platform, j.retries_resource, " \
    "j.total_gpus, j.total_tasks, j.total_roles, j.exit_code, j.exit_phrase, j.wait_reason, j.tags, j.archived, "      \
    "j.due_ms, j.held_by, j.avoids"
#define JOBS_STORE_ROW_WHOLE JOBS_STORE_ROW_LIST ", j.detail, j.config, j.secrets"
#define JOBS_STORE_ROW_ATTEMPT                                                                                         \
    "job_id, attempt, state, created_ms, launched_ms, completed_ms, exit_code, exit_phrase, detail"
#define JOBS_STORE_ROW_TASK                                                                                            \
    "t.id, t.job_id, t.job_attempt, t.role, t.task_index, t.attempt, t.state, t.node, t.gpus, t.ports, t.nonce, "      \
    "t.engine_epoch, t.last_seq, t.claim_state, t.retries, t.accountable_retries, t.created_ms, t.launched_ms, "       \
    "t.completed_ms, t.exit_code, t.exit_phrase, t.detail"
#define JOBS_STORE_ROW_EVENT                                                                                           \
    "e.id, e.job_id, e.job_attempt, e.role, e.task_index, e.task_attempt, e.type, e.severity, e.reason, e.message, "   \
    "e.time_ms"
#define JOBS_STORE_ROW_EVENT_JOB JOBS_STORE_ROW_EVENT ", j.user, j.name, j.vc, j.state"

/* Steps `st` to its end and gives each row to `fn`: JOBS_STORE_ROW_LIST, _WHOLE when `whole`. 0, what `fn` returned, or
 * -1. The statement is reset. */
int jobs_store_row_jobs(struct stmt *st, bool whole, jobs_store_job_fn *fn, void *ctx, struct err *e);
/* Likewise for the other tables; events with the job's columns when `with_job`. */
int jobs_store_row_attempts(struct stmt *st, jobs_store_attempt_fn *fn, void *ctx, struct err *e);
int jobs_store_row_tasks(struct stmt *st, jobs_store_task_fn *fn, void *ctx, struct err *e);
int jobs_store_row_events(struct stmt *st, bool with_job, jobs_store_event_fn *fn, void *ctx, struct err *e);

/* The user of "user~name" into `user` and a pointer to the name; -1 when it is no such name. */
int jobs_store_row_split(const char *full_name, char user[JOB_USER_MAX + 1], const char **name);

#endif
