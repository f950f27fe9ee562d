/* SPDX-License-Identifier: MIT
 *
 * Users, groups and logins are rows, not state of the core. What may be done depends on the rows, so it is decided
 * here, on the connection that writes: nobody comes in between.
 */
#include "auth/auth_write.h"

#include "auth/group_store.h"
#include "auth/member_store.h"
#include "base/err.h"
#include "store/store.h"

static const struct store_sql sql_active_admin = {
    "SELECT 1 FROM user WHERE name = ? AND admin = 1 AND disabled = 0 AND (expires_ms IS NULL OR expires_ms > ?)"};

int auth_write_still_admin(struct store *s, const char *by, int64_t now_ms, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_active_admin, e);
    int rc;

    stmt_text(st, 1, by);
    stmt_int(st, 2, now_ms);
    rc = stmt_found(st, e);
    if (rc == 0)
        return err_set(e, ERR_FORBIDDEN, "You cannot take the admin right from yourself; another admin can.");
    return rc < 0 ? -1 : 0;
}

/* ---- users ---- */

static int add_user(struct store *s, const struct auth_user_write *u, int64_t now_ms, struct err *e)
{
    const struct auth_user row = {.name = u->name,
                                  .password_hash = u->password_hash,
                                  .email = u->email,
                                  .extension = u->extension,
                                  .disabled = u->disabled == AUTH_YES,
                                  .created_ms = now_ms,
                                  .expires_ms = u->set_expires ? u->expires_ms : 0,
                                  .disk_mb = u->set_disk ? u->disk_mb : 0};

    return auth_store_user_add(s, &row, e);
}

/* 0, or why not. */
static int check_change(struct store *s, const struct auth_user_write *u, struct err *e)
{
    bool admin = false;
    int known = auth_store_user_known(s, u->name, &admin, e);

    if (known < 0)
        return -1;
    if (!known)
        return err_set(e, ERR_NO_USER, "User %s is not found.", u->name);
    if (u->op == AUTH_USER_REMOVE && admin)
        return err_set(e, ERR_REMOVE_ADMIN, "Admin %s cannot be removed; take the admin right away first.", u->name);
    if (u->only_users && admin)
        return err_set(e, ERR_FORBIDDEN, "Admin's virtual clusters cannot be updated.");
    return 0;
}

static int change_user(struct store *s, const struct auth_user_write *u, struct err *e)
{
    const struct auth_user_change c = {.email = u->email,
                                       .extension = u->extension,
                                       .merge = u->merge,
                                       .set_disabled = u->disabled != AUTH_KEEP,
                                       .disabled = u->disabled == AUTH_YES,
                                       .set_expires = u->set_expires,
                                       .expires_ms = u->expires_ms,
                                       .set_disk = u->set_disk,
                                       .disk_mb = u->disk_mb};

    if (auth_store_user_change(s, u->name, &c, e))
        return -1;
    return u->password_hash ? auth_store_user_set_password(s, u->name, u->password_hash, false, e) : 0;
}

/* Lists before single ones, and the admin right last: it is a membership, too. */
static int set_groups(struct store *s, const struct auth_user_write *u, int64_t now_ms, struct err *e)
{
    if (u->groups && member_store_set(s, u->name, u->groups, e))
        return -1;
    if (u->vcs && member_store_set_vcs(s, u->name, u->vcs, now_ms, e))
        return -1;
    if (u->join && member_store_join(s, u->name, u->join, e))
        return -1;
    if (u->leave && member_store_leave(s, u->name, u->leave, e))
        return -1;
    return u->admin != AUTH_KEEP ? member_store_set_admin(s, u->name, u->admin == AUTH_YES, e) : 0;
}

int auth_write_user(struct store *s, void *what, struct clock_now now, struct err *e)
{
    const struct auth_user_write *u = what;
    int rc;

    if (u->op != AUTH_USER_ADD && check_change(s, u, e))
        return -1;
    if (u->op == AUTH_USER_REMOVE)
        return auth_store_user_remove(s, u->name, e);
    rc = u->op == AUTH_USER_ADD ? add_user(s, u, now.wall, e) : change_user(s, u, e);
    if (rc || set_groups(s, u, now.wall, e))
        return -1;
    return u->by_admin ? auth_write_still_admin(s, u->by, now.wall, e) : 0;
}

/* ---- groups ---- */

int auth_write_group(struct store *s, void *what, struct clock_now now, struct err *e)
{
    const struct auth_group_write *w = what;
    struct group g = *w->group;
    int rc = -1;

    g.created_ms = now.wall;
    switch (w->op) {
    case AUTH_GROUP_ADD:
        return group_store_add(s, &g, e);
    case AUTH_GROUP_CHANGE:
        rc = group_store_change(s, &g, e);
        break;
    case AUTH_GROUP_REMOVE:
        rc = group_store_remove(s, g.name, e);
        break;
    }
    return rc ? -1 : auth_write_still_admin(s, w->by, now.wall, e);
}

/* ---- logins ---- */

int auth_write_token_add(struct store *s, void *what, struct clock_now now, struct err *e)
{
    const struct auth_token_write *t = what;
    if (t->rehash && auth_store_user_set_password(s, t->token->user, t->rehash, true, e))
        return -1;
    /* Each login clears away what is over of its user's: rows do not pile up, and nobody has to look at all of them. */
    if (auth_store_token_purge(s, t->token->user, now.wall, e))
        return -1;
    return auth_store_token_add(s, t->token, e);
}

int auth_write_token_revoke(struct store *s, void *what, struct clock_now now, struct err *e)
{
    (void)now;
    return auth_store_token_revoke(s, what, NULL, e);
}

int auth_write_token_touch(struct store *s, void *what, struct clock_now now, struct err *e)
{
    return auth_store_token_touch(s, what, now.wall, e);
}
