/* SPDX-License-Identifier: MIT
 *
 * Rows of table node_event. A kind is kept as its word; those that a newer version wrote are left out.
 */
#include "inventory/node_event.h"

#include <string.h>

#include "store/store.h"

static const char *const words[NODE_EVENT_KINDS] = {
    [NODE_ADDED] = "added",
    [NODE_UP] = "up",
    [NODE_DOWN] = "down",
    [NODE_CORDONED] = "cordoned",
    [NODE_DRAINED] = "drained",
    [NODE_UNCORDONED] = "uncordoned",
    [NODE_LABELS] = "labels",
    [NODE_GPU_HEALTH] = "gpuHealth",
    [NODE_GPU_HEALTHY] = "gpuHealthy",
    [NODE_GPU_QUARANTINED] = "gpuQuarantined",
    [NODE_GPU_UNQUARANTINED] = "gpuUnquarantined",
    [NODE_MAINTENANCE_BEGUN] = "maintenanceBegun",
    [NODE_MAINTENANCE_OVER] = "maintenanceOver",
};

static const struct store_sql sql_add = {
    "INSERT INTO node_event(id, node, time_ms, kind, user, reason) VALUES (?, ?, ?, ?, ?, ?)"};
static const struct store_sql sql_trim = {
    "DELETE FROM node_event WHERE node = ?1 AND id <= (SELECT id FROM node_event WHERE node = ?1 ORDER BY id DESC "
    "LIMIT 1 OFFSET ?2)"};
static const struct store_sql sql_each = {
    "SELECT id, time_ms, kind, user, reason FROM node_event WHERE node = ? AND id < ? ORDER BY id DESC LIMIT ?"};

const char *node_event_word(enum node_event_kind kind)
{
    return words[kind];
}

int node_event_store_add(struct store *s, const struct node_event *ev, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_add, e);
    stmt_int(st, 1, ev->id);
    stmt_text(st, 2, ev->node);
    stmt_int(st, 3, ev->time_ms);
    stmt_text(st, 4, words[ev->kind]);
    stmt_text(st, 5, ev->user);
    stmt_text(st, 6, ev->reason);
    if (stmt_exec(st, e))
        return -1;
    st = store_stmt(s, &sql_trim, e);
    stmt_text(st, 1, ev->node);
    stmt_int(st, 2, NODE_EVENTS_KEPT);
    return stmt_exec(st, e);
}

static enum node_event_kind find_kind(const char *word)
{
    int k = 0;
    while (k < NODE_EVENT_KINDS && strcmp(words[k], word) != 0)
        k++;
    return (enum node_event_kind)k;
}

int node_event_store_each(struct store *s, const struct node_event_which *which, node_event_store_fn *fn, void *ctx,
                          struct err *e)
{
    int rc;
    struct stmt *st = store_stmt(s, &sql_each, e);
    stmt_text(st, 1, which->node);
    stmt_int(st, 2, which->before ? which->before : INT64_MAX);
    stmt_int(st, 3, which->limit);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct node_event ev = {.id = stmt_col_int(st, 0),
                                .time_ms = stmt_col_int(st, 1),
                                .kind = find_kind(stmt_col_string(st, 2)),
                                .node = which->node,
                                .user = stmt_col_string(st, 3),
                                .reason = stmt_col_string(st, 4)};
        rc = ev.kind == NODE_EVENT_KINDS ? 0 : fn(ctx, &ev);
        if (rc) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}
