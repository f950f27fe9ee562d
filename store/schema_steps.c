/* SPDX-License-Identifier: MIT
 *
 * Migrations after the first. Conventions as in schema.c; a step that was released is never edited.
 */
#include "store/schema_steps.h"

#include <stddef.h>

/* Groups, and when users end. What everybody could do before stays: all are in group "default", admins in
 * "admingroup". */
const char *const schema_v3[] = {
    "ALTER TABLE user ADD COLUMN expires_ms INTEGER",
    "ALTER TABLE user DROP COLUMN vc_list",

    /* The read policy of a virtual cluster, beside its spec: whether users see their own jobs only. */
    "ALTER TABLE virtual_cluster ADD COLUMN own INTEGER NOT NULL DEFAULT 0 CHECK(own IN (0, 1))",

    /* Application tokens: their last characters, to tell them apart, and whether they may only read. */
    "ALTER TABLE token ADD COLUMN hint TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE token ADD COLUMN read_only INTEGER NOT NULL DEFAULT 0 CHECK(read_only IN (0, 1))",

    "CREATE TABLE user_group("
    " name TEXT PRIMARY KEY NOT NULL,"
    " description TEXT NOT NULL DEFAULT '',"
    " external_name TEXT NOT NULL DEFAULT '',"
    " extension TEXT NOT NULL DEFAULT '{}'," /* without "acls": those are the rows below */
    " admin INTEGER NOT NULL DEFAULT 0 CHECK(admin IN (0, 1)),"
    " created_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID",

    "CREATE TABLE group_member("
    " user TEXT NOT NULL REFERENCES user(name) ON DELETE CASCADE,"
    " grp TEXT NOT NULL REFERENCES user_group(name) ON DELETE CASCADE,"
    " PRIMARY KEY(user, grp)) STRICT, WITHOUT ROWID",
    "CREATE INDEX group_member_by_group ON group_member(grp, user)",

    /* A virtual cluster that is removed takes its grants with it: one of the same name later begins without any. */
    "CREATE TABLE group_vc("
    " grp TEXT NOT NULL REFERENCES user_group(name) ON DELETE CASCADE,"
    " vc TEXT NOT NULL REFERENCES virtual_cluster(name) ON DELETE CASCADE,"
    " manage INTEGER NOT NULL DEFAULT 0 CHECK(manage IN (0, 1)),"
    " PRIMARY KEY(grp, vc)) STRICT, WITHOUT ROWID",
    "CREATE INDEX group_vc_by_vc ON group_vc(vc, grp)",

    "CREATE TABLE group_storage("
    " grp TEXT NOT NULL REFERENCES user_group(name) ON DELETE CASCADE,"
    " storage TEXT NOT NULL,"
    " position INTEGER NOT NULL,"
    " PRIMARY KEY(grp, storage)) STRICT, WITHOUT ROWID",
    "CREATE INDEX group_storage_by_storage ON group_storage(storage, grp)",

    "CREATE TABLE invitation("
    " user TEXT PRIMARY KEY NOT NULL REFERENCES user(name) ON DELETE CASCADE,"
    " hash BLOB NOT NULL UNIQUE,"
    " expires_ms INTEGER NOT NULL,"
    " sent_ms INTEGER,"
    " problem TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID",

    /* Imports of users, with how each user was before and after ('' = not there). */
    "CREATE TABLE user_import("
    " id TEXT PRIMARY KEY NOT NULL,"
    " time_ms INTEGER NOT NULL,"
    " actor TEXT NOT NULL,"
    " users INTEGER NOT NULL,"
    " undone_ms INTEGER) STRICT, WITHOUT ROWID",
    "CREATE TABLE user_import_row("
    " import TEXT NOT NULL REFERENCES user_import(id) ON DELETE CASCADE,"
    " position INTEGER NOT NULL,"
    " user TEXT NOT NULL,"
    " before TEXT NOT NULL,"
    " after TEXT NOT NULL,"
    " PRIMARY KEY(import, position)) STRICT, WITHOUT ROWID",

    /* Whose jobs beside their own users may read, by virtual cluster: this rule stands here and nowhere else. One that
     * is gone is in nobody's list. */
    "CREATE VIEW readable_vc(user, vc) AS"
    " SELECT u.name, c.name FROM user u, virtual_cluster c WHERE c.own = 0 OR u.admin = 1 OR EXISTS"
    " (SELECT 1 FROM group_member m JOIN group_vc v ON v.grp = m.grp"
    " WHERE m.user = u.name AND v.vc = c.name AND v.manage = 1)",

    "INSERT INTO user_group(name, description, admin, created_ms) VALUES"
    " ('default', 'everybody', 0, 0), ('admingroup', 'admins', 1, 0)",
    "INSERT INTO user_group(name, description, created_ms)"
    " SELECT name, 'users of virtual cluster ' || name, created_ms FROM virtual_cluster"
    " WHERE name NOT IN ('default', 'admingroup')",
    "INSERT INTO group_vc(grp, vc) SELECT name, name FROM virtual_cluster WHERE name <> 'admingroup'",
    "INSERT INTO group_member(user, grp) SELECT name, 'default' FROM user",
    "INSERT INTO group_member(user, grp) SELECT name, 'admingroup' FROM user WHERE admin = 1",
    NULL,
};

