/* SPDX-License-Identifier: MIT
 *
 * One row of idle_told is a job's and rule's; it goes when the GPUs are used again, and with its job.
 */
#include "metrics/idle_store.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "store/store.h"

#define LIVES                                                                                                          \
    "(EXISTS(SELECT 1 FROM job j WHERE j.id = t.job_id AND j.completed_ms IS NULL)"                                    \
    " OR EXISTS(SELECT 1 FROM lease l WHERE l.job_id = t.job_id AND l.ended_ms IS NULL))"

int idle_store_put_gpu(struct store *s, const struct idle_gpu_row *row, struct err *e)
{
    static const struct store_sql sql = {"INSERT INTO idle_gpu(attempt_id, gpu, rule, data) VALUES(?, ?, ?, ?)"
                                         " ON CONFLICT(attempt_id, gpu, rule) DO UPDATE SET data = excluded.data"};
    struct stmt *st = store_stmt(s, &sql, e);

    stmt_text(st, 1, row->attempt_id);
    stmt_int(st, 2, row->gpu);
    stmt_text(st, 3, row->rule);
    stmt_blob(st, 4, row->data, row->len);
    return stmt_exec(st, e);
}

int idle_store_put_told(struct store *s, const struct idle_told_row *row, struct err *e)
{
    static const struct store_sql drop = {"DELETE FROM idle_told WHERE job_id = ? AND job_attempt = ? AND rule = ?"};
    static const struct store_sql put = {
        "INSERT INTO idle_told(job_id, job_attempt, rule, warned, acted, dry_run, time_ms, text)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(job_id, job_attempt, rule) DO UPDATE SET"
        " warned = excluded.warned, acted = excluded.acted, dry_run = excluded.dry_run, time_ms = excluded.time_ms,"
        " text = excluded.text"};
    const bool some = row->told.warned || row->told.acted;
    struct stmt *st = store_stmt(s, some ? &put : &drop, e);

    stmt_text(st, 1, row->job_id);
    stmt_int(st, 2, row->job_attempt);
    stmt_text(st, 3, row->rule);
    if (some) {
        stmt_int(st, 4, row->told.warned);
        stmt_int(st, 5, row->told.acted);
        stmt_int(st, 6, row->dry_run);
        stmt_int(st, 7, row->time_ms);
        stmt_text(st, 8, row->text);
    }
    return stmt_exec(st, e);
}

