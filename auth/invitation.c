/* SPDX-License-Identifier: MIT
 *
 * Statements of table invitation.
 */
#include "auth/invitation.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "auth/auth_store.h"
#include "auth/session.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "store/store.h"

enum { HASH_BYTES = 32, SECRET_BYTES = (INVITATION_SECRET_SIZE - 1) / 2 };

static const struct store_sql sql_put = {
    "INSERT INTO invitation(user, hash, expires_ms) VALUES (?, ?, ?) ON CONFLICT(user) DO UPDATE SET"
    " hash = excluded.hash, expires_ms = excluded.expires_ms, sent_ms = NULL, problem = ''"};
/* Whoever was given a password since needs the invitation no more, and nobody else is to use it. */
static const struct store_sql sql_find = {"SELECT i.user FROM invitation i JOIN user u ON u.name = i.user"
                                          " WHERE i.hash = ? AND i.expires_ms > ? AND u.password_hash = ?"};
static const struct store_sql sql_get = {"SELECT hash, expires_ms FROM invitation WHERE user = ?"};
static const struct store_sql sql_sent = {"UPDATE invitation SET sent_ms = ?, problem = ? WHERE hash = ?"};
static const struct store_sql sql_drop = {"DELETE FROM invitation WHERE user = ?"};

static int to_bytes(const char *hex, unsigned char out[HASH_BYTES], struct err *e)
{
    size_t n = 0;

    if (sodium_hex2bin(out, HASH_BYTES, hex, strlen(hex), NULL, &n, NULL) || n != HASH_BYTES)
        return err_set(e, ERR_INTERNAL, "not a hash of an invitation");
    return 0;
}

void invitation_make(char secret[INVITATION_SECRET_SIZE], char hash[IDENTITY_HASH_SIZE])
{
    id_random_hex(secret, SECRET_BYTES);
    session_hash(secret, strlen(secret), hash);
}

int invitation_put(struct store *s, const struct invitation *i, struct err *e)
{
    unsigned char hash[HASH_BYTES];
    struct stmt *st;

    if (to_bytes(i->hash, hash, e))
        return -1;
    st = store_stmt(s, &sql_put, e);
    stmt_text(st, 1, i->user);
    stmt_blob(st, 2, hash, sizeof hash);
    stmt_int(st, 3, i->expires_ms);
    return stmt_exec(st, e);
}

int invitation_find(struct store *s, const char *hash, int64_t now_ms, char user[IDENTITY_USER_SIZE], struct err *e)
{
    unsigned char bytes[HASH_BYTES];
    struct stmt *st;
    int rc;

    if (to_bytes(hash, bytes, e))
        return -1;
    st = store_stmt(s, &sql_find, e);
    stmt_blob(st, 1, bytes, sizeof bytes);
    stmt_int(st, 2, now_ms);
    stmt_text(st, 3, INVITATION_NO_PASSWORD);
    rc = stmt_step(st, e);
    if (rc == STMT_ROW) {
        snprintf(user, IDENTITY_USER_SIZE, "%s", stmt_col_string(st, 0));
        stmt_reset(st);
    }
    return rc == STMT_ROW ? 1 : rc;
}

int invitation_get(struct store *s, const char *user, char hash[IDENTITY_HASH_SIZE], int64_t *expires_ms, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_get, e);
    int rc;

    stmt_text(st, 1, user);
    rc = stmt_step(st, e);
    if (rc != STMT_ROW)
        return rc;
    size_t n = 0;
    const void *bytes = stmt_col_blob(st, 0, &n);
    if (n == HASH_BYTES)
        sodium_bin2hex(hash, IDENTITY_HASH_SIZE, bytes, n);
    *expires_ms = stmt_col_int(st, 1);
    stmt_reset(st);
    return n == HASH_BYTES ? 1 : err_set(e, ERR_INTERNAL, "not a hash of an invitation");
}

int invitation_drop(struct store *s, const char *user, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_drop, e);

    stmt_text(st, 1, user);
    return stmt_exec(st, e);
}

int invitation_write_sent(struct store *s, void *what, struct clock_now now, struct err *e)
{
    const struct invitation_sent *sent = what;
    unsigned char hash[HASH_BYTES];
    struct stmt *st;

    if (to_bytes(sent->hash, hash, e))
        return -1;
    st = store_stmt(s, &sql_sent, e);
    stmt_int_or_null(st, 1, sent->problem ? 0 : now.wall, 0);
    stmt_text(st, 2, sent->problem ? sent->problem : "");
    stmt_blob(st, 3, hash, sizeof hash);
    return stmt_exec(st, e);
}

int invitation_write_accept(struct store *s, void *what, struct clock_now now, struct err *e)
{
    struct invitation_accept *a = what;
    int found = invitation_find(s, a->hash, now.wall, a->user, e);

    if (found < 0)
        return -1;
    if (!found)
        return err_set(e, ERR_INVALID_PARAMETERS, "The invitation is not valid any more.");
    if (auth_store_user_set_password(s, a->user, a->password_hash, false, e))
        return -1;
    return invitation_drop(s, a->user, e);
}

int invitation_write_again(struct store *s, void *what, struct clock_now now, struct err *e)
{
    struct invitation_again *w = what;
    const struct invitation i = {.user = w->user, .hash = w->hash, .expires_ms = now.wall + INVITATION_MS};
    struct arena *a = arena_create(64 << 10);
    struct auth_user user = {0};
    int rc = -1;

    if (!a)
        return err_set(e, ERR_INTERNAL, "out of memory");
    if (auth_store_user_get(s, a, w->user, &user, e))
        goto out;
    if (strcmp(user.password_hash, INVITATION_NO_PASSWORD) != 0) {
        err_set(e, ERR_CONFLICT_USER, "User %s has a password; set another one instead.", w->user);
        goto out;
    }
    if (w->need_email && !*user.email) {
        err_set(e, ERR_INVALID_PARAMETERS, "User %s has no e-mail address.", w->user);
        goto out;
    }
    snprintf(w->email, sizeof w->email, "%s", user.email);
    rc = invitation_put(s, &i, e);
out:
    arena_destroy(a);
    return rc;
}