const char *const schema_v4[] = {
    "CREATE TABLE storage("
    " name TEXT PRIMARY KEY NOT NULL,"
    " kind TEXT NOT NULL,"
    " data TEXT NOT NULL," /* JSON: where it is */
    " host_path TEXT NOT NULL,"
    " share INTEGER NOT NULL CHECK(share IN (0, 1)),"
    " read_only INTEGER NOT NULL CHECK(read_only IN (0, 1)),"
    " created_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID",

    "CREATE TABLE template("
    " name TEXT PRIMARY KEY NOT NULL,"
    " owner TEXT NOT NULL,"
    " visibility TEXT NOT NULL CHECK(visibility IN ('private', 'group', 'public')),"
    " grp TEXT," /* of visibility 'group' */
    " title TEXT NOT NULL,"
    " description TEXT NOT NULL,"
    " created_ms INTEGER NOT NULL,"
    " updated_ms INTEGER NOT NULL,"
    " config TEXT NOT NULL) STRICT, WITHOUT ROWID", /* YAML */

    "CREATE TABLE setting("
    " key TEXT PRIMARY KEY NOT NULL,"
    " value TEXT NOT NULL," /* JSON */
    " updated_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID",

    /* Lists show archived jobs or the others, never both: each index holds one kind, so that a list walks only what it
     * shows. */
    "DROP INDEX job_by_time",
    "DROP INDEX job_by_user",
    "DROP INDEX job_by_vc",
    "DROP INDEX job_by_state",
    "CREATE INDEX job_by_time ON job(submitted_ms, name, user, vc, archived) WHERE archived = 0",
    "CREATE INDEX job_by_user ON job(user, submitted_ms) WHERE archived = 0",
    "CREATE INDEX job_by_vc ON job(vc, submitted_ms) WHERE archived = 0",
    "CREATE INDEX job_by_state ON job(state, submitted_ms) WHERE archived = 0",
    "CREATE INDEX job_archived ON job(submitted_ms, name, user, vc, archived) WHERE archived = 1",
    NULL,
};

/* Nothing was ever written into the table of version 1. INSERT OR REPLACE is caught by the chain of hashes. */
const char *const schema_v5[] = {
    "DROP TABLE audit",
    "CREATE TABLE audit("
    " id INTEGER PRIMARY KEY,"
    " time_ms INTEGER NOT NULL,"
    " actor TEXT NOT NULL,"
    " ip TEXT NOT NULL,"
    " method TEXT NOT NULL,"
    " route TEXT NOT NULL,"
    " object TEXT NOT NULL,"
    " status INTEGER NOT NULL,"
    " code TEXT NOT NULL,"
    " request_id TEXT NOT NULL,"
    " count INTEGER NOT NULL,"
    " hash BLOB NOT NULL) STRICT",
    "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END",
    "CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END",

    "ALTER TABLE job ADD COLUMN due_ms INTEGER", /* it waits since then; ahead of now: a back-off */
    "ALTER TABLE job ADD COLUMN held_by TEXT",
    NULL,
};

