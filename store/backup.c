/* SPDX-License-Identifier: MIT
 *
 * A copy of the database by SQLite's backup API, in one step: over a reader's connection that is one snapshot, and the
 * writer goes on meanwhile. A reader never checkpoints, so this is safe from another process, too.
 */
#include "base/err.h"
#include "store/store.h"
#include "store/store_internal.h"

int store_copy(struct store *s, const char *path, struct err *e)
{
    sqlite3 *to = NULL;
    sqlite3_backup *copy;
    int rc = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE, NULL);

    if (rc == SQLITE_OK) {
        copy = sqlite3_backup_init(to, "main", s->db, "main");
        if (copy) {
            (void)sqlite3_backup_step(copy, -1);
            rc = sqlite3_backup_finish(copy);
        } else {
            rc = sqlite3_errcode(to);
        }
    }
    /* One file without a WAL beside it, to be moved about. */
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(to, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_close(to);
    else
        (void)sqlite3_close(to);
    return rc == SQLITE_OK ? 0 : err_set(e, ERR_INTERNAL, "%s: %s", path, sqlite3_errstr(rc));
}
