/* SPDX-License-Identifier: MIT
 *
 * Only accepted submissions keep their key: a refused one may be mended and sent again under the same.
 */
#include "jobs/submit_key.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "store/store.h"

int submit_key_check(const char *key, struct err *e)
{
    size_t n = strlen(key);
    if (n >= 1 && n <= SUBMIT_KEY_MAX) {
        while (n && key[n - 1] > ' ' && key[n - 1] <= '~')
            n--;
        if (!n)
            return 0;
    }
    return err_set(e, ERR_INVALID_PARAMETERS, "An Idempotency-Key has 1 to %d printable ASCII characters.",
                   SUBMIT_KEY_MAX);
}

int submit_key_find(struct store *s, const struct submit_key *k, int64_t now_ms, struct submit_before *out,
                    struct err *e)
{
    static const struct store_sql sql = {"SELECT i.request_hash, j.id, j.user, j.name FROM idempotency i JOIN job j ON "
                                         "j.id = i.job_id WHERE i.user = ? AND i.key = ? AND i.created_ms > ?"};
    struct stmt *st = store_stmt(s, &sql, e);
    size_t n = 0;
    stmt_text(st, 1, k->user);
    stmt_text(st, 2, k->key);
    stmt_int(st, 3, now_ms - SUBMIT_KEY_LIFE_MS);
    int rc = stmt_step(st, e);
    if (rc != STMT_ROW)
        return rc;
    const void *hash = stmt_col_blob(st, 0, &n);
    memset(out, 0, sizeof *out);
    memcpy(out->hash, hash, n < SUBMIT_KEY_HASH ? n : SUBMIT_KEY_HASH);
    snprintf(out->job_id, sizeof out->job_id, "%s", stmt_col_string(st, 1));
    snprintf(out->full_name, sizeof out->full_name, "%s~%s", stmt_col_string(st, 2), stmt_col_string(st, 3));
    stmt_reset(st);
    return 1;
}

int submit_key_put(struct store *s, const struct submit_key *k, const char *job_id, int64_t now_ms, struct err *e)
{
    static const struct store_sql sql_old = {"DELETE FROM idempotency WHERE created_ms <= ?"};
    static const struct store_sql sql_put = {
        "INSERT INTO idempotency(user, key, job_id, created_ms, request_hash) VALUES (?, ?, ?, ?, ?)"};
    struct stmt *st = store_stmt(s, &sql_old, e);
    stmt_int(st, 1, now_ms - SUBMIT_KEY_LIFE_MS);
    if (stmt_exec(st, e))
        return -1;
    st = store_stmt(s, &sql_put, e);
    stmt_text(st, 1, k->user);
    stmt_text(st, 2, k->key);
    stmt_text(st, 3, job_id);
    stmt_int(st, 4, now_ms);
    stmt_blob(st, 5, k->hash, sizeof k->hash);
    return stmt_exec(st, e);
}