/* Nodes that a job keeps away from: a JSON array of names, NULL = none. */
const char *const schema_v6[] = {
    "ALTER TABLE job ADD COLUMN avoids TEXT",
    NULL,
};

/* What one user may keep on a node; 0 = as the virtual cluster or the site says. */
const char *const schema_v7[] = {
    "ALTER TABLE user ADD COLUMN disk_mb INTEGER NOT NULL DEFAULT 0",
    NULL,
};

/* Debug reservations. Live while ended_ms is NULL, as attempts are. */
const char *const schema_v8[] = {
    "CREATE TABLE lease("
    " id TEXT PRIMARY KEY NOT NULL," /* of the task attempt whose sandbox it is */
    " job_id TEXT NOT NULL REFERENCES job(id) DEFERRABLE INITIALLY DEFERRED,"
    " job_attempt INTEGER NOT NULL,"
    " role TEXT NOT NULL,"
    " task_index INTEGER NOT NULL,"
    " task_attempt INTEGER NOT NULL,"
    " owner TEXT NOT NULL,"
    " vc TEXT NOT NULL,"
    " node TEXT NOT NULL,"
    " gpus TEXT NOT NULL,"
    " hold TEXT NOT NULL CHECK(hold IN ('gpus', 'sandbox')),"
    " cpus INTEGER NOT NULL,"
    " memory_mb INTEGER NOT NULL,"
    " gpu_count INTEGER NOT NULL,"
    " priority INTEGER NOT NULL," /* by which it holds them; -1: they may be taken back */
    " nonce TEXT NOT NULL,"
    " state TEXT NOT NULL CHECK(state IN ('HELD', 'ENDING', 'ENDED', 'LOST')),"
    " created_ms INTEGER NOT NULL,"
    " expires_ms INTEGER NOT NULL,"
    " ended_ms INTEGER,"
    " ended_by TEXT NOT NULL,"
    " collected TEXT NOT NULL) STRICT",
    "CREATE INDEX lease_live ON lease(created_ms, id) WHERE ended_ms IS NULL",
    "CREATE INDEX lease_by_time ON lease(created_ms, id)",
    "CREATE INDEX lease_by_job ON lease(job_id, created_ms)",
    NULL,
};

/* What task attempts made of their GPUs. `busy`: times by percent while it goes on, then NULL. */
const char *const schema_v9[] = {
    "CREATE TABLE gpu_use("
    " attempt_id TEXT NOT NULL REFERENCES task_attempt(id) DEFERRABLE INITIALLY DEFERRED,"
    " gpu INTEGER NOT NULL,"
    " uuid TEXT NOT NULL,"
    " began_ms INTEGER NOT NULL," /* of the first sample */
    " ended_ms INTEGER NOT NULL," /* of the last */
    " busy BLOB,"
    " memory_ms INTEGER NOT NULL,"
    " memory_mib_ms INTEGER NOT NULL,"
    " sampled_ms INTEGER NOT NULL,"
    " idle_ms INTEGER NOT NULL,"
    " busy_mean REAL NOT NULL,"
    " busy_max INTEGER NOT NULL,"
    " busy_p50 INTEGER NOT NULL,"
    " busy_p95 INTEGER NOT NULL,"
    " memory_total INTEGER NOT NULL,"
    " memory_max INTEGER NOT NULL,"
    " energy_uj INTEGER NOT NULL,"
    " PRIMARY KEY(attempt_id, gpu)) STRICT, WITHOUT ROWID",
    "CREATE INDEX gpu_use_live ON gpu_use(attempt_id) WHERE busy IS NOT NULL",
    NULL,
};

