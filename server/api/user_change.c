/* SPDX-License-Identifier: MIT
 *
 * Users, changed: OpenPAI's routes, one table of the members that each takes. A new password is hashed (and an old one
 * checked) on a worker's thread; the rows are the core's to commit.
 *
 *   handler: members, rules ─► [worker: old password, hash] ─► core: exists? allowed? COMMIT ─► reply
 */
#include <sodium.h>
#include <string.h>

#include "auth/access.h"
#include "auth/auth_write.h"
#include "auth/password.h"
#include "auth/ssh_keys.h"
#include "base/arena.h"
#include "base/err.h"
#include "core/effect.h"
#include "server/api/api.h"
#include "server/api/user_change.h"
#include "server/mailbox.h"
#include "server/readers.h"

/* One change under way; in the request's arena. */
struct change {
    struct api *api;
    struct request *request;
    struct mail *mail;
    struct auth_user_write write;
    bool self_only;             /* the caller may change nobody else */
    bool leaves;                /* "groupname" is one to leave, not to join */
    char *name, *email, *group; /* NULL = not given */
    char *password;             /* new, plain until hashed; NULL = keep */
    char *old_password;         /* to be checked first; NULL = not asked for */
    char hash[PASSWORD_HASH_SIZE];
};

/* ---- members of a body ---- */

enum member {
    MEMBER_USERNAME = 1 << 0,
    MEMBER_PASSWORD = 1 << 1,
    MEMBER_OLD_PASSWORD = 1 << 2,
    MEMBER_NEW_PASSWORD = 1 << 3,
    MEMBER_EMAIL = 1 << 4,
    MEMBER_ADMIN = 1 << 5,
    MEMBER_EXTENSION = 1 << 6,
    MEMBER_VC = 1 << 7,
    MEMBER_GROUPS = 1 << 8,
    MEMBER_GROUP = 1 << 9,
    MEMBER_DISABLED = 1 << 10,
    MEMBER_EXPIRES = 1 << 11,
    MEMBER_DISK = 1 << 12,
};
/* What an admin may say of a user: OpenPAI's members, and ours beside them. */
enum {
    MEMBERS_OPENPAI = MEMBER_USERNAME | MEMBER_PASSWORD | MEMBER_EMAIL | MEMBER_ADMIN | MEMBER_EXTENSION | MEMBER_VC,
    MEMBERS_OURS = MEMBER_GROUPS | MEMBER_DISABLED | MEMBER_EXPIRES | MEMBER_DISK,
};

static const struct {
    enum member bit;
    const char *name;
} members[] = {
    {MEMBER_USERNAME, "username"},        {MEMBER_PASSWORD, "password"}, {MEMBER_OLD_PASSWORD, "oldPassword"},
    {MEMBER_NEW_PASSWORD, "newPassword"}, {MEMBER_EMAIL, "email"},       {MEMBER_ADMIN, "admin"},
    {MEMBER_EXTENSION, "extension"},      {MEMBER_VC, "virtualCluster"}, {MEMBER_GROUPS, "grouplist"},
    {MEMBER_GROUP, "groupname"},          {MEMBER_DISABLED, "disabled"}, {MEMBER_EXPIRES, "expires"},
    {MEMBER_DISK, "userDiskMB"},
};

/* Unknown members are refused, missing ones of `need` named. 0 or -1. */
static int check_members(const cJSON *o, unsigned may, unsigned need, struct err *e)
{
    const char *names[sizeof members / sizeof *members + 1] = {NULL};
    size_t n = 0;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (may & members[i].bit)
            names[n++] = members[i].name;
        if ((need & members[i].bit) && !cJSON_GetObjectItemCaseSensitive(o, members[i].name))
            return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" is missing.", members[i].name);
    }
    return json_only_keys(o, names, e);
}

/* A string member copied into the arena; *out is left alone when absent. 0 or -1. */
static int take_string(struct change *c, const cJSON *o, const char *key, char **out, struct err *e)
{
    const char *s = NULL;
    if (json_get_string(o, key, &s, e))
        return -1;
    if (!s)
        return 0;
    *out = arena_strdup(request_arena(c->request), s);
    return *out ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
}

/* The extension is kept as the client's JSON object. */
static int take_extension(struct change *c, const cJSON *o, struct err *e)
{
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(o, "extension");
    if (!x)
        return 0;
    if (!cJSON_IsObject(x))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"extension\" must be an object.");
    if (ssh_keys_check(x, e))
        return -1;
    char *text = cJSON_PrintUnformatted(x);
    c->write.extension = text ? arena_strdup(request_arena(c->request), text) : NULL;
    cJSON_free(text);
    return c->write.extension ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
}

