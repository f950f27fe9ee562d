/* SPDX-License-Identifier: MIT
 *
 * Groups themselves: rows and grants. Who is in them, and what that gives, is member_store.c.
 */
#include "auth/group_store.h"

#include <string.h>

#include "auth/auth_store.h"
#include "auth/member_store.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/names.h"
#include "store/store.h"

#define COLUMNS "SELECT name, description, external_name, extension, admin, created_ms FROM user_group"
static const struct store_sql sql_add = {
    "INSERT INTO user_group(name, description, external_name, extension, admin, created_ms) VALUES (?, ?, ?, ?, ?, ?)"};
static const struct store_sql sql_get = {COLUMNS " WHERE name = ?"};
static const struct store_sql sql_names = {"SELECT name FROM user_group ORDER BY name"};
static const struct store_sql sql_change = {
    "UPDATE user_group SET description = coalesce(?, description), external_name = coalesce(?, external_name),"
    " extension = coalesce(?, extension), admin = coalesce(?, admin) WHERE name = ?"};
static const struct store_sql sql_remove = {"DELETE FROM user_group WHERE name = ?"};
static const struct store_sql sql_known = {"SELECT admin FROM user_group WHERE name = ?"};
static const struct store_sql sql_vc = {"SELECT 1 FROM virtual_cluster WHERE name = ?"};

/* What a group grants, one row a kind of list. */
enum grant { GRANT_VC, GRANT_MANAGED, GRANT_STORAGE, GRANT_COUNT };

static const struct store_sql sql_grants[GRANT_COUNT] = {
    [GRANT_VC] = {"SELECT vc FROM group_vc WHERE grp = ? ORDER BY vc"},
    [GRANT_MANAGED] = {"SELECT vc FROM group_vc WHERE grp = ? AND manage = 1 ORDER BY vc"},
    [GRANT_STORAGE] = {"SELECT storage FROM group_storage WHERE grp = ? ORDER BY position"},
};
static const struct store_sql sql_grant[GRANT_COUNT] = {
    [GRANT_VC] = {"INSERT INTO group_vc(grp, vc) VALUES (?, ?) ON CONFLICT(grp, vc) DO NOTHING"},
    [GRANT_MANAGED] = {"INSERT INTO group_vc(grp, vc, manage) VALUES (?, ?, 1)"
                       " ON CONFLICT(grp, vc) DO UPDATE SET manage = 1"},
    [GRANT_STORAGE] = {"INSERT INTO group_storage(grp, storage, position) VALUES (?, ?, ?)"
                       " ON CONFLICT(grp, storage) DO NOTHING"},
};
static const struct store_sql sql_clear[] = {
    {"DELETE FROM group_vc WHERE grp = ?"},
    {"UPDATE group_vc SET manage = 0 WHERE grp = ?"},
    {"DELETE FROM group_storage WHERE grp = ?"},
};

int group_store_check_name(const char *name, struct err *e)
{
    if (auth_store_check_name(name, NULL))
        return err_set(e, ERR_INVALID_PARAMETERS,
                       "A group name has 1 to %d letters, digits, '_', '-' and '.', and is not all dots.",
                       GROUP_NAME_MAX);
    return 0;
}

static int not_found(const char *name, struct err *e)
{
    return err_set(e, ERR_NO_GROUP, "Group %s is not found.", name);
}

static bool is_built_in(const char *name)
{
    return !strcmp(name, GROUP_DEFAULT) || !strcmp(name, GROUP_ADMIN);
}

/* ---- grants ---- */

static int grant(struct store *s, enum grant kind, const char *group, const char *const *list, struct err *e)
{
    for (int i = 0; list && list[i]; i++) {
        struct stmt *st = store_stmt(s, &sql_grant[kind], e);
        stmt_text(st, 1, group);
        stmt_text(st, 2, list[i]);
        if (kind == GRANT_STORAGE)
            stmt_int(st, 3, i);
        if (stmt_exec(st, e) == 0)
            continue;
        if (st && store_last_constraint(s) == STORE_CONSTRAINT_FOREIGN_KEY)
            return err_set(e, ERR_NO_VC_BAD, "Virtual cluster %s is not found.", list[i]);
        return -1;
    }
    return 0;
}

static int clear(struct store *s, enum grant kind, const char *group, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_clear[kind], e);
    stmt_text(st, 1, group);
    return stmt_exec(st, e);
}

/* Replaces the lists that are given; a virtual cluster that is managed may be used, too. */
static int set_grants(struct store *s, const char *group, const struct group_acls *acls, struct err *e)
{
    const struct {
        enum grant kind;
        const char *const *list;
    } lists[] = {{GRANT_VC, acls->vcs}, {GRANT_MANAGED, acls->managed}, {GRANT_STORAGE, acls->storages}};

    for (size_t i = 0; i < GRANT_COUNT; i++) {
        if (lists[i].list && (clear(s, lists[i].kind, group, e) || grant(s, lists[i].kind, group, lists[i].list, e)))
            return -1;
    }
    return 0;
}

/* ---- rows ---- */

int group_store_add(struct store *s, const struct group *g, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_add, e);

    stmt_text(st, 1, g->name);
    stmt_text(st, 2, g->description ? g->description : "");
    stmt_text(st, 3, g->external_name ? g->external_name : "");
    stmt_text(st, 4, g->extension ? g->extension : "{}");
    stmt_int(st, 5, g->acls && g->acls->admin);
    stmt_int(st, 6, g->created_ms);
    if (stmt_exec(st, e)) {
        if (st && store_last_constraint(s) == STORE_CONSTRAINT_UNIQUE)
            return err_set(e, ERR_CONFLICT_GROUP, "Group name %s already exists.", g->name);
        return -1;
    }
    return g->acls ? set_grants(s, g->name, g->acls, e) : 0;
}

