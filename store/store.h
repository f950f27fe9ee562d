/* SPDX-License-Identifier: MIT
 *
 * The database: the only folder that knows SQLite. One `struct store` is one connection and belongs to one thread at a
 * time. The core thread has the one writer; every HTTP thread has a reader of its own. All commits and all checkpoints
 * happen on the writer (SQLite's WAL-reset bug, reliability.md fact 7).
 *
 * How to use it:
 *
 *     static const struct store_sql sql_add = {"INSERT INTO meta(key, value) VALUES (?, ?)"};
 *
 *     struct stmt *st = store_stmt(s, &sql_add, e);   // prepared once a connection; NULL on error
 *     stmt_text(st, 1, key);                          // a NULL statement is accepted everywhere:
 *     stmt_text(st, 2, value);                        // the last call reports
 *     return stmt_exec(st, e);
 *
 *     while ((rc = stmt_step(st, e)) == STMT_ROW)
 *         use(stmt_col_int(st, 0), stmt_col_text(st, 1));
 *
 * SQL text is always a constant; values are always bound. Filters that vary are built with store/query.h. Write upserts
 * as ON CONFLICT DO UPDATE, not as INSERT OR REPLACE (which deletes the old row and what its columns held).
 */
#ifndef DROVER_STORE_STORE_H
#define DROVER_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct stmt;
struct store;

enum store_mode {
    STORE_WRITER, /* creates and migrates the database */
    STORE_READER, /* read-only; the database must exist and have this program's schema */
};

/* What the last failed call on a connection failed of. */
enum store_failure {
    STORE_FAIL_NONE,
    STORE_FAIL_BUSY,       /* locked for longer than the busy timeout: ERR_BUSY */
    STORE_FAIL_SLOW,       /* longer than store_bound_reads allows: ERR_BUSY */
    STORE_FAIL_FULL,       /* no space, quota or file size limit: ERR_NO_SPACE */
    STORE_FAIL_IO,         /* another read or write error: ERR_BUSY */
    STORE_FAIL_FSYNC,      /* fsync failed: what is on disk is unknown, the process must end. ERR_BUSY */
    STORE_FAIL_CORRUPT,    /* damaged, or no database of ours: ERR_INTERNAL */
    STORE_FAIL_CONSTRAINT, /* see store_last_constraint(): ERR_INTERNAL, for the caller to translate */
    STORE_FAIL_OTHER,      /* a bug or out of memory: ERR_INTERNAL */
};

enum store_constraint {
    STORE_CONSTRAINT_NONE,
    STORE_CONSTRAINT_UNIQUE, /* primary keys too */
    STORE_CONSTRAINT_FOREIGN_KEY,
    STORE_CONSTRAINT_NOT_NULL,
    STORE_CONSTRAINT_CHECK, /* and wrong column type */
};

enum store_checkpoint {
    STORE_CHECKPOINT_PASSIVE,  /* as far as readers allow, without waiting */
    STORE_CHECKPOINT_TRUNCATE, /* waits for readers (busy timeout), then empties the WAL; at stop, or when it is large
                                */
};

/* Opens `path`. The writer creates the file (mode 0600), sets WAL and synchronous=FULL, and brings the schema up to
 * date, each migration in one transaction. A newer schema, another program's database and a damaged file are refused.
 * NULL on error. The caller closes. */
struct store *store_open(const char *path, enum store_mode mode, struct err *e);
/* As store_open for DIR/drover.db, which must be there. */
struct store *store_open_folder(const char *dir, enum store_mode mode, struct err *e);
/* Finalizes all statements and closes; an open transaction is rolled back. The writer leaves the WAL as it is (the next
 * open takes it in), so that closing never blocks. NULL ok. */
void store_close(struct store *s);

/* Starts a transaction: on the writer BEGIN IMMEDIATE, on a reader a snapshot for several reads. Refused for good after
 * a failed fsync; refused to the writer (ERR_BUSY) while the WAL has 128 MB that readers keep from being emptied, so
 * that with this transaction it stays below 256 MB. 0 or -1. */
int store_begin(struct store *s, struct err *e);
/* Ends it durably: when this returns 0 the rows are on disk. On -1 everything since store_begin is rolled back, the
 * error says why (see enum store_failure), and the caller must forget what it has done. Also -1 when a write of this
 * transaction failed for want of space or by an I/O error and the caller went on. On a reader it just ends the
 * snapshot. Every 2,000 WAL frames a commit of the writer also does a checkpoint (store/bounds.c); if only that fails,
 * the commit still returns 0. */
