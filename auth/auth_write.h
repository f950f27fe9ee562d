/* SPDX-License-Identifier: MIT
 *
 * Changes of users and logins, as the core orders them: functions for command_write (core/command.h). They run on the
 * core's thread inside the batch's transaction; `what` is named with each. 0, or -1 with the error for the sender.
 */
#ifndef DROVER_AUTH_AUTH_WRITE_H
#define DROVER_AUTH_AUTH_WRITE_H

#include "auth/auth_store.h"
#include "base/clock.h"

enum auth_user_op { AUTH_USER_ADD, AUTH_USER_CHANGE, AUTH_USER_REMOVE };
enum auth_flag { AUTH_KEEP, AUTH_NO, AUTH_YES };

/* One change of one user with everything that belongs to it: row, groups, rights, logins. Members that are NULL (or
 * AUTH_KEEP) stay as they are; lists are NULL-terminated. */
struct auth_user_write {
    enum auth_user_op op;
    const char *name;
    const char *password_hash; /* a new password ends the user's logins, but for application tokens */
    const char *email;
    const char *extension; /* JSON object ... */
    bool merge;            /* ... whose members replace those of the same name; else it replaces all */
    enum auth_flag admin;
    enum auth_flag disabled;
    bool set_expires;
    int64_t expires_ms; /* 0 = never */
    bool set_disk;
    int disk_mb;               /* may be kept on a node; 0 = as the virtual cluster or the site says */
    const char *const *vcs;    /* all virtual clusters beside "default": member_store_set_vcs */
    const char *const *groups; /* all groups beside "default" */
    const char *join, *leave;  /* one group */
    bool only_users;           /* refuses an admin as the one to be changed */
    const char *by;            /* who asks; NULL: the server */
    bool by_admin;
};

/* `what` is a struct auth_user_write. ERR_CONFLICT_USER, ERR_NO_USER, ERR_REMOVE_ADMIN, ERR_NO_GROUP, ERR_NO_VC_BAD;
 * ERR_FORBIDDEN for an admin who would take that right from themselves: nobody locks the last one out by accident. */
int auth_write_user(struct store *s, void *what, struct clock_now now, struct err *e);

/* For the end of a change by the admin `by`: they must still be one, or nobody might be. 0, or ERR_FORBIDDEN. */
int auth_write_still_admin(struct store *s, const char *by, int64_t now_ms, struct err *e);

enum auth_group_op { AUTH_GROUP_ADD, AUTH_GROUP_CHANGE, AUTH_GROUP_REMOVE };

struct group;

/* One change of one group, asked for by the admin `by`. */
struct auth_group_write {
    enum auth_group_op op;
    const struct group *group; /* created_ms is set here */
    const char *by;
};

/* `what` is a struct auth_group_write. ERR_CONFLICT_GROUP, ERR_NO_GROUP, ERR_NO_VC_BAD, ERR_FORBIDDEN. */
int auth_write_group(struct store *s, void *what, struct clock_now now, struct err *e);

/* A new login, and the same password hashed with today's settings where the old hash is weaker. */
struct auth_token_write {
    const struct auth_token *token;
    const char *rehash; /* NULL: keep */
};

/* `what` is a struct auth_token_write. */
int auth_write_token_add(struct store *s, void *what, struct clock_now now, struct err *e);
/* `what` is the token's hash, in hex. Revoking twice is no error. */
int auth_write_token_revoke(struct store *s, void *what, struct clock_now now, struct err *e);
int auth_write_token_touch(struct store *s, void *what, struct clock_now now, struct err *e);

#endif
