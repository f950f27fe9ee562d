/* SPDX-License-Identifier: MIT
 *
 * Groups, read: OpenPAI's routes. What a group grants stands in extension.acls.
 */
#include <string.h>

#include "auth/group_store.h"
#include "auth/member_store.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/names.h"
#include "server/api/api.h"
#include "store/store.h"

static void write_names(struct json_out *j, const char *key, const char *const *list)
{
    json_out_key(j, key);
    json_out_array(j);
    for (; *list; list++)
        json_out_string(j, *list);
    json_out_array_end(j);
}

/* The members that clients keep there, and the acls. */
static void write_extension(struct json_out *j, const struct group *g)
{
    cJSON *kept = json_parse(g->extension, strlen(g->extension), 0, NULL);
    json_out_object(j);
    for (const cJSON *m = kept ? kept->child : NULL; m; m = m->next) {
        char *text = cJSON_PrintUnformatted(m);
        json_out_key(j, m->string);
        json_out_raw(j, text ? text : "null");
        cJSON_free(text);
    }
    cJSON_Delete(kept);
    json_out_key(j, "acls");
    json_out_object(j);
    json_out_kbool(j, "admin", g->acls->admin);
    write_names(j, "virtualClusters", g->acls->vcs);
    write_names(j, "managedVirtualClusters", g->acls->managed);
    write_names(j, "storageConfigs", g->acls->storages);
    json_out_object_end(j);
    json_out_object_end(j);
}

static void write_group(struct json_out *j, const struct group *g)
{
    json_out_object(j);
    json_out_kstring(j, "groupname", g->name);
    json_out_kstring(j, "description", g->description);
    json_out_kstring(j, "externalName", g->external_name);
    json_out_key(j, "extension");
    write_extension(j, g);
    json_out_object_end(j);
}

static int write_one(struct api_reading *x, struct err *e)
{
    struct group g;
    if (group_store_get(x->store, request_arena(x->request), request_param(x->request, "group"), &g, e))
        return -1;
    write_group(x->out, &g);
    return 0;
}

int api_group_get(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_one, NULL, e);
}

static int keep_name(void *ctx, const char *text)
{
    return names_add(ctx, text);
}

/* Names first, then group by group: no statement is stepped while another asks about the same tables. */
static int write_all(struct api_reading *x, struct err *e)
{
    struct names n = {.arena = request_arena(x->request)};
    const struct group_sink sink = {.row = keep_name, .ctx = &n};
    if (group_store_names(x->store, &sink, e))
        return -1;
    json_out_array(x->out);
    for (size_t i = 0; i < n.count; i++) {
        struct group g;
        if (group_store_get(x->store, n.arena, n.list[i], &g, e))
            return -1;
        write_group(x->out, &g);
    }
    json_out_array_end(x->out);
    return 0;
}

int api_group_list(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_all, NULL, e);
}

static int write_member(void *ctx, const char *user, const char *admin)
{
    struct json_out *j = ctx;
    json_out_object(j);
    json_out_kstring(j, "username", user);
    json_out_kbool(j, "clusterAdmin", admin[0] == '1');
    json_out_object_end(j);
    return 0;
}

static int write_members(struct api_reading *x, struct err *e)
{
    struct group g;
    const char *name = request_param(x->request, "group");
    const struct member_sink sink = {.row = write_member, .ctx = x->out};
    if (group_store_get(x->store, request_arena(x->request), name, &g, e))
        return -1;
    json_out_array(x->out);
    int rc = member_store_of_group(x->store, name, &sink, e);
    json_out_array_end(x->out);
    return rc;
}

int api_group_users(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_members, NULL, e);
}
