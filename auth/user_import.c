/* SPDX-License-Identifier: MIT
 *
 * From CSV to checked rows: what can be told from the text alone. The columns are one table.
 */
#include "auth/user_import.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "auth/invitation.h"
#include "auth/password.h"
#include "auth/user_import_impl.h"
#include "base/arena.h"
#include "base/csv.h"
#include "base/hash.h"
#include "base/id.h"

enum { LIST_MAX = 64 };

static const char *const actions[USER_IMPORT_ACTION_COUNT] = {
    [USER_IMPORT_CREATE] = "create",
    [USER_IMPORT_UPDATE] = "update",
    [USER_IMPORT_DISABLE] = "disable",
    [USER_IMPORT_DELETE] = "delete",
};

const char *user_import_action_name(enum user_import_action action)
{
    return (unsigned)action < USER_IMPORT_ACTION_COUNT ? actions[action] : "";
}

enum user_import_action user_import_action_parse(const char *word)
{
    unsigned a = 0;

    while (a < USER_IMPORT_ACTION_COUNT && strcasecmp(word, actions[a]) != 0)
        a++;
    return (enum user_import_action)a;
}

void user_import_fail(struct user_import *im, const struct user_import_row *row, const char *field,
                      const struct err *why)
{
    if (im->error_count < USER_IMPORT_ERRORS_MAX)
        im->errors[im->error_count] = (struct user_import_error){
            .line = row->line, .field = field, .code = why->code, .message = arena_strdup(im->arena, why->text)};
    im->error_count++;
}

/* ---- cells ---- */

static int take_action(struct user_import *im, struct user_import_row *row, const char *cell, struct err *e)
{
    (void)im;
    row->action = user_import_action_parse(cell);
    if (row->action < USER_IMPORT_ACTION_COUNT)
        return 0;
    row->action = USER_IMPORT_CREATE;
    return err_set(e, ERR_INVALID_PARAMETERS, "\"%.40s\" is none of create, update, disable and delete.", cell);
}

static int take_name(struct user_import *im, struct user_import_row *row, const char *cell, struct err *e)
{
    row->write.name = arena_strdup(im->arena, cell);
    return auth_store_check_name(cell, e);
}

static int take_password(struct user_import *im, struct user_import_row *row, const char *cell, struct err *e)
{
    if (password_check_rules(cell, row->write.name, e))
        return -1;
    row->password = arena_strdup(im->arena, cell);
    im->passwords++;
    return 0;
}

static int take_email(struct user_import *im, struct user_import_row *row, const char *cell, struct err *e)
{
    row->write.email = strcmp(cell, "-") != 0 ? arena_strdup(im->arena, cell) : "";
    return auth_store_check_email(row->write.email, e);
}

static int take_admin(struct user_import *im, struct user_import_row *row, const char *cell, struct err *e)
{
    bool yes = !strcasecmp(cell, "true") || !strcasecmp(cell, "yes");
    bool no = !strcasecmp(cell, "false") || !strcasecmp(cell, "no");

    if (!yes && !no)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%.40s\" is neither true nor false.", cell);
    if (yes && !im->options.allow_admin)
        return err_set(e, ERR_FORBIDDEN, "A table makes no admins unless that is allowed (allowAdmin).");
    row->write.admin = yes ? AUTH_YES : row->action == USER_IMPORT_CREATE ? AUTH_KEEP : AUTH_NO;
    return 0;
}

/* Names between commas or semicolons; "-" alone is none. */
static int take_list(struct user_import *im, const char *cell, const char *const **out, struct err *e)
{
    const char **list = arena_calloc(im->arena, LIST_MAX + 1, sizeof *list);
    size_t n = 0;

    if (!list)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    for (const char *s = strcmp(cell, "-") != 0 ? cell : ""; *s;) {
        size_t len;

        s += strspn(s, ",; \t");
        len = strcspn(s, ",;");
        while (len && strchr(" \t", s[len - 1]))
            len--;
        if (len && n == LIST_MAX)
            return err_set(e, ERR_INVALID_PARAMETERS, "A list has at most %d names.", LIST_MAX);
        if (len && !(list[n++] = arena_strndup(im->arena, s, len)))
            return err_set(e, ERR_INTERNAL, "Out of memory.");
        s += strcspn(s, ",;");
    }
    *out = list;
    return 0;
}

static int take_vcs(struct user_import *im, struct user_import_row *row, const char *cell, struct err *e)
{
    return take_list(im, cell, &row->write.vcs, e);
}

