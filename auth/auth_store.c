/* SPDX-License-Identifier: MIT
 *
 * Statements of tables user and token.
 */
#include "auth/auth_store.h"

#include <sodium.h>
#include <string.h>

#include "auth/group_store.h"
#include "auth/member_store.h"
#include "auth/session.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "inventory/setting_store.h"
#include "store/store.h"

#define HASH_BYTES 32

static const char *const kind_names[AUTH_TOKEN_KIND_COUNT] = {
    [AUTH_TOKEN_BROWSER] = "browser",
    [AUTH_TOKEN_APPLICATION] = "application",
    [AUTH_TOKEN_SESSION] = "session",
};

static const struct store_sql sql_user_add = {
    "INSERT INTO user(name, password_hash, email, admin, disabled, created_ms, extension, expires_ms, disk_mb)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"};
#define USER_COLUMNS                                                                                                   \
    "SELECT name, password_hash, email, extension, admin, disabled, token_version, created_ms, expires_ms, disk_mb"    \
    " FROM user"
static const struct store_sql sql_user_get = {USER_COLUMNS " WHERE name = ?"};
static const struct store_sql sql_user_list = {USER_COLUMNS " ORDER BY name"};
static const struct store_sql sql_user_password = {
    "UPDATE user SET password_hash = ?, token_version = token_version + ? WHERE name = ?"};
static const struct store_sql sql_user_forget = {"DELETE FROM token WHERE user = ? AND kind <> 'application'"};
static const struct store_sql sql_user_change = {
    "UPDATE user SET email = coalesce(?1, email), extension = coalesce(?2, extension),"
    " disabled = coalesce(?3, disabled), expires_ms = CASE WHEN ?4 THEN ?5 ELSE expires_ms END,"
    " disk_mb = coalesce(?6, disk_mb) WHERE name = ?7"};
static const struct store_sql sql_user_tokens = {"DELETE FROM token WHERE user = ?"};
static const struct store_sql sql_user_remove = {"DELETE FROM user WHERE name = ?"};
static const struct store_sql sql_user_disk = {"SELECT disk_mb FROM user WHERE name = ?"};
static const struct store_sql sql_user_known = {"SELECT admin FROM user WHERE name = ?"};

static const struct store_sql sql_token_add = {
    "INSERT INTO token(id, user, hash, kind, issued_ms, expires_ms, last_used_ms, hint, read_only)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"};
#define TOKEN_COLUMNS                                                                                                  \
    "SELECT t.id, t.user, t.hash, t.kind, t.issued_ms, t.expires_ms, t.last_used_ms, t.hint, t.read_only"
static const struct store_sql sql_token_find = {
    TOKEN_COLUMNS
    ", u.admin, u.expires_ms FROM token t JOIN user u ON u.name = t.user WHERE t.hash = ? AND u.disabled = 0"
    " AND (u.expires_ms IS NULL OR u.expires_ms > ?)"};
static const struct store_sql sql_token_by_hash = {TOKEN_COLUMNS " FROM token t WHERE t.hash = ?"};
static const struct store_sql sql_token_list = {
    TOKEN_COLUMNS " FROM token t WHERE t.user = ? AND t.kind <> 'session'"
                  " AND (t.expires_ms IS NULL OR t.expires_ms > ?) ORDER BY t.issued_ms DESC, t.id DESC"};
static const struct store_sql sql_token_touch = {
    "UPDATE token SET last_used_ms = ? WHERE hash = ? AND coalesce(last_used_ms, 0) < ?"};
static const struct store_sql sql_token_revoke = {"DELETE FROM token WHERE hash = ?"};
static const struct store_sql sql_token_purge = {
    "DELETE FROM token WHERE user = ? AND (expires_ms <= ? OR (kind = 'session' AND (issued_ms <= ? OR"
    " coalesce(last_used_ms, issued_ms) <= ?)))"};

const char *auth_store_kind_name(enum auth_token_kind kind)
{
    return (unsigned)kind < AUTH_TOKEN_KIND_COUNT ? kind_names[kind] : "";
}

int auth_store_check_name(const char *name, struct err *e)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");

    if (n == 0 || n >= IDENTITY_USER_SIZE || name[n] != '\0' || strspn(name, ".") == n)
        return err_set(e, ERR_INVALID_PARAMETERS,
                       "A user name has 1 to %d letters, digits, '_', '-' and '.', and is not all dots.",
                       IDENTITY_USER_SIZE - 1);
    return 0;
}

