/* SPDX-License-Identifier: MIT
 *
 * Users, read. Password hashes and keys never leave.
 */
#include <string.h>

#include "auth/auth_store.h"
#include "auth/member_store.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "server/api/api.h"
#include "server/disk_quota.h"
#include "store/store.h"

/* What the memberships of one user, or of everybody in the order of names, come to. */
struct had {
    struct arena *arena;
    struct pair {
        const char *user, *value;
        struct pair *next;
    } * first, **end;
    const char *last; /* the newest pair's user: a name is kept once */
};

/* The lists of a user object and where each comes from. */
static const struct {
    const char *key;
    enum member_has what;
} lists[] = {
    {"grouplist", MEMBER_HAS_GROUP},
    {"virtualCluster", MEMBER_HAS_VC},
    {"managedVirtualCluster", MEMBER_HAS_MANAGED},
    {"storageConfig", MEMBER_HAS_STORAGE},
};
enum { LISTS = sizeof lists / sizeof *lists };

static int keep_pair(void *ctx, const char *user, const char *value)
{
    struct had *h = ctx;
    struct pair *p = arena_alloc(h->arena, sizeof *p);
    if (!p)
        return -1;
    p->user = h->last && !strcmp(h->last, user) ? h->last : arena_strdup(h->arena, user);
    h->last = p->user;
    p->value = arena_strdup(h->arena, value);
    *h->end = p;
    h->end = &p->next;
    return p->user && p->value ? 0 : -1;
}

/* Loads all lists of `user` (NULL: of everybody). 0 or -1. */
static int load(struct store *s, struct arena *a, const char *user, struct had had[LISTS], struct err *e)
{
    for (size_t i = 0; i < LISTS; i++) {
        had[i] = (struct had){.arena = a};
        had[i].end = &had[i].first;
        const struct member_sink sink = {.row = keep_pair, .ctx = &had[i]};
        if (member_store_list(s, lists[i].what, user, &sink, e))
            return -1;
    }
    return 0;
}

/* Writes and takes off the values of the user who comes next. */
static void write_list(struct json_out *j, const char *key, struct had *h, const char *user)
{
    json_out_key(j, key);
    json_out_array(j);
    for (; h->first && !strcmp(h->first->user, user); h->first = h->first->next)
        json_out_string(j, h->first->value);
    json_out_array_end(j);
}

/* What a user keeps in `extension` (keys, preferences) is shown to that user and to admins only. */
static void write_user(struct api_reading *x, const struct auth_user *u, struct had had[LISTS])
{
    const struct api *a = x->context;
    const struct identity *who = request_identity(x->request);
    struct json_out *j = x->out;
    bool whole = who->admin || !strcmp(who->user, u->name);
    json_out_object(j);
    json_out_kstring(j, "username", u->name);
    json_out_kstring(j, "email", u->email);
    json_out_key(j, "extension");
    json_out_raw(j, whole ? u->extension : "{}");
    json_out_kbool(j, "admin", u->admin);
    for (size_t i = 0; i < LISTS; i++)
        write_list(j, lists[i].key, &had[i], u->name);
    json_out_kbool(j, "disabled", u->disabled);
    json_out_ktime(j, "expires", u->expires_ms);
    json_out_kint(j, "userDiskMB", u->disk_mb);
    if (whole)
        disk_quota_write(j, a->quota, u->name, u->disk_mb);
    json_out_object_end(j);
}

static int write_one(struct api_reading *x, struct err *e)
{
    struct auth_user user = {0};
    struct had had[LISTS];
    struct arena *arena = request_arena(x->request);
    if (auth_store_user_get(x->store, arena, request_param(x->request, "user"), &user, e) ||
        load(x->store, arena, user.name, had, e))
        return -1;
    write_user(x, &user, had);
    return 0;
}

int api_user_get(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_one, context, e);
}

struct listing {
    struct api_reading *x;
    struct had had[LISTS];
};

static int write_row(void *ctx, const struct auth_user *u)
{
    struct listing *l = ctx;
    write_user(l->x, u, l->had);
    return 0;
}

static int write_all(struct api_reading *x, struct err *e)
{
    struct listing l = {.x = x};
    if (load(x->store, request_arena(x->request), NULL, l.had, e))
        return -1;
    json_out_array(x->out);
    int rc = auth_store_user_list(x->store, write_row, &l, e);
    json_out_array_end(x->out);
    return rc;
}

/* Open to every user, as in OpenPAI: the portal's filter by user needs it. */
int api_user_list(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_all, context, e);
}
