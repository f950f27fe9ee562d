/* SPDX-License-Identifier: MIT
 *
 * Rows of table lease. The job's name and state are the job's own columns.
 */
#include "jobs/lease_store.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "store/store.h"

static const struct store_sql sql_put = {
    "INSERT INTO lease(id, job_id, job_attempt, role, task_index, task_attempt, owner, vc, node, gpus, hold, cpus, "
    "memory_mb, gpu_count, priority, nonce, state, created_ms, expires_ms, ended_ms, ended_by, collected) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT(id) DO UPDATE SET state = excluded.state, expires_ms = excluded.expires_ms, "
    "ended_ms = excluded.ended_ms, ended_by = excluded.ended_by, collected = excluded.collected"};

#define COLUMNS                                                                                                        \
    "SELECT l.id, l.job_id, l.job_attempt, l.role, l.task_index, l.task_attempt, l.owner, l.vc, l.node, l.gpus, "      \
    "l.hold, l.cpus, l.memory_mb, l.gpu_count, l.priority, l.nonce, l.state, l.created_ms, l.expires_ms, l.ended_ms, " \
    "l.ended_by, l.collected, j.name, j.state FROM lease l JOIN job j ON j.id = l.job_id "
static const struct store_sql sql_live = {COLUMNS "WHERE l.ended_ms IS NULL ORDER BY l.created_ms, l.id LIMIT ?"};
static const struct store_sql sql_all = {COLUMNS "ORDER BY l.created_ms DESC, l.id DESC LIMIT ?"};
static const struct store_sql sql_one = {COLUMNS "WHERE l.id = ?2 LIMIT ?1"};
static const struct store_sql sql_job = {COLUMNS "WHERE l.job_id = ?2 ORDER BY l.created_ms, l.id LIMIT ?1"};

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

/* The statement for what is asked, bound. */
static struct stmt *ask(struct store *s, const struct lease_store_which *which, struct err *e)
{
    const char *key = which->id ? which->id : which->job_id;
    const struct store_sql *sql = which->id ? &sql_one : which->job_id ? &sql_job : which->ended ? &sql_all : &sql_live;
    struct stmt *st = store_stmt(s, sql, e);
    stmt_int(st, 1, which->limit ? which->limit : -1);
    if (key)
        stmt_text(st, 2, key);
    return st;
}

int lease_store_each(struct store *s, const struct lease_store_which *which, lease_store_fn *fn, void *ctx,
                     struct err *e)
{
    int rc, gpus[NODE_GPU_MAX];
    struct stmt *st = ask(s, which, e);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct lease l;
        read_row(st, &l, gpus);
        rc = fn(ctx, &l);
        if (rc) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}