static int take_groups(struct user_import *im, struct user_import_row *row, const char *cell, struct err *e)
{
    return take_list(im, cell, &row->write.groups, e);
}

/* "2027-03-31": the last day on which the user may log in, in UTC. */
static int take_expires(struct user_import *im, struct user_import_row *row, const char *cell, struct err *e)
{
    struct tm day = {0}, back;
    const char *rest;
    time_t at;

    (void)im;
    row->write.set_expires = true;
    if (!strcmp(cell, "-") || !strcasecmp(cell, "never"))
        return 0;
    rest = strlen(cell) == 10 ? strptime(cell, "%Y-%m-%d", &day) : NULL;
    back = day;
    at = rest && !*rest ? timegm(&back) : -1;
    if (at < 0 || back.tm_mday != day.tm_mday || back.tm_mon != day.tm_mon)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%.40s\" is no day like 2027-03-31, nor \"never\".", cell);
    row->write.expires_ms = ((int64_t)at + 24 * 60 * 60) * 1000;
    return 0;
}

/* ---- rows ---- */

/* Reads one cell, trimmed and not empty. 0, or -1 with `e`. */
typedef int cell_fn(struct user_import *im, struct user_import_row *row, const char *cell, struct err *e);

/* Names of a column, the first being the one that errors name. The action comes first: it decides about others. */
static const struct column {
    const char *names[4];
    cell_fn *take;
} columns[] = {
    {{"action"}, take_action},
    {{"username", "user", "user name"}, take_name},
    {{"password"}, take_password},
    {{"email", "e-mail"}, take_email},
    {{"admin"}, take_admin},
    {{"virtualCluster", "virtual cluster", "virtual clusters"}, take_vcs},
    {{"groups", "grouplist"}, take_groups},
    {{"expires"}, take_expires},
};
enum { COLUMNS = sizeof columns / sizeof *columns, COLUMN_NAME = 1 };

struct reading {
    struct user_import *im;
    struct hash *names; /* user names seen, to their rows */
    bool has_head;
    size_t width;
    int column_at[COLUMNS]; /* field of each column; -1 = not there */
    struct err *e;
};

static int find_column(const char *name)
{
    for (int c = 0; c < COLUMNS; c++)
        for (size_t n = 0; n < 4 && columns[c].names[n]; n++)
            if (!strcasecmp(columns[c].names[n], name))
                return c;
    return -1;
}

/* A copy without the blanks around it. */
static char *trim(struct arena *a, const char *s)
{
    size_t n;

    s += strspn(s, " \t\r\n");
    n = strlen(s);
    while (n && strchr(" \t\r\n", s[n - 1]))
        n--;
    return arena_strndup(a, s, n);
}

static int read_head(struct reading *r, const struct csv_row *row)
{
    for (int c = 0; c < COLUMNS; c++)
        r->column_at[c] = -1;
    for (size_t i = 0; i < row->count; i++) {
        const char *name = trim(r->im->arena, row->fields[i]);
        int c = name ? find_column(name) : -1;

        if (c < 0)
            err_set(r->e, ERR_INVALID_PARAMETERS,
                    "\"%.40s\" is no column of users. There are: username, password, email, admin, virtual cluster, "
                    "groups, expires, action.",
                    name ? name : "");
        else if (r->column_at[c] >= 0)
            err_set(r->e, ERR_INVALID_PARAMETERS, "Column %s is there twice.", columns[c].names[0]);
        else
            r->column_at[c] = (int)i;
        if (r->e->code)
            return err_at(r->e, row->line, (int)i + 1);
    }
    if (r->column_at[COLUMN_NAME] < 0) {
        err_set(r->e, ERR_INVALID_PARAMETERS, "The first line must name the columns, username among them.");
        return err_at(r->e, row->line, 1);
    }
    r->width = row->count;
    r->has_head = true;
    return 0;
}

/* How a new user gets to a password. The column that is wrong, or NULL. */
static const char *check_password(const struct user_import *im, const struct user_import_row *row, struct err *e)
{
    bool lacks = row->action == USER_IMPORT_CREATE && !row->password;

    if (lacks && !im->options.invite) {
        err_set(e, ERR_INVALID_PARAMETERS, "A new user needs a password or an invitation.");
        return "password";
    }
    if (lacks && im->options.need_email && (!row->write.email || !*row->write.email)) {
        err_set(e, ERR_INVALID_PARAMETERS, "An invitation by mail needs an address.");
        return "email";
    }
    if (row->password && im->passwords > USER_IMPORT_PASSWORDS_MAX) {
        err_set(e, ERR_INVALID_PARAMETERS, "A table sets at most %d passwords; leave the others empty and invite.",
                USER_IMPORT_PASSWORDS_MAX);
        return "password";
    }
    return NULL;
}

