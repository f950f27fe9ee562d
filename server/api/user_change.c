/* SPDX-License-Identifier: MIT
 *
 * Users, changed: OpenPAI's routes, one table of the members that each takes. A new password is hashed (and an old one
 * checked) on a worker's thread; the rows are the core's to commit.
 *
 *   handler: members, rules ─► [worker: old password, hash] ─► core: exists? allowed? COMMIT ─► reply
 */
#include <sodium.h>
#include <string.h>

#include "auth/auth_store.h"
#include "auth/password.h"
#include "base/arena.h"
#include "base/err.h"
#include "core/effect.h"
#include "server/api/api.h"
#include "server/mailbox.h"
#include "server/readers.h"

/* One change under way; in the request's arena. */
struct change {
    struct api *api;
    struct request *request;
    struct mail *mail;
    bool self_only;     /* the caller may change nobody else */
    char *name, *email; /* NULL = not given */
    char *password;     /* new, plain until hashed; NULL = keep */
    char *old_password; /* to be checked first; NULL = not asked for */
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
};

static const struct {
    enum member bit;
    const char *name;
} members[] = {
    {MEMBER_USERNAME, "username"},        {MEMBER_PASSWORD, "password"}, {MEMBER_OLD_PASSWORD, "oldPassword"},
    {MEMBER_NEW_PASSWORD, "newPassword"}, {MEMBER_EMAIL, "email"},       {MEMBER_ADMIN, "admin"},
    {MEMBER_EXTENSION, "extension"},      {MEMBER_VC, "virtualCluster"},
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

/* "virtualCluster": names of virtual clusters, each of which must exist. */
static int check_vcs(const cJSON *o, struct err *e)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "virtualCluster");
    if (list && !cJSON_IsArray(list))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"virtualCluster\" must be a list of names.");
    for (const cJSON *vc = list ? list->child : NULL; vc; vc = vc->next)
        if (!cJSON_IsString(vc) || strcmp(vc->valuestring, "default") != 0)
            return err_set(e, ERR_NO_VC_BAD, "Virtual cluster %s is not found.",
                           cJSON_IsString(vc) ? vc->valuestring : "(no string)");
    return 0;
}

static int check_email(const char *email, struct err *e)
{
    const char *at = strchr(email, '@');
    if (!*email || (at && at != email && at[1] && !strchr(at + 1, '@') && strlen(email) < 255 &&
                    !strpbrk(email, " \t\r\n<>\"(),;")))
        return 0;
    return err_set(e, ERR_INVALID_PARAMETERS, "\"%.100s\" is no e-mail address.", email);
}

/* The extension is kept as the client's JSON object. */
static int take_extension(struct change *c, const cJSON *o, struct err *e)
{
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(o, "extension");
    if (!x)
        return 0;
    if (!cJSON_IsObject(x))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"extension\" must be an object.");
    char *text = cJSON_PrintUnformatted(x);
    c->mail->cmd.user.extension = text ? arena_strdup(request_arena(c->request), text) : NULL;
    cJSON_free(text);
    return c->mail->cmd.user.extension ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
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
        {"email", &c->email},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (take_string(c, o, wanted[i].key, wanted[i].out, e))
            return -1;
    return 0;
}

/* Everything that a body may say, into the command. 0 or -1. */
static int take_members(struct change *c, const cJSON *o, struct err *e)
{
    struct command_user *u = &c->mail->cmd.user;
    bool admin = false;
    if (take_strings(c, o, e) || json_get_bool(o, "admin", &admin, e) || check_vcs(o, e) || take_extension(c, o, e))
        return -1;
    if (c->name)
        u->name = c->name;
    if (cJSON_GetObjectItemCaseSensitive(o, "admin"))
        u->admin = admin ? COMMAND_USER_YES : COMMAND_USER_NO;
    if (c->email && check_email(c->email, e))
        return -1;
    u->email = c->email;
    if (!u->name || auth_store_check_name(u->name, e))
        return u->name ? -1 : err_set(e, ERR_INVALID_PARAMETERS, "\"username\" is missing.");
    return c->password ? password_check_rules(c->password, u->name, e) : 0;
}

