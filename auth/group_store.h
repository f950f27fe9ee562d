/* SPDX-License-Identifier: MIT
 *
 * Groups: what users may do comes from the groups they are in (member_store.h). A group grants virtual clusters (to
 * use, or to manage: that is the role of VC admin), storages, and the admin right. Tables user_group, group_vc and
 * group_storage.
 *
 * Writers run inside the caller's transaction on the write connection; readers on any connection.
 */
#ifndef DROVER_AUTH_GROUP_STORE_H
#define DROVER_AUTH_GROUP_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct store;

#define GROUP_DEFAULT "default"  /* everybody is in it; it cannot be removed nor left */
#define GROUP_ADMIN "admingroup" /* OpenPAI's group of admins; it cannot be removed */
#define GROUP_NAME_MAX 64

/* Lists are NULL-terminated. In a change, NULL lists and an admin right that is not set stay as they are. */
struct group_acls {
    bool set_admin, admin;
    const char *const *vcs;      /* may submit to */
    const char *const *managed;  /* VC admin of: submit to, stop jobs in, change limits of */
    const char *const *storages; /* in order; the first is one of its members' default storages */
};

/* A group. Strings are borrowed; NULL in a change leaves the column as it is. */
struct group {
    const char *name;
    const char *description;
    const char *external_name;
    const char *extension;         /* JSON object without "acls" ... */
    int merge;                     /* ... in a change: 0 replaces; else members replace theirs so many levels down */
    const struct group_acls *acls; /* NULL in a change: keep */
    int64_t created_ms;
};

/* 1 to 64 of letters, digits, '_', '-' and '.' (OpenPAI: without the last two). 0, or -1 with ERR_INVALID_PARAMETERS.
 */
int group_store_check_name(const char *name, struct err *e);

/* Adds a group with its grants. ERR_CONFLICT_GROUP; ERR_NO_VC_BAD for an unknown virtual cluster. 0 or -1. */
int group_store_add(struct store *s, const struct group *g, struct err *e);
/* Changes what is not NULL. ERR_NO_GROUP, ERR_NO_VC_BAD; ERR_FORBIDDEN for taking the admin right from admingroup or
 * giving it to everybody. 0 or -1. */
int group_store_change(struct store *s, const struct group *g, struct err *e);
/* Removes the group and everybody's membership. ERR_NO_GROUP, ERR_FORBIDDEN for the two built-in ones. 0 or -1. */
int group_store_remove(struct store *s, const char *name, struct err *e);
/* Reads one with its grants into `a`. ERR_NO_GROUP. 0 or -1. */
int group_store_get(struct store *s, struct arena *a, const char *name, struct group *out, struct err *e);

/* Takes a list of names; a non-zero answer ends it. */
struct group_sink {
    int (*row)(void *ctx, const char *name);
    void *ctx;
};
/* The names of all groups, in order. 0 or -1. */
int group_store_names(struct store *s, const struct group_sink *sink, struct err *e);
/* Whether there is such a group, and in *admin whether it makes admins: 1, 0 or -1. */
int group_store_known(struct store *s, const char *name, bool *admin, struct err *e);
/* Whether there is such a virtual cluster: 1, 0 or -1. */
int group_store_vc_exists(struct store *s, const char *vc, struct err *e);

#endif
