/* SPDX-License-Identifier: MIT
 *
 * Rows of table maintenance. Its nodes are a JSON array of names; none are all.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "inventory/maintenance.h"
#include "store/store.h"

#define COLUMNS "id, nodes, start_ms, end_ms, created_ms, begun_ms, over_ms, stop, removed, reason, user"

static const struct store_sql sql_put = {
    "INSERT INTO maintenance(" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET "
    "nodes = excluded.nodes, start_ms = excluded.start_ms, end_ms = excluded.end_ms, created_ms = excluded.created_ms, "
    "begun_ms = excluded.begun_ms, over_ms = excluded.over_ms, stop = excluded.stop, removed = excluded.removed, "
    "reason = excluded.reason, user = excluded.user"};
static const struct store_sql sql_live = {"SELECT " COLUMNS
                                          " FROM maintenance WHERE over_ms IS NULL ORDER BY start_ms, id"};
static const struct store_sql sql_over = {
    "SELECT " COLUMNS " FROM maintenance WHERE over_ms IS NOT NULL ORDER BY over_ms DESC, id DESC LIMIT ?"};

int maintenance_store_put(struct store *s, const struct maintenance *m, struct err *e)
{
    struct buf names;
    struct json_out j;
    buf_init(&names, 0);
    json_out_init(&j, &names);
    json_out_array(&j);
    for (size_t i = 0; i < m->node_count; i++)
        json_out_string(&j, m->nodes[i]);
    json_out_array_end(&j);
    struct stmt *st = store_stmt(s, &sql_put, e);
    stmt_int(st, 1, m->id);
    stmt_text(st, 2, buf_str(&names));
    stmt_int(st, 3, m->start_ms);
    stmt_int(st, 4, m->end_ms);
    stmt_int(st, 5, m->created_ms);
    stmt_int_or_null(st, 6, m->begun_ms, 0);
    stmt_int_or_null(st, 7, m->over_ms, 0);
    stmt_int(st, 8, m->stop);
    stmt_int(st, 9, m->removed);
    stmt_text(st, 10, m->reason);
    stmt_text(st, 11, m->user);
    int rc = stmt_exec(st, e);
    buf_fini(&names);
    return rc;
}

/* The names, which live as long as the parsed text. 0 or -1. */
static int read_nodes(const cJSON *list, struct maintenance *m, struct err *e)
{
    size_t n = 0;
    const char **names = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *names);
    if (!names)
        return err_set(e, ERR_INTERNAL, "out of memory");
    for (const cJSON *o = list->child; o; o = o->next)
        if (cJSON_IsString(o))
            names[n++] = o->valuestring;
    m->nodes = names;
    m->node_count = n;
    return 0;
}

static int tell(struct stmt *st, maintenance_store_fn *fn, void *ctx, struct err *e)
{
    const char *text = stmt_col_string(st, 1);
    cJSON *list = json_parse(text, strlen(text), 0, e);
    struct maintenance m = {.id = stmt_col_int(st, 0),
                            .start_ms = stmt_col_int(st, 2),
                            .end_ms = stmt_col_int(st, 3),
                            .created_ms = stmt_col_int(st, 4),
                            .begun_ms = stmt_col_int(st, 5),
                            .over_ms = stmt_col_int(st, 6),
                            .stop = stmt_col_int(st, 7) != 0,
                            .removed = stmt_col_int(st, 8) != 0,
                            .reason = stmt_col_string(st, 9),
                            .user = stmt_col_string(st, 10)};
    int rc = !list || read_nodes(list, &m, e) ? -1 : fn(ctx, &m);
    free((void *)m.nodes);
    cJSON_Delete(list);
    return rc;
}

static int each(struct stmt *st, maintenance_store_fn *fn, void *ctx, struct err *e)
{
    int rc;
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        rc = tell(st, fn, ctx, e);
        if (rc) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}

int maintenance_store_each(struct store *s, int over, maintenance_store_fn *fn, void *ctx, struct err *e)
{
    int rc = each(store_stmt(s, &sql_live, e), fn, ctx, e);
    if (rc || over <= 0)
        return rc;
    struct stmt *st = store_stmt(s, &sql_over, e);
    stmt_int(st, 1, over);
    return each(st, fn, ctx, e);
}