/* Series of GPUs as chunks: samples (width_ms 0), rollups by width. Curves of gpu_use stand apart, for reports read all
 * of its rows. */
const char *const schema_v10[] = {
    "CREATE TABLE gpu_series("
    " uuid TEXT NOT NULL,"
    " width_ms INTEGER NOT NULL,"
    " begin_ms INTEGER NOT NULL,"
    " end_ms INTEGER NOT NULL," /* behind the last */
    " data BLOB NOT NULL,"
    " PRIMARY KEY(uuid, width_ms, begin_ms)) STRICT",
    "CREATE INDEX gpu_series_by_end ON gpu_series(width_ms, end_ms)",
    "CREATE TABLE gpu_curve("
    " attempt_id TEXT NOT NULL REFERENCES task_attempt(id) DEFERRABLE INITIALLY DEFERRED,"
    " gpu INTEGER NOT NULL,"
    " data BLOB NOT NULL,"
    " PRIMARY KEY(attempt_id, gpu)) STRICT",
    NULL,
};

/* GPUs that are held and not used: what was counted of each by rule, what was told of jobs that live, what their owners
 * have snoozed, and what was done. */
const char *const schema_v11[] = {
    "CREATE TABLE idle_gpu("
    " attempt_id TEXT NOT NULL," /* of the task, or the debug reservation */
    " gpu INTEGER NOT NULL,"
    " rule TEXT NOT NULL,"
    " data BLOB NOT NULL,"
    " PRIMARY KEY(attempt_id, gpu, rule)) STRICT",
    "CREATE TABLE idle_told("
    " job_id TEXT NOT NULL REFERENCES job(id) DEFERRABLE INITIALLY DEFERRED,"
    " job_attempt INTEGER NOT NULL,"
    " rule TEXT NOT NULL,"
    " warned INTEGER NOT NULL,"
    " acted INTEGER NOT NULL CHECK(acted IN (0, 1)),"
    " dry_run INTEGER NOT NULL CHECK(dry_run IN (0, 1)),"
    " time_ms INTEGER NOT NULL,"
    " text TEXT NOT NULL,"
    " PRIMARY KEY(job_id, job_attempt, rule)) STRICT",
    "CREATE TABLE idle_snooze("
    " job_id TEXT PRIMARY KEY NOT NULL REFERENCES job(id) DEFERRABLE INITIALLY DEFERRED,"
    " user TEXT NOT NULL,"
    " reason TEXT NOT NULL,"
    " time_ms INTEGER NOT NULL,"
    " until_ms INTEGER NOT NULL) STRICT",
    "CREATE TABLE idle_act("
    " job_id TEXT NOT NULL REFERENCES job(id) DEFERRABLE INITIALLY DEFERRED,"
    " job_attempt INTEGER NOT NULL,"
    " rule TEXT NOT NULL,"
    " time_ms INTEGER NOT NULL,"
    " action TEXT NOT NULL,"
    " dry_run INTEGER NOT NULL CHECK(dry_run IN (0, 1)),"
    " node TEXT NOT NULL,"
    " gpus INTEGER NOT NULL,"
    " idle_ms INTEGER NOT NULL," /* of all of them, until then */
    " left_ms INTEGER,"          /* each could have been held for so long; NULL: for ever */
    " PRIMARY KEY(job_id, job_attempt, rule, time_ms)) STRICT",
    "CREATE INDEX idle_act_by_time ON idle_act(time_ms)",
    NULL,
};

