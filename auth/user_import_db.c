/* SPDX-License-Identifier: MIT
 *
 * Rows of an import against the database: the same checks for the dry run and before writing, the writing, and the way
 * back.
 */
#include <string.h>

#include "auth/group_store.h"
#include "auth/invitation.h"
#include "auth/member_store.h"
#include "auth/user_import_impl.h"
#include "auth/user_state.h"
#include "base/arena.h"
#include "base/buf.h"
#include "store/store.h"

static const struct store_sql sql_add = {"INSERT INTO user_import(id, time_ms, actor, users) VALUES (?, ?, ?, ?)"};
static const struct store_sql sql_add_row = {
    "INSERT INTO user_import_row(import, position, user, before, after) VALUES (?, ?, ?, ?, ?)"};
static const struct store_sql sql_forget = {
    "DELETE FROM user_import WHERE id NOT IN (SELECT id FROM user_import ORDER BY time_ms DESC, id DESC LIMIT ?)"};
static const struct store_sql sql_get = {"SELECT undone_ms FROM user_import WHERE id = ?"};
static const struct store_sql sql_rows = {
    "SELECT user, before, after FROM user_import_row WHERE import = ? ORDER BY position DESC"};
static const struct store_sql sql_undone = {"UPDATE user_import SET undone_ms = ? WHERE id = ?"};

/* ---- checks ---- */

static void fail(struct user_import *im, struct user_import_row *row, const char *field, const struct err *why)
{
    row->bad_now = true;
    user_import_fail(im, row, field, why);
}

/* Whether the row's user is there as the action needs it. -1 when the database failed. */
static int check_user(struct user_import *im, struct user_import_row *row, struct store *s, struct err *e)
{
    const char *name = row->write.name;
    struct err why = {0};
    bool admin = false;
    int known = auth_store_user_known(s, name, &admin, e);

    if (known < 0)
        return -1;
    if (row->action == USER_IMPORT_CREATE && known)
        err_set(&why, ERR_CONFLICT_USER, "User name %s already exists.", name);
    else if (row->action != USER_IMPORT_CREATE && !known)
        err_set(&why, ERR_NO_USER, "User %s is not found.", name);
    else if (row->action == USER_IMPORT_DELETE && admin)
        err_set(&why, ERR_REMOVE_ADMIN, "Admin %s cannot be removed; take the admin right away first.", name);
    else if (admin && im->options.by && !strcmp(name, im->options.by))
        err_set(&why, ERR_FORBIDDEN, "A table does not change the admin who imports it.");
    else if (admin && !im->options.allow_admin)
        err_set(&why, ERR_FORBIDDEN, "A table changes no admins unless that is allowed (allowAdmin).");
    if (why.code)
        fail(im, row, "username", &why);
    return 0;
}

static int check_vcs(struct user_import *im, struct user_import_row *row, struct store *s, struct err *e)
{
    for (const char *const *vc = row->write.vcs; vc && *vc; vc++) {
        struct err why = {0};

        if (!strcmp(*vc, GROUP_DEFAULT) || member_store_vc_group(s, *vc, &why) >= 0)
            continue;
        if (why.code != ERR_NO_VC_BAD && why.code != ERR_INVALID_PARAMETERS) {
            *e = why;
            return -1;
        }
        fail(im, row, "virtualCluster", &why);
    }
    return 0;
}

static int check_groups(struct user_import *im, struct user_import_row *row, struct store *s, struct err *e)
{
    for (const char *const *group = row->write.groups; group && *group; group++) {
        bool admin = false;
        struct err why = {0};
        int known = group_store_known(s, *group, &admin, e);

        if (known < 0)
            return -1;
        if (!known)
            err_set(&why, ERR_NO_GROUP, "Group %s is not found.", *group);
        else if (admin && !im->options.allow_admin)
            err_set(&why, ERR_FORBIDDEN,
                    "Group %s makes admins; a table does so only where that is allowed "
                    "(allowAdmin).",
                    *group);
        if (why.code)
            fail(im, row, "groups", &why);
    }
    return 0;
}

int user_import_check(struct user_import *im, struct store *s, struct err *e)
{
    im->error_count = im->text_errors;
    im->bad_rows = 0;
    memset(im->counts, 0, sizeof im->counts);
    for (size_t i = 0; i < im->count; i++) {
        struct user_import_row *row = &im->rows[i];

        row->bad_now = false;
        if (!row->bad && (check_user(im, row, s, e) || check_vcs(im, row, s, e) || check_groups(im, row, s, e)))
            return -1;
        if (row->bad || row->bad_now)
            im->bad_rows++;
        else
            im->counts[row->action]++;
    }
    return 0;
}

/* ---- writing ---- */

static int write_user(struct user_import *im, struct user_import_row *row, struct store *s, struct clock_now now,
                      struct err *e)
{
    static const enum auth_user_op ops[USER_IMPORT_ACTION_COUNT] = {
        [USER_IMPORT_CREATE] = AUTH_USER_ADD,
        [USER_IMPORT_UPDATE] = AUTH_USER_CHANGE,
        [USER_IMPORT_DISABLE] = AUTH_USER_CHANGE,
        [USER_IMPORT_DELETE] = AUTH_USER_REMOVE,
    };
    struct auth_user_write w = row->write;

