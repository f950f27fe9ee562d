/* SPDX-License-Identifier: MIT
 *
 * Who is in which group, and what that gives: table group_member. Column user.admin says whether one of the user's
 * groups carries the admin right; every writer here keeps it in step, so that a request's rights are one row.
 *
 * Writers run inside the caller's transaction on the write connection; readers on any connection.
 */
#ifndef DROVER_AUTH_MEMBER_STORE_H
#define DROVER_AUTH_MEMBER_STORE_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct store;

/* Puts a user into a group. ERR_NO_GROUP. Being in it already is no error. 0 or -1. */
int member_store_join(struct store *s, const char *user, const char *group, struct err *e);
/* Takes a user out. Not being in it is no error; ERR_FORBIDDEN for "default". 0 or -1. */
int member_store_leave(struct store *s, const char *user, const char *group, struct err *e);
/* Sets all groups of a user (NULL-terminated); "default" is kept in any case. ERR_NO_GROUP. 0 or -1. */
int member_store_set(struct store *s, const char *user, const char *const *groups, struct err *e);
/* Gives or takes the admin right: by joining admingroup, or by leaving every group that carries it. 0 or -1. */
int member_store_set_admin(struct store *s, const char *user, bool admin, struct err *e);
/* Sets a user's virtual clusters (NULL-terminated): membership of the groups that bear the names of virtual clusters,
 * made where they are missing. Other groups stay (OpenPAI drops them). ERR_NO_VC_BAD. 0 or -1. */
int member_store_set_vcs(struct store *s, const char *user, const char *const *vcs, int64_t now_ms, struct err *e);
/* Whether the group of a virtual cluster's name is there: 1; 0 = member_store_set_vcs will make it; -1 with
 * ERR_NO_VC_BAD, or ERR_INVALID_PARAMETERS where it is a group of another meaning. Any connection. */
int member_store_vc_group(struct store *s, const char *vc, struct err *e);
/* Brings user.admin in step after a change of groups. 0 or -1. */
int member_store_recount(struct store *s, struct err *e);

/* What users have. */
enum member_has {
    MEMBER_HAS_GROUP,
    MEMBER_HAS_VC,              /* may submit to: "default" always, as admin all */
    MEMBER_HAS_MANAGED,         /* virtual clusters that the user is VC admin of */
    MEMBER_HAS_STORAGE,         /* names of storages */
    MEMBER_HAS_DEFAULT_STORAGE, /* the first of each group */
    MEMBER_HAS_COUNT
};
/* Takes one value of one user. A non-zero answer ends the list. */
struct member_sink {
    int (*row)(void *ctx, const char *user, const char *value);
    void *ctx;
};
/* Values of one user, or of everybody in the order of user names (`user` NULL); each value once. 0 or -1. */
int member_store_list(struct store *s, enum member_has what, const char *user, const struct member_sink *sink,
                      struct err *e);
/* Whether the user has it: 1, 0, or -1. Look-ups by index. */
int member_store_has(struct store *s, enum member_has what, const char *user, const char *value, struct err *e);
/* Whether the user may read everybody's jobs in a virtual cluster: it is open, or the user its VC admin, or an admin.
 * 1, 0 (also when there is no such virtual cluster) or -1. */
int member_store_reads(struct store *s, const char *user, const char *vc, struct err *e);
/* The members of a group by name, as (member, "1" or "0" for admin). 0 or -1. */
int member_store_of_group(struct store *s, const char *group, const struct member_sink *sink, struct err *e);

#endif
