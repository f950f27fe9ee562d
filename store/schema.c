/* SPDX-License-Identifier: MIT
 *
 * The schema, as an ordered list of steps. To change a table, add a step; never edit one that was released.
 *
 * Conventions: times are milliseconds since 1970 UTC, NULL when it has not happened; booleans are 0 or 1; columns named
 * after JSON (detail, tags, spec, gpus, ports, extension) hold JSON text that base/json.h wrote; ids of events
 * and audit records come from the core. A job or task attempt is live exactly while completed_ms is NULL: the partial
 * indexes of live rows, which the core loads at start, rest on that. Wide columns stand last, so that lists do not read
 * their pages. Foreign keys to a job are checked at COMMIT, so that the rows of a batch may come in any order.
 */
#include "store/schema.h"

#include "base/err.h"
#include "base/failpoint.h"
#include "store/schema_steps.h"
#include "store/store_internal.h"

/* "DRVR": tells our files from those of other programs (`file`, PRAGMA application_id). */
#define SCHEMA_APPLICATION_ID 0x44525652

static const char *const schema_v1[] = {
    "CREATE TABLE meta("
    " key TEXT PRIMARY KEY NOT NULL,"
    " value TEXT NOT NULL) STRICT, WITHOUT ROWID",

    "CREATE TABLE user("
    " name TEXT PRIMARY KEY NOT NULL,"
    " password_hash TEXT NOT NULL,"
    " email TEXT NOT NULL DEFAULT '',"
    " admin INTEGER NOT NULL DEFAULT 0 CHECK(admin IN (0, 1)),"
    " vc_list TEXT NOT NULL DEFAULT '[]',"
    " disabled INTEGER NOT NULL DEFAULT 0 CHECK(disabled IN (0, 1)),"
    " token_version INTEGER NOT NULL DEFAULT 0,"
    " created_ms INTEGER NOT NULL,"
    " extension TEXT NOT NULL DEFAULT '{}') STRICT, WITHOUT ROWID",

    "CREATE TABLE token("
    " id TEXT PRIMARY KEY NOT NULL," /* jti */
    " user TEXT NOT NULL REFERENCES user(name),"
    " hash BLOB NOT NULL,"
    " kind TEXT NOT NULL CHECK(kind IN ('browser', 'application', 'session')),"
    " issued_ms INTEGER NOT NULL,"
    " expires_ms INTEGER,"
    " last_used_ms INTEGER) STRICT, WITHOUT ROWID",
    "CREATE INDEX token_by_user ON token(user)",
    "CREATE INDEX token_by_hash ON token(hash)",

    "CREATE TABLE virtual_cluster("
    " name TEXT PRIMARY KEY NOT NULL,"
    " spec TEXT NOT NULL DEFAULT '{}',"
    " status TEXT NOT NULL DEFAULT 'Running',"
    " created_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID",

    "CREATE TABLE node("
    " name TEXT PRIMARY KEY NOT NULL,"
    " spec TEXT NOT NULL DEFAULT '{}',"
    " state TEXT NOT NULL DEFAULT '',"
    " cordoned INTEGER NOT NULL DEFAULT 0 CHECK(cordoned IN (0, 1)),"
    " updated_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID",

    /* seq, the order of submission, is the rowid: each secondary index then carries 8 bytes and not the 36 of the id.
     */
    "CREATE TABLE job("
    " seq INTEGER PRIMARY KEY,"
    " id TEXT NOT NULL UNIQUE,"
    " user TEXT NOT NULL,"
    " name TEXT NOT NULL,"
    " vc TEXT NOT NULL,"
    " priority INTEGER NOT NULL DEFAULT 0,"
    " priority_class TEXT,"
    " state INTEGER NOT NULL,"
    " sub_state INTEGER NOT NULL DEFAULT 0,"
    " execution_type TEXT NOT NULL DEFAULT 'START',"
    " submitted_ms INTEGER NOT NULL,"
    " created_ms INTEGER NOT NULL,"
    " launched_ms INTEGER,"
    " completed_ms INTEGER,"
    " attempt INTEGER NOT NULL DEFAULT 0,"
    " retries_user INTEGER NOT NULL DEFAULT 0,"
    " retries_platform INTEGER NOT NULL DEFAULT 0,"
    " retries_resource INTEGER NOT NULL DEFAULT 0,"
    " total_gpus INTEGER NOT NULL DEFAULT 0,"
    " total_tasks INTEGER NOT NULL DEFAULT 0,"
    " total_roles INTEGER NOT NULL DEFAULT 0,"
    " exit_code INTEGER,"
    " exit_phrase TEXT,"
    " wait_reason TEXT,"
    " archived INTEGER NOT NULL DEFAULT 0 CHECK(archived IN (0, 1)),"
    " tags TEXT NOT NULL DEFAULT '[]',"
    " detail TEXT NOT NULL DEFAULT '{}',"
    " config TEXT NOT NULL DEFAULT ''," /* YAML, secrets masked */
    " secrets BLOB) STRICT",            /* sealed */
    "CREATE UNIQUE INDEX job_by_name ON job(user, name) WHERE archived = 0",
    /* Lists are ordered by submitted_ms DESC, seq DESC (or both ASC): newest first, by walking an index backwards. What
     * a keyword is looked for in stands in the first, so that no row is read for it. */
    "CREATE INDEX job_by_time ON job(submitted_ms, name, user, vc)",
    "CREATE INDEX job_by_user ON job(user, submitted_ms)",
    "CREATE INDEX job_by_vc ON job(vc, submitted_ms)",
    "CREATE INDEX job_by_state ON job(state, submitted_ms)",
    "CREATE INDEX job_live ON job(seq) WHERE completed_ms IS NULL",

    "CREATE TABLE job_tag("
    " job_id TEXT NOT NULL REFERENCES job(id) DEFERRABLE INITIALLY DEFERRED,"
    " tag TEXT NOT NULL,"
    " PRIMARY KEY(job_id, tag)) STRICT, WITHOUT ROWID",
    "CREATE INDEX job_tag_by_tag ON job_tag(tag, job_id)",

    "CREATE TABLE job_attempt("
    " job_id TEXT NOT NULL REFERENCES job(id) DEFERRABLE INITIALLY DEFERRED,"
    " attempt INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"
    " created_ms INTEGER NOT NULL,"
    " launched_ms INTEGER,"
    " completed_ms INTEGER,"
    " exit_code INTEGER,"
    " exit_phrase TEXT,"
    " detail TEXT NOT NULL DEFAULT '{}',"
    " PRIMARY KEY(job_id, attempt)) STRICT, WITHOUT ROWID",

    "CREATE TABLE task_attempt("
    " id TEXT PRIMARY KEY NOT NULL,"
    " job_id TEXT NOT NULL REFERENCES job(id) DEFERRABLE INITIALLY DEFERRED,"
    " job_attempt INTEGER NOT NULL,"
    " role TEXT NOT NULL,"
    " task_index INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL,"
    " state INTEGER NOT NULL,"
    " node TEXT,"
    " gpus TEXT NOT NULL DEFAULT '[]',"
    " ports TEXT NOT NULL DEFAULT '{}',"
    " nonce TEXT NOT NULL DEFAULT '',"
    " engine_epoch INTEGER NOT NULL DEFAULT 0,"
    " last_seq INTEGER NOT NULL DEFAULT 0," /* highest engine event sequence taken in */
    " claim_state INTEGER NOT NULL DEFAULT 0,"
    " retries INTEGER NOT NULL DEFAULT 0,"
    " accountable_retries INTEGER NOT NULL DEFAULT 0,"
    " created_ms INTEGER NOT NULL,"
    " launched_ms INTEGER,"
    " completed_ms INTEGER,"
    " exit_code INTEGER,"
    " exit_phrase TEXT,"
    " detail TEXT NOT NULL DEFAULT '{}',"
    " UNIQUE(job_id, job_attempt, role, task_index, attempt)) STRICT",
    "CREATE INDEX task_attempt_live ON task_attempt(job_id) WHERE completed_ms IS NULL",

    /* No foreign key: events outlive what they tell of, and are the most written rows. */
    "CREATE TABLE event("
    " id INTEGER PRIMARY KEY,"
    " job_id TEXT,"
    " job_attempt INTEGER,"
    " role TEXT,"
    " task_index INTEGER,"
    " task_attempt INTEGER,"
    " type TEXT NOT NULL,"
    " severity TEXT NOT NULL DEFAULT '',"
    " reason TEXT NOT NULL DEFAULT '',"
    " message TEXT NOT NULL DEFAULT '',"
    " time_ms INTEGER NOT NULL) STRICT",
    "CREATE INDEX event_by_job ON event(job_id, id)",

    "CREATE TABLE audit("
    " id INTEGER PRIMARY KEY,"
    " time_ms INTEGER NOT NULL,"
    " actor TEXT NOT NULL,"
    " ip TEXT NOT NULL,"
    " method TEXT NOT NULL,"
    " route TEXT NOT NULL,"
    " object TEXT NOT NULL,"
    " status INTEGER NOT NULL,"
    " request_id TEXT NOT NULL) STRICT",

    "CREATE TABLE idempotency("
    " user TEXT NOT NULL,"
    " key TEXT NOT NULL,"
    " job_id TEXT NOT NULL,"
    " created_ms INTEGER NOT NULL,"
    " request_hash BLOB NOT NULL,"
    " PRIMARY KEY(user, key)) STRICT, WITHOUT ROWID",
    "CREATE INDEX idempotency_by_time ON idempotency(created_ms)",
    NULL,
};