    if (row->action == USER_IMPORT_DISABLE)
        w = (struct auth_user_write){.name = row->write.name, .disabled = AUTH_YES};
    w.op = ops[row->action];
    w.by = im->options.by;
    w.by_admin = im->options.by != NULL;
    if (row->action == USER_IMPORT_CREATE && !w.password_hash)
        w.password_hash = INVITATION_NO_PASSWORD;
    if (auth_write_user(s, &w, now, e))
        return err_wrap(e, "line %d", row->line);
    if (row->action != USER_IMPORT_CREATE || !row->invitation)
        return 0;
    return invitation_put(
        s, &(struct invitation){.user = w.name, .hash = row->invitation_hash, .expires_ms = now.wall + INVITATION_MS},
        e);
}

/* One row of the memory: how the user was, and how the import left it. */
static int write_row(struct user_import *im, size_t position, struct store *s, struct clock_now now, struct err *e)
{
    struct user_import_row *row = &im->rows[position];
    struct buf before, after;
    struct stmt *st;
    int rc = -1;

    buf_init(&before, 0);
    buf_init(&after, 0);
    if (user_state_save(s, row->write.name, &before, e) || write_user(im, row, s, now, e) ||
        user_state_save(s, row->write.name, &after, e))
        goto out;
    st = store_stmt(s, &sql_add_row, e);
    stmt_text(st, 1, im->id);
    stmt_int(st, 2, (int64_t)position);
    stmt_text(st, 3, row->write.name);
    stmt_text(st, 4, buf_str(&before));
    stmt_text(st, 5, buf_str(&after));
    rc = stmt_exec(st, e);
out:
    buf_fini(&before);
    buf_fini(&after);
    return rc;
}

static int write_import(struct user_import *im, struct store *s, struct clock_now now, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_add, e);

    stmt_text(st, 1, im->id);
    stmt_int(st, 2, now.wall);
    stmt_text(st, 3, im->options.by);
    stmt_int(st, 4, (int64_t)(im->count - im->bad_rows));
    if (stmt_exec(st, e))
        return -1;
    st = store_stmt(s, &sql_forget, e);
    stmt_int(st, 1, USER_IMPORT_KEPT);
    return stmt_exec(st, e);
}

int user_import_apply(struct store *s, void *what, struct clock_now now, struct err *e)
{
    struct user_import *im = what;

    im->applied = false;
    if (user_import_check(im, s, e))
        return -1;
    if (!user_import_may_apply(im) || im->bad_rows == im->count)
        return 0;
    if (write_import(im, s, now, e))
        return -1;
    for (size_t i = 0; i < im->count; i++)
        if (!im->rows[i].bad && !im->rows[i].bad_now && write_row(im, i, s, now, e))
            return -1;
    im->applied = true;
    return 0;
}

/* ---- undoing ---- */

/* 0 when the import is there and was not undone. */
static int check_import(struct store *s, const char *id, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_get, e);
    bool undone;
    int rc;

    stmt_text(st, 1, id);
    rc = stmt_step(st, e);
    if (rc < 0)
        return -1;
    if (rc != STMT_ROW)
        return err_set(e, ERR_NO_IMPORT, "Import %.64s is not found; the last %d can be undone.", id, USER_IMPORT_KEPT);
    undone = !stmt_col_null(st, 0);
    stmt_reset(st);
    return undone ? err_set(e, ERR_CONFLICT_USER, "Import %s was undone before.", id) : 0;
}

/* One user back, unless somebody has changed it since. */
static int undo_row(struct store *s, const char *user, const char *before, const char *after, struct err *e)
{
    struct buf now;
    int rc;

    buf_init(&now, 0);
    rc = user_state_save(s, user, &now, e);
    if (!rc && strcmp(buf_str(&now), after) != 0)
        rc = err_set(e, ERR_CONFLICT_USER, "User %s was changed since the import; nothing was undone.", user);
    if (!rc && (*before || *after))
        rc = user_state_load(s, user, before, e);
    buf_fini(&now);
    return rc;
}

/* The rows are taken out of the table before the first user is touched: no statement is stepped over other writes. */
struct undo_row {
    const char *user, *before, *after;
    struct undo_row *next;
};

static int load_rows(struct store *s, struct arena *a, const char *id, struct undo_row **out, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_rows, e);
    struct undo_row **end = out;
    int rc;

    *out = NULL;
    stmt_text(st, 1, id);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct undo_row *row = arena_alloc(a, sizeof *row);

        if (row) {
            row->user = arena_strdup(a, stmt_col_string(st, 0));
            row->before = arena_strdup(a, stmt_col_string(st, 1));
            row->after = arena_strdup(a, stmt_col_string(st, 2));
        }
        if (!row || !row->user || !row->before || !row->after) {
            stmt_reset(st);
            return err_set(e, ERR_INTERNAL, "Out of memory.");
        }
        *end = row;
        end = &row->next;
    }
    return rc;
}

int user_import_undo(struct store *s, void *what, struct clock_now now, struct err *e)
{
    struct user_undo *u = what;
    struct arena *a = arena_create(64u << 20);
    struct undo_row *rows = NULL;
    struct stmt *st;
    int rc = a ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");

    u->count = 0;
    if (rc || check_import(s, u->id, e) || load_rows(s, a, u->id, &rows, e))
        rc = -1;
    for (const struct undo_row *row = rows; row && !rc; row = row->next, u->count++)
        rc = undo_row(s, row->user, row->before, row->after, e);
    arena_destroy(a);
    if (rc)
        return -1;
    st = store_stmt(s, &sql_undone, e);
    stmt_int(st, 1, now.wall);
    stmt_text(st, 2, u->id);
    return stmt_exec(st, e) || (u->by && auth_write_still_admin(s, u->by, now.wall, e)) ? -1 : 0;
}