/* What task attempts used beside GPUs. A row grows until it is over. */
const char *const schema_v12[] = {
    "CREATE TABLE task_use("
    " attempt_id TEXT PRIMARY KEY NOT NULL REFERENCES task_attempt(id) DEFERRABLE INITIALLY DEFERRED,"
    " cores INTEGER NOT NULL,"
    " memory_limit INTEGER NOT NULL,"
    " began_ms INTEGER NOT NULL,"
    " ended_ms INTEGER NOT NULL,"
    " sampled_ms INTEGER NOT NULL,"
    " cpu_ms INTEGER NOT NULL,"
    " cores_max_milli INTEGER NOT NULL,"
    " memory_mib_ms INTEGER NOT NULL,"
    " memory_max INTEGER NOT NULL,"
    " read_bytes INTEGER NOT NULL,"    /* -1: not known */
    " written_bytes INTEGER NOT NULL," /* likewise */
    " wait_ms INTEGER NOT NULL,"
    " cores_curve BLOB NOT NULL,"
    " waits_curve BLOB NOT NULL,"
    " over INTEGER NOT NULL CHECK(over IN (0, 1))) STRICT",
    "CREATE INDEX task_use_live ON task_use(attempt_id) WHERE over = 0",
    NULL,
};

/* Who is told of what (server/notice/). A webhook without a user is the site's. What is to be told stands in notice_out
 * from the moment that its place in the source is passed, in one transaction; a mail's row goes when it was sent, a
 * webhook's last ones stay as its log. */
const char *const schema_v13[] = {
    "CREATE TABLE notice_setting("
    " user TEXT PRIMARY KEY NOT NULL REFERENCES user(name) ON DELETE CASCADE,"
    " value TEXT NOT NULL," /* JSON */
    " updated_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE webhook("
    " id TEXT PRIMARY KEY NOT NULL,"
    " user TEXT REFERENCES user(name) ON DELETE CASCADE,"
    " name TEXT NOT NULL,"
    " url TEXT NOT NULL,"
    " shape TEXT NOT NULL CHECK(shape IN ('json', 'slack', 'teams')),"
    " kinds INTEGER NOT NULL," /* bits */
    " quiet INTEGER NOT NULL CHECK(quiet IN (0, 1)),"
    " enabled INTEGER NOT NULL CHECK(enabled IN (0, 1)),"
    " secret BLOB NOT NULL," /* sealed */
    " created_ms INTEGER NOT NULL) STRICT",
    "CREATE UNIQUE INDEX webhook_by_name ON webhook(coalesce(user, ''), name)",
    "CREATE TABLE notice_out("
    " position INTEGER PRIMARY KEY,"
    " webhook TEXT REFERENCES webhook(id) ON DELETE CASCADE," /* NULL: by mail */
    " user TEXT REFERENCES user(name) ON DELETE CASCADE,"     /* of a mail */
    " notice TEXT NOT NULL,"
    " kind INTEGER NOT NULL,"
    " forced INTEGER NOT NULL CHECK(forced IN (0, 1))," /* the job asks for it, whatever its owner has set */
    " time_ms INTEGER NOT NULL,"
    " data TEXT NOT NULL," /* JSON: what is told */
    " due_ms INTEGER NOT NULL,"
    " tries INTEGER NOT NULL DEFAULT 0,"
    " state TEXT NOT NULL DEFAULT 'waiting' CHECK(state IN ('waiting', 'sent', 'failed')),"
    " ended_ms INTEGER,"
    " status INTEGER," /* of the receiver's last answer */
    " problem TEXT NOT NULL DEFAULT '') STRICT",
    "CREATE UNIQUE INDEX notice_out_once ON notice_out(coalesce(webhook, ''), coalesce(user, ''), notice)",
    "CREATE INDEX notice_out_waiting ON notice_out(webhook, user, position) WHERE state = 'waiting'",
    "CREATE INDEX notice_out_by_webhook ON notice_out(webhook, position)",
    "CREATE INDEX notice_out_by_user ON notice_out(user)",
    NULL,
};

