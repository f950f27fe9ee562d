/* SPDX-License-Identifier: MIT
 *
 * What the sources of store/ share. Nobody else includes this.
 */
#ifndef DROVER_STORE_INTERNAL_H
#define DROVER_STORE_INTERNAL_H

#include <sqlite3.h>

#include "base/hash.h"
#include "store/store.h"

#define STORE_BUSY_MS 2000

/* One prepared statement of one connection. */
struct stmt {
    struct store *store;
    sqlite3_stmt *raw;
    int bind_rc;             /* first failed bind since the last reset */
    bool transient;          /* of a query that found no room in the cache */
    struct stmt *next_query; /* chain of cached query statements */
};

struct store_slot {
    const struct store_sql *def; /* NULL: free */
    struct stmt *stmt;
};

struct store {
    sqlite3 *db;
    enum store_mode mode;
    enum store_failure failure;
    enum store_constraint constraint;
    bool fsync_failed;
    bool write_failed;        /* a write of the open transaction failed: it can only be rolled back */
    int wal_frames;           /* in the WAL after the last commit */
    int checkpoint_at;        /* frames at which a commit checkpoints */
    int wal_max;              /* frames from which on no transaction begins */
    bool wal_refused;         /* as was said to the last one */
    int64_t read_max_ms;      /* 0: reads may last */
    int64_t read_since;       /* monotonic: when the snapshot was taken, where reads may not */
    struct store_slot *slots; /* cache of constant statements, by address */
    size_t slots_size;        /* power of two */
    size_t slots_used;
    struct hash *queries; /* cache of built statements, by text */
    struct stmt *query_chain;
};

/* Records why `rc` failed, fills `e` and returns -1. */
int store_fail(struct store *s, int rc, struct err *e);
/* Prepares one statement. NULL on error. */
struct stmt *stmt_prepare(struct store *s, const char *sql, struct err *e);
void stmt_finalize(struct stmt *st);

/* --- bounds.c --- */

/* Before each step: where it takes a snapshot, its time begins. */
void bounds_read(struct store *s);
/* For a writer that was opened. */
void bounds_wal_begin(struct store *s);
/* As many frames are in the WAL now. */
void bounds_wal_frames(struct store *s, int frames);
/* A checkpoint, where one is due. */
void bounds_wal_after_commit(struct store *s);
/* Whether a transaction may begin: 0, or -1 when the WAL is too large and cannot be emptied. */
int bounds_wal_room(struct store *s, struct err *e);

#endif
