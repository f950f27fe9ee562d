/* SPDX-License-Identifier: MIT
 *
 * The site's settings: name, logo, menu entries and links of the portal. Open pages hear of a change by the live event
 * "settings" and ask again. Links come from admins and are clicked by everybody, so that only addresses of pages pass.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "core/effect.h"
#include "inventory/setting_store.h"
#include "server/api/api.h"
#include "server/http/hub.h"
#include "server/mailbox.h"

enum { NAME_MAX_BYTES = 64, TITLE_MAX = 64, URL_MAX = 1024, LINKS_MAX = 20, LOGO_MAX = 64 << 10 };

static const char unset[] = "{\"name\":\"Drover\",\"logo\":null,\"menu\":[],\"links\":[]}";

/* ---- what passes ---- */

static bool has_control(const char *s)
{
    while (*s && (unsigned char)*s >= 0x20 && *s != 0x7f)
        s++;
    return *s != '\0';
}

/* https, http, or a path of this server; never another scheme, nor a host without one. */
static bool url_ok(const char *url)
{
    bool page = !strncmp(url, "https://", 8) || !strncmp(url, "http://", 7);
    bool path = url[0] == '/' && url[1] != '/' && url[1] != '\\';
    return (page || path) && strlen(url) <= URL_MAX && !has_control(url) && !strchr(url, ' ');
}

static int check_text(const cJSON *o, const char *key, size_t max, const char **out, struct err *e)
{
    *out = NULL;
    if (json_get_string(o, key, out, e))
        return -1;
    if (!*out || !**out || strlen(*out) > max || has_control(*out))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" has 1 to %zu bytes on one line.", key, max);
    return 0;
}

/* An image in the value itself: the portal loads nothing from elsewhere. */
static int check_logo(const cJSON *o, struct err *e)
{
    static const char *const types[] = {"data:image/png;base64,", "data:image/jpeg;base64,", "data:image/webp;base64,",
                                        "data:image/svg+xml;base64,"};
    const cJSON *logo = cJSON_GetObjectItemCaseSensitive(o, "logo");
    if (!logo || cJSON_IsNull(logo))
        return 0;
    const char *text = cJSON_IsString(logo) ? logo->valuestring : "";
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t n = strlen(types[i]);
        const char *rest = text + n;
        if (!strncmp(text, types[i], n) && strlen(text) <= LOGO_MAX &&
            !rest[strspn(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")])
            return 0;
    }
    return err_set(e, ERR_INVALID_PARAMETERS,
                   "\"logo\" must be a data: address of a PNG, JPEG, WebP or SVG image in base64, at most %d KiB.",
                   LOGO_MAX >> 10);
}

static int check_links(const cJSON *o, const char *key, struct err *e)
{
    static const char *const only[] = {"title", "url", NULL};
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, key);
    if (list && (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > LINKS_MAX))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" must be a list of at most %d links.", key, LINKS_MAX);
    for (const cJSON *l = list ? list->child : NULL; l; l = l->next) {
        const char *title, *url;
        if (!cJSON_IsObject(l))
            return err_set(e, ERR_INVALID_PARAMETERS, "Each of \"%s\" must be an object.", key);
        if (json_only_keys(l, only, e) || check_text(l, "title", TITLE_MAX, &title, e) ||
            check_text(l, "url", URL_MAX, &url, e))
            return -1;
        if (!url_ok(url))
            return err_set(e, ERR_INVALID_PARAMETERS,
                           "\"%.100s\" is no address: it must begin with https://, http:// "
                           "or one \"/\".",
                           url);
    }
    return 0;
}

static int check(const cJSON *o, struct err *e)
{
    static const char *const only[] = {"name", "logo", "menu", "links", NULL};
    const char *name;
    if (json_only_keys(o, only, e) || check_text(o, "name", NAME_MAX_BYTES, &name, e) || check_logo(o, e))
        return -1;
    return check_links(o, "menu", e) || check_links(o, "links", e) ? -1 : 0;
}

/* The whole value, with the members that the body left out. NULL on out of memory. */
static const char *complete(struct request *r, const cJSON *o)
{
    static const char *const members[] = {"name", "logo", "menu", "links"};
    cJSON *all = json_parse(unset, sizeof unset - 1, 0, NULL);
    bool ok = all != NULL;
    for (size_t i = 0; ok && i < sizeof members / sizeof *members; i++) {
        const cJSON *given = cJSON_GetObjectItemCaseSensitive(o, members[i]);
        if (given)
            ok = cJSON_ReplaceItemInObjectCaseSensitive(all, members[i], cJSON_Duplicate(given, true));
    }
    char *text = ok ? cJSON_PrintUnformatted(all) : NULL;
    const char *copy = text ? arena_strdup(request_arena(r), text) : NULL;
    cJSON_free(text);
    cJSON_Delete(all);
    return copy;
}

/* ---- the routes ---- */

static int write_site(struct api_reading *x, struct err *e)
{
    const char *value = NULL;
    if (setting_store_get(x->store, request_arena(x->request), SETTING_SITE, &value, e))
        return -1;
    json_out_raw(x->out, value ? value : unset);
    return 0;
}

int api_settings(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_site, NULL, e);
}

/* One change under way; in the request's arena. */
struct change {
    struct api_message message; /* first: what api_done_message looks at */
    struct hub *hub;
    struct setting setting;
};

static void changed(struct mail *m, const struct effect_reply *reply)
{
    struct change *c = m->ctx;
    char id[HUB_ID_MAX];
    snprintf(id, sizeof id, "settings-%.30s", request_id(c->message.request));
    if (!reply->err.code)
        hub_publish(c->hub, &(struct hub_event){.id = id, .name = "settings", .data = "{}"});
    api_done_message(m, reply);
}

int api_settings_put(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct change *c = arena_alloc(request_arena(r), sizeof *c);
    struct mail *m = c ? api_mail_write(r, setting_store_put, &c->setting, changed) : NULL;
    cJSON *o = m ? api_body_object(r, e) : NULL;
    if (!o)
        return m ? -1 : err_set(e, ERR_INTERNAL, "Out of memory.");
    int rc = check(o, e);
    const char *value = rc ? NULL : complete(r, o);
    cJSON_Delete(o);
    if (rc)
        return -1;
    if (!value)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    *c = (struct change){.message = {.request = r, .status = 200, .message = "Settings are updated successfully."},
                         .hub = a->hub,
                         .setting = {.key = SETTING_SITE, .value = value}};
    m->ctx = c;
    return api_post(a, r, m, e);
}