/* Alerts: how they are, how they came to be so, and which of them nobody is told of. */
const char *const schema_v14[] = {
    "CREATE TABLE alert("
    " fingerprint TEXT PRIMARY KEY NOT NULL,"                     /* of its labels */
    " foreign_one INTEGER NOT NULL CHECK(foreign_one IN (0, 1))," /* somebody else sent it */
    " rule TEXT NOT NULL,"
    " severity TEXT NOT NULL,"
    " state TEXT NOT NULL CHECK(state IN ('pending', 'firing')),"
    " since_ms INTEGER NOT NULL,"
    " starts_ms INTEGER,"
    " told INTEGER NOT NULL CHECK(told IN (0, 1))," /* a row of alert_change says that it fires, and is not silenced */
    " labels TEXT NOT NULL,"
    " annotations TEXT NOT NULL,"
    " user TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE alert_change("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " time_ms INTEGER NOT NULL,"
    " fingerprint TEXT NOT NULL,"
    " state TEXT NOT NULL CHECK(state IN ('firing', 'resolved')),"
    " rule TEXT NOT NULL,"
    " severity TEXT NOT NULL,"
    " starts_ms INTEGER NOT NULL,"
    " ends_ms INTEGER,"
    " labels TEXT NOT NULL,"
    " annotations TEXT NOT NULL,"
    " user TEXT," /* whose job it is about; NULL: for admins only */
    " silenced INTEGER NOT NULL CHECK(silenced IN (0, 1))) STRICT",
    "CREATE INDEX alert_change_by_time ON alert_change(time_ms)",
    "CREATE INDEX alert_change_by_user ON alert_change(user, id) WHERE user IS NOT NULL",
    "CREATE TABLE alert_silence("
    " id TEXT PRIMARY KEY NOT NULL,"
    " matchers TEXT NOT NULL," /* JSON: [{name, value, isRegex, isEqual}] */
    " starts_ms INTEGER NOT NULL,"
    " ends_ms INTEGER NOT NULL,"
    " updated_ms INTEGER NOT NULL,"
    " created_by TEXT NOT NULL,"
    " comment TEXT NOT NULL) STRICT, WITHOUT ROWID",
    NULL,
};

/* Maintenance windows: live while over_ms is NULL. And what happened to nodes. */
const char *const schema_v15[] = {
    "CREATE TABLE maintenance("
    " id INTEGER PRIMARY KEY,"
    " nodes TEXT NOT NULL," /* a JSON array of names; [] = all */
    " start_ms INTEGER NOT NULL,"
    " end_ms INTEGER NOT NULL,"
    " created_ms INTEGER NOT NULL,"
    " begun_ms INTEGER,"
    " over_ms INTEGER,"
    " stop INTEGER NOT NULL CHECK(stop IN (0, 1)),"
    " removed INTEGER NOT NULL CHECK(removed IN (0, 1)),"
    " reason TEXT NOT NULL,"
    " user TEXT NOT NULL) STRICT",
    "CREATE INDEX maintenance_live ON maintenance(start_ms, id) WHERE over_ms IS NULL",
    "CREATE INDEX maintenance_over ON maintenance(over_ms, id) WHERE over_ms IS NOT NULL",
    "CREATE TABLE node_event("
    " id INTEGER PRIMARY KEY,"
    " node TEXT NOT NULL,"
    " time_ms INTEGER NOT NULL,"
    " kind TEXT NOT NULL,"
    " user TEXT NOT NULL," /* '' = the server itself */
    " reason TEXT NOT NULL) STRICT",
    "CREATE INDEX node_event_by_node ON node_event(node, id)",
    NULL,
};

/* What tasks receive and send; -1: never known. */
const char *const schema_v16[] = {
    "ALTER TABLE task_use ADD COLUMN received_bytes INTEGER NOT NULL DEFAULT -1",
    "ALTER TABLE task_use ADD COLUMN sent_bytes INTEGER NOT NULL DEFAULT -1",
    "ALTER TABLE task_use ADD COLUMN received_curve BLOB NOT NULL DEFAULT x''",
    "ALTER TABLE task_use ADD COLUMN sent_curve BLOB NOT NULL DEFAULT x''",
    NULL,
};