/* Who changes only themselves: their own name, and the old password for a new one. 0 or -1. */
static int check_self(const struct change *c, struct err *e)
{
    if (!c->self_only)
        return 0;
    if (strcmp(c->mail->cmd.user.name, request_identity(c->request)->user) != 0)
        return err_set(e, ERR_FORBIDDEN, "Non-admin is not allow to do this operation.");
    if (c->password && !c->old_password)
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
    int rc = auth_store_user_get(s, request_arena(c->request), c->mail->cmd.user.name, &user, e);
    readers_put(c->api->readers, s);
    if (rc)
        return -1;
    if (password_verify(user.password_hash, c->old_password, &rehash))
        return 0;
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
        c->mail->cmd.user.password_hash = c->hash;
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
    request_suspend(c->request);
    if (password_gate_run(c->api->passwords, hash_and_post, c, &full))
        refuse(c, &full);
    return 0;
}

static struct change *begin(struct request *r, struct api *a, enum command_user_op op, const char *message,
                            struct err *e)
{
    struct change *c = arena_alloc(request_arena(r), sizeof *c);
    struct mail *m = c ? api_mail(r, COMMAND_USER, api_done_message) : NULL;
    if (!m || api_message(m, r, op == COMMAND_USER_REMOVE ? 200 : 201, message)) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    *c = (struct change){.api = a, .request = r, .mail = m};
    m->cmd.user.op = op;
    m->cmd.user.name = request_param(r, "user");
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
    if (check_members(data, may, patch ? MEMBER_USERNAME : need, e) || take_members(c, data, e) || check_self(c, e))
        goto out;
    rc = 0;
out:
    cJSON_Delete(o);
    return rc ? -1 : post(c, e);
}

/* ---- the routes ---- */

int api_user_add(struct request *r, void *context, struct err *e)
{
    struct change *c = begin(r, context, COMMAND_USER_ADD, "User is created successfully.", e);
    unsigned may = MEMBER_USERNAME | MEMBER_PASSWORD | MEMBER_EMAIL | MEMBER_ADMIN | MEMBER_EXTENSION | MEMBER_VC;
    return c ? run(c, false, may, MEMBER_USERNAME | MEMBER_PASSWORD, e) : -1;
}

int api_user_put(struct request *r, void *context, struct err *e)
{
    struct change *c = begin(r, context, COMMAND_USER_CHANGE, "User is updated successfully.", e);
    unsigned all = MEMBER_USERNAME | MEMBER_PASSWORD | MEMBER_EMAIL | MEMBER_ADMIN | MEMBER_EXTENSION | MEMBER_VC;
    return c ? run(c, true, all, all, e) : -1;
}

/* One's own data; the name must be one's own, and a new password needs the old one. */
int api_user_put_me(struct request *r, void *context, struct err *e)
{
    struct change *c = begin(r, context, COMMAND_USER_CHANGE, "User is updated successfully.", e);
    unsigned may = MEMBER_USERNAME | MEMBER_OLD_PASSWORD | MEMBER_NEW_PASSWORD | MEMBER_EMAIL | MEMBER_EXTENSION;
    if (!c)
        return -1;
    c->self_only = true;
    return run(c, true, may, MEMBER_USERNAME, e);
}

int api_user_remove(struct request *r, void *context, struct err *e)
{
    struct change *c = begin(r, context, COMMAND_USER_REMOVE, "User is removed successfully.", e);
    return c ? post(c, e) : -1;
}

/* The single fields that OpenPAI's portal sets. `self_too`: the user may do it, not only an admin. */
static int put_field(struct request *r, struct api *a, unsigned may, bool self_too, struct err *e)
{
    struct change *c = begin(r, a, COMMAND_USER_CHANGE, "User is updated successfully.", e);
    if (!c)
        return -1;
    c->self_only = self_too && !request_identity(r)->admin;
    unsigned need = may & ~(unsigned)MEMBER_OLD_PASSWORD;
    return run(c, false, may, need, e);
}

int api_user_put_password(struct request *r, void *context, struct err *e)
{
    return put_field(r, context, MEMBER_OLD_PASSWORD | MEMBER_NEW_PASSWORD, true, e);
}

int api_user_put_email(struct request *r, void *context, struct err *e)
{
    return put_field(r, context, MEMBER_EMAIL, true, e);
}

int api_user_put_admin(struct request *r, void *context, struct err *e)
{
    return put_field(r, context, MEMBER_ADMIN, false, e);
}
