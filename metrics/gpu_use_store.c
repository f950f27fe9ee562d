/* SPDX-License-Identifier: MIT
 *
 * `busy` is the histogram of a row that is not over, and NULL from then on: the sums stand beside it in any case.
 */
#include "metrics/gpu_use_store.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/store.h"

static int put_curve(struct store *s, const struct gpu_use *u, const struct buf *curve, struct err *e)
{
    static const struct store_sql sql = {"INSERT INTO gpu_curve(attempt_id, gpu, data) VALUES(?, ?, ?)"
                                         " ON CONFLICT(attempt_id, gpu) DO UPDATE SET data = excluded.data"};
    if (!curve->len)
        return 0;
    struct stmt *st = store_stmt(s, &sql, e);

    stmt_text(st, 1, u->attempt_id);
    stmt_int(st, 2, u->gpu);
    stmt_blob(st, 3, curve->data, curve->len);
    return stmt_exec(st, e);
}

int gpu_use_store_put(struct store *s, const struct gpu_use *u, const struct buf *curve, bool over, struct err *e)
{
    static const struct store_sql sql = {
        "INSERT INTO gpu_use(attempt_id, gpu, uuid, began_ms, ended_ms, busy, memory_ms, memory_mib_ms, sampled_ms,"
        " idle_ms, busy_mean, busy_max, busy_p50, busy_p95, memory_total, memory_max, energy_uj)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(attempt_id, gpu) DO UPDATE SET began_ms = excluded.began_ms, ended_ms = excluded.ended_ms,"
        " busy = excluded.busy, memory_ms = excluded.memory_ms, memory_mib_ms = excluded.memory_mib_ms,"
        " sampled_ms = excluded.sampled_ms, idle_ms = excluded.idle_ms, busy_mean = excluded.busy_mean,"
        " busy_max = excluded.busy_max, busy_p50 = excluded.busy_p50, busy_p95 = excluded.busy_p95,"
        " memory_total = excluded.memory_total, memory_max = excluded.memory_max, energy_uj = excluded.energy_uj"};
    const struct gpu_use_sum sum = gpu_use_sum(u);
    unsigned char blob[GPU_USE_BLOB];
    struct stmt *st = store_stmt(s, &sql, e);
    int pos = 0;

    gpu_use_encode(u, blob);
    stmt_text(st, ++pos, u->attempt_id);
    stmt_int(st, ++pos, u->gpu);
    stmt_text(st, ++pos, u->uuid);
    stmt_int(st, ++pos, u->began_ms);
    stmt_int(st, ++pos, u->ended_ms);
    stmt_blob(st, ++pos, over ? NULL : blob, sizeof blob);
    stmt_int(st, ++pos, u->memory_ms);
    stmt_int(st, ++pos, u->memory_mib_ms);
    stmt_int(st, ++pos, sum.sampled_ms);
    stmt_int(st, ++pos, sum.idle_ms);
    stmt_double(st, ++pos, sum.mean);
    stmt_int(st, ++pos, sum.max);
    stmt_int(st, ++pos, sum.p50);
    stmt_int(st, ++pos, sum.p95);
    stmt_int(st, ++pos, u->memory_total);
    stmt_int(st, ++pos, u->memory_max);
    stmt_int(st, ++pos, u->energy_uj);
    return stmt_exec(st, e) || put_curve(s, u, curve, e) ? -1 : 0;
}

int gpu_use_store_each_live(struct store *s, gpu_use_store_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql sql = {
        "SELECT u.attempt_id, u.gpu, uuid, began_ms, ended_ms, busy, memory_ms, memory_mib_ms, memory_total,"
        " memory_max, energy_uj, c.data FROM gpu_use u LEFT JOIN gpu_curve c USING(attempt_id, gpu)"
        " WHERE busy IS NOT NULL ORDER BY u.attempt_id, u.gpu"};
    struct stmt *st = store_stmt(s, &sql, e);
    int rc;

    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct gpu_use u = {.gpu = (int)stmt_col_int(st, 1),
                            .began_ms = stmt_col_int(st, 3),
                            .ended_ms = stmt_col_int(st, 4),
                            .memory_ms = stmt_col_int(st, 6),
                            .memory_mib_ms = stmt_col_int(st, 7),
                            .memory_total = stmt_col_int(st, 8),
                            .memory_max = stmt_col_int(st, 9),
                            .energy_uj = stmt_col_int(st, 10)};
        size_t len = 0, curve_len = 0;
        const void *blob = stmt_col_blob(st, 5, &len), *curve = stmt_col_blob(st, 11, &curve_len);

        (void)snprintf(u.attempt_id, sizeof u.attempt_id, "%s", stmt_col_string(st, 0));
        (void)snprintf(u.uuid, sizeof u.uuid, "%s", stmt_col_string(st, 2));
        if (gpu_use_decode(&u, blob, len))
            rc = err_set(e, ERR_INTERNAL, "the GPU use of task attempt %s is damaged", u.attempt_id);
        else
            rc = fn(ctx, &u, curve, curve_len);
        if (rc) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}

int gpu_use_store_of_job(struct store *s, const char *job_id, gpu_use_row_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql sql = {
        "SELECT t.job_attempt, t.role, t.task_index, t.attempt, t.node, u.gpu, u.uuid, u.began_ms, u.ended_ms,"
        " u.sampled_ms, u.idle_ms, u.busy_mean, u.busy_max, u.busy_p50, u.busy_p95, u.memory_ms, u.memory_mib_ms,"
        " u.memory_total, u.memory_max, u.energy_uj, c.data FROM task_attempt t JOIN gpu_use u ON u.attempt_id = t.id"
        " LEFT JOIN gpu_curve c ON c.attempt_id = u.attempt_id AND c.gpu = u.gpu"
        " WHERE t.job_id = ? ORDER BY t.job_attempt, t.role, t.task_index, t.attempt, u.gpu"};
    struct stmt *st = store_stmt(s, &sql, e);
    int rc;

    stmt_text(st, 1, job_id);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        const int64_t memory_ms = stmt_col_int(st, 15);
        struct gpu_use_row row = {.job_attempt = (int)stmt_col_int(st, 0),
                                  .role = stmt_col_string(st, 1),
                                  .task_index = (int)stmt_col_int(st, 2),
                                  .task_attempt = (int)stmt_col_int(st, 3),
                                  .node = stmt_col_text(st, 4),
                                  .gpu = (int)stmt_col_int(st, 5),
                                  .uuid = stmt_col_string(st, 6),
                                  .began_ms = stmt_col_int(st, 7),
                                  .ended_ms = stmt_col_int(st, 8),
                                  .sum = {.sampled_ms = stmt_col_int(st, 9),
                                          .idle_ms = stmt_col_int(st, 10),
                                          .mean = stmt_col_double(st, 11),
                                          .max = (int)stmt_col_int(st, 12),
                                          .p50 = (int)stmt_col_int(st, 13),
                                          .p95 = (int)stmt_col_int(st, 14),
                                          .memory_total = stmt_col_int(st, 17),
                                          .memory_max = stmt_col_int(st, 18),
                                          .energy_uj = stmt_col_int(st, 19)}};

        if (memory_ms)
            row.sum.memory_mean = stmt_col_int(st, 16) / memory_ms * (1 << 20);
        row.curve = stmt_col_blob(st, 20, &row.curve_len);
        rc = fn(ctx, &row);
        if (rc) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}
