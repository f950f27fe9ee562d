/* SPDX-License-Identifier: MIT
 *
 * Users by the hundred: a CSV becomes a list of changes, each checked, with every error named by line and field. The
 * same checks serve the dry run and the real one, which makes them again on the connection that writes.
 *
 *   user_import_read ─► user_import_check ─► (dry run: report)
 *                            └─► hash passwords ─► user_import_apply: check again, write, remember how it was
 *                                                       └─► user_import_undo
 *
 * Columns, in any order and case: OpenPAI's username, password, email, admin, "virtual cluster"; ours groups, expires,
 * action. An empty cell leaves what there is; "-" empties it.
 */
#ifndef DROVER_AUTH_USER_IMPORT_H
#define DROVER_AUTH_USER_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth_write.h"
#include "base/err.h"
#include "base/id.h"

struct arena;
struct store;

#define USER_IMPORT_ROWS_MAX 10000
#define USER_IMPORT_BYTES_MAX (2u << 20)
#define USER_IMPORT_PASSWORDS_MAX 100 /* hashing takes 0.2 s each; more are invited */
#define USER_IMPORT_ERRORS_MAX 1000   /* kept; all are counted */
#define USER_IMPORT_KEPT 20           /* imports that can be undone */

enum user_import_action {
    USER_IMPORT_CREATE,
    USER_IMPORT_UPDATE,
    USER_IMPORT_DISABLE,
    USER_IMPORT_DELETE,
    USER_IMPORT_ACTION_COUNT
};

struct user_import_options {
    enum user_import_action action; /* of rows that do not say */
    bool per_row;                   /* write the good rows; else all or nothing */
    bool allow_admin;               /* rows may make, change, disable admins */
    bool invite;                    /* created users without a password get a one-time invitation */
    bool need_email;                /* ... which is sent to their address */
    const char *by;                 /* the admin who imports */
};

/* One row. Strings are in the import's arena; NULL: not given. */
struct user_import_row {
    int line;
    enum user_import_action action;
    struct auth_user_write write;
    char *password;         /* plain; wiped by whoever hashes it */
    const char *invitation; /* the secret of its link; NULL: none */
    char invitation_hash[IDENTITY_HASH_SIZE];
    bool bad, bad_now; /* by the text; by the database */
};

struct user_import_error {
    int line;
    const char *field; /* "" = the row */
    enum err_code code;
    const char *message;
};

struct user_import {
    struct arena *arena;
    struct user_import_options options;
    struct user_import_row *rows;
    size_t count, passwords;
    struct user_import_error *errors;
    size_t error_count, text_errors;         /* in all; those of the text alone */
    size_t counts[USER_IMPORT_ACTION_COUNT]; /* good rows by action */
    size_t bad_rows;
    bool applied;     /* after user_import_apply */
    char id[ID_SIZE]; /* set by the caller before apply */
};

/* "create", ... */
const char *user_import_action_name(enum user_import_action action);
/* The action of a word; USER_IMPORT_ACTION_COUNT for none. */
enum user_import_action user_import_action_parse(const char *word);

/* Reads the CSV into `a`. What is wrong with a row is in the import's errors; NULL with `e` and its place only for what
 * is no table of users at all (broken CSV, an unknown column, too many rows). */
struct user_import *user_import_read(struct arena *a, const char *text, size_t len,
                                     const struct user_import_options *options, struct err *e);
/* Checks the rows against the users, groups and virtual clusters that there are now; may be done again. 0, or -1 when
 * the database failed. */
int user_import_check(struct user_import *im, struct store *s, struct err *e);
/* Whether it may be applied: no bad row, or the good ones alone are wanted. */
bool user_import_may_apply(const struct user_import *im);
/* Gives every row that is to be invited its secret. */
void user_import_invite(struct user_import *im);
/* For COMMAND_WRITE: `what` is the import, with hashes in place of passwords. Checks again and, if it may, writes the
 * rows and how the users were before. 0 also when it may not be applied. */
int user_import_apply(struct store *s, void *what, struct clock_now now, struct err *e);

/* One import to be undone. */
struct user_undo {
    const char *id;
    const char *by;
    size_t count; /* users put back */
};
/* For COMMAND_WRITE: `what` is a struct user_undo. Every user is as before the import; logins that ended stay ended.
 * ERR_NO_IMPORT; ERR_CONFLICT_USER when a user was changed since, or the import was undone before. */
int user_import_undo(struct store *s, void *what, struct clock_now now, struct err *e);

#endif