int auth_store_check_email(const char *email, struct err *e)
{
    const char *at = strchr(email, '@');
    bool plain = true;

    for (const char *c = email; *c; c++)
        plain = plain && (unsigned char)*c > ' ' && *c != 0x7f && !strchr("<>\"(),;:\\", *c);
    if (!*email || (plain && at && at != email && at[1] && !strchr(at + 1, '@') && strlen(email) < 255))
        return 0;
    return err_set(e, ERR_INVALID_PARAMETERS, "\"%.100s\" is no e-mail address.", email);
}

/* Copies a column into a field; what does not fit is no row of ours. */
static int copy_column(struct stmt *st, int col, char *out, size_t size)
{
    const char *s = stmt_col_string(st, col);
    size_t n = strlen(s);

    if (n >= size)
        return -1;
    memcpy(out, s, n + 1);
    return 0;
}

static int hash_to_bytes(const char *hex, unsigned char out[HASH_BYTES], struct err *e)
{
    size_t n = 0;

    if (sodium_hex2bin(out, HASH_BYTES, hex, strlen(hex), NULL, &n, NULL) || n != HASH_BYTES)
        return err_set(e, ERR_INTERNAL, "not a hash of a token");
    return 0;
}

/* ---- users ---- */

int auth_store_user_add(struct store *s, const struct auth_user *u, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_user_add, e);

    stmt_text(st, 1, u->name);
    stmt_text(st, 2, u->password_hash);
    stmt_text(st, 3, u->email ? u->email : "");
    stmt_int(st, 4, u->admin);
    stmt_int(st, 5, u->disabled);
    stmt_int(st, 6, u->created_ms);
    stmt_text(st, 7, u->extension ? u->extension : "{}");
    stmt_int_or_null(st, 8, u->expires_ms, 0);
    stmt_int(st, 9, u->disk_mb);
    if (stmt_exec(st, e) == 0)
        return member_store_join(s, u->name, GROUP_DEFAULT, e) ||
                       (u->admin && member_store_join(s, u->name, GROUP_ADMIN, e))
                   ? -1
                   : 0;
    if (st && store_last_constraint(s) == STORE_CONSTRAINT_UNIQUE)
        return err_set(e, ERR_CONFLICT_USER, "User name %s already exists.", u->name);
    return -1;
}

static void read_user(struct stmt *st, struct auth_user *u)
{
    u->name = stmt_col_string(st, 0);
    u->password_hash = stmt_col_string(st, 1);
    u->email = stmt_col_string(st, 2);
    u->extension = stmt_col_string(st, 3);
    u->admin = stmt_col_int(st, 4) != 0;
    u->disabled = stmt_col_int(st, 5) != 0;
    u->token_version = stmt_col_int(st, 6);
    u->created_ms = stmt_col_int(st, 7);
    u->expires_ms = stmt_col_int(st, 8);
    u->disk_mb = (int)stmt_col_int(st, 9);
}

int auth_store_user_get(struct store *s, struct arena *a, const char *name, struct auth_user *out, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_user_get, e);
    int rc;

    stmt_text(st, 1, name);
    rc = stmt_step(st, e);
    if (rc < 0)
        return -1;
    if (rc != STMT_ROW)
        return err_set(e, ERR_NO_USER, "User %s is not found.", name);
    read_user(st, out);
    out->name = arena_strdup(a, out->name);
    out->password_hash = arena_strdup(a, out->password_hash);
    out->email = arena_strdup(a, out->email);
    out->extension = arena_strdup(a, out->extension);
    stmt_reset(st);
    if (!out->name || !out->password_hash || !out->email || !out->extension)
        return err_set(e, ERR_INTERNAL, "out of memory");
    return 0;
}

int auth_store_user_list(struct store *s, int (*row)(void *ctx, const struct auth_user *u), void *ctx, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_user_list, e);
    int rc;

    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct auth_user u;

        read_user(st, &u);
        if (row(ctx, &u)) {
            stmt_reset(st);
            return 0;
        }
    }
    return rc;
}

/* Runs an UPDATE of one user. */
static int update_user(struct store *s, struct stmt *st, const char *name, struct err *e)
{
    if (stmt_exec(st, e))
        return -1;
    return store_changes(s) == 1 ? 0 : err_set(e, ERR_NO_USER, "User %s is not found.", name);
}

int auth_store_user_set_password(struct store *s, const char *name, const char *hash, bool keep_tokens, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_user_password, e);

    stmt_text(st, 1, hash);
    stmt_int(st, 2, keep_tokens ? 0 : 1);
    stmt_text(st, 3, name);
    if (update_user(s, st, name, e))
        return -1;
    if (keep_tokens)
        return 0;
    st = store_stmt(s, &sql_user_forget, e);
    stmt_text(st, 1, name);
    return stmt_exec(st, e);
}

