/* SPDX-License-Identifier: MIT
 *
 * Groups, changed: OpenPAI's routes. extension.acls becomes grants, the rest of extension is kept as it is.
 */
#include <string.h>

#include "auth/auth_write.h"
#include "auth/group_store.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "server/api/api.h"
#include "server/mailbox.h"

/* One change under way; in the request's arena. */
struct change {
    struct request *request;
    struct auth_group_write write;
    struct group group;
    struct group_acls acls;
};

static struct change *begin(struct request *r, enum auth_group_op op)
{
    const struct identity *who = request_identity(r);
    struct change *c = arena_alloc(request_arena(r), sizeof *c);
    if (!c)
        return NULL;
    c->request = r;
    c->group.name = request_param(r, "group");
    c->write = (struct auth_group_write){.op = op, .group = &c->group, .by = who->user};
    return c;
}

static int post(struct change *c, struct api *a, int status, const char *message, struct err *e)
{
    struct mail *m = c ? api_mail_write(c->request, auth_write_group, &c->write, api_done_message) : NULL;
    if (!m || api_message(m, c->request, status, message))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    return api_post(a, c->request, m, e);
}

/* extension.acls: a list that is not named stays as it is. 0 or -1. */
static int take_acls(struct change *c, const cJSON *o, struct err *e)
{
    static const char *const only[] = {"admin", "virtualClusters", "managedVirtualClusters", "storageConfigs", NULL};
    struct arena *arena = request_arena(c->request);
    if (!cJSON_IsObject(o))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"acls\" must be an object.");
    c->acls.set_admin = cJSON_GetObjectItemCaseSensitive(o, "admin") != NULL;
    if (json_only_keys(o, only, e) || json_get_bool(o, "admin", &c->acls.admin, e) ||
        api_json_names(arena, o, "virtualClusters", &c->acls.vcs, e) ||
        api_json_names(arena, o, "managedVirtualClusters", &c->acls.managed, e) ||
        api_json_names(arena, o, "storageConfigs", &c->acls.storages, e))
        return -1;
    c->group.acls = &c->acls;
    return 0;
}

/* "extension" without its acls is kept as the client's JSON. Takes "acls" out of it. 0 or -1. */
static int take_extension(struct change *c, cJSON *o, struct err *e)
{
    cJSON *x = cJSON_GetObjectItemCaseSensitive(o, "extension");
    if (!x)
        return 0;
    if (!cJSON_IsObject(x))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"extension\" must be an object.");
    cJSON *acls = cJSON_DetachItemFromObjectCaseSensitive(x, "acls");
    int rc = acls ? take_acls(c, acls, e) : 0;
    cJSON_Delete(acls);
    if (rc)
        return -1;
    char *text = cJSON_PrintUnformatted(x);
    c->group.extension = text ? arena_strdup(request_arena(c->request), text) : NULL;
    cJSON_free(text);
    return c->group.extension ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
}

static int take_text(struct change *c, const cJSON *o, const char *key, const char **out, struct err *e)
{
    const char *s = NULL;
    if (json_get_string(o, key, &s, e))
        return -1;
    if (!s)
        return 0;
    *out = arena_strdup(request_arena(c->request), s);
    return *out ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
}

/* What a body says of a group; `need` are the members that must be there. 0 or -1. */
static int take_group(struct change *c, cJSON *o, const char *const *may, const char *const *need, struct err *e)
{
    if (!cJSON_IsObject(o))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"data\" must be an object.");
    if (json_only_keys(o, may, e))
        return -1;
    for (; *need; need++)
        if (!cJSON_GetObjectItemCaseSensitive(o, *need))
            return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" is missing.", *need);
    if (take_text(c, o, "groupname", &c->group.name, e) || take_text(c, o, "description", &c->group.description, e) ||
        take_text(c, o, "externalName", &c->group.external_name, e) ||
        take_text(c, o, "externalname", &c->group.external_name, e) || take_extension(c, o, e))
        return -1;
    return group_store_check_name(c->group.name, e);
}

/* ---- the routes ---- */

static const char *const all_members[] = {"groupname", "description", "externalName", "extension", NULL};
static const char *const only_name[] = {"groupname", NULL};

