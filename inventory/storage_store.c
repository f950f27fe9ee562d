/* SPDX-License-Identifier: MIT
 *
 * Storages as rows; where their data is stands in one JSON object, checked before it comes here.
 */
#include "inventory/storage_store.h"

#include "base/err.h"
#include "store/store.h"

#define COLUMNS "SELECT name, kind, data, host_path, share, read_only, created_ms FROM storage"

int storage_store_put(struct store *s, void *what, struct clock_now now, struct err *e)
{
    static const struct store_sql sql = {
        "INSERT INTO storage(name, kind, data, host_path, share, read_only, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT(name) DO UPDATE SET kind = excluded.kind, data = excluded.data, host_path = excluded.host_path, "
        "share = excluded.share, read_only = excluded.read_only"};
    const struct storage *x = what;
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_text(st, 1, x->name);
    stmt_text(st, 2, storage_kind_name(x->kind));
    stmt_text(st, 3, x->data);
    stmt_text(st, 4, x->host_path);
    stmt_int(st, 5, x->share);
    stmt_int(st, 6, x->read_only);
    stmt_int(st, 7, now.wall);
    return stmt_exec(st, e);
}

int storage_store_remove(struct store *s, void *what, struct clock_now now, struct err *e)
{
    static const struct store_sql sql_grants = {"DELETE FROM group_storage WHERE storage = ?"};
    static const struct store_sql sql = {"DELETE FROM storage WHERE name = ?"};
    struct stmt *st = store_stmt(s, &sql_grants, e);
    (void)now;
    stmt_text(st, 1, what);
    if (stmt_exec(st, e))
        return -1;
    st = store_stmt(s, &sql, e);
    stmt_text(st, 1, what);
    if (stmt_exec(st, e))
        return -1;
    return store_changes(s) ? 0 : err_set(e, ERR_NO_STORAGE, "Storage %s is not found.", (const char *)what);
}

static int walk(struct stmt *st, storage_store_fn *fn, void *ctx, bool *found, struct err *e)
{
    int rc;
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct storage x = {.name = stmt_col_string(st, 0),
                            .kind = storage_kind_parse(stmt_col_string(st, 1)),
                            .data = stmt_col_string(st, 2),
                            .host_path = stmt_col_string(st, 3),
                            .share = stmt_col_int(st, 4) != 0,
                            .read_only = stmt_col_int(st, 5) != 0,
                            .created_ms = stmt_col_int(st, 6)};
        *found = true;
        rc = fn(ctx, &x);
        if (rc) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}

int storage_store_each(struct store *s, storage_store_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql sql = {COLUMNS " ORDER BY name"};
    bool found;
    return walk(store_stmt(s, &sql, e), fn, ctx, &found, e);
}

int storage_store_get(struct store *s, const char *name, storage_store_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql sql = {COLUMNS " WHERE name = ?"};
    struct stmt *st = store_stmt(s, &sql, e);
    bool found = false;
    stmt_text(st, 1, name);
    int rc = walk(st, fn, ctx, &found, e);
    return rc || found ? rc : err_set(e, ERR_NO_STORAGE, "Storage %.100s is not found.", name);
}