static int change_user(struct store *s, const char *name, const struct auth_user_change *change, const char *extension,
                       struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_user_change, e);

    stmt_text(st, 1, change->email);
    stmt_text(st, 2, extension);
    if (change->set_disabled)
        stmt_int(st, 3, change->disabled);
    stmt_int(st, 4, change->set_expires);
    stmt_int_or_null(st, 5, change->expires_ms, 0);
    if (change->set_disk)
        stmt_int(st, 6, change->disk_mb);
    stmt_text(st, 7, name);
    return update_user(s, st, name, e);
}

int auth_store_user_change(struct store *s, const char *name, const struct auth_user_change *change, struct err *e)
{
    struct stmt *st;
    char *merged = NULL;
    int rc;

    if (!change->extension || !change->merge)
        return change_user(s, name, change, change->extension, e);
    st = store_stmt(s, &sql_user_get, e);
    stmt_text(st, 1, name);
    rc = stmt_step(st, e);
    if (rc == STMT_ROW) {
        merged = json_merge(stmt_col_string(st, 3), change->extension, 1, e);
        stmt_reset(st);
    }
    if (rc == STMT_DONE)
        return err_set(e, ERR_NO_USER, "User %s is not found.", name);
    rc = merged ? change_user(s, name, change, merged, e) : -1;
    cJSON_free(merged);
    return rc;
}

int auth_store_user_remove(struct store *s, const char *name, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_user_tokens, e);

    stmt_text(st, 1, name);
    if (stmt_exec(st, e) || setting_store_remove(s, SETTING_REPORT_MAIL, name, e)) /* it names nobody else's row */
        return -1;
    st = store_stmt(s, &sql_user_remove, e);
    stmt_text(st, 1, name);
    return update_user(s, st, name, e);
}

int auth_store_known(struct store *s, const struct store_sql *sql, const char *name, bool *admin, struct err *e)
{
    struct stmt *st = store_stmt(s, sql, e);
    int rc;

    stmt_text(st, 1, name);
    rc = stmt_step(st, e);
    if (rc != STMT_ROW)
        return rc;
    *admin = stmt_col_int(st, 0) != 0;
    stmt_reset(st);
    return 1;
}

int auth_store_user_known(struct store *s, const char *name, bool *admin, struct err *e)
{
    return auth_store_known(s, &sql_user_known, name, admin, e);
}

int auth_store_user_disk(struct store *s, const char *name, int *mb, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_user_disk, e);
    int rc;

    *mb = 0;
    stmt_text(st, 1, name);
    rc = stmt_step(st, e);
    if (rc != STMT_ROW)
        return rc;
    *mb = (int)stmt_col_int(st, 0);
    stmt_reset(st);
    return 0;
}

/* ---- tokens ---- */

int auth_store_token_add(struct store *s, const struct auth_token *t, struct err *e)
{
    unsigned char hash[HASH_BYTES];
    struct stmt *st;

    if (hash_to_bytes(t->hash, hash, e))
        return -1;
    st = store_stmt(s, &sql_token_add, e);
    stmt_text(st, 1, t->id);
    stmt_text(st, 2, t->user);
    stmt_blob(st, 3, hash, sizeof(hash));
    stmt_text(st, 4, auth_store_kind_name(t->kind));
    stmt_int(st, 5, t->issued_ms);
    stmt_int_or_null(st, 6, t->expires_ms, 0);
    stmt_int_or_null(st, 7, t->used_ms, 0);
    stmt_text(st, 8, t->hint);
    stmt_int(st, 9, t->read_only);
    return stmt_exec(st, e);
}

static int read_token(struct stmt *st, struct auth_token *t, struct err *e)
{
    const char *kind = stmt_col_string(st, 3);
    size_t n = 0;
    const void *hash = stmt_col_blob(st, 2, &n);
    unsigned k = 0;

    memset(t, 0, sizeof(*t));
    while (k < AUTH_TOKEN_KIND_COUNT && strcmp(kind_names[k], kind) != 0)
        k++;
    if (k == AUTH_TOKEN_KIND_COUNT || n != HASH_BYTES || copy_column(st, 0, t->id, sizeof(t->id)) ||
        copy_column(st, 1, t->user, sizeof(t->user)))
        return err_set(e, ERR_INTERNAL, "a row of table token is damaged");
    sodium_bin2hex(t->hash, sizeof(t->hash), hash, n);
    t->kind = (enum auth_token_kind)k;
    t->issued_ms = stmt_col_int(st, 4);
    t->expires_ms = stmt_col_int(st, 5);
    t->used_ms = stmt_col_int(st, 6);
    t->read_only = stmt_col_int(st, 8) != 0;
    return copy_column(st, 7, t->hint, sizeof(t->hint)) ? err_set(e, ERR_INTERNAL, "a row of table token is damaged")
                                                        : 0;
}

