/* SPDX-License-Identifier: MIT
 *
 * SQLite's extended result codes to what the rest of the program can act on.
 */
#include <errno.h>

#include "base/err.h"
#include "store/store_internal.h"

static const struct {
    enum err_code code;
    const char *text;
} store_failures[] = {
    [STORE_FAIL_NONE] = {ERR_INTERNAL, "no error"},
    [STORE_FAIL_BUSY] = {ERR_BUSY, "the database is busy"},
    [STORE_FAIL_SLOW] = {ERR_BUSY, "this takes longer than the database may be read in one go"},
    [STORE_FAIL_FULL] = {ERR_NO_SPACE, "no space left for the database"},
    [STORE_FAIL_IO] = {ERR_BUSY, "the database cannot be read or written"},
    [STORE_FAIL_FSYNC] = {ERR_BUSY, "the database could not be flushed to disk"},
    [STORE_FAIL_CORRUPT] = {ERR_INTERNAL, "the database is damaged or not a database"},
    [STORE_FAIL_CONSTRAINT] = {ERR_INTERNAL, "a rule of the database is violated"},
    [STORE_FAIL_OTHER] = {ERR_INTERNAL, "the database refused a statement"},
};

/* The errno behind a failed write. sqlite3_system_errno() does not know it when COMMIT fails, but the files do: the
 * WAL first, where all writes of a commit go. */
static int store_errno(sqlite3 *db)
{
    static const int files[] = {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER};
    size_t i;

    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        sqlite3_file *file = NULL;
        int errnum = 0;

        if (sqlite3_file_control(db, NULL, files[i], &file) != SQLITE_OK || !file || !file->pMethods)
            continue;
        if (file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &errnum) == SQLITE_OK && errnum)
            return errnum;
    }
    return sqlite3_system_errno(db);
}

static enum store_failure store_io_failure(int rc, int errnum)
{
    if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC)
        return STORE_FAIL_FSYNC;
    /* The shared-memory file grows by writing zeros: only a full disk stops it. */
    if (rc == SQLITE_IOERR_SHMSIZE)
        return STORE_FAIL_FULL;
    /* SQLite itself turns ENOSPC into SQLITE_FULL, but not a quota or a file size limit. */
    if (rc == SQLITE_IOERR_WRITE && (errnum == EDQUOT || errnum == EFBIG || errnum == ENOSPC))
        return STORE_FAIL_FULL;
    return STORE_FAIL_IO;
}

static enum store_failure store_classify(int rc, int errnum)
{
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STORE_FAIL_BUSY;
    case SQLITE_INTERRUPT:
        return STORE_FAIL_SLOW;
    case SQLITE_FULL:
        return STORE_FAIL_FULL;
    case SQLITE_IOERR:
        return store_io_failure(rc, errnum);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return STORE_FAIL_CORRUPT;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
        return STORE_FAIL_CONSTRAINT;
    default:
        return STORE_FAIL_OTHER;
    }
}

static enum store_constraint store_constraint(int rc)
{
    switch (rc) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return STORE_CONSTRAINT_UNIQUE;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return STORE_CONSTRAINT_FOREIGN_KEY;
    case SQLITE_CONSTRAINT_NOTNULL:
        return STORE_CONSTRAINT_NOT_NULL;
    case SQLITE_MISMATCH: /* no integer for an INTEGER PRIMARY KEY */
        return STORE_CONSTRAINT_CHECK;
    default:
        return (rc & 0xff) == SQLITE_CONSTRAINT ? STORE_CONSTRAINT_CHECK : STORE_CONSTRAINT_NONE;
    }
}

int store_fail(struct store *s, int rc, struct err *e)
{
    enum store_failure f = store_classify(rc, s->db && rc == SQLITE_IOERR_WRITE ? store_errno(s->db) : 0);

    s->failure = f;
    s->constraint = store_constraint(rc);
    if (f == STORE_FAIL_FSYNC)
        s->fsync_failed = true;
    if (f == STORE_FAIL_FULL || f == STORE_FAIL_IO || f == STORE_FAIL_FSYNC || f == STORE_FAIL_CORRUPT)
        s->write_failed = true;
    return err_set(e, store_failures[f].code, "%s: %s", store_failures[f].text,
                   s->db && sqlite3_errcode(s->db) != SQLITE_OK ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc));
}

enum store_failure store_failure(const struct store *s)
{
    return s->failure;
}

enum store_constraint store_last_constraint(const struct store *s)
{
    return s->constraint;
}

bool store_fsync_failed(const struct store *s)
{
    return s->fsync_failed;
}
