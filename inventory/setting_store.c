/* SPDX-License-Identifier: MIT
 *
 * One row a key.
 */
#include "inventory/setting_store.h"

#include "base/arena.h"
#include "base/err.h"
#include "store/store.h"

int setting_store_put(struct store *s, void *what, struct clock_now now, struct err *e)
{
    static const struct store_sql sql = {
        "INSERT INTO setting(key, value, updated_ms) VALUES (?, ?, ?) "
        "ON CONFLICT(key) DO UPDATE SET value = excluded.value, updated_ms = excluded.updated_ms"};
    const struct setting *x = what;
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_text(st, 1, x->key);
    stmt_text(st, 2, x->value);
    stmt_int(st, 3, now.wall);
    return stmt_exec(st, e);
}

int setting_store_remove(struct store *s, const char *prefix, const char *name, struct err *e)
{
    static const struct store_sql sql = {"DELETE FROM setting WHERE key = ?1 || ?2"};
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_text(st, 1, prefix);
    stmt_text(st, 2, name);
    return stmt_exec(st, e);
}

int setting_store_get(struct store *s, struct arena *a, const char *key, const char **out, struct err *e)
{
    static const struct store_sql sql = {"SELECT value FROM setting WHERE key = ?"};
    struct stmt *st = store_stmt(s, &sql, e);
    *out = NULL;
    stmt_text(st, 1, key);
    int rc = stmt_step(st, e);
    if (rc != STMT_ROW)
        return rc;
    *out = arena_strdup(a, stmt_col_string(st, 0));
    stmt_reset(st);
    return *out ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
}

int setting_store_each(struct store *s, const char *prefix, setting_store_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql sql = {
        "SELECT key, value FROM setting WHERE key >= ?1 AND substr(key, 1, length(?1)) = ?1"
        " ORDER BY key"};
    struct stmt *st = store_stmt(s, &sql, e);
    int rc;

    stmt_text(st, 1, prefix);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        rc = fn(ctx, stmt_col_string(st, 0), stmt_col_string(st, 1));
        if (rc) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}
