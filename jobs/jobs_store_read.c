/* SPDX-License-Identifier: MIT
 *
 * What the API reads of one job: itself, its attempts, its tasks' attempts, its events.
 */
#include <string.h>

#include "base/err.h"
#include "jobs/jobs_store.h"
#include "jobs/jobs_store_row.h"
#include "store/store.h"

/* Passes rows on and counts them, to tell "no row" from "the callback said 0". */
struct counted {
    jobs_store_job_fn *fn;
    void *ctx;
    int rows;
};

static int count_job(void *ctx, const struct job_row *row)
{
    struct counted *c = ctx;

    c->rows++;
    return c->fn(c->ctx, row);
}

int jobs_store_read_job(struct store *s, const char *name_or_id, jobs_store_job_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql by_id = {"SELECT " JOBS_STORE_ROW_WHOLE " FROM job j WHERE j.id = ?"};
    static const struct store_sql by_name = {"SELECT " JOBS_STORE_ROW_WHOLE
                                             " FROM job j WHERE j.user = ? AND j.name = ? AND j.archived = 0"};
    struct counted counted = {.fn = fn, .ctx = ctx};
    char user[JOB_USER_MAX + 1];
    const char *name = NULL;
    bool named = !jobs_store_row_split(name_or_id, user, &name);
    struct stmt *st = store_stmt(s, named ? &by_name : &by_id, e);
    int rc;

    stmt_text(st, 1, named ? user : name_or_id);
    if (named)
        stmt_text(st, 2, name);
    rc = jobs_store_row_jobs(st, true, count_job, &counted, e);
    if (rc == 0 && counted.rows == 0)
        return err_set(e, ERR_NO_JOB, "Job %.300s is not found.", name_or_id);
    return rc;
}

int jobs_store_read_attempts(struct store *s, const char *job_id, jobs_store_attempt_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql sql = {"SELECT " JOBS_STORE_ROW_ATTEMPT
                                         " FROM job_attempt WHERE job_id = ? ORDER BY attempt"};
    struct stmt *st = store_stmt(s, &sql, e);

    stmt_text(st, 1, job_id);
    return jobs_store_row_attempts(st, fn, ctx, e);
}

int jobs_store_read_history(struct store *s, const struct jobs_store_task_key *key, jobs_store_task_fn *fn, void *ctx,
                            struct err *e)
{
    static const struct store_sql sql = {"SELECT " JOBS_STORE_ROW_TASK
                                         " FROM task_attempt t WHERE t.job_id = ? AND t.job_attempt = ? AND t.role = ? "
                                         "AND t.task_index = ? ORDER BY t.attempt"};
    struct stmt *st = store_stmt(s, &sql, e);

    stmt_text(st, 1, key->job_id);
    stmt_int(st, 2, key->job_attempt);
    stmt_text(st, 3, key->role);
    stmt_int(st, 4, key->task_index);
    return jobs_store_row_tasks(st, fn, ctx, e);
}

int jobs_store_read_task_attempts(struct store *s, const char *job_id, jobs_store_task_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql sql = {"SELECT " JOBS_STORE_ROW_TASK " FROM task_attempt t WHERE t.job_id = ? "
                                         "ORDER BY t.job_attempt, t.role, t.task_index, t.attempt"};
    struct stmt *st = store_stmt(s, &sql, e);

    stmt_text(st, 1, job_id);
    return jobs_store_row_tasks(st, fn, ctx, e);
}

int jobs_store_read_events(struct store *s, const struct jobs_store_events *which, jobs_store_event_fn *fn, void *ctx,
                           struct err *e)
{
    static const struct store_sql all = {"SELECT " JOBS_STORE_ROW_EVENT
                                         " FROM event e WHERE e.job_id = ? ORDER BY e.id DESC LIMIT ?"};
    static const struct store_sql one = {
        "SELECT " JOBS_STORE_ROW_EVENT
        " FROM event e WHERE e.job_id = ? AND e.severity = ? ORDER BY e.id DESC LIMIT ?"};
    struct stmt *st = store_stmt(s, which->severity ? &one : &all, e);
    int pos = 0;

    stmt_text(st, ++pos, which->job_id);
    if (which->severity)
        stmt_text(st, ++pos, which->severity);
    stmt_int(st, ++pos, which->limit);
    return jobs_store_row_events(st, false, fn, ctx, e);
}

int jobs_store_read_events_after(struct store *s, const struct jobs_store_events *which, jobs_store_event_fn *fn,
                                 void *ctx, struct err *e)
{
    static const struct store_sql sql = {"SELECT " JOBS_STORE_ROW_EVENT_JOB
                                         " FROM event e LEFT JOIN job j ON j.id = e.job_id "
                                         "WHERE e.id > ? ORDER BY e.id LIMIT ?"};
    struct stmt *st = store_stmt(s, &sql, e);

    stmt_int(st, 1, which->after);
    stmt_int(st, 2, which->limit);
    return jobs_store_row_events(st, true, fn, ctx, e);
}

int jobs_store_each_placed(struct store *s, const struct jobs_store_on_node *where, jobs_store_placed_fn *fn, void *ctx,
                           struct err *e)
{
    static const struct store_sql sql = {
        "SELECT j.user, j.name, j.vc, j.id, t.role, t.task_index, t.state, t.gpus, t.launched_ms, t.id, "
        "t.node FROM task_attempt t JOIN job j ON j.id = t.job_id "
        "WHERE t.completed_ms IS NULL AND t.node IS NOT NULL AND (?1 IS NULL OR t.node = ?1) "
        "AND (?2 IS NULL OR j.user = ?2 OR j.vc IN (SELECT vc FROM readable_vc WHERE user = ?2)) "
        "ORDER BY j.seq, t.role, t.task_index"};
    struct stmt *st = store_stmt(s, &sql, e);
    int rc;

    stmt_text(st, 1, where->node);
    stmt_text(st, 2, where->reader);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct jobs_store_placed t = {.user = stmt_col_text(st, 0),
                                      .name = stmt_col_text(st, 1),
                                      .vc = stmt_col_text(st, 2),
                                      .job_id = stmt_col_text(st, 3),
                                      .role = stmt_col_text(st, 4),
                                      .task_index = (int)stmt_col_int(st, 5),
                                      .state = (enum run_state)stmt_col_int(st, 6),
                                      .gpus = stmt_col_text(st, 7),
                                      .launched_ms = stmt_col_int(st, 8),
                                      .attempt_id = stmt_col_text(st, 9),
                                      .node = stmt_col_text(st, 10)};

        rc = fn(ctx, &t);
        if (rc) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}
