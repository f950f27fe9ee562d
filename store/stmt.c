/* SPDX-License-Identifier: MIT
 *
 * Prepared statements: bind, step, columns. All functions accept a NULL statement, so that a caller checks once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/store_internal.h"

struct stmt *stmt_prepare(struct store *s, const char *sql, struct err *e)
{
    struct stmt *st = calloc(1, sizeof(*st));
    const char *tail = NULL;
    int rc;

    if (!st) {
        (void)store_fail(s, SQLITE_NOMEM, e);
        return NULL;
    }
    st->store = s;
    rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st->raw, &tail);
    if (rc == SQLITE_OK && (!st->raw || *tail)) {
        (void)err_set(e, ERR_INTERNAL, "not exactly one SQL statement");
        s->failure = STORE_FAIL_OTHER;
        stmt_finalize(st);
        return NULL;
    }
    if (rc != SQLITE_OK) {
        (void)store_fail(s, rc, e);
        stmt_finalize(st);
        return NULL;
    }
    return st;
}

void stmt_finalize(struct stmt *st)
{
    if (!st)
        return;
    (void)sqlite3_finalize(st->raw);
    free(st);
}

static void stmt_bound(struct stmt *st, int rc)
{
    if (rc != SQLITE_OK && st->bind_rc == SQLITE_OK)
        st->bind_rc = rc;
}

void stmt_int(struct stmt *st, int pos, int64_t v)
{
    if (st)
        stmt_bound(st, sqlite3_bind_int64(st->raw, pos, v));
}

void stmt_double(struct stmt *st, int pos, double v)
{
    if (st)
        stmt_bound(st, sqlite3_bind_double(st->raw, pos, v));
}

void stmt_text(struct stmt *st, int pos, const char *s)
{
    if (st)
        stmt_bound(st, s ? sqlite3_bind_text64(st->raw, pos, s, strlen(s), SQLITE_STATIC, SQLITE_UTF8)
                         : sqlite3_bind_null(st->raw, pos));
}

void stmt_blob(struct stmt *st, int pos, const void *data, size_t len)
{
    if (st)
        stmt_bound(st, data ? sqlite3_bind_blob64(st->raw, pos, data, len, SQLITE_STATIC)
                            : sqlite3_bind_null(st->raw, pos));
}

void stmt_null(struct stmt *st, int pos)
{
    if (st)
        stmt_bound(st, sqlite3_bind_null(st->raw, pos));
}

void stmt_int_or_null(struct stmt *st, int pos, int64_t v, int64_t none)
{
    if (v == none)
        stmt_null(st, pos);
    else
        stmt_int(st, pos, v);
}

void stmt_reset(struct stmt *st)
{
    if (st)
        (void)sqlite3_reset(st->raw);
}

int stmt_step(struct stmt *st, struct err *e)
{
    int rc;

    if (!st)
        return -1;
    bounds_read(st->store);
    rc = st->bind_rc ? st->bind_rc : sqlite3_step(st->raw);
    if (rc == SQLITE_ROW)
        return STMT_ROW;
    if (rc == SQLITE_DONE) {
        (void)sqlite3_reset(st->raw);
        return STMT_DONE;
    }
    /* The message must be read before the reset clears it. */
    (void)store_fail(st->store, rc, e);
    (void)sqlite3_reset(st->raw);
    return -1;
}

int stmt_found(struct stmt *st, struct err *e)
{
    int rc = stmt_step(st, e);

    if (rc == STMT_ROW)
        stmt_reset(st);
    return rc;
}

int stmt_exec(struct stmt *st, struct err *e)
{
    int rc;

    do {
        rc = stmt_step(st, e);
    } while (rc == STMT_ROW);
    return rc;
}

int64_t stmt_col_int(struct stmt *st, int col)
{
    return sqlite3_column_int64(st->raw, col);
}

double stmt_col_double(struct stmt *st, int col)
{
    return sqlite3_column_double(st->raw, col);
}

const char *stmt_col_text(struct stmt *st, int col)
{
    return (const char *)sqlite3_column_text(st->raw, col);
}

const char *stmt_col_string(struct stmt *st, int col)
{
    const char *s = stmt_col_text(st, col);

    return s ? s : "";
}

const void *stmt_col_blob(struct stmt *st, int col, size_t *len)
{
    const void *data = sqlite3_column_blob(st->raw, col);

    *len = (size_t)sqlite3_column_bytes(st->raw, col);
    return data;
}

bool stmt_col_null(struct stmt *st, int col)
{
    return sqlite3_column_type(st->raw, col) == SQLITE_NULL;
}

int64_t stmt_col_int_or(struct stmt *st, int col, int64_t none)
{
    return stmt_col_null(st, col) ? none : stmt_col_int(st, col);
}
