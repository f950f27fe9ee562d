/* SPDX-License-Identifier: MIT
 *
 * Decoding of rows. Column numbers follow the lists in the header.
 */
#include "jobs/jobs_store_row.h"

#include <string.h>

#include "base/err.h"
#include "store/store.h"

/* Reads columns one after the other. */
struct cursor {
    struct stmt *st;
    int col;
};

static int64_t next_int(struct cursor *c)
{
    return stmt_col_int(c->st, c->col++);
}

static const char *next_text(struct cursor *c)
{
    return stmt_col_text(c->st, c->col++);
}

static const char *next_string(struct cursor *c)
{
    return stmt_col_string(c->st, c->col++);
}

/* exit_code: NULL while it goes on. */
static int next_exit(struct cursor *c, bool *ended)
{
    *ended = !stmt_col_null(c->st, c->col);
    return (int)next_int(c);
}

static void read_job(struct stmt *st, bool whole, struct job_row *out)
{
    struct cursor c = {.st = st};

    *out = (struct job_row){.seq = next_int(&c)};
    out->id = next_text(&c);
    out->user = next_text(&c);
    out->name = next_text(&c);
    out->vc = next_text(&c);
    out->priority = (int)next_int(&c);
    out->priority_class = next_text(&c);
    out->state = (enum run_state)next_int(&c);
    out->stop_requested = !strcmp(next_string(&c), "STOP");
    out->submitted_ms = next_int(&c);
    out->created_ms = next_int(&c);
    out->launched_ms = next_int(&c);
    out->completed_ms = next_int(&c);
    out->attempt = (int)next_int(&c);
    out->retries_user = (int)next_int(&c);
    out->retries_platform = (int)next_int(&c);
    out->retries_resource = (int)next_int(&c);
    out->total_gpus = next_int(&c);
    out->total_tasks = (int)next_int(&c);
    out->total_roles = (int)next_int(&c);
    out->exit_code = next_exit(&c, &out->ended);
    out->exit_phrase = next_text(&c);
    out->wait_reason = next_text(&c);
    out->tags = next_text(&c);
    out->archived = next_int(&c) != 0;
    out->due_ms = next_int(&c);
    out->held_by = next_text(&c);
    out->avoids = next_text(&c);
    if (whole) {
        out->detail = next_text(&c);
        out->config = next_text(&c);
        out->secrets = stmt_col_blob(st, c.col, &out->secrets_len);
    }
}

static void read_attempt(struct stmt *st, struct job_attempt_row *out)
{
    struct cursor c = {.st = st};

    *out = (struct job_attempt_row){.job_id = next_text(&c)};
    out->attempt = (int)next_int(&c);
    out->state = (enum run_state)next_int(&c);
    out->created_ms = next_int(&c);
    out->launched_ms = next_int(&c);
    out->completed_ms = next_int(&c);
    out->exit_code = next_exit(&c, &out->ended);
    out->exit_phrase = next_text(&c);
    out->detail = next_text(&c);
}

static void read_task(struct stmt *st, struct task_attempt_row *out)
{
    struct cursor c = {.st = st};

    *out = (struct task_attempt_row){.id = next_text(&c)};
    out->job_id = next_text(&c);
    out->job_attempt = (int)next_int(&c);
    out->role = next_text(&c);
    out->task_index = (int)next_int(&c);
    out->attempt = (int)next_int(&c);
    out->state = (enum run_state)next_int(&c);
    out->node = next_text(&c);
    out->gpus = next_text(&c);
    out->ports = next_text(&c);
    out->nonce = next_text(&c);
    out->engine_epoch = next_int(&c);
    out->last_seq = next_int(&c);
    out->claim = (enum claim_state)next_int(&c);
    out->retries = (int)next_int(&c);
    out->accountable_retries = (int)next_int(&c);
    out->created_ms = next_int(&c);
    out->launched_ms = next_int(&c);
    out->completed_ms = next_int(&c);
    out->exit_code = next_exit(&c, &out->ended);
    out->exit_phrase = next_text(&c);
    out->detail = next_text(&c);
}

static int next_int_or_none(struct cursor *c)
{
    return (int)stmt_col_int_or(c->st, c->col++, -1);
}

static void read_event(struct stmt *st, bool with_job, struct event_row *out)
{
    struct cursor c = {.st = st};

    *out = (struct event_row){.id = next_int(&c)};
    out->job_id = next_text(&c);
    out->job_attempt = next_int_or_none(&c);
    out->role = next_text(&c);
    out->task_index = next_int_or_none(&c);
    out->task_attempt = next_int_or_none(&c);
    out->type = next_string(&c);
    out->severity = next_string(&c);
    out->reason = next_string(&c);
    out->message = next_string(&c);
    out->time_ms = next_int(&c);
    if (with_job) {
        out->user = next_text(&c);
        out->name = next_text(&c);
        out->vc = next_text(&c);
        out->job_state = (enum run_state)next_int(&c);
    }
}

int jobs_store_row_jobs(struct stmt *st, bool whole, jobs_store_job_fn *fn, void *ctx, struct err *e)
{
    struct job_row row;
    int rc, said = 0;

    while (!said && (rc = stmt_step(st, e)) != STMT_DONE) {
        if (rc < 0)
            return -1;
        read_job(st, whole, &row);
        said = fn(ctx, &row);
    }
    stmt_reset(st);
    return said;
}

int jobs_store_row_attempts(struct stmt *st, jobs_store_attempt_fn *fn, void *ctx, struct err *e)
{
    struct job_attempt_row row;
    int rc, said = 0;

    while (!said && (rc = stmt_step(st, e)) != STMT_DONE) {
        if (rc < 0)
            return -1;
        read_attempt(st, &row);
        said = fn(ctx, &row);
    }
    stmt_reset(st);
    return said;
}

int jobs_store_row_tasks(struct stmt *st, jobs_store_task_fn *fn, void *ctx, struct err *e)
{
    struct task_attempt_row row;
    int rc, said = 0;

    while (!said && (rc = stmt_step(st, e)) != STMT_DONE) {
        if (rc < 0)
            return -1;
        read_task(st, &row);
        said = fn(ctx, &row);
    }
    stmt_reset(st);
    return said;
}

int jobs_store_row_events(struct stmt *st, bool with_job, jobs_store_event_fn *fn, void *ctx, struct err *e)
{
    struct event_row row;
    int rc, said = 0;

    while (!said && (rc = stmt_step(st, e)) != STMT_DONE) {
        if (rc < 0)
            return -1;
        read_event(st, with_job, &row);
        said = fn(ctx, &row);
    }
    stmt_reset(st);
    return said;
}

int jobs_store_row_split(const char *full_name, char user[JOB_USER_MAX + 1], const char **name)
{
    const char *tilde = strchr(full_name, '~');
    size_t len = tilde ? (size_t)(tilde - full_name) : 0;

    if (len == 0 || len > JOB_USER_MAX || !tilde[1])
        return -1;
    memcpy(user, full_name, len);
    user[len] = '\0';
    *name = tilde + 1;
    return 0;
}
