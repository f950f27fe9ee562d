/* SPDX-License-Identifier: MIT
 *
 * Users to JSON and back.
 */
#include "auth/user_state.h"

#include <string.h>

#include "auth/auth_store.h"
#include "auth/group_store.h"
#include "auth/invitation.h"
#include "auth/member_store.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

static int write_group(void *ctx, const char *user, const char *group)
{
    (void)user;
    json_out_string(ctx, group);
    return 0;
}

/* The invitation that waits for the user, if one does. 0 or -1. */
static int write_invitation(struct store *s, const char *name, struct json_out *j, struct err *e)
{
    char hash[IDENTITY_HASH_SIZE];
    int64_t expires_ms = 0;
    int found = invitation_get(s, name, hash, &expires_ms, e);

    if (found > 0) {
        json_out_kstring(j, "invitation", hash);
        json_out_kint(j, "invitationExpires", expires_ms);
    }
    return found < 0 ? -1 : 0;
}

static int save(struct store *s, const struct auth_user *u, struct buf *out, struct err *e)
{
    struct json_out j;
    const struct member_sink sink = {.row = write_group, .ctx = &j};
    int rc;

    json_out_init(&j, out);
    json_out_object(&j);
    json_out_kstring(&j, "passwordHash", u->password_hash);
    json_out_kstring(&j, "email", u->email);
    json_out_kstring(&j, "extension", u->extension);
    json_out_kbool(&j, "disabled", u->disabled);
    json_out_kint(&j, "expires", u->expires_ms);
    json_out_kint(&j, "disk", u->disk_mb);
    json_out_kint(&j, "created", u->created_ms);
    json_out_key(&j, "groups");
    json_out_array(&j);
    rc = member_store_list(s, MEMBER_HAS_GROUP, u->name, &sink, e);
    json_out_array_end(&j);
    if (!rc)
        rc = write_invitation(s, u->name, &j, e);
    json_out_object_end(&j);
    return rc || out->bad ? -1 : 0;
}

int user_state_save(struct store *s, const char *name, struct buf *out, struct err *e)
{
    struct arena *a = arena_create(0);
    struct auth_user u = {0};
    struct err none = {0};
    int rc = a ? auth_store_user_get(s, a, name, &u, &none) : -1;

    if (!rc)
        rc = save(s, &u, out, e);
    else if (none.code == ERR_NO_USER)
        rc = 0;
    else if (e)
        *e = none;
    if (rc && e && !e->code)
        err_set(e, ERR_INTERNAL, "Out of memory.");
    arena_destroy(a);
    return rc;
}

/* What the text says, borrowed from it. 0 or -1. */
static int read(const cJSON *o, struct auth_user *u, struct err *e)
{
    int64_t disk = 0;

    if (json_get_string(o, "passwordHash", &u->password_hash, e) || json_get_string(o, "email", &u->email, e) ||
        json_get_string(o, "extension", &u->extension, e) || json_get_bool(o, "disabled", &u->disabled, e) ||
        json_get_int(o, "expires", &u->expires_ms, e) || json_get_int(o, "created", &u->created_ms, e) ||
        json_get_int(o, "disk", &disk, e))
        return -1;
    u->disk_mb = (int)disk;
    return u->password_hash ? 0 : err_set(e, ERR_INTERNAL, "not what a user was saved as");
}

static int change(struct store *s, const struct auth_user *was, const struct auth_user *u, struct err *e)
{
    const struct auth_user_change c = {.email = u->email,
                                       .extension = u->extension,
                                       .set_disabled = true,
                                       .disabled = u->disabled,
                                       .set_expires = true,
                                       .expires_ms = u->expires_ms,
                                       .set_disk = true,
                                       .disk_mb = u->disk_mb};

    if (strcmp(was->password_hash, u->password_hash) != 0 &&
        auth_store_user_set_password(s, u->name, u->password_hash, false, e))
        return -1;
    return auth_store_user_change(s, u->name, &c, e);
}

static int set_groups(struct store *s, struct arena *a, const char *name, const cJSON *list, struct err *e)
{
    const char **groups = arena_calloc(a, (size_t)cJSON_GetArraySize(list) + 1, sizeof *groups);
    size_t n = 0;

    if (!groups)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    for (const cJSON *g = list ? list->child : NULL; g; g = g->next)
        groups[n++] = cJSON_IsString(g) ? g->valuestring : GROUP_DEFAULT;
    return member_store_set(s, name, groups, e);
}

static int set_invitation(struct store *s, const char *name, const cJSON *o, struct err *e)
{
    struct invitation i = {.user = name};

    if (json_get_string(o, "invitation", &i.hash, e) || json_get_int(o, "invitationExpires", &i.expires_ms, e))
        return -1;
    return i.hash ? invitation_put(s, &i, e) : invitation_drop(s, name, e);
}

static int load(struct store *s, struct arena *a, const char *name, const cJSON *o, struct err *e)
{
    struct auth_user was = {0}, u = {.name = name};
    bool admin;
    int known = auth_store_user_known(s, name, &admin, e);

    if (known < 0 || read(o, &u, e))
        return -1;
    if (known ? auth_store_user_get(s, a, name, &was, e) || change(s, &was, &u, e) : auth_store_user_add(s, &u, e))
        return -1;
    if (set_groups(s, a, name, cJSON_GetObjectItemCaseSensitive(o, "groups"), e))
        return -1;
    return set_invitation(s, name, o, e);
}

int user_state_load(struct store *s, const char *name, const char *json, struct err *e)
{
    struct arena *a;
    cJSON *o;
    int rc;

    if (!*json)
        return auth_store_user_remove(s, name, e);
    a = arena_create(0);
    o = json_parse(json, strlen(json), 0, e);
    rc = a && o ? load(s, a, name, o, e) : -1;
    cJSON_Delete(o);
    arena_destroy(a);
    return rc;
}
