/* SPDX-License-Identifier: MIT
 *
 * Rows of table decision.
 */
#include "jobs/decision_store.h"
#include "store/store.h"

static const struct store_sql sql_add = {
    "INSERT INTO decision(id, job_id, job_attempt, kind, time_ms, record) VALUES (?, ?, ?, ?, ?, ?)"};
static const struct store_sql sql_each = {
    "SELECT id, job_attempt, kind, time_ms, record FROM decision WHERE job_id = ? ORDER BY id DESC LIMIT ?"};

int decision_store_add(struct store *s, const struct decision_row *row, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_add, e);
    stmt_int(st, 1, row->id);
    stmt_text(st, 2, row->job_id);
    stmt_int(st, 3, row->job_attempt);
    stmt_text(st, 4, row->kind);
    stmt_int(st, 5, row->time_ms);
    stmt_text(st, 6, row->record);
    return stmt_exec(st, e);
}

int decision_store_each(struct store *s, const struct decision_store_which *which, decision_store_fn *fn, void *ctx,
                        struct err *e)
{
    int rc;
    struct stmt *st = store_stmt(s, &sql_each, e);
    stmt_text(st, 1, which->job_id);
    stmt_int(st, 2, which->limit);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct decision_row row = {.id = stmt_col_int(st, 0),
                                   .job_id = which->job_id,
                                   .job_attempt = (int)stmt_col_int(st, 1),
                                   .kind = stmt_col_string(st, 2),
                                   .time_ms = stmt_col_int(st, 3),
                                   .record = stmt_col_string(st, 4)};
        rc = fn(ctx, &row);
        if (rc) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}
