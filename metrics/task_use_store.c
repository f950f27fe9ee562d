/* SPDX-License-Identifier: MIT */
/* `over` is 0 until nothing will be added; the index task_use_live has those rows alone. */
#include "metrics/task_use_store.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/store.h"

enum { FIGURES = 14, PLACE = 1 + FIGURES + TASK_USE_CURVES /* the column of what says where the task was */ };

#define COLUMNS                                                                                                        \
    "u.attempt_id, u.cores, u.memory_limit, u.began_ms, u.ended_ms, u.sampled_ms, u.cpu_ms, u.cores_max_milli,"        \
    " u.memory_mib_ms, u.memory_max, u.read_bytes, u.written_bytes, u.wait_ms,"                                        \
    " u.received_bytes, u.sent_bytes, u.cores_curve, u.waits_curve, u.received_curve, u.sent_curve"

int task_use_store_put(struct store *s, const struct task_use_sealed *sealed, bool over, struct err *e)
{
    static const struct store_sql sql = {
        "INSERT OR REPLACE INTO task_use(attempt_id, cores, memory_limit, began_ms, ended_ms, sampled_ms, cpu_ms,"
        " cores_max_milli, memory_mib_ms, memory_max, read_bytes, written_bytes, wait_ms, received_bytes, sent_bytes,"
        " cores_curve, waits_curve, received_curve, sent_curve, over)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
    const struct task_use *u = sealed->use;
    const int64_t figures[] = {u->cores,         u->memory_limit,    u->began_ms,       u->ended_ms,   u->sampled_ms,
                               u->cpu_ms,        u->cores_max_milli, u->memory_mib_ms,  u->memory_max, u->read_bytes,
                               u->written_bytes, u->wait_ms,         u->received_bytes, u->sent_bytes};
    struct stmt *st = store_stmt(s, &sql, e);
    int pos = 0;

    stmt_text(st, ++pos, u->attempt_id);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        stmt_int(st, ++pos, figures[i]);
    for (int i = 0; i < TASK_USE_CURVES; i++)
        stmt_blob(st, ++pos, sealed->curves[i].data ? sealed->curves[i].data : "", sealed->curves[i].len);
    stmt_int(st, ++pos, over);
    return stmt_exec(st, e);
}

static void read_row(struct stmt *st, struct task_use_row *row)
{
    int64_t figures[FIGURES];

    for (int i = 0; i < FIGURES; i++)
        figures[i] = stmt_col_int(st, i + 1);
    row->use = (struct task_use){.cores = (int)figures[0],
                                 .memory_limit = figures[1],
                                 .began_ms = figures[2],
                                 .ended_ms = figures[3],
                                 .sampled_ms = figures[4],
                                 .cpu_ms = figures[5],
                                 .cores_max_milli = figures[6],
                                 .memory_mib_ms = figures[7],
                                 .memory_max = figures[8],
                                 .read_bytes = figures[9],
                                 .written_bytes = figures[10],
                                 .wait_ms = figures[11],
                                 .received_bytes = figures[12],
                                 .sent_bytes = figures[13]};
    task_use_skip(&row->use);
    (void)snprintf(row->use.attempt_id, sizeof row->use.attempt_id, "%s", stmt_col_string(st, 0));
    for (int i = 0; i < TASK_USE_CURVES; i++)
        row->curves[i].data = stmt_col_blob(st, 1 + FIGURES + i, &row->curves[i].len);
}

int task_use_store_each_live(struct store *s, task_use_row_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql sql = {"SELECT " COLUMNS " FROM task_use u WHERE over = 0 ORDER BY u.attempt_id"};
    struct stmt *st = store_stmt(s, &sql, e);
    int rc;

    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct task_use_row row = {.role = NULL};

        read_row(st, &row);
        if ((rc = fn(ctx, &row))) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}

int task_use_store_of_job(struct store *s, const char *job_id, task_use_row_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql sql = {"SELECT " COLUMNS
                                         ", t.job_attempt, t.role, t.task_index, t.attempt, t.node FROM task_attempt t"
                                         " JOIN task_use u ON u.attempt_id = t.id WHERE t.job_id = ?"
                                         " ORDER BY t.job_attempt, t.role, t.task_index, t.attempt"};
    struct stmt *st = store_stmt(s, &sql, e);
    int rc;

    stmt_text(st, 1, job_id);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct task_use_row row = {.job_attempt = (int)stmt_col_int(st, PLACE),
                                   .role = stmt_col_string(st, PLACE + 1),
                                   .task_index = (int)stmt_col_int(st, PLACE + 2),
                                   .task_attempt = (int)stmt_col_int(st, PLACE + 3),
                                   .node = stmt_col_text(st, PLACE + 4)};

        read_row(st, &row);
        if ((rc = fn(ctx, &row))) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}
