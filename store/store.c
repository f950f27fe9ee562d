/* SPDX-License-Identifier: MIT
 *
 * Connections and transactions.
 *
 * Automatic checkpoints are off on every connection: SQLite would swallow their errors, and a failed fsync must be seen
 * (a second fsync of pages that the kernel has dropped "succeeds"). The writer's commit counts WAL frames by a hook and
 * checkpoints itself (store/bounds.c).
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/failpoint.h"
#include "store/schema.h"
#include "store/store_internal.h"

#define STORE_SLOTS_FIRST 64u

static const struct store_sql sql_begin_write = {"BEGIN IMMEDIATE"};
static const struct store_sql sql_begin_read = {"BEGIN"};
static const struct store_sql sql_commit = {"COMMIT"};
static const struct store_sql sql_savepoint = {"SAVEPOINT part"};
static const struct store_sql sql_release = {"RELEASE part"};
static const struct store_sql sql_undo = {"ROLLBACK TO part"};

static int store_on_wal(void *arg, sqlite3 *db, const char *name, int frames)
{
    (void)db;
    (void)name;
    bounds_wal_frames(arg, frames);
    return SQLITE_OK;
}

/* Creates the file with the mode that it and its WAL shall have; SQLite would take 0644. Only a file that did not exist
 * is opened here: closing another descriptor of a database in use would drop its locks (reliability.md fact 8). */
static int store_create_file(const char *path, struct err *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0)
        return close(fd);
    if (errno == EEXIST)
        return 0;
    return err_errno(e, errno, "cannot create the database %s", path);
}

/* Settings that cannot fail in a way that matters later are checked all the same: defence must not be off silently. */
static int store_harden(struct store *s)
{
    static const struct {
        int op;
        int value;
    } flags[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 1},      {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},          {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1},
    };
    static const struct {
        int id;
        int value;
    } limits[] = {
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_LENGTH, 4 * 1024 * 1024},
        {SQLITE_LIMIT_SQL_LENGTH, 100000},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 1000},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
        {SQLITE_LIMIT_EXPR_DEPTH, 100},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };
    size_t i;

    for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        int now = -1;
        int rc = sqlite3_db_config(s->db, flags[i].op, flags[i].value, &now);

        if (rc != SQLITE_OK)
            return rc;
        if (now != flags[i].value)
            return SQLITE_MISUSE;
    }
    for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        (void)sqlite3_limit(s->db, limits[i].id, limits[i].value);
    return SQLITE_OK;
}

static int store_exec(struct store *s, const char *sql, struct err *e)
{
    int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : store_fail(s, rc, e);
}

/* journal_mode answers with the mode it has now, so it needs more than exec. */
static int store_set_wal(struct store *s, struct err *e)
{
    struct stmt *st = stmt_prepare(s, "PRAGMA journal_mode=WAL", e);
    int rc = stmt_step(st, e);

    if (rc == STMT_ROW && strcmp(stmt_col_string(st, 0), "wal") == 0)
        rc = 0;
    else if (rc >= 0)
        rc = err_set(e, ERR_INTERNAL, "the database cannot use WAL here (is it on a network file system?)");
    stmt_finalize(st);
    return rc;
}

static int store_setup(struct store *s, struct err *e)
{
    int rc;

    (void)sqlite3_extended_result_codes(s->db, 1);
    (void)sqlite3_busy_timeout(s->db, STORE_BUSY_MS);
    rc = store_harden(s);
    if (rc != SQLITE_OK)
        return store_fail(s, rc, e);
    (void)sqlite3_wal_autocheckpoint(s->db, 0);
    if (s->mode == STORE_READER) {
        if (store_exec(s, "PRAGMA query_only=1; PRAGMA cache_size=-4000; PRAGMA temp_store=MEMORY", e))
            return -1;
        return schema_check(s, e);
    }
    (void)sqlite3_wal_hook(s->db, store_on_wal, s);
    if (store_set_wal(s, e) || store_exec(s,
                                          "PRAGMA synchronous=FULL; PRAGMA cache_size=-16000; PRAGMA temp_store=MEMORY;"
                                          "PRAGMA journal_size_limit=67108864",
                                          e))
        return -1;
    return schema_migrate(s, e);
}

