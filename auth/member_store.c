/* SPDX-License-Identifier: MIT
 *
 * Statements of table group_member, and the views of what memberships give.
 */
#include "auth/member_store.h"

#include <string.h>

#include "auth/group_store.h"
#include "base/err.h"
#include "store/store.h"

static const struct store_sql sql_join = {"INSERT INTO group_member(user, grp) VALUES (?, ?)"
                                          " ON CONFLICT(user, grp) DO NOTHING"};
static const struct store_sql sql_leave = {"DELETE FROM group_member WHERE user = ? AND grp = ?"};
static const struct store_sql sql_leave_all = {"DELETE FROM group_member WHERE user = ? AND grp <> 'default'"};
static const struct store_sql sql_leave_admin = {
    "DELETE FROM group_member WHERE user = ? AND grp IN (SELECT name FROM user_group WHERE admin = 1)"};
/* The groups of virtual clusters, but for the built-in ones. */
static const struct store_sql sql_leave_vcs = {
    "DELETE FROM group_member WHERE user = ? AND grp NOT IN ('default', 'admingroup')"
    " AND grp IN (SELECT name FROM virtual_cluster)"};
static const struct store_sql sql_recount = {
    "UPDATE user SET admin = NOT admin WHERE admin <> EXISTS (SELECT 1 FROM group_member m"
    " JOIN user_group g ON g.name = m.grp WHERE m.user = user.name AND g.admin = 1)"};
static const struct store_sql sql_recount_one = {
    "UPDATE user SET admin = EXISTS (SELECT 1 FROM group_member m"
    " JOIN user_group g ON g.name = m.grp WHERE m.user = user.name AND g.admin = 1) WHERE name = ?"};
static const struct store_sql sql_vc_granted = {
    "SELECT EXISTS (SELECT 1 FROM virtual_cluster WHERE name = ?1), EXISTS (SELECT 1 FROM user_group WHERE name = ?1),"
    " EXISTS (SELECT 1 FROM group_vc v JOIN user_group g ON g.name = v.grp"
    " WHERE v.grp = ?1 AND v.vc = ?1 AND g.admin = 0)"};

/* The same three questions for each kind: of one user, of everybody, and whether. Admins may use every virtual cluster,
 * and everybody "default". */
#define GROUPS "SELECT user, grp FROM group_member"
#define VCS(of_user, of_vc)                                                                                            \
    "SELECT user, vc FROM ("                                                                                           \
    "SELECT m.user AS user, v.vc AS vc FROM group_member m JOIN group_vc v ON v.grp = m.grp"                           \
    " WHERE " of_user("m.user") " AND " of_vc(                                                                         \
        "v.vc") " UNION SELECT u.name, c.name FROM user u, virtual_cluster c"                                          \
                " WHERE u.admin = 1 AND " of_user("u.name") " AND " of_vc(                                             \
                    "c.name") " UNION SELECT name, 'default' FROM user"                                                \
                              " WHERE " of_user("name") " AND " of_vc(                                                 \
                                  "'default'") ") ORDER BY user, vc <> 'default', vc"
#define MANAGED "SELECT DISTINCT m.user, v.vc FROM group_member m JOIN group_vc v ON v.grp = m.grp WHERE v.manage = 1"
#define STORAGES "SELECT m.user, g.storage FROM group_member m JOIN group_storage g ON g.grp = m.grp"
#define ANY(column) "1"
#define THIS_USER(column) column " = ?1"
#define THIS_VALUE(column) column " = ?2"
/* "default" first, as OpenPAI lists it. */
#define BY_GROUP " ORDER BY user, grp <> 'default', grp"
#define BY_VC " ORDER BY m.user, v.vc"
/* Where a storage comes from several groups, its best place counts. */
#define BY_STORAGE " GROUP BY m.user, g.storage ORDER BY m.user, min(g.position), g.storage"

static const struct {
    struct store_sql one, all, has;
} sql_has[MEMBER_HAS_COUNT] = {
    [MEMBER_HAS_GROUP] = {{GROUPS " WHERE user = ?" BY_GROUP},
                          {GROUPS BY_GROUP},
                          {GROUPS " WHERE user = ? AND grp = ?"}},
    [MEMBER_HAS_VC] = {{VCS(THIS_USER, ANY)}, {VCS(ANY, ANY)}, {VCS(THIS_USER, THIS_VALUE)}},
    [MEMBER_HAS_MANAGED] = {{MANAGED " AND m.user = ?" BY_VC},
                            {MANAGED BY_VC},
                            {MANAGED " AND m.user = ? AND v.vc = ?"}},
    [MEMBER_HAS_STORAGE] = {{STORAGES " WHERE m.user = ?" BY_STORAGE},
                            {STORAGES BY_STORAGE},
                            {STORAGES " WHERE m.user = ? AND g.storage = ?"}},
    [MEMBER_HAS_DEFAULT_STORAGE] = {{STORAGES " WHERE m.user = ? AND g.position = 0" BY_STORAGE},
                                    {STORAGES " WHERE g.position = 0" BY_STORAGE},
                                    {STORAGES " WHERE m.user = ? AND g.storage = ? AND g.position = 0"}},
};

static const struct store_sql sql_reads = {"SELECT 1 FROM readable_vc WHERE user = ? AND vc = ?"};
static const struct store_sql sql_of_group = {
    "SELECT m.user, CAST(u.admin AS TEXT) FROM group_member m JOIN user u ON u.name = m.user WHERE m.grp = ?"
    " ORDER BY m.user"};