static bool token_alive(const struct auth_token *t, int64_t now_ms)
{
    if (t->expires_ms && t->expires_ms <= now_ms)
        return false;
    return t->kind != AUTH_TOKEN_SESSION || session_alive(t->issued_ms, t->used_ms ? t->used_ms : t->issued_ms, now_ms);
}

int auth_store_token_find(struct store *s, const char hash[IDENTITY_HASH_SIZE], int64_t now_ms, struct identity *out,
                          struct err *e)
{
    unsigned char bytes[HASH_BYTES];
    struct auth_token t;
    struct stmt *st;
    bool admin;
    int64_t user_expires;
    int rc;

    if (hash_to_bytes(hash, bytes, e))
        return -1;
    st = store_stmt(s, &sql_token_find, e);
    stmt_blob(st, 1, bytes, sizeof(bytes));
    stmt_int(st, 2, now_ms);
    rc = stmt_step(st, e);
    if (rc < 0)
        return -1;
    if (rc != STMT_ROW)
        return err_set(e, ERR_UNAUTHORIZED, "Your token is invalid.");
    rc = read_token(st, &t, e);
    admin = stmt_col_int(st, 9) != 0;
    user_expires = stmt_col_int(st, 10);
    stmt_reset(st);
    if (rc)
        return -1;
    if (!token_alive(&t, now_ms))
        return err_set(e, ERR_UNAUTHORIZED, "Your token is invalid.");
    memset(out, 0, sizeof(*out));
    out->kind = t.kind == AUTH_TOKEN_SESSION ? IDENTITY_SESSION : IDENTITY_TOKEN;
    memcpy(out->user, t.user, sizeof(out->user));
    memcpy(out->hash, t.hash, sizeof(out->hash));
    out->admin = admin;
    out->application = t.kind == AUTH_TOKEN_APPLICATION;
    out->created_ms = t.issued_ms;
    /* The login ends with its user, also for those who keep this answer for a while. */
    out->expires_ms = user_expires && (!t.expires_ms || user_expires < t.expires_ms) ? user_expires : t.expires_ms;
    out->read_only = t.read_only;
    out->touch = now_ms - (t.used_ms ? t.used_ms : t.issued_ms) > SESSION_TOUCH_MS;
    return 0;
}

int auth_store_token_get(struct store *s, const char hash[IDENTITY_HASH_SIZE], struct auth_token *out, bool *found,
                         struct err *e)
{
    unsigned char bytes[HASH_BYTES];
    struct stmt *st;
    int rc;

    *found = false;
    if (hash_to_bytes(hash, bytes, e))
        return -1;
    st = store_stmt(s, &sql_token_by_hash, e);
    stmt_blob(st, 1, bytes, sizeof(bytes));
    rc = stmt_step(st, e);
    if (rc != STMT_ROW)
        return rc;
    rc = read_token(st, out, e);
    stmt_reset(st);
    *found = rc == 0;
    return rc;
}

int auth_store_token_list(struct store *s, const char *user, int64_t now_ms, const struct auth_token_sink *sink,
                          struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_token_list, e);
    int rc;

    stmt_text(st, 1, user);
    stmt_int(st, 2, now_ms);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct auth_token t;

        rc = read_token(st, &t, e);
        if (rc || sink->row(sink->ctx, &t)) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}

int auth_store_token_touch(struct store *s, const char hash[IDENTITY_HASH_SIZE], int64_t now_ms, struct err *e)
{
    unsigned char bytes[HASH_BYTES];
    struct stmt *st;

    if (hash_to_bytes(hash, bytes, e))
        return -1;
    st = store_stmt(s, &sql_token_touch, e);
    stmt_int(st, 1, now_ms);
    stmt_blob(st, 2, bytes, sizeof(bytes));
    stmt_int(st, 3, now_ms);
    return stmt_exec(st, e);
}

int auth_store_token_revoke(struct store *s, const char hash[IDENTITY_HASH_SIZE], bool *removed, struct err *e)
{
    unsigned char bytes[HASH_BYTES];
    struct stmt *st;

    if (hash_to_bytes(hash, bytes, e))
        return -1;
    st = store_stmt(s, &sql_token_revoke, e);
    stmt_blob(st, 1, bytes, sizeof(bytes));
    if (stmt_exec(st, e))
        return -1;
    if (removed)
        *removed = store_changes(s) > 0;
    return 0;
}

int auth_store_token_purge(struct store *s, const char *user, int64_t now_ms, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_token_purge, e);

    stmt_text(st, 1, user);
    stmt_int(st, 2, now_ms);
    stmt_int(st, 3, now_ms - SESSION_MAX_MS);
    stmt_int(st, 4, now_ms - SESSION_IDLE_MS);
    return stmt_exec(st, e);
}
