/* SPDX-License-Identifier: MIT
 *
 * Team storages: OpenPAI's lists of what the caller may use, and for admins the objects themselves (ours). Grants are
 * the groups' (extension.acls.storageConfigs).
 */
#include <string.h>

#include "auth/member_store.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/names.h"
#include "inventory/storage_store.h"
#include "server/api/api.h"
#include "server/mailbox.h"

/* ---- what the caller may use ---- */

static int take_name(void *ctx, const char *user, const char *value)
{
    (void)user;
    return names_add(ctx, value);
}

/* The caller's view of storages. */
struct view {
    struct names granted, defaults;
    bool admin, only_default;
    const char *key; /* that names the list; NULL: a bare list */
    struct json_out *j;
    void (*write)(struct json_out *j, const struct storage *st, bool is_default);
};

static bool may_see(const struct view *v, const char *name)
{
    return v->admin || names_has(&v->granted, name);
}

static int read_grants(struct store *s, struct request *r, struct view *v, struct err *e)
{
    const struct identity *who = request_identity(r);
    struct member_sink granted = {.row = take_name, .ctx = &v->granted};
    struct member_sink defaults = {.row = take_name, .ctx = &v->defaults};
    v->granted.arena = v->defaults.arena = request_arena(r);
    v->admin = who->admin;
    return member_store_list(s, MEMBER_HAS_STORAGE, who->user, &granted, e) ||
                   member_store_list(s, MEMBER_HAS_DEFAULT_STORAGE, who->user, &defaults, e)
               ? -1
               : 0;
}

static int write_row(void *ctx, const struct storage *st)
{
    struct view *v = ctx;
    bool is_default = names_has(&v->defaults, st->name);
    if (may_see(v, st->name) && (is_default || !v->only_default))
        v->write(v->j, st, is_default);
    return 0;
}

/* ---- shapes ---- */

static void write_entry(struct json_out *j, const struct storage *st, bool is_default)
{
    json_out_object(j);
    json_out_kstring(j, "name", st->name);
    json_out_kbool(j, "share", st->share);
    json_out_kstring(j, "volumeName", st->name);
    json_out_kbool(j, "default", is_default);
    json_out_object_end(j);
}

static void write_whole(struct json_out *j, const struct storage *st, bool is_default)
{
    json_out_object(j);
    json_out_kstring(j, "name", st->name);
    json_out_kbool(j, "share", st->share);
    json_out_kstring(j, "volumeName", st->name);
    json_out_kstring(j, "type", storage_kind_wire(st->kind));
    json_out_kstring(j, "kind", storage_kind_name(st->kind));
    json_out_key(j, "data");
    json_out_raw(j, st->data);
    json_out_kbool(j, "readOnly", st->read_only);
    json_out_kbool(j, "default", is_default);
    json_out_kbool(j, "mounted", st->host_path[0] != '\0');
    json_out_object_end(j);
}

/* OpenPAI's deprecated pair: a "config" says where a "server" is mounted. */
static void write_config(struct json_out *j, const struct storage *st, bool is_default)
{
    json_out_object(j);
    json_out_kstring(j, "name", st->name);
    json_out_kbool(j, "default", is_default);
    json_out_key(j, "servers");
    json_out_array(j);
    json_out_string(j, st->name);
    json_out_array_end(j);
    json_out_key(j, "mountInfos");
    json_out_array(j);
    json_out_object(j);
    json_out_kstring(j, "server", st->name);
    json_out_kstring(j, "path", "");
    json_out_kstring(j, "permission", st->read_only ? "ro" : "rw");
    json_out_object_end(j);
    json_out_array_end(j);
    json_out_object_end(j);
}

static void write_server(struct json_out *j, const struct storage *st, bool is_default)
{
    (void)is_default;
    json_out_object(j);
    json_out_kstring(j, "spn", st->name);
    json_out_kstring(j, "type", storage_kind_wire(st->kind));
    json_out_key(j, "data");
    json_out_raw(j, st->data);
    json_out_object_end(j);
}

/* ---- reading ---- */