/* Scheduling: an admin's marks on nodes, and one record for each decision about a job. */
static const char *const schema_v2[] = {
    "ALTER TABLE node ADD COLUMN draining INTEGER NOT NULL DEFAULT 0 CHECK(draining IN (0, 1))",
    "ALTER TABLE node ADD COLUMN labels TEXT NOT NULL DEFAULT '{}'",

    /* No foreign key, as for events. */
    "CREATE TABLE decision("
    " id INTEGER PRIMARY KEY,"
    " job_id TEXT NOT NULL,"
    " job_attempt INTEGER NOT NULL,"
    " kind TEXT NOT NULL,"
    " time_ms INTEGER NOT NULL,"
    " record TEXT NOT NULL DEFAULT '{}') STRICT",
    "CREATE INDEX decision_by_job ON decision(job_id, id)",
    NULL,
};

static const struct schema_step schema_steps[] = {
    {1, schema_v1},   {2, schema_v2},   {3, schema_v3},   {4, schema_v4},   {5, schema_v5},   {6, schema_v6},
    {7, schema_v7},   {8, schema_v8},   {9, schema_v9},   {10, schema_v10}, {11, schema_v11}, {12, schema_v12},
    {13, schema_v13}, {14, schema_v14}, {15, schema_v15}, {16, schema_v16},
};