int api_group_add(struct request *r, void *context, struct err *e)
{
    struct change *c = begin(r, AUTH_GROUP_ADD);
    cJSON *o = c ? api_body_object(r, e) : NULL;
    if (!o)
        return c ? -1 : err_set(e, ERR_INTERNAL, "Out of memory.");
    int rc = take_group(c, o, all_members, only_name, e);
    cJSON_Delete(o);
    return rc ? -1 : post(c, context, 201, "Group is created successfully.", e);
}

/* {patch, data}: with patch, what is not there stays; without, all must be there. */
int api_group_put(struct request *r, void *context, struct err *e)
{
    static const char *const outer[] = {"patch", "data", NULL};
    struct change *c = begin(r, AUTH_GROUP_CHANGE);
    cJSON *o = c ? api_body_object(r, e) : NULL;
    bool patch = false;
    if (!o)
        return c ? -1 : err_set(e, ERR_INTERNAL, "Out of memory.");
    int rc = json_only_keys(o, outer, e) || json_get_bool(o, "patch", &patch, e) ||
                     take_group(c, cJSON_GetObjectItemCaseSensitive(o, "data"), all_members,
                                patch ? only_name : all_members, e)
                 ? -1
                 : 0;
    cJSON_Delete(o);
    c->group.merge = patch;
    return rc ? -1 : post(c, context, 201, "Group is updated successfully.", e);
}

int api_group_remove(struct request *r, void *context, struct err *e)
{
    struct change *c = begin(r, AUTH_GROUP_REMOVE);
    return post(c, context, 200, "Group is removed successfully.", e);
}

/* OpenPAI's old routes for one member each. */
static int put_member(struct request *r, struct api *a, const char *member, struct err *e)
{
    const char *const only[] = {member, NULL};
    struct change *c = begin(r, AUTH_GROUP_CHANGE);
    cJSON *o = c ? api_body_object(r, e) : NULL;
    if (!o)
        return c ? -1 : err_set(e, ERR_INTERNAL, "Out of memory.");
    int rc = take_group(c, o, only, only, e);
    cJSON_Delete(o);
    c->group.merge = 1;
    return rc ? -1 : post(c, a, 201, "Group is updated successfully.", e);
}

int api_group_put_extension(struct request *r, void *context, struct err *e)
{
    return put_member(r, context, "extension", e);
}

int api_group_put_description(struct request *r, void *context, struct err *e)
{
    return put_member(r, context, "description", e);
}

int api_group_put_external_name(struct request *r, void *context, struct err *e)
{
    return put_member(r, context, "externalname", e);
}

/* {data} at extension/a/b/...: as if it had been put there in an object within an object ... 0 or -1. */
static int take_nested(struct change *c, cJSON *o, struct err *e)
{
    static const char *const only[] = {"data", NULL};
    static const char *const keys[] = {"key4", "key3", "key2", "key1"}; /* inside out */
    if (json_only_keys(o, only, e))
        return -1;
    cJSON *inner = cJSON_DetachItemFromObjectCaseSensitive(o, "data");
    if (!inner)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"data\" is missing.");
    for (size_t i = 0; i <= sizeof keys / sizeof *keys; i++) {
        const char *key = i < sizeof keys / sizeof *keys ? request_param(c->request, keys[i]) : "extension";
        cJSON *outer = key ? cJSON_CreateObject() : NULL;
        if (!key)
            continue;
        if (!outer || !cJSON_AddItemToObject(outer, key, inner)) {
            cJSON_Delete(outer);
            cJSON_Delete(inner);
            return err_set(e, ERR_INTERNAL, "Out of memory.");
        }
        inner = outer;
        c->group.merge += i < sizeof keys / sizeof *keys;
    }
    int rc = take_extension(c, inner, e);
    cJSON_Delete(inner);
    return rc;
}

int api_group_put_key(struct request *r, void *context, struct err *e)
{
    struct change *c = begin(r, AUTH_GROUP_CHANGE);
    cJSON *o = c ? api_body_object(r, e) : NULL;
    if (!o)
        return c ? -1 : err_set(e, ERR_INTERNAL, "Out of memory.");
    int rc = take_nested(c, o, e);
    cJSON_Delete(o);
    return rc ? -1 : post(c, context, 201, "Group is updated successfully.", e);
}