int store_commit(struct store *s, struct err *e);
/* Gives everything since store_begin up; nothing to do without a transaction. */
void store_rollback(struct store *s);
bool store_in_transaction(const struct store *s);
/* From now on no snapshot of this reader lasts longer than about `ms`: a step beyond that fails (STORE_FAIL_SLOW), and
 * the caller ends it. 0: they may last. */
void store_bound_reads(struct store *s, int64_t ms);
/* Ends whatever snapshot a reader still has: whether there was one, which is a mistake of who had it. */
bool store_end_reads(struct store *s);

/* A part of the writer's transaction that can be given up alone: everything between store_savepoint and either
 * store_release, which keeps it, or store_undo, which takes it back. One at a time. 0, or -1 when the transaction
 * cannot go on: a write failed for want of space or by an I/O error, or SQLite has rolled everything back. */
int store_savepoint(struct store *s, struct err *e);
int store_release(struct store *s, struct err *e);
int store_undo(struct store *s, struct err *e);

/* Why the last call on this connection that failed did so. */
enum store_failure store_failure(const struct store *s);
enum store_constraint store_last_constraint(const struct store *s);
/* Whether an fsync has failed on this connection, ever. The process must then end: pages that the kernel dropped may
 * never reach the disk, and only a new open reads what is really there (R8). */
bool store_fsync_failed(const struct store *s);

/* Writer only, outside a transaction. 0 or -1; readers that stand in the way are no error for PASSIVE. */
int store_checkpoint(struct store *s, enum store_checkpoint mode, struct err *e);
/* Full integrity and foreign-key check (I6). Slow; for tests, restores and `check`. 0 when sound. */
int store_verify(struct store *s, struct err *e);
/* Copies the whole database, as it is at this moment, into one file without a WAL. On a reader. 0 or -1. */
int store_copy(struct store *s, const char *path, struct err *e);
/* Rows changed by the last INSERT, UPDATE or DELETE. */
int64_t store_changes(const struct store *s);

/* --- statements --- */

/* One constant statement. Its address is the key of the connection's cache, so it must be static. */
struct store_sql {
    const char *text;
};

/* The statement of `def`, prepared at its first use on this connection, reset and with all parameters NULL. Owned by
 * the store. Asking again while it is being stepped starts it anew. NULL on error. */
struct stmt *store_stmt(struct store *s, const struct store_sql *def, struct err *e);

/* Binds parameter `pos` (from 1). Text and blobs are not copied: they must live until the statement is done. NULL text
 * and NULL blobs bind SQL NULL. A failed bind is reported by the next stmt_step or stmt_exec. */
void stmt_int(struct stmt *st, int pos, int64_t v);
void stmt_double(struct stmt *st, int pos, double v);
void stmt_text(struct stmt *st, int pos, const char *s);
void stmt_blob(struct stmt *st, int pos, const void *data, size_t len);
void stmt_null(struct stmt *st, int pos);
/* As stmt_int, but `none` binds NULL: for times and codes that may be absent. */
void stmt_int_or_null(struct stmt *st, int pos, int64_t v, int64_t none);

#define STMT_DONE 0
#define STMT_ROW 1
/* Next row: STMT_ROW, STMT_DONE or -1. After STMT_DONE and -1 the statement is reset. Who leaves a loop early calls
 * stmt_reset, or a reader's snapshot stays pinned. With a NULL statement -1, leaving `e` as store_stmt set it. */
int stmt_step(struct stmt *st, struct err *e);
/* Whether there is a row: 1, 0 or -1. Resets it in any case. */
int stmt_found(struct stmt *st, struct err *e);
/* Runs a statement whose rows, if any, are of no interest. 0 or -1. */
int stmt_exec(struct stmt *st, struct err *e);
void stmt_reset(struct stmt *st);

/* Columns of the current row, from 0. Text and blobs are borrowed until the next step or reset; SQL NULL is 0, 0.0 or
 * NULL. */
int64_t stmt_col_int(struct stmt *st, int col);
double stmt_col_double(struct stmt *st, int col);
const char *stmt_col_text(struct stmt *st, int col);
/* As stmt_col_text, but "" for NULL. */
const char *stmt_col_string(struct stmt *st, int col);
const void *stmt_col_blob(struct stmt *st, int col, size_t *len);
bool stmt_col_null(struct stmt *st, int col);
/* As stmt_col_int, but `none` for NULL. */
int64_t stmt_col_int_or(struct stmt *st, int col, int64_t none);

#endif
