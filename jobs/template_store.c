/* SPDX-License-Identifier: MIT
 *
 * Who may see a template is one condition of SQL, used by lists, look-ups and writers alike.
 */
#include "jobs/template_store.h"

#include <string.h>

#include "base/err.h"
#include "store/store.h"

#define COLUMNS "name, owner, visibility, grp, title, description, created_ms, updated_ms"
/* ?1 the user, ?2 whether an admin */
#define VISIBLE                                                                                                        \
    "(?2 OR owner = ?1 OR visibility = 'public' OR (visibility = 'group' AND "                                         \
    "grp IN (SELECT m.grp FROM group_member m WHERE m.user = ?1)))"

bool template_name_ok(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
    return n && n <= TEMPLATE_NAME_MAX && !name[n] && name[0] != '.';
}

bool template_visibility_ok(const char *visibility)
{
    return !strcmp(visibility, "private") || !strcmp(visibility, "group") || !strcmp(visibility, "public");
}

/* ---- reading ---- */

static void read_row(struct stmt *st, struct template *t)
{
    *t = (struct template){.name = stmt_col_string(st, 0),
                           .owner = stmt_col_string(st, 1),
                           .visibility = stmt_col_string(st, 2),
                           .group = stmt_col_text(st, 3),
                           .title = stmt_col_string(st, 4),
                           .description = stmt_col_string(st, 5),
                           .created_ms = stmt_col_int(st, 6),
                           .updated_ms = stmt_col_int(st, 7)};
}

static void bind_reader(struct stmt *st, const struct template_reader *who)
{
    stmt_text(st, 1, who->user);
    stmt_int(st, 2, who->admin);
}

int template_store_list(struct store *s, const struct template_reader *who, const struct template_sink *sink,
                        struct err *e)
{
    static const struct store_sql sql = {"SELECT " COLUMNS " FROM template WHERE " VISIBLE " ORDER BY name"};
    struct stmt *st = store_stmt(s, &sql, e);
    struct template t;
    int rc;
    bind_reader(st, who);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        read_row(st, &t);
        rc = sink->row(sink->ctx, &t);
        if (rc) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}

int template_store_get(struct store *s, const struct template_reader *who, const char *name,
                       const struct template_sink *sink, struct err *e)
{
    static const struct store_sql sql = {"SELECT " COLUMNS ", config FROM template WHERE " VISIBLE " AND name = ?3"};
    struct stmt *st = store_stmt(s, &sql, e);
    struct template t;
    bind_reader(st, who);
    stmt_text(st, 3, name);
    int rc = stmt_step(st, e);
    if (rc < 0)
        return -1;
    if (rc != STMT_ROW)
        return err_set(e, ERR_NO_TEMPLATE, "Template %.64s is not found.", name);
    read_row(st, &t);
    t.config = stmt_col_string(st, 8);
    rc = sink->row(sink->ctx, &t);
    stmt_reset(st);
    return rc;
}

/* ---- writing ---- */

/* The one row of a count or a look-up: its number, or -1. */
static int64_t ask(struct stmt *st, struct err *e)
{
    int rc = stmt_step(st, e);
    int64_t n = rc == STMT_ROW ? stmt_col_int(st, 0) : rc;
    stmt_reset(st);
    return n;
}

/* Sharing is with a group of one's own. 0 or -1. */
static int check_group(struct store *s, const struct template_write *w, struct err *e)
{
    static const struct store_sql sql = {"SELECT EXISTS(SELECT 1 FROM user_group WHERE name = ?1) AND "
                                         "(?3 OR EXISTS(SELECT 1 FROM group_member WHERE grp = ?1 AND user = ?2))"};
    if (!w->row.group)
        return 0;
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_text(st, 1, w->row.group);
    stmt_text(st, 2, w->by.user);
    stmt_int(st, 3, w->by.admin);
    int64_t in = ask(st, e);
    if (in < 0)
        return -1;
    return in ? 0 : err_set(e, ERR_NO_GROUP, "You are in no group %.64s.", w->row.group);
}

static int check_room(struct store *s, const char *owner, struct err *e)
{
    static const struct store_sql sql = {"SELECT count(*) FROM template WHERE owner = ?"};
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_text(st, 1, owner);
    int64_t n = ask(st, e);
    if (n < 0)
        return -1;
    return n < TEMPLATES_PER_USER
               ? 0
               : err_set(e, ERR_INVALID_PARAMETERS, "A user has at most %d templates.", TEMPLATES_PER_USER);
}

int template_store_add(struct store *s, void *what, struct clock_now now, struct err *e)
{
    static const struct store_sql sql = {
        "INSERT INTO template(name, owner, visibility, grp, title, description, created_ms, updated_ms, config) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)"};
    const struct template_write *w = what;
    if (check_group(s, w, e) || check_room(s, w->by.user, e))
        return -1;
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_text(st, 1, w->row.name);
    stmt_text(st, 2, w->by.user);
    stmt_text(st, 3, w->row.visibility);
    stmt_text(st, 4, w->row.group);
    stmt_text(st, 5, w->row.title);
    stmt_text(st, 6, w->row.description);
    stmt_int(st, 7, now.wall);
    stmt_text(st, 8, w->row.config);
    if (!stmt_exec(st, e))
        return 0;
    if (st && store_last_constraint(s) == STORE_CONSTRAINT_UNIQUE)
        return err_set(e, ERR_CONFLICT_TEMPLATE, "Template name %s already exists.", w->row.name);
    return -1;
}

struct judging {
    const struct template_write *w;
    struct err *e;
};

static int judge(void *ctx, const struct template *t)
{
    const struct judging *j = ctx;
    if (j->w->by.admin || !strcmp(t->owner, j->w->by.user))
        return 0;
    return err_set(j->e, ERR_FORBIDDEN, "Template %s is of user %s.", t->name, t->owner);
}

/* Whether `by` may change it. 0 or -1. */
static int check_owner(struct store *s, const struct template_write *w, struct err *e)
{
    struct judging j = {.w = w, .e = e};
    struct template_sink sink = {.row = judge, .ctx = &j};
    return template_store_get(s, &w->by, w->row.name, &sink, e);
}

int template_store_change(struct store *s, void *what, struct clock_now now, struct err *e)
{
    static const struct store_sql sql = {
        "UPDATE template SET grp = CASE WHEN ?1 IS NULL THEN grp ELSE ?2 END, visibility = coalesce(?1, visibility), "
        "title = coalesce(?3, title), description = coalesce(?4, description), config = coalesce(?5, config), "
        "updated_ms = ?6 WHERE name = ?7"};
    const struct template_write *w = what;
    if (check_owner(s, w, e) || check_group(s, w, e))
        return -1;
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_text(st, 1, w->row.visibility);
    stmt_text(st, 2, w->row.group);
    stmt_text(st, 3, w->row.title);
    stmt_text(st, 4, w->row.description);
    stmt_text(st, 5, w->row.config);
    stmt_int(st, 6, now.wall);
    stmt_text(st, 7, w->row.name);
    return stmt_exec(st, e);
}

int template_store_remove(struct store *s, void *what, struct clock_now now, struct err *e)
{
    static const struct store_sql sql = {"DELETE FROM template WHERE name = ?"};
    const struct template_write *w = what;
    (void)now;
    if (check_owner(s, w, e))
        return -1;
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_text(st, 1, w->row.name);
    return stmt_exec(st, e);
}
