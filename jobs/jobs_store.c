/* SPDX-License-Identifier: MIT
 *
 * Writers of the tables job, job_tag, job_attempt, task_attempt and event, and what the core reads. The API's readers
 * are in jobs_store_list.c and jobs_store_read.c.
 */
#include "jobs/jobs_store.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "jobs/jobs_store_row.h"
#include "store/store.h"

#define TAGS_BYTES ((size_t)1024 * 1024)

/* Binds parameters one after the other. */
struct binder {
    struct stmt *st;
    int pos;
};

static void bind_int(struct binder *b, int64_t v)
{
    stmt_int(b->st, ++b->pos, v);
}

static void bind_time(struct binder *b, int64_t ms)
{
    stmt_int_or_null(b->st, ++b->pos, ms, 0);
}

static void bind_exit(struct binder *b, bool ended, int code)
{
    if (ended)
        bind_int(b, code);
    else
        stmt_null(b->st, ++b->pos);
}

static void bind_text(struct binder *b, const char *s)
{
    stmt_text(b->st, ++b->pos, s);
}

static void bind_json(struct binder *b, const char *json, const char *empty)
{
    bind_text(b, json ? json : empty);
}

/* ---- jobs ---- */

/* What insert and update have in common, in this order. */
static void bind_job_changes(struct binder *b, const struct job_row *r)
{
    bind_int(b, r->state);
    bind_text(b, r->stop_requested ? "STOP" : "START");
    bind_int(b, r->created_ms);
    bind_time(b, r->launched_ms);
    bind_time(b, r->completed_ms);
    bind_int(b, r->attempt);
    bind_int(b, r->retries_user);
    bind_int(b, r->retries_platform);
    bind_int(b, r->retries_resource);
    bind_exit(b, r->ended, r->exit_code);
    bind_text(b, r->exit_phrase);
    bind_text(b, r->wait_reason);
    bind_json(b, r->detail, "{}");
    bind_time(b, r->due_ms);
    bind_text(b, r->held_by);
    bind_text(b, r->avoids);
}