/* The members that are strings. 0 or -1. */
static int take_strings(struct change *c, const cJSON *o, struct err *e)
{
    const struct {
        const char *key;
        char **out;
    } wanted[] = {
        {"username", &c->name},        {"password", &c->password},
        {"newPassword", &c->password}, {"oldPassword", &c->old_password},
        {"email", &c->email},          {"groupname", &c->group},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (take_string(c, o, wanted[i].key, wanted[i].out, e))
            return -1;
    return 0;
}

static int take_flag(const cJSON *o, const char *key, enum auth_flag *out, struct err *e)
{
    bool yes = false;
    if (json_get_bool(o, key, &yes, e))
        return -1;
    if (cJSON_GetObjectItemCaseSensitive(o, key))
        *out = yes ? AUTH_YES : AUTH_NO;
    return 0;
}

/* "expires": milliseconds since 1970, or null for never. */
static int take_expires(struct auth_user_write *u, const cJSON *o, struct err *e)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(o, "expires");
    if (!m)
        return 0;
    u->set_expires = true;
    if (cJSON_IsNull(m))
        return 0;
    if (json_get_int(o, "expires", &u->expires_ms, e))
        return -1;
    return u->expires_ms > 0 ? 0 : err_set(e, ERR_INVALID_PARAMETERS, "\"expires\" must be a time in ms, or null.");
}

/* "userDiskMB": what the user may keep on a node; 0 = as the virtual cluster or the site says. */
static int take_disk(struct auth_user_write *u, const cJSON *o, struct err *e)
{
    int64_t mb = 0;
    if (json_get_int(o, "userDiskMB", &mb, e))
        return -1;
    if (mb < 0 || mb > INT32_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"userDiskMB\" must be from 0 to %d.", INT32_MAX);
    u->set_disk = cJSON_GetObjectItemCaseSensitive(o, "userDiskMB") != NULL;
    u->disk_mb = (int)mb;
    return 0;
}

/* What a body may say of rights. 0 or -1. */
static int take_rights(struct change *c, const cJSON *o, struct err *e)
{
    struct auth_user_write *u = &c->write;
    struct arena *arena = request_arena(c->request);
    if (take_flag(o, "admin", &u->admin, e) || take_flag(o, "disabled", &u->disabled, e) || take_expires(u, o, e) ||
        take_disk(u, o, e))
        return -1;
    if (c->group)
        *(c->leaves ? &u->leave : &u->join) = c->group;
    return api_json_names(arena, o, "virtualCluster", &u->vcs, e) ||
                   api_json_names(arena, o, "grouplist", &u->groups, e)
               ? -1
               : 0;
}

/* Everything that a body may say, into the command. 0 or -1. */
static int take_members(struct change *c, const cJSON *o, struct err *e)
{
    struct auth_user_write *u = &c->write;
    if (take_strings(c, o, e) || take_rights(c, o, e) || take_extension(c, o, e))
        return -1;
    if (c->name)
        u->name = c->name;
    u->email = c->email;
    if (!u->name)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"username\" is missing.");
    if (auth_store_check_name(u->name, e) || (c->email && auth_store_check_email(c->email, e)))
        return -1;
    return c->password ? password_check_rules(c->password, u->name, e) : 0;
}

/* Who may change this user at all, where that depends on the user. 0 or -1. */
static int check_rights(const struct change *c, struct err *e)
{
    const struct access_object o = {.owner = c->write.name, .what = "another user"};
    return access_check_object(request_route(c->request)->access, request_identity(c->request), &o, e);
}

/* Users give their old password for a new one; admins need not where they may set others'. 0 or -1. */
static int check_old_given(const struct change *c, struct err *e)
{
    bool spared = request_identity(c->request)->admin && request_route(c->request)->access != ACCESS_OWN;
    if (c->password && !c->old_password && !spared)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"oldPassword\" is missing.");
    return 0;
}

/* ---- the way to the core ---- */

static void refuse(struct change *c, const struct err *e)
{
    reply_error(c->request, e);
    request_resume(c->request);
}

/* The caller's own old password. 0, or ERR_INCORRECT_PASSWORD. */
static int check_old(struct change *c, struct err *e)
{
    struct auth_user user = {0};
    bool rehash;
    struct store *s = readers_get(c->api->readers, e);
    if (!s)
        return -1;
    int rc = auth_store_user_get(s, request_arena(c->request), c->write.name, &user, e);
    readers_put(c->api->readers, s);
    if (rc)
        return -1;
    if (password_verify(user.password_hash, c->old_password, &rehash)) {
        api_throttle_succeed(c->api, c->request, c->write.name);
        return 0;
    }
    return err_set(e, ERR_INCORRECT_PASSWORD, "The old password is incorrect.");
}

/* On a worker's thread, with the request suspended. */
static void hash_and_post(void *ctx)
{
    struct change *c = ctx;
    struct err e = {0};
    int rc = c->old_password ? check_old(c, &e) : 0;
    if (!rc)
        rc = password_hash(c->password, c->hash, &e);
    sodium_memzero(c->password, strlen(c->password));
    if (c->old_password)
        sodium_memzero(c->old_password, strlen(c->old_password));
    if (!rc) {
        c->write.password_hash = c->hash;
        rc = mailbox_post(c->api->mailbox, c->mail, &e);
    }
    if (rc)
        refuse(c, &e);
}

static int post(struct change *c, struct err *e)
{
    struct err full = {0};
    if (!c->password)
        return api_post(c->api, c->request, c->mail, e);
    /* Whoever found an open session must not guess the password with it. */
    if (c->old_password && api_throttle_enter(c->api, c->request, c->write.name, e))
        return -1;
    request_suspend(c->request);
    if (password_gate_run(c->api->passwords, hash_and_post, c, &full))
        refuse(c, &full);
    return 0;
}

