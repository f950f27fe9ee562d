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

static void write_user(struct json_out *j, const struct auth_user *u)
{
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
    json_out_object(j);
    json_out_object_end(j);
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
    write_user(j, &user);
    api_json_send(&out, r, 200);
    return 0;
}