/* All that the caller may use, in the view's shape. */
static int write_list(struct api_reading *x, struct err *e)
{
    struct view *v = x->context;
    v->j = x->out;
    if (v->key) {
        json_out_object(v->j);
        json_out_key(v->j, v->key);
    }
    json_out_array(v->j);
    int rc = read_grants(x->store, x->request, v, e) || storage_store_each(x->store, write_row, v, e);
    json_out_array_end(v->j);
    if (v->key)
        json_out_object_end(v->j);
    return rc ? -1 : 0;
}

static int write_one(struct api_reading *x, struct err *e)
{
    struct view *v = x->context;
    const char *name = request_param(x->request, "storage");
    v->j = x->out;
    if (read_grants(x->store, x->request, v, e) || storage_store_get(x->store, name, write_row, v, e))
        return -1;
    return may_see(v, name) ? 0
                            : err_set(e, ERR_FORBIDDEN, "User %s is not allowed to access storage %s.",
                                      request_identity(x->request)->user, name);
}

int api_storages(struct request *r, void *context, struct err *e)
{
    struct view v = {.write = write_entry, .key = "storages"};
    if (request_query_bool(r, "default", &v.only_default, e))
        return -1;
    return api_read(context, r, write_list, &v, e);
}

int api_storage(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_one, &(struct view){.write = write_whole}, e);
}

int api_storage_configs(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_list, &(struct view){.write = write_config}, e);
}

int api_storage_config(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_one, &(struct view){.write = write_config}, e);
}

int api_storage_servers(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_list, &(struct view){.write = write_server}, e);
}

int api_storage_server(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_one, &(struct view){.write = write_server}, e);
}

/* ---- writing ---- */

/* Where the nodes have it: a local storage at its path, another where the body says. 0 or -1. */
static int read_host_path(struct request *r, const cJSON *o, struct storage *x, struct err *e)
{
    const char *path = NULL;
    if (json_get_string(o, "hostPath", &path, e))
        return -1;
    if (x->kind == STORAGE_LOCAL) {
        if (path)
            return err_set(e, ERR_INVALID_PARAMETERS, "A local storage is at its \"path\"; it has no \"hostPath\".");
        json_get_string(cJSON_GetObjectItemCaseSensitive(o, "data"), "path", &path, NULL);
    }
    if (path && *path && !storage_path_ok(path))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"hostPath\" must be an absolute path without \".\" and \"..\".");
    x->host_path = arena_strdup(request_arena(r), path ? path : "");
    return x->host_path ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
}

/* Members of a body into a storage, strings in the request's arena. 0 or -1. */
static int read_body(struct request *r, const cJSON *o, struct storage *x, struct err *e)
{
    static const char *const only[] = {"kind", "data", "hostPath", "share", "readOnly", NULL};
    const char *kind = NULL;
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(o, "data");
    x->share = true;
    if (json_only_keys(o, only, e) || json_get_string(o, "kind", &kind, e) || json_get_bool(o, "share", &x->share, e) ||
        json_get_bool(o, "readOnly", &x->read_only, e))
        return -1;
    x->kind = kind ? storage_kind_parse(kind) : STORAGE_KIND_COUNT;
    if (x->kind == STORAGE_KIND_COUNT)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"kind\" must be local, nfs, smb, s3 or hdfs.");
    if (storage_check_data(x->kind, data, e) || read_host_path(r, o, x, e))
        return -1;
    char *text = cJSON_PrintUnformatted(data);
    x->data = text ? arena_strdup(request_arena(r), text) : NULL;
    cJSON_free(text);
    return x->data ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
}

int api_storage_put(struct request *r, void *context, struct err *e)
{
    struct storage *x = arena_alloc(request_arena(r), sizeof *x);
    struct mail *m = api_mail_write(r, storage_store_put, x, api_done_message);
    if (!x || api_message(m, r, 201, "Storage is updated successfully."))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    *x = (struct storage){.name = request_param(r, "storage")};
    cJSON *o = storage_check_name(x->name, e) ? NULL : api_body_object(r, e);
    if (!o)
        return -1;
    int rc = read_body(r, o, x, e);
    cJSON_Delete(o);
    return rc ? -1 : api_post(context, r, m, e);
}

int api_storage_remove(struct request *r, void *context, struct err *e)
{
    char *name = arena_strdup(request_arena(r), request_param(r, "storage"));
    struct mail *m = api_mail_write(r, storage_store_remove, name, api_done_message);
    if (!name || api_message(m, r, 200, "Storage is removed successfully."))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    return api_post(context, r, m, e);
}