static struct change *begin(struct request *r, struct api *a, enum auth_user_op op, const char *message, struct err *e)
{
    struct change *c = arena_alloc(request_arena(r), sizeof *c);
    struct mail *m = c ? api_mail_write(r, auth_write_user, &c->write, api_done_message) : NULL;
    if (!m || api_message(m, r, op == AUTH_USER_REMOVE ? 200 : 201, message)) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    *c = (struct change){.api = a, .request = r, .mail = m};
    c->write.op = op;
    c->write.name = request_param(r, "user");
    c->write.by = request_identity(r)->user;
    c->write.by_admin = request_identity(r)->admin;
    return c;
}

/* Reads the body (or its member "data", in OpenPAI's {patch, data} form), checks it and posts. */
static int run(struct change *c, bool wrapped, unsigned may, unsigned need, struct err *e)
{
    static const char *const outer[] = {"patch", "data", NULL};
    cJSON *o = api_body_object(c->request, e);
    bool patch = false;
    int rc = -1;
    if (!o)
        return -1;
    const cJSON *data = wrapped ? cJSON_GetObjectItemCaseSensitive(o, "data") : o;
    if (wrapped && (json_only_keys(o, outer, e) || json_get_bool(o, "patch", &patch, e)))
        goto out;
    if (!cJSON_IsObject(data)) {
        err_set(e, ERR_INVALID_PARAMETERS, "\"data\" must be an object.");
        goto out;
    }
    c->write.merge = c->write.merge || patch;
    if (check_members(data, may, patch ? MEMBER_USERNAME : need, e) || take_members(c, data, e) || check_rights(c, e) ||
        check_old_given(c, e))
        goto out;
    rc = 0;
out:
    cJSON_Delete(o);
    return rc ? -1 : post(c, e);
}

/* ---- the routes ---- */

int api_user_add(struct request *r, void *context, struct err *e)
{
    struct change *c = begin(r, context, AUTH_USER_ADD, "User is created successfully.", e);
    return c ? run(c, false, MEMBERS_OPENPAI | MEMBERS_OURS, MEMBER_USERNAME | MEMBER_PASSWORD, e) : -1;
}

int api_user_put(struct request *r, void *context, struct err *e)
{
    struct change *c = begin(r, context, AUTH_USER_CHANGE, "User is updated successfully.", e);
    return c ? run(c, true, MEMBERS_OPENPAI | MEMBERS_OURS, MEMBERS_OPENPAI, e) : -1;
}

/* One's own data; the name must be one's own, and a new password needs the old one. */
int api_user_put_me(struct request *r, void *context, struct err *e)
{
    struct change *c = begin(r, context, AUTH_USER_CHANGE, "User is updated successfully.", e);
    unsigned may = MEMBER_USERNAME | MEMBER_OLD_PASSWORD | MEMBER_NEW_PASSWORD | MEMBER_EMAIL | MEMBER_EXTENSION;
    return c ? run(c, true, may, MEMBER_USERNAME, e) : -1;
}

int api_user_remove(struct request *r, void *context, struct err *e)
{
    struct change *c = begin(r, context, AUTH_USER_REMOVE, "User is removed successfully.", e);
    return c ? post(c, e) : -1;
}

/* The single fields that OpenPAI's portal sets. */
static int put_field(struct request *r, struct api *a, unsigned may, struct err *e)
{
    struct change *c = begin(r, a, AUTH_USER_CHANGE, "User is updated successfully.", e);
    if (!c || check_rights(c, e))
        return -1;
    c->leaves = request_method(r) == HTTP_DELETE;
    c->write.merge = true;
    c->write.only_users = may == MEMBER_VC;
    unsigned need = may & ~(unsigned)MEMBER_OLD_PASSWORD;
    return run(c, false, may, need, e);
}

int api_user_put_password(struct request *r, void *context, struct err *e)
{
    return put_field(r, context, MEMBER_OLD_PASSWORD | MEMBER_NEW_PASSWORD, e);
}

int api_user_put_email(struct request *r, void *context, struct err *e)
{
    return put_field(r, context, MEMBER_EMAIL, e);
}

int api_user_put_admin(struct request *r, void *context, struct err *e)
{
    return put_field(r, context, MEMBER_ADMIN, e);
}

int api_user_put_extension(struct request *r, void *context, struct err *e)
{
    return put_field(r, context, MEMBER_EXTENSION, e);
}

/* The groups of virtual clusters; OpenPAI refuses it for admins, who may use all. */
int api_user_put_vcs(struct request *r, void *context, struct err *e)
{
    return put_field(r, context, MEMBER_VC, e);
}

int api_user_put_groups(struct request *r, void *context, struct err *e)
{
    return put_field(r, context, MEMBER_GROUPS, e);
}

/* PUT: one group more; DELETE: one less. */
int api_user_group(struct request *r, void *context, struct err *e)
{
    return put_field(r, context, MEMBER_GROUP, e);
}