struct store *store_open(const char *path, enum store_mode mode, struct err *e)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    struct store *s = calloc(1, sizeof(*s));
    int rc;

    if (!s) {
        (void)err_set(e, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    s->mode = mode;
    bounds_wal_begin(s);
    s->slots = calloc(STORE_SLOTS_FIRST, sizeof(*s->slots));
    s->slots_size = STORE_SLOTS_FIRST;
    s->queries = hash_create();
    if (!s->slots || !s->queries) {
        (void)err_set(e, ERR_INTERNAL, "out of memory");
        goto fail;
    }
    if (mode == STORE_WRITER && store_create_file(path, e))
        goto fail;
    rc = sqlite3_open_v2(path, &s->db, flags | (mode == STORE_WRITER ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY),
                         NULL);
    if (rc != SQLITE_OK) {
        (void)store_fail(s, rc, e);
        goto wrap;
    }
    if (store_setup(s, e) == 0)
        return s;
wrap:
    (void)err_wrap(e, "cannot open the database %s", path);
fail:
    store_close(s);
    return NULL;
}

struct store *store_open_folder(const char *dir, enum store_mode mode, struct err *e)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/drover.db", dir);

    if (n < 0 || (size_t)n >= sizeof(path)) {
        (void)err_set(e, ERR_INVALID_PARAMETERS, "The path %s is too long.", dir);
        return NULL;
    }
    if (access(path, F_OK)) {
        (void)err_set(e, ERR_INVALID_PARAMETERS, "%s holds no database; make one with droverd init.", dir);
        return NULL;
    }
    return store_open(path, mode, e);
}

void store_close(struct store *s)
{
    size_t i;

    if (!s)
        return;
    for (i = 0; s->slots && i < s->slots_size; i++)
        stmt_finalize(s->slots[i].stmt);
    while (s->query_chain) {
        struct stmt *st = s->query_chain;

        s->query_chain = st->next_query;
        stmt_finalize(st);
    }
    hash_destroy(s->queries);
    free(s->slots);
    /* An open transaction is rolled back by SQLite. */
    (void)sqlite3_close(s->db);
    free(s);
}

/* The slot of `def`, or the free one where it belongs. */
static struct store_slot *store_find(struct store_slot *slots, size_t size, const struct store_sql *def)
{
    size_t i = (size_t)((uintptr_t)def / sizeof(void *) * UINT64_C(11400714819323198485) >> 32) & (size - 1);

    while (slots[i].def && slots[i].def != def)
        i = (i + 1) & (size - 1);
    return &slots[i];
}

static int store_grow_slots(struct store *s)
{
    size_t size = s->slots_size * 2;
    struct store_slot *slots = calloc(size, sizeof(*slots));
    size_t i;

    if (!slots)
        return -1;
    for (i = 0; i < s->slots_size; i++) {
        if (s->slots[i].def)
            *store_find(slots, size, s->slots[i].def) = s->slots[i];
    }
    free(s->slots);
    s->slots = slots;
    s->slots_size = size;
    return 0;
}

struct stmt *store_stmt(struct store *s, const struct store_sql *def, struct err *e)
{
    struct store_slot *slot = store_find(s->slots, s->slots_size, def);

    if (slot->def) {
        (void)sqlite3_reset(slot->stmt->raw);
        (void)sqlite3_clear_bindings(slot->stmt->raw);
        slot->stmt->bind_rc = SQLITE_OK;
        return slot->stmt;
    }
    if (s->slots_used * 2 >= s->slots_size) {
        if (store_grow_slots(s)) {
            (void)store_fail(s, SQLITE_NOMEM, e);
            return NULL;
        }
        slot = store_find(s->slots, s->slots_size, def);
    }
    slot->stmt = stmt_prepare(s, def->text, e);
    if (!slot->stmt)
        return NULL;
    slot->def = def;
    s->slots_used++;
    return slot->stmt;
}

bool store_in_transaction(const struct store *s)
{
    return !sqlite3_get_autocommit(s->db);
}

int store_begin(struct store *s, struct err *e)
{
    if (s->fsync_failed)
        return err_set(e, ERR_BUSY, "the database could not be flushed to disk; a restart is needed");
    s->write_failed = false;
    if (s->mode == STORE_WRITER && bounds_wal_room(s, e))
        return -1;
    return stmt_exec(store_stmt(s, s->mode == STORE_WRITER ? &sql_begin_write : &sql_begin_read, e), e);
}