int jobs_store_insert_job(struct store *s, const struct job_row *r, struct err *e)
{
    static const struct store_sql sql = {
        "INSERT INTO job(state, execution_type, created_ms, launched_ms, completed_ms, attempt, retries_user, "
        "retries_platform, retries_resource, exit_code, exit_phrase, wait_reason, detail, due_ms, held_by, avoids, "
        "seq, id, user, name, vc, "
        "priority, priority_class, submitted_ms, total_gpus, total_tasks, total_roles, config, secrets) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
    struct binder b = {.st = store_stmt(s, &sql, e)};

    bind_job_changes(&b, r);
    bind_int(&b, r->seq);
    bind_text(&b, r->id);
    bind_text(&b, r->user);
    bind_text(&b, r->name);
    bind_text(&b, r->vc);
    bind_int(&b, r->priority);
    bind_text(&b, r->priority_class);
    bind_int(&b, r->submitted_ms);
    bind_int(&b, r->total_gpus);
    bind_int(&b, r->total_tasks);
    bind_int(&b, r->total_roles);
    bind_text(&b, r->config ? r->config : "");
    stmt_blob(b.st, ++b.pos, r->secrets, r->secrets_len);
    return stmt_exec(b.st, e);
}

int jobs_store_update_job(struct store *s, const struct job_row *r, struct err *e)
{
    static const struct store_sql sql = {
        "UPDATE job SET state = ?, execution_type = ?, created_ms = ?, launched_ms = ?, completed_ms = ?, "
        "attempt = ?, retries_user = ?, retries_platform = ?, retries_resource = ?, exit_code = ?, exit_phrase = ?, "
        "wait_reason = ?, detail = ?, due_ms = ?, held_by = ?, avoids = ? WHERE seq = ?"};
    struct binder b = {.st = store_stmt(s, &sql, e)};

    bind_job_changes(&b, r);
    bind_int(&b, r->seq);
    if (stmt_exec(b.st, e))
        return -1;
    if (store_changes(s) != 1)
        return err_set(e, ERR_INTERNAL, "the row of job %s is gone", r->id ? r->id : "?");
    return 0;
}

int jobs_store_put_job_attempt(struct store *s, const struct job_attempt_row *r, struct err *e)
{
    static const struct store_sql sql = {
        "INSERT INTO job_attempt(" JOBS_STORE_ROW_ATTEMPT ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT(job_id, attempt) DO UPDATE SET state = excluded.state, created_ms = excluded.created_ms, "
        "launched_ms = excluded.launched_ms, completed_ms = excluded.completed_ms, exit_code = excluded.exit_code, "
        "exit_phrase = excluded.exit_phrase, detail = excluded.detail"};
    struct binder b = {.st = store_stmt(s, &sql, e)};

    bind_text(&b, r->job_id);
    bind_int(&b, r->attempt);
    bind_int(&b, r->state);
    bind_int(&b, r->created_ms);
    bind_time(&b, r->launched_ms);
    bind_time(&b, r->completed_ms);
    bind_exit(&b, r->ended, r->exit_code);
    bind_text(&b, r->exit_phrase);
    bind_json(&b, r->detail, "{}");
    return stmt_exec(b.st, e);
}

int jobs_store_put_task_attempt(struct store *s, const struct task_attempt_row *r, struct err *e)
{
    static const struct store_sql sql = {
        "INSERT INTO task_attempt(id, job_id, job_attempt, role, task_index, attempt, state, node, gpus, ports, nonce, "
        "engine_epoch, last_seq, claim_state, retries, accountable_retries, created_ms, launched_ms, completed_ms, "
        "exit_code, exit_phrase, detail) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT(id) DO UPDATE SET state = excluded.state, node = excluded.node, gpus = excluded.gpus, "
        "ports = excluded.ports, nonce = excluded.nonce, engine_epoch = excluded.engine_epoch, "
        "last_seq = excluded.last_seq, claim_state = excluded.claim_state, retries = excluded.retries, "
        "accountable_retries = excluded.accountable_retries, created_ms = excluded.created_ms, "
        "launched_ms = excluded.launched_ms, completed_ms = excluded.completed_ms, exit_code = excluded.exit_code, "
        "exit_phrase = excluded.exit_phrase, detail = excluded.detail"};
    struct binder b = {.st = store_stmt(s, &sql, e)};

    bind_text(&b, r->id);
    bind_text(&b, r->job_id);
    bind_int(&b, r->job_attempt);
    bind_text(&b, r->role);
    bind_int(&b, r->task_index);
    bind_int(&b, r->attempt);
    bind_int(&b, r->state);
    bind_text(&b, r->node);
    bind_json(&b, r->gpus, "[]");
    bind_json(&b, r->ports, "{}");
    bind_text(&b, r->nonce ? r->nonce : "");
    bind_int(&b, r->engine_epoch);
    bind_int(&b, r->last_seq);
    bind_int(&b, r->claim);
    bind_int(&b, r->retries);
    bind_int(&b, r->accountable_retries);
    bind_int(&b, r->created_ms);
    bind_time(&b, r->launched_ms);
    bind_time(&b, r->completed_ms);
    bind_exit(&b, r->ended, r->exit_code);
    bind_text(&b, r->exit_phrase);
    bind_json(&b, r->detail, "{}");
    return stmt_exec(b.st, e);
}

static void bind_or_none(struct binder *b, int64_t v)
{
    stmt_int_or_null(b->st, ++b->pos, v, -1);
}

int jobs_store_add_event(struct store *s, const struct event_row *r, struct err *e)
{
    static const struct store_sql sql = {
        "INSERT INTO event(id, job_id, job_attempt, role, task_index, task_attempt, type, severity, reason, message, "
        "time_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
    struct binder b = {.st = store_stmt(s, &sql, e)};

    bind_int(&b, r->id);
    bind_text(&b, r->job_id);
    bind_or_none(&b, r->job_attempt);
    bind_text(&b, r->role);
    bind_or_none(&b, r->task_index);
    bind_or_none(&b, r->task_attempt);
    bind_text(&b, r->type);
    bind_text(&b, r->severity ? r->severity : "");
    bind_text(&b, r->reason ? r->reason : "");
    bind_text(&b, r->message ? r->message : "");
    bind_int(&b, r->time_ms);
    return stmt_exec(b.st, e);
}

/* ---- tags: rows to search by, and the list within the job's row to show ---- */

static int read_tags(struct store *s, const char *job_id, struct buf *json, struct err *e)
{
    static const struct store_sql sql = {"SELECT tag FROM job_tag WHERE job_id = ? ORDER BY tag"};
    struct stmt *st = store_stmt(s, &sql, e);
    struct json_out out;
    int rc;

    stmt_text(st, 1, job_id);
    json_out_init(&out, json);
    json_out_array(&out);
    while ((rc = stmt_step(st, e)) == STMT_ROW)
        json_out_string(&out, stmt_col_string(st, 0));
    json_out_array_end(&out);
    if (rc == STMT_DONE && json->bad)
        return err_set(e, ERR_INVALID_PARAMETERS, "the job has too many tags");
    return rc;
}

int jobs_store_tag(struct store *s, const char *job_id, const char *tag, bool drop, struct err *e)
{
    static const struct store_sql sql_add = {
        "INSERT INTO job_tag(job_id, tag) VALUES (?, ?) ON CONFLICT(job_id, tag) DO NOTHING"};
    static const struct store_sql sql_drop = {"DELETE FROM job_tag WHERE job_id = ? AND tag = ?"};
    static const struct store_sql sql_list = {"UPDATE job SET tags = ? WHERE id = ?"};
    struct binder change = {.st = store_stmt(s, drop ? &sql_drop : &sql_add, e)}, list = {.st = NULL};
    struct buf json;
    int rc;

    bind_text(&change, job_id);
    bind_text(&change, tag);
    if (stmt_exec(change.st, e))
        return -1;
    buf_init(&json, TAGS_BYTES);
    rc = read_tags(s, job_id, &json, e);
    if (!rc) {
        list.st = store_stmt(s, &sql_list, e);
        bind_text(&list, buf_str(&json));
        bind_text(&list, job_id);
        rc = stmt_exec(list.st, e);
    }
    buf_fini(&json);
    return rc;
}

static int fail_row(struct stmt *st, const struct jobs_store_failure *f, struct err *e)
{
    stmt_int(st, 1, STATE_FAILED);
    stmt_int(st, 2, f->now_ms);
    stmt_int(st, 3, f->exit_code);
    stmt_text(st, 4, f->exit_phrase);
    stmt_text(st, 5, f->detail);
    stmt_text(st, 6, f->job_id);
    return stmt_exec(st, e);
}

int jobs_store_fail_job(struct store *s, const struct jobs_store_failure *f, struct err *e)
{
    static const struct store_sql sqls[] = {
        {"UPDATE task_attempt SET state = ?, completed_ms = ?, exit_code = ?, exit_phrase = ?, detail = ? "
         "WHERE job_id = ? AND completed_ms IS NULL"},
        {"UPDATE job_attempt SET state = ?, completed_ms = ?, exit_code = ?, exit_phrase = ?, detail = ? "
         "WHERE job_id = ? AND completed_ms IS NULL"},
        {"UPDATE job SET state = ?, completed_ms = ?, exit_code = ?, exit_phrase = ?, detail = ? WHERE id = ?"}};
    struct jobs_store_failure task = *f;

    task.detail = "{}"; /* another object than that of jobs and their attempts */
    for (size_t i = 0; i < sizeof sqls / sizeof *sqls; i++)
        if (fail_row(store_stmt(s, &sqls[i], e), i ? f : &task, e))
            return -1;
    return 0;
}

/* ---- for the core ---- */

int jobs_store_find_target(struct store *s, const char *full_name, struct jobs_store_target *out, struct err *e)
{
    static const struct store_sql sql = {"SELECT id, vc FROM job WHERE user = ? AND name = ? AND archived = 0"};
    const char *name = NULL;
    struct stmt *st;
    int rc;

    memset(out, 0, sizeof(*out));
    if (jobs_store_row_split(full_name, out->user, &name))
        return 0;
    st = store_stmt(s, &sql, e);
    stmt_text(st, 1, out->user);
    stmt_text(st, 2, name);
    rc = stmt_step(st, e);
    if (rc == STMT_ROW) {
        snprintf(out->id, sizeof(out->id), "%s", stmt_col_string(st, 0));
        snprintf(out->vc, sizeof(out->vc), "%s", stmt_col_string(st, 1));
    }
    stmt_reset(st);
    return rc;
}

int jobs_store_find_owner(struct store *s, const char *task_attempt, struct jobs_store_owner *out, struct err *e)
{
    static const struct store_sql sql = {"SELECT j.user, j.vc, j.archived AND t.completed_ms IS NOT NULL "
                                         "FROM task_attempt t JOIN job j ON j.id = t.job_id WHERE t.id = ?"};
    struct stmt *st = store_stmt(s, &sql, e);
    int rc;

    stmt_text(st, 1, task_attempt);
    rc = stmt_step(st, e);
    if (rc == STMT_ROW) {
        snprintf(out->user, sizeof out->user, "%s", stmt_col_string(st, 0));
        snprintf(out->vc, sizeof out->vc, "%s", stmt_col_string(st, 1));
        out->deleted = stmt_col_int(st, 2) != 0;
    }
    stmt_reset(st);
    return rc;
}

int jobs_store_name_taken(struct store *s, const char *full_name, struct err *e)
{
    struct jobs_store_target ignored;

    return jobs_store_find_target(s, full_name, &ignored, e);
}

int jobs_store_has_tag(struct store *s, const char *full_name, const char *tag, struct err *e)
{
    static const struct store_sql sql = {"SELECT 1 FROM job_tag WHERE job_id = ? AND tag = ?"};
    struct jobs_store_target job;
    struct stmt *st;
    int rc = jobs_store_find_target(s, full_name, &job, e);

    if (rc != 1)
        return rc;
    st = store_stmt(s, &sql, e);
    stmt_text(st, 1, job.id);
    stmt_text(st, 2, tag);
    return stmt_found(st, e);
}

int jobs_store_max_ids(struct store *s, int64_t *event_id, int64_t *seq, struct err *e)
{
    static const struct store_sql sql = {"SELECT (SELECT max(id) FROM (SELECT max(id) AS id FROM event UNION ALL "
                                         "SELECT max(id) FROM node_event UNION ALL "
                                         "SELECT max(id) FROM maintenance)), (SELECT max(seq) FROM job)"};
    struct stmt *st = store_stmt(s, &sql, e);

    if (stmt_step(st, e) != STMT_ROW)
        return -1;
    *event_id = stmt_col_int(st, 0);
    *seq = stmt_col_int(st, 1);
    stmt_reset(st);
    return 0;
}

int jobs_store_each_live(struct store *s, jobs_store_job_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql sql = {"SELECT " JOBS_STORE_ROW_WHOLE
                                         " FROM job j WHERE j.completed_ms IS NULL ORDER BY j.seq"};

    return jobs_store_row_jobs(store_stmt(s, &sql, e), true, fn, ctx, e);
}

int jobs_store_each_task(struct store *s, const struct jobs_store_attempt *of, jobs_store_task_fn *fn, void *ctx,
                         struct err *e)
{
    static const struct store_sql sql = {
        "SELECT " JOBS_STORE_ROW_TASK " FROM task_attempt t WHERE t.job_id = ? AND t.job_attempt = ? AND t.attempt = "
        "(SELECT max(n.attempt) FROM task_attempt n WHERE n.job_id = t.job_id AND n.job_attempt = t.job_attempt "
        "AND n.role = t.role AND n.task_index = t.task_index) ORDER BY t.role, t.task_index"};
    struct stmt *st = store_stmt(s, &sql, e);

    stmt_text(st, 1, of->job_id);
    stmt_int(st, 2, of->job_attempt);
    return jobs_store_row_tasks(st, fn, ctx, e);
}
