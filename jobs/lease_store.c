/* SPDX-License-Identifier: MIT
 *
 * Rows of table lease. The job's name and state are the job's own columns.
 */
#include "jobs/lease_store.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "store/query.h"
#include "store/store.h"

static const struct store_sql sql_put = {
    "INSERT INTO lease(id, job_id, job_attempt, role, task_index, task_attempt, owner, vc, node, gpus, hold, cpus, "
    "memory_mb, gpu_count, priority, nonce, state, created_ms, expires_ms, ended_ms, ended_by, collected) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT(id) DO UPDATE SET state = excluded.state, expires_ms = excluded.expires_ms, "
    "ended_ms = excluded.ended_ms, ended_by = excluded.ended_by, collected = excluded.collected"};

static void write_gpus(struct buf *out, const struct lease *l)
{
    struct json_out j;
    json_out_init(&j, out);
    json_out_array(&j);
    for (int64_t i = 0; i < l->amount.gpus; i++)
        if (l->gpus[i] >= 0)
            json_out_int(&j, l->gpus[i]);
    json_out_array_end(&j);
}

int lease_store_put(struct store *s, const struct lease *l, struct err *e)
{
    struct buf gpus;
    struct stmt *st = store_stmt(s, &sql_put, e);
    int n = 0;
    buf_init(&gpus, 0);
    write_gpus(&gpus, l);
    stmt_text(st, ++n, l->id);
    stmt_text(st, ++n, l->job_id);
    stmt_int(st, ++n, l->job_attempt);
    stmt_text(st, ++n, l->role);
    stmt_int(st, ++n, l->task_index);
    stmt_int(st, ++n, l->task_attempt);
    stmt_text(st, ++n, l->owner);
    stmt_text(st, ++n, l->vc);
    stmt_text(st, ++n, l->node);
    stmt_text(st, ++n, buf_str(&gpus));
    stmt_text(st, ++n, lease_hold_name(l->hold));
    stmt_int(st, ++n, l->amount.cpus);
    stmt_int(st, ++n, l->amount.memory_mb);
    stmt_int(st, ++n, l->amount.gpus);
    stmt_int(st, ++n, l->priority);
    stmt_text(st, ++n, l->nonce);
    stmt_text(st, ++n, lease_state_name(l->state));
    stmt_int(st, ++n, l->created_ms);
    stmt_int(st, ++n, l->expires_ms);
    if (l->ended_ms)
        stmt_int(st, ++n, l->ended_ms);
    else
        stmt_null(st, ++n);
    stmt_text(st, ++n, l->ended_by);
    stmt_text(st, ++n, l->collected);
    int rc = stmt_exec(st, e);
    buf_fini(&gpus);
    return rc;
}

/* ---- reading ---- */

static void read_gpus(struct lease *l, int *gpus, const char *json)
{
    cJSON *list = json_parse(json, strlen(json), 0, NULL);
    int64_t i = 0;
    for (const cJSON *g = list ? list->child : NULL; g && i < l->amount.gpus; g = g->next)
        gpus[i++] = g->valueint;
    while (i < l->amount.gpus)
        gpus[i++] = -1;
    cJSON_Delete(list);
    l->gpus = gpus;
}

static void read_row(struct stmt *st, struct lease *l, int gpus[NODE_GPU_MAX])
{
    *l = (struct lease){
        .job_attempt = (int)stmt_col_int(st, 2),
        .role = stmt_col_string(st, 3),
        .task_index = (int)stmt_col_int(st, 4),
        .task_attempt = (int)stmt_col_int(st, 5),
        .owner = stmt_col_string(st, 6),
        .vc = stmt_col_string(st, 7),
        .node = stmt_col_string(st, 8),
        .hold = lease_hold_from_name(stmt_col_string(st, 10)),
        .amount = {.cpus = stmt_col_int(st, 11), .memory_mb = stmt_col_int(st, 12), .gpus = stmt_col_int(st, 13)},
        .priority = (int)stmt_col_int(st, 14),
        .state = lease_state_from_name(stmt_col_string(st, 16)),
        .created_ms = stmt_col_int(st, 17),
        .expires_ms = stmt_col_int(st, 18),
        .ended_ms = stmt_col_int(st, 19),
        .ended_by = stmt_col_string(st, 20),
        .collected = stmt_col_string(st, 21),
        .job = stmt_col_string(st, 22),
        .job_state = (enum run_state)stmt_col_int(st, 23)};
    if (l->amount.gpus > NODE_GPU_MAX)
        l->amount.gpus = NODE_GPU_MAX;
    snprintf(l->id, sizeof l->id, "%s", stmt_col_string(st, 0));
    snprintf(l->job_id, sizeof l->job_id, "%s", stmt_col_string(st, 1));
    snprintf(l->nonce, sizeof l->nonce, "%s", stmt_col_string(st, 15));
    read_gpus(l, gpus, stmt_col_string(st, 9));
}

int lease_store_each(struct store *s, const struct lease_store_which *which, lease_store_fn *fn, void *ctx,
                     struct err *e)
{
    static const char *const orders[] = {" ORDER BY l.created_ms, l.id", " ORDER BY l.created_ms DESC, l.id DESC"};
    int rc, gpus[NODE_GPU_MAX];
    struct query q;
    query_init(&q, "SELECT l.id, l.job_id, l.job_attempt, l.role, l.task_index, l.task_attempt, l.owner, l.vc, l.node,"
                   " l.gpus, l.hold, l.cpus, l.memory_mb, l.gpu_count, l.priority, l.nonce, l.state, l.created_ms,"
                   " l.expires_ms, l.ended_ms, l.ended_by, l.collected, j.name, j.state"
                   " FROM lease l JOIN job j ON j.id = l.job_id");
    if (which->job_id)
        query_where(&q, "l.job_id = ?"), query_text(&q, which->job_id);
    else if (!which->ended)
        query_where(&q, "l.ended_ms IS NULL");
    if (which->reader) {
        query_where(&q, "(l.owner = ? OR l.vc IN (SELECT vc FROM readable_vc WHERE user = ?))");
        query_text(&q, which->reader);
        query_text(&q, which->reader);
    }
    query_pick(&q, orders, which->ended);
    query_sql(&q, " LIMIT ?");
    query_int(&q, which->limit ? which->limit : -1);
    struct stmt *st = query_stmt(&q, s, e);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct lease l;
        read_row(st, &l, gpus);
        rc = fn(ctx, &l);
        if (rc)
            break;
    }
    query_fini(&q);
    return rc;
}
