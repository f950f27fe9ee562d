/* SPDX-License-Identifier: MIT
 *
 * Public keys in a user's extension: read leniently, since older rows were not checked, and written strictly.
 */
#include "auth/ssh_keys.h"

#include <string.h>

#include "auth/auth_store.h"
#include "base/arena.h"
#include "base/err.h"

#define MEMBER "sshKeys"

int ssh_keys_check(const cJSON *extension, struct err *e)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(extension, MEMBER), *item;
    const char *title = "", *value = NULL;
    char key[SSH_KEY_SIZE];

    if (!list)
        return 0;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > SSH_KEYS_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"" MEMBER "\" must be a list of at most %d keys.", SSH_KEYS_MAX);
    cJSON_ArrayForEach(item, list)
    {
        if (json_get_string(item, "title", &title, e) || json_get_string(item, "value", &value, e))
            return -1;
        if (!value || strlen(title) > SSH_KEYS_TITLE_MAX)
            return err_set(e, ERR_INVALID_PARAMETERS,
                           "Each of \"" MEMBER "\" has a \"value\" and a \"title\" of at most %d bytes.",
                           SSH_KEYS_TITLE_MAX);
        if (ssh_key_read(value, key, e))
            return -1;
        value = NULL;
    }
    return 0;
}

int ssh_keys_each(const char *extension, int (*take)(void *ctx, const struct ssh_keys_entry *k), void *ctx)
{
    cJSON *o = json_parse(extension, strlen(extension), 0, NULL);
    const cJSON *item;
    int count = 0, rc = 0;

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(o, MEMBER))
    {
        char key[SSH_KEY_SIZE];
        struct ssh_keys_entry k = {.title = "", .key = key};
        const char *value = NULL;

        (void)json_get_string(item, "title", &k.title, NULL);
        (void)json_get_string(item, "value", &value, NULL);
        (void)json_get_int(item, "time", &k.time_ms, NULL);
        if (!value || ssh_key_read(value, key, NULL))
            continue;
        rc = count++ < SSH_KEYS_MAX ? take(ctx, &k) : 0;
        if (rc)
            break;
    }
    cJSON_Delete(o);
    return rc;
}

/* ---- one key ---- */

/* The new list while it is made of the old one. */
struct making {
    const struct ssh_keys_write *write;
    cJSON *list;
    int found;
};

static int add(cJSON *list, const struct ssh_keys_entry *k)
{
    cJSON *o = cJSON_CreateObject();

    if (!cJSON_AddStringToObject(o, "title", k->title) || !cJSON_AddStringToObject(o, "value", k->key) ||
        !cJSON_AddNumberToObject(o, "time", (double)k->time_ms) || !cJSON_AddItemToArray(list, o)) {
        cJSON_Delete(o);
        return -1;
    }
    return 0;
}

static int keep(void *ctx, const struct ssh_keys_entry *k)
{
    struct making *m = ctx;

    if (strcmp(k->title, m->write->title) == 0) {
        m->found = 1;
        return 0;
    }
    return add(m->list, k);
}

/* The extension's member anew, as a text for json_merge. NULL with `e`; freed with cJSON_free. */
static char *change(const struct ssh_keys_write *w, const char *extension, int64_t now_ms, struct err *e)
{
    cJSON *o = cJSON_CreateObject();
    struct making m = {.write = w, .list = cJSON_AddArrayToObject(o, MEMBER)};
    const struct ssh_keys_entry fresh = {w->title, w->key, now_ms};
    char *text = NULL;

    if (!m.list || ssh_keys_each(extension, keep, &m) || (w->key && add(m.list, &fresh)))
        (void)err_set(e, ERR_INTERNAL, "Out of memory.");
    else if (!w->key && !m.found)
        (void)err_set(e, ERR_NO_SSH_KEY, "There is no SSH key %s.", w->title);
    else if (cJSON_GetArraySize(m.list) > SSH_KEYS_MAX)
        (void)err_set(e, ERR_INVALID_PARAMETERS, "A user keeps at most %d SSH keys.", SSH_KEYS_MAX);
    else if ((text = cJSON_PrintUnformatted(o)) == NULL)
        (void)err_set(e, ERR_INTERNAL, "Out of memory.");
    cJSON_Delete(o);
    return text;
}

int ssh_keys_write(struct store *s, void *what, struct clock_now now, struct err *e)
{
    const struct ssh_keys_write *w = what;
    struct arena *a = arena_create(0);
    struct auth_user user = {.extension = "{}"};
    struct auth_user_change c = {.merge = true};
    char *text = NULL;
    int rc = a ? auth_store_user_get(s, a, w->user, &user, e) : err_set(e, ERR_INTERNAL, "Out of memory.");

    if (!rc)
        text = change(w, user.extension, now.wall, e);
    c.extension = text;
    rc = text ? auth_store_user_change(s, w->user, &c, e) : -1;
    cJSON_free(text);
    arena_destroy(a);
    return rc;
}
