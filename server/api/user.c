/* SPDX-License-Identifier: MIT
 *
 * Users, read. Password hashes and keys never leave.
 */
#include <string.h>

#include "auth/auth_store.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "server/api/api.h"
#include "server/readers.h"

/* What a user keeps in `extension` (keys, preferences) is shown to that user and to admins only. */
static void write_user(struct json_out *j, const struct identity *who, const struct auth_user *u)
{
    bool whole = who->admin || !strcmp(who->user, u->name);
    json_out_object(j);
    json_out_kstring(j, "username", u->name);
    json_out_key(j, "grouplist");
    json_out_array(j);
    json_out_string(j, "default");
    if (u->admin)
        json_out_string(j, "admingroup");
    json_out_array_end(j);
    json_out_kstring(j, "email", u->email);
    json_out_key(j, "extension");
    json_out_raw(j, whole ? u->extension : "{}");
    json_out_kbool(j, "admin", u->admin);
    json_out_key(j, "virtualCluster");
    json_out_array(j);
    json_out_string(j, "default");
    json_out_array_end(j);
    json_out_key(j, "storageConfig");
    json_out_array(j);
    json_out_array_end(j);
    json_out_object_end(j);
}

int api_user_get(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct auth_user user = {0};
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    int rc = auth_store_user_get(s, request_arena(r), request_param(r, "user"), &user, e);
    readers_put(a->readers, s);
    if (rc)
        return -1;
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    write_user(j, request_identity(r), &user);
    api_json_send(&out, r, 200);
    return 0;
}

struct listing {
    struct json_out *j;
    const struct identity *who;
};

static int write_row(void *ctx, const struct auth_user *u)
{
    const struct listing *l = ctx;
    write_user(l->j, l->who, u);
    return 0;
}

/* Open to every user, as in OpenPAI: the portal's filter by user needs it. */
int api_user_list(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct api_json out;
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    struct json_out *j = api_json_begin(&out);
    json_out_array(j);
    struct listing l = {.j = j, .who = request_identity(r)};
    int rc = auth_store_user_list(s, write_row, &l, e);
    json_out_array_end(j);
    readers_put(a->readers, s);
    if (rc) {
        api_json_drop(&out);
        return -1;
    }
    api_json_send(&out, r, 200);
    return 0;
}