/* The row, with that text in column extension. */
static int update(struct store *s, const struct group *g, const char *extension, struct err *e)
{
    struct stmt *st;

    st = store_stmt(s, &sql_change, e);
    stmt_text(st, 1, g->description);
    stmt_text(st, 2, g->external_name);
    stmt_text(st, 3, extension);
    if (g->acls && g->acls->set_admin)
        stmt_int(st, 4, g->acls->admin);
    stmt_text(st, 5, g->name);
    if (stmt_exec(st, e))
        return -1;
    if (store_changes(s) != 1)
        return not_found(g->name, e);
    return g->acls && (set_grants(s, g->name, g->acls, e) || member_store_recount(s, e)) ? -1 : 0;
}

static int check_admin(const struct group *g, struct err *e)
{
    if (!g->acls || !g->acls->set_admin)
        return 0;
    if (!g->acls->admin && !strcmp(g->name, GROUP_ADMIN))
        return err_set(e, ERR_FORBIDDEN, "Group %s always carries the admin right.", GROUP_ADMIN);
    if (g->acls->admin && !strcmp(g->name, GROUP_DEFAULT))
        return err_set(e, ERR_FORBIDDEN, "Group %s cannot carry the admin right: everybody is in it.", GROUP_DEFAULT);
    return 0;
}

int group_store_change(struct store *s, const struct group *g, struct err *e)
{
    char *merged = NULL;
    int rc;

    if (check_admin(g, e))
        return -1;
    if (!g->extension || !g->merge)
        return update(s, g, g->extension, e);
    struct stmt *st = store_stmt(s, &sql_get, e);
    stmt_text(st, 1, g->name);
    rc = stmt_step(st, e);
    if (rc == STMT_ROW) {
        merged = json_merge(stmt_col_string(st, 3), g->extension, g->merge, e);
        stmt_reset(st);
    }
    if (rc == STMT_DONE)
        return not_found(g->name, e);
    rc = merged ? update(s, g, merged, e) : -1;
    cJSON_free(merged);
    return rc;
}

int group_store_remove(struct store *s, const char *name, struct err *e)
{
    struct stmt *st;

    if (is_built_in(name))
        return err_set(e, ERR_FORBIDDEN, "Group %s is part of the server and cannot be removed.", name);
    st = store_stmt(s, &sql_remove, e);
    stmt_text(st, 1, name);
    if (stmt_exec(st, e))
        return -1;
    return store_changes(s) == 1 ? member_store_recount(s, e) : not_found(name, e);
}

/* ---- reading ---- */

static const char *const *read_grants(struct store *s, struct arena *a, enum grant kind, const char *group,
                                      struct err *e)
{
    struct names n = {.arena = a};
    struct stmt *st = store_stmt(s, &sql_grants[kind], e);
    const char *const *list;
    int rc;

    stmt_text(st, 1, group);
    while ((rc = stmt_step(st, e)) == STMT_ROW && !names_add(&n, stmt_col_string(st, 0)))
        continue;
    if (rc < 0)
        return NULL;
    list = rc == STMT_ROW ? NULL : names_end(&n);
    if (rc == STMT_ROW)
        stmt_reset(st);
    if (!list)
        err_set(e, ERR_INTERNAL, "Out of memory.");
    return list;
}

int group_store_get(struct store *s, struct arena *a, const char *name, struct group *out, struct err *e)
{
    struct group_acls *acls = arena_alloc(a, sizeof *acls);
    struct stmt *st = store_stmt(s, &sql_get, e);
    int rc;

    stmt_text(st, 1, name);
    rc = stmt_step(st, e);
    if (rc < 0)
        return -1;
    if (rc != STMT_ROW)
        return not_found(name, e);
    *out = (struct group){.name = arena_strdup(a, stmt_col_string(st, 0)),
                          .description = arena_strdup(a, stmt_col_string(st, 1)),
                          .external_name = arena_strdup(a, stmt_col_string(st, 2)),
                          .extension = arena_strdup(a, stmt_col_string(st, 3)),
                          .acls = acls,
                          .created_ms = stmt_col_int(st, 5)};
    if (acls)
        acls->admin = stmt_col_int(st, 4) != 0;
    stmt_reset(st);
    if (!acls || !out->name || !out->description || !out->external_name || !out->extension)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    acls->vcs = read_grants(s, a, GRANT_VC, name, e);
    acls->managed = acls->vcs ? read_grants(s, a, GRANT_MANAGED, name, e) : NULL;
    acls->storages = acls->managed ? read_grants(s, a, GRANT_STORAGE, name, e) : NULL;
    return acls->storages ? 0 : -1;
}

static int each_name(struct stmt *st, const struct group_sink *sink, struct err *e)
{
    int rc;

    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        if (sink->row(sink->ctx, stmt_col_string(st, 0))) {
            stmt_reset(st);
            return 0;
        }
    }
    return rc;
}

int group_store_names(struct store *s, const struct group_sink *sink, struct err *e)
{
    return each_name(store_stmt(s, &sql_names, e), sink, e);
}

int group_store_known(struct store *s, const char *name, bool *admin, struct err *e)
{
    return auth_store_known(s, &sql_known, name, admin, e);
}

int group_store_vc_exists(struct store *s, const char *vc, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_vc, e);

    stmt_text(st, 1, vc);
    return stmt_found(st, e);
}