#define SCHEMA_STEPS (sizeof(schema_steps) / sizeof(schema_steps[0]))

int schema_version(void)
{
    return schema_steps[SCHEMA_STEPS - 1].version;
}

const struct schema_step *schema_all(size_t *count)
{
    *count = SCHEMA_STEPS;
    return schema_steps;
}

static int schema_read_int(struct store *s, const char *sql, int64_t *out, struct err *e)
{
    struct stmt *st = stmt_prepare(s, sql, e);
    int rc = stmt_step(st, e);

    if (rc == STMT_ROW)
        *out = stmt_col_int(st, 0);
    stmt_finalize(st);
    return rc < 0 ? -1 : 0;
}

/* A file that has tables, but not our mark, is somebody else's. */
static int schema_check_owner(struct store *s, struct err *e)
{
    int64_t id = 0, tables = 0;

    if (schema_read_int(s, "PRAGMA application_id", &id, e) ||
        schema_read_int(s, "SELECT count(*) FROM sqlite_schema", &tables, e))
        return -1;
    if (id == SCHEMA_APPLICATION_ID || (id == 0 && tables == 0))
        return 0;
    s->failure = STORE_FAIL_CORRUPT;
    return err_set(e, ERR_INTERNAL, "this is the database of another program");
}

static int schema_exec(struct store *s, const char *sql, struct err *e)
{
    int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : store_fail(s, rc, e);
}

/* user_version takes no bound value; the text comes from an int and nothing else. */
static int schema_set_version(struct store *s, int version, struct err *e)
{
    char *sql = sqlite3_mprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", SCHEMA_APPLICATION_ID, version);
    int rc = sql ? schema_exec(s, sql, e) : store_fail(s, SQLITE_NOMEM, e);

    sqlite3_free(sql);
    return rc;
}

static int schema_apply_step(struct store *s, const struct schema_step *step, struct err *e)
{
    const char *const *sql;

    if (store_begin(s, e))
        return -1;
    for (sql = step->sql; *sql; sql++) {
        if (schema_exec(s, *sql, e))
            goto fail;
    }
    if (FAILPOINT(STORE_MIGRATION)) {
        (void)store_fail(s, SQLITE_IOERR_WRITE, e);
        goto fail;
    }
    if (schema_set_version(s, step->version, e) || store_commit(s, e))
        goto fail;
    return 0;
fail:
    store_rollback(s);
    return err_wrap(e, "migration to schema version %d", step->version);
}

int schema_apply(struct store *s, const struct schema_step *steps, size_t n, struct err *e)
{
    int64_t version = 0;
    size_t i;

    if (schema_check_owner(s, e) || schema_read_int(s, "PRAGMA user_version", &version, e))
        return -1;
    if (version > steps[n - 1].version)
        return err_set(e, ERR_INTERNAL,
                       "its schema version %d is newer than version %d, which is the newest this program knows; use "
                       "the newer program",
                       (int)version, steps[n - 1].version);
    for (i = 0; i < n; i++) {
        if (steps[i].version > version && schema_apply_step(s, &steps[i], e))
            return -1;
    }
    return 0;
}

int schema_migrate(struct store *s, struct err *e)
{
    return schema_apply(s, schema_steps, SCHEMA_STEPS, e);
}

int schema_check(struct store *s, struct err *e)
{
    int64_t version = 0;

    if (schema_check_owner(s, e) || schema_read_int(s, "PRAGMA user_version", &version, e))
        return -1;
    if (version != schema_version())
        return err_set(e, ERR_INTERNAL, "its schema version is %d; this program needs version %d", (int)version,
                       schema_version());
    return 0;
}