/* What a row must say, once its cells are known. */
static void check_row(struct reading *r, struct user_import_row *row)
{
    struct user_import_row *twin = row->write.name ? hash_get(r->names, row->write.name) : NULL;
    struct err e = {0};
    const char *field = columns[COLUMN_NAME].names[0];

    if (!row->write.name)
        err_set(&e, ERR_INVALID_PARAMETERS, "The user name is missing.");
    else if (twin)
        err_set(&e, ERR_CONFLICT_USER, "Line %d is about this user, too.", twin->line);
    else if (hash_put(r->names, row->write.name, row))
        err_set(&e, ERR_INTERNAL, "Out of memory.");
    else
        field = check_password(r->im, row, &e);
    if (e.code) {
        row->bad = true;
        user_import_fail(r->im, row, field, &e);
    }
}

static void read_cells(struct reading *r, struct user_import_row *row, const struct csv_row *text)
{
    for (int c = 0; c < COLUMNS; c++) {
        int at = r->column_at[c];
        const char *raw = at >= 0 ? text->fields[at] : "";
        /* A password is taken as it stands. */
        const char *cell = columns[c].take == take_password ? raw : trim(r->im->arena, raw);
        struct err e = {0};

        if (cell && *cell && columns[c].take(r->im, row, cell, &e)) {
            row->bad = true;
            user_import_fail(r->im, row, columns[c].names[0], &e);
        }
    }
}

static int take_row(void *ctx, const struct csv_row *text)
{
    struct reading *r = ctx;
    struct user_import *im = r->im;
    struct user_import_row *row;
    struct err e = {0};

    if (!r->has_head)
        return read_head(r, text);
    if (im->count == USER_IMPORT_ROWS_MAX) {
        err_set(r->e, ERR_INVALID_PARAMETERS, "A table has at most %d rows.", USER_IMPORT_ROWS_MAX);
        return err_at(r->e, text->line, 1);
    }
    row = &im->rows[im->count++];
    row->line = text->line;
    row->action = im->options.action;
    if (text->count != r->width) {
        row->bad = true;
        err_set(&e, ERR_INVALID_PARAMETERS, "The row has %zu fields; the first line names %zu.", text->count, r->width);
        user_import_fail(im, row, "", &e);
        return 0;
    }
    read_cells(r, row, text);
    check_row(r, row);
    return 0;
}

struct user_import *user_import_read(struct arena *a, const char *text, size_t len,
                                     const struct user_import_options *options, struct err *e)
{
    struct user_import *im = arena_alloc(a, sizeof *im);
    struct reading r = {.im = im, .e = e};
    int rc = -1;

    if (len > USER_IMPORT_BYTES_MAX) {
        err_set(e, ERR_TOO_LARGE, "A table of users has at most %u bytes.", USER_IMPORT_BYTES_MAX);
        return NULL;
    }
    if (im) {
        im->rows = arena_calloc(a, USER_IMPORT_ROWS_MAX, sizeof *im->rows);
        im->errors = arena_calloc(a, USER_IMPORT_ERRORS_MAX, sizeof *im->errors);
    }
    r.names = hash_create();
    if (!im || !im->rows || !im->errors || !r.names) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        goto out;
    }
    im->arena = a;
    im->options = *options;
    rc = csv_read(a, text, len, &(struct csv_sink){take_row, &r}, e);
    if (!rc && !r.has_head)
        rc = err_set(e, ERR_INVALID_PARAMETERS, "The table is empty.");
    im->text_errors = im->error_count;
out:
    hash_destroy(r.names);
    return rc ? NULL : im;
}

bool user_import_may_apply(const struct user_import *im)
{
    return im->bad_rows == 0 || im->options.per_row;
}

void user_import_invite(struct user_import *im)
{
    for (size_t i = 0; i < im->count; i++) {
        struct user_import_row *row = &im->rows[i];
        char *secret;

        if (row->bad || row->action != USER_IMPORT_CREATE || row->password || !im->options.invite)
            continue;
        secret = arena_alloc(im->arena, INVITATION_SECRET_SIZE);
        if (!secret)
            continue;
        invitation_make(secret, row->invitation_hash);
        row->invitation = secret;
    }
}
