/* SPDX-License-Identifier: MIT
 *
 * The caller's own public keys of ssh, which tasks of the caller's jobs let in (shell.c).
 */
#include <string.h>

#include "auth/auth_store.h"
#include "auth/ssh_keys.h"
#include "base/arena.h"
#include "base/err.h"
#include "server/api/api.h"

static int write_key(void *ctx, const struct ssh_keys_entry *k)
{
    struct json_out *j = ctx;
    char fingerprint[SSH_KEY_FINGERPRINT_SIZE];
    ssh_key_fingerprint(k->key, fingerprint);
    json_out_object(j);
    json_out_kstring(j, "title", k->title);
    json_out_kstring(j, "value", k->key);
    json_out_kstring(j, "fingerprint", fingerprint);
    json_out_ktime(j, "time", k->time_ms);
    json_out_object_end(j);
    return 0;
}

static int write_keys(struct api_reading *x, struct err *e)
{
    struct auth_user user = {0};
    if (auth_store_user_get(x->store, request_arena(x->request), request_identity(x->request)->user, &user, e))
        return -1;
    json_out_array(x->out);
    (void)ssh_keys_each(user.extension, write_key, x->out);
    json_out_array_end(x->out);
    return 0;
}

int api_ssh_keys(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_keys, NULL, e);
}

static int post(struct request *r, struct api *a, const char *key, struct err *e)
{
    struct ssh_keys_write *w = arena_alloc(request_arena(r), sizeof *w);
    struct mail *m = api_mail_write(r, ssh_keys_write, w, api_done_message);
    if (!w ||
        api_message(m, r, key ? 201 : 200, key ? "SSH key is set successfully." : "SSH key is removed successfully."))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    *w = (struct ssh_keys_write){.user = request_identity(r)->user, .title = request_param(r, "title"), .key = key};
    return api_post(a, r, m, e);
}

int api_ssh_key_put(struct request *r, void *context, struct err *e)
{
    char *key = arena_alloc(request_arena(r), SSH_KEY_SIZE);
    const char *title = request_param(r, "title"), *value = key ? api_body_value(r, e) : NULL;
    if (!value || ssh_key_read(value, key, e))
        return key ? -1 : err_set(e, ERR_INTERNAL, "Out of memory.");
    if (strlen(title) > SSH_KEYS_TITLE_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "A title has at most %d bytes.", SSH_KEYS_TITLE_MAX);
    return post(r, context, key, e);
}

int api_ssh_key_remove(struct request *r, void *context, struct err *e)
{
    return post(r, context, NULL, e);
}