void store_rollback(struct store *s)
{
    /* Not a cached statement: this must work when there is no memory to prepare one. SQLite may have rolled back by
     * itself, which is fine. A failing ROLLBACK leaves a transaction that only closing ends; store_begin reports it. */
    if (store_in_transaction(s))
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    s->write_failed = false;
}

/* Sends the failure of an earlier write of the transaction again. */
static int store_refuse(struct store *s, struct err *e)
{
    enum store_failure f = s->failure;

    return err_set(e, f == STORE_FAIL_FULL ? ERR_NO_SPACE : ERR_BUSY,
                   f == STORE_FAIL_FULL ? "no space left for the database"
                                        : "the database could not take in an earlier write of this transaction");
}

int store_savepoint(struct store *s, struct err *e)
{
    return s->write_failed ? store_refuse(s, e) : stmt_exec(store_stmt(s, &sql_savepoint, e), e);
}

int store_release(struct store *s, struct err *e)
{
    return s->write_failed ? store_refuse(s, e) : stmt_exec(store_stmt(s, &sql_release, e), e);
}

int store_undo(struct store *s, struct err *e)
{
    if (s->write_failed)
        return store_refuse(s, e);
    /* SQLite ends the whole transaction by itself after some errors, out of memory for one. */
    if (!store_in_transaction(s))
        return err_set(e, ERR_BUSY, "the database gave the transaction up");
    return stmt_exec(store_stmt(s, &sql_undo, e), e) || store_release(s, e) ? -1 : 0;
}

int store_commit(struct store *s, struct err *e)
{
    if (s->mode == STORE_READER) {
        store_rollback(s);
        return 0;
    }
    if (s->write_failed) {
        (void)store_refuse(s, e);
        store_rollback(s);
        return -1;
    }
    if (!store_in_transaction(s))
        return err_set(e, ERR_INTERNAL, "no transaction to commit");
    if (FAILPOINT(STORE_BEFORE_COMMIT) ? store_fail(s, SQLITE_IOERR_WRITE, e)
                                       : stmt_exec(store_stmt(s, &sql_commit, e), e)) {
        store_rollback(s);
        return -1;
    }
    /* It is on disk, and nobody knows: the caller must live with that, too. */
    if (FAILPOINT(STORE_AFTER_COMMIT))
        return store_fail(s, SQLITE_IOERR_WRITE, e);
    bounds_wal_after_commit(s);
    return 0;
}

int store_checkpoint(struct store *s, enum store_checkpoint mode, struct err *e)
{
    static const int modes[] = {
        [STORE_CHECKPOINT_PASSIVE] = SQLITE_CHECKPOINT_PASSIVE,
        [STORE_CHECKPOINT_TRUNCATE] = SQLITE_CHECKPOINT_TRUNCATE,
    };
    int rc, frames = -1;

    if (s->mode == STORE_READER)
        return err_set(e, ERR_INTERNAL, "a reader must not checkpoint");
    rc = FAILPOINT(STORE_BEFORE_CHECKPOINT) ? SQLITE_IOERR_WRITE
                                            : sqlite3_wal_checkpoint_v2(s->db, NULL, modes[mode], &frames, NULL);
    (void)FAILPOINT(STORE_AFTER_CHECKPOINT);
    if (rc != SQLITE_OK)
        return store_fail(s, rc, e);
    if (frames >= 0)
        bounds_wal_frames(s, frames);
    return 0;
}

/* Runs a checking pragma; every row but a single "ok" is a finding. */
static int store_check_pragma(struct store *s, const char *sql, struct err *e)
{
    struct stmt *st = stmt_prepare(s, sql, e);
    int rc = stmt_step(st, e);

    if (rc == STMT_ROW && strcmp(stmt_col_string(st, 0), "ok") != 0)
        rc = err_set(e, ERR_INTERNAL, "the database is damaged: %.200s", stmt_col_string(st, 0));
    stmt_finalize(st);
    return rc < 0 ? -1 : 0;
}

int store_verify(struct store *s, struct err *e)
{
    if (store_check_pragma(s, "PRAGMA integrity_check(10)", e))
        return -1;
    return store_check_pragma(s, "PRAGMA foreign_key_check", e);
}

int64_t store_changes(const struct store *s)
{
    return sqlite3_changes64(s->db);
}