/* ---- writing ---- */

/* A statement about a user and, when not NULL, a second name. */
static int run(struct store *s, const struct store_sql *sql, const char *user, const char *other, struct err *e)
{
    struct stmt *st = store_stmt(s, sql, e);

    stmt_text(st, 1, user);
    if (other)
        stmt_text(st, 2, other);
    return stmt_exec(st, e);
}

static int add(struct store *s, const char *user, const char *group, struct err *e)
{
    if (run(s, &sql_join, user, group, e) == 0)
        return 0;
    if (store_failure(s) == STORE_FAIL_CONSTRAINT && store_last_constraint(s) == STORE_CONSTRAINT_FOREIGN_KEY)
        return err_set(e, ERR_NO_GROUP, "Group %s is not found.", group);
    return -1;
}

static int recount_one(struct store *s, const char *user, struct err *e)
{
    return run(s, &sql_recount_one, user, NULL, e);
}

int member_store_recount(struct store *s, struct err *e)
{
    return stmt_exec(store_stmt(s, &sql_recount, e), e);
}

int member_store_join(struct store *s, const char *user, const char *group, struct err *e)
{
    return add(s, user, group, e) || recount_one(s, user, e) ? -1 : 0;
}

int member_store_leave(struct store *s, const char *user, const char *group, struct err *e)
{
    if (!strcmp(group, GROUP_DEFAULT))
        return err_set(e, ERR_FORBIDDEN, "Everybody is in group %s.", GROUP_DEFAULT);
    return run(s, &sql_leave, user, group, e) || recount_one(s, user, e) ? -1 : 0;
}

int member_store_set(struct store *s, const char *user, const char *const *groups, struct err *e)
{
    if (run(s, &sql_leave_all, user, NULL, e) || add(s, user, GROUP_DEFAULT, e))
        return -1;
    for (; *groups; groups++) {
        if (add(s, user, *groups, e))
            return -1;
    }
    return recount_one(s, user, e);
}

int member_store_set_admin(struct store *s, const char *user, bool admin, struct err *e)
{
    int rc = admin ? add(s, user, GROUP_ADMIN, e) : run(s, &sql_leave_admin, user, NULL, e);

    return rc ? -1 : recount_one(s, user, e);
}

int member_store_vc_group(struct store *s, const char *vc, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_vc_granted, e);
    bool exists, group, granted;

    stmt_text(st, 1, vc);
    if (stmt_step(st, e) != STMT_ROW)
        return -1;
    exists = stmt_col_int(st, 0) != 0;
    group = stmt_col_int(st, 1) != 0;
    granted = stmt_col_int(st, 2) != 0;
    stmt_reset(st);
    if (!exists)
        return err_set(e, ERR_NO_VC_BAD, "Virtual cluster %s is not found.", vc);
    /* To add the grant would give it to everybody who is in that group for another reason; and a list of virtual
     * clusters must not make an admin. */
    if (group && !granted)
        return err_set(e, ERR_INVALID_PARAMETERS,
                       "Group %s does not grant the virtual cluster of its name, or makes admins; use the list of"
                       " groups instead.",
                       vc);
    return group ? 1 : 0;
}

/* Makes the group where it is missing. */
static int need_vc_group(struct store *s, const char *vc, int64_t now_ms, struct err *e)
{
    const char *const list[] = {vc, NULL};
    const struct group_acls acls = {.vcs = list};
    int there = member_store_vc_group(s, vc, e);

    if (there)
        return there < 0 ? -1 : 0;
    return group_store_add(s, &(struct group){.name = vc, .acls = &acls, .created_ms = now_ms}, e);
}

int member_store_set_vcs(struct store *s, const char *user, const char *const *vcs, int64_t now_ms, struct err *e)
{
    if (run(s, &sql_leave_vcs, user, NULL, e))
        return -1;
    for (; *vcs; vcs++) {
        if (!strcmp(*vcs, GROUP_DEFAULT))
            continue;
        if (need_vc_group(s, *vcs, now_ms, e) || add(s, user, *vcs, e))
            return -1;
    }
    return recount_one(s, user, e);
}

/* ---- reading ---- */

static int each(struct stmt *st, const struct member_sink *sink, struct err *e)
{
    int rc;

    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        if (sink->row(sink->ctx, stmt_col_string(st, 0), stmt_col_string(st, 1))) {
            stmt_reset(st);
            return 0;
        }
    }
    return rc;
}

int member_store_list(struct store *s, enum member_has what, const char *user, const struct member_sink *sink,
                      struct err *e)
{
    struct stmt *st = store_stmt(s, user ? &sql_has[what].one : &sql_has[what].all, e);

    if (user)
        stmt_text(st, 1, user);
    return each(st, sink, e);
}

/* Whether a statement about two names finds a row. */
static int finds(struct stmt *st, const char *user, const char *value, struct err *e)
{
    stmt_text(st, 1, user);
    stmt_text(st, 2, value);
    return stmt_found(st, e);
}

int member_store_has(struct store *s, enum member_has what, const char *user, const char *value, struct err *e)
{
    return finds(store_stmt(s, &sql_has[what].has, e), user, value, e);
}

int member_store_reads(struct store *s, const char *user, const char *vc, struct err *e)
{
    return finds(store_stmt(s, &sql_reads, e), user, vc, e);
}

int member_store_of_group(struct store *s, const char *group, const struct member_sink *sink, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_of_group, e);

    stmt_text(st, 1, group);
    return each(st, sink, e);
}