int idle_store_put_act(struct store *s, const struct idle_told_row *of, const struct idle_act_row *row, struct err *e)
{
    static const struct store_sql sql = {
        "INSERT OR REPLACE INTO idle_act(job_id, job_attempt, rule, time_ms, action, dry_run, node, gpus, idle_ms,"
        " left_ms) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
    struct stmt *st = store_stmt(s, &sql, e);

    stmt_text(st, 1, of->job_id);
    stmt_int(st, 2, of->job_attempt);
    stmt_text(st, 3, of->rule);
    stmt_int(st, 4, of->time_ms);
    stmt_text(st, 5, idle_action_name(row->action));
    stmt_int(st, 6, of->dry_run);
    stmt_text(st, 7, row->node);
    stmt_int(st, 8, row->gpus);
    stmt_int(st, 9, row->idle_ms);
    stmt_int_or_null(st, 10, row->left_ms, -1);
    return stmt_exec(st, e);
}

int idle_store_clear(struct store *s, struct clock_now now, struct err *e)
{
    static const struct store_sql counted = {"DELETE FROM idle_gpu"};
    static const struct store_sql told = {"DELETE FROM idle_told AS t WHERE NOT " LIVES};
    static const struct store_sql snoozed = {"DELETE FROM idle_snooze AS t WHERE until_ms <= ? AND NOT " LIVES};
    struct stmt *st;

    if (stmt_exec(store_stmt(s, &counted, e), e) || stmt_exec(store_stmt(s, &told, e), e))
        return -1;
    st = store_stmt(s, &snoozed, e);
    stmt_int(st, 1, now.wall);
    return stmt_exec(st, e);
}

/* ---- snoozes and exemptions ---- */

int idle_store_snooze(struct store *s, void *snooze, struct clock_now now, struct err *e)
{
    static const struct store_sql sql = {
        "INSERT INTO idle_snooze(job_id, user, reason, time_ms, until_ms)"
        " SELECT id, ?1, ?2, ?3, ?4 FROM job WHERE user || '~' || name = ?5 AND archived = 0 AND user = ?6"
        " ON CONFLICT(job_id) DO UPDATE SET user = excluded.user, reason = excluded.reason, time_ms = excluded.time_ms,"
        " until_ms = excluded.until_ms"};
    const struct idle_snooze *z = snooze;
    struct stmt *st = store_stmt(s, &sql, e);
    char owner[128];

    snprintf(owner, sizeof owner, "%.*s", (int)strcspn(z->full_name, "~"), z->full_name);
    stmt_text(st, 1, z->by);
    stmt_text(st, 2, z->reason);
    stmt_int(st, 3, now.wall);
    stmt_int(st, 4, now.wall + z->minutes * 60 * 1000);
    stmt_text(st, 5, z->full_name);
    stmt_text(st, 6, owner); /* an index finds the few of that user */
    return stmt_exec(st, e);
}

int idle_store_snoozed(struct store *s, const char *job_id, int64_t *until_ms, struct err *e)
{
    static const struct store_sql sql = {"SELECT until_ms FROM idle_snooze WHERE job_id = ?"};
    struct stmt *st = store_stmt(s, &sql, e);

    stmt_text(st, 1, job_id);
    int rc = stmt_step(st, e);
    *until_ms = rc == STMT_ROW ? stmt_col_int(st, 0) : 0;
    stmt_reset(st);
    return rc < 0 ? -1 : 0;
}

static int is_in(struct store *s, const struct store_sql *sql, const char *a, const char *b, struct err *e)
{
    struct stmt *st = store_stmt(s, sql, e);

    stmt_text(st, 1, a);
    stmt_text(st, 2, b);
    return stmt_found(st, e);
}

/* 1, 0 or -1. */
static int fits(struct store *s, const struct idle_exemption *x, const struct idle_whom *whom, struct err *e)
{
    static const struct store_sql group = {"SELECT 1 FROM group_member WHERE user = ? AND grp = ?"};
    static const struct store_sql tag = {"SELECT 1 FROM job_tag WHERE job_id = ? AND tag = ?"};

    switch (x->kind) {
    case IDLE_EXEMPT_USER:
        return !strcmp(x->text, whom->user);
    case IDLE_EXEMPT_GROUP:
        return is_in(s, &group, whom->user, x->text, e);
    case IDLE_EXEMPT_TAG:
        return is_in(s, &tag, whom->job_id, x->text, e);
    case IDLE_EXEMPT_NAME:
    case IDLE_EXEMPTS:
        break;
    }
    return !fnmatch(x->text, whom->name, FNM_NOESCAPE);
}

int idle_store_exempt(struct store *s, const struct idle_policy *p, const struct idle_whom *whom, bool *exempt,
                      struct err *e)
{
    int rc = 0;

    for (int i = 0; i < p->exempt_count && !rc; i++)
        rc = fits(s, &p->exempt[i], whom, e);
    *exempt = rc > 0;
    return rc < 0 ? -1 : 0;
}

/* ---- walks ---- */

int idle_store_each_gpu(struct store *s, idle_gpu_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql sql = {"SELECT attempt_id, gpu, rule, data FROM idle_gpu"};
    struct stmt *st = store_stmt(s, &sql, e);
    int rc;

    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct idle_gpu_row row = {.gpu = (int)stmt_col_int(st, 1)};
        const void *data = stmt_col_blob(st, 3, &row.len);

        snprintf(row.attempt_id, sizeof row.attempt_id, "%s", stmt_col_string(st, 0));
        snprintf(row.rule, sizeof row.rule, "%s", stmt_col_string(st, 2));
        if (row.len > sizeof row.data)
            continue;
        memcpy(row.data, data, row.len);
        rc = fn(ctx, &row);
        if (rc) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}

int idle_store_each_told(struct store *s, idle_told_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql sql = {
        "SELECT t.job_id, t.job_attempt, t.rule, t.warned, t.acted, t.dry_run, t.time_ms, t.text, n.user, n.name, n.vc"
        " FROM idle_told t JOIN job n ON n.id = t.job_id WHERE n.attempt = t.job_attempt AND " LIVES
        " ORDER BY t.time_ms, t.job_id, t.rule"};
    struct stmt *st = store_stmt(s, &sql, e);
    int rc;

    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct idle_told_row row = {.job_attempt = (int)stmt_col_int(st, 1),
                                    .told = {.warned = (int)stmt_col_int(st, 3), .acted = stmt_col_int(st, 4)},
                                    .dry_run = stmt_col_int(st, 5),
                                    .time_ms = stmt_col_int(st, 6),
                                    .text = stmt_col_string(st, 7),
                                    .user = stmt_col_string(st, 8),
                                    .name = stmt_col_string(st, 9),
                                    .vc = stmt_col_string(st, 10)};

        snprintf(row.job_id, sizeof row.job_id, "%s", stmt_col_string(st, 0));
        snprintf(row.rule, sizeof row.rule, "%s", stmt_col_string(st, 2));
        rc = fn(ctx, &row);
        if (rc) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}
