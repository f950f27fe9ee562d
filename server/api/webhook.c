/* SPDX-License-Identifier: MIT
 *
 * Webhooks: one's own below /users/me, the site's else. A secret is made here, answered once, and kept sealed.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "auth/seal.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "core/effect.h"
#include "server/api/api.h"
#include "server/api/notice.h"
#include "server/mailbox.h"
#include "server/notice/address.h"
#include "server/notice/notice.h"
#include "server/notice/notifier.h"
#include "server/notice/out_store.h"
#include "server/readers.h"

/* Whose webhooks the route is about; NULL: the site's. */
static const char *owner(const struct request *r)
{
    static const char own[] = ROUTE_PREFIX "/users/me/";
    return strncmp(request_route(r)->path, own, sizeof own - 1) ? NULL : request_identity(r)->user;
}

/* ---- reading ---- */

static int write_webhook(void *ctx, const struct webhook *w)
{
    struct json_out *j = ctx;
    json_out_object(j);
    json_out_kstring(j, "name", w->name);
    json_out_kstring(j, "url", w->url);
    json_out_kstring(j, "shape", body_shape_name(w->shape));
    json_out_key(j, "kinds");
    rules_write_kinds(w->kinds, j);
    json_out_kbool(j, "quietHours", w->quiet);
    json_out_kbool(j, "enabled", w->enabled);
    json_out_ktime(j, "createdTime", w->created_ms);
    json_out_object_end(j);
    return 0;
}

static int write_webhooks(struct api_reading *x, struct err *e)
{
    const struct webhook_which which = {.user = owner(x->request)};
    json_out_array(x->out);
    int rc = webhook_store_each(x->store, &which, write_webhook, x->out, e);
    json_out_array_end(x->out);
    return rc;
}

int api_webhooks(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_webhooks, NULL, e);
}

static int take_id(void *ctx, const struct webhook *w)
{
    snprintf(ctx, ID_SIZE, "%s", w->id);
    return 0;
}

/* The id of the one that the route names. 0 or -1. */
static int find(struct request *r, struct store *s, char id[ID_SIZE], struct err *e)
{
    const struct webhook_which which = {.user = owner(r), .name = request_param(r, "webhook")};
    memset(id, 0, ID_SIZE);
    return webhook_store_each(s, &which, take_id, id, e);
}

static int write_delivery(void *ctx, const struct out_row *row)
{
    struct json_out *j = ctx;
    const bool waits = !strcmp(row->state, "waiting");
    json_out_object(j);
    json_out_kstring(j, "id", row->notice);
    json_out_kstring(j, "kind", notice_kind_name(row->kind));
    json_out_ktime(j, "time", row->time_ms);
    json_out_kstring(j, "state", row->state);
    json_out_kint(j, "tries", row->tries);
    json_out_ktime(j, "nextTryTime", waits ? row->due_ms : 0);
    json_out_ktime(j, "endedTime", row->ended_ms);
    json_out_kint(j, "status", row->status);
    json_out_kstring(j, "problem", row->problem);
    json_out_object_end(j);
    return 0;
}

static int write_log(struct api_reading *x, struct err *e)
{
    char id[ID_SIZE];
    if (find(x->request, x->store, id, e))
        return -1;
    json_out_array(x->out);
    int rc = out_store_log(x->store, id, write_delivery, x->out, e);
    json_out_array_end(x->out);
    return rc;
}

int api_webhook_log(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_log, NULL, e);
}

/* ---- changing ---- */

struct setting_one {
    struct request *request;
    struct webhook_write write;
    char id[ID_SIZE];
    char secret[BODY_SECRET_TEXT_SIZE];
};

/* What a body says. 0 or -1. */
static int read_body(struct request *r, const cJSON *o, struct webhook_write *w, struct err *e)
{
    static const char *const only[] = {"url", "shape", "kinds", "quietHours", "enabled", "newSecret", NULL};
    const cJSON *kinds = cJSON_GetObjectItemCaseSensitive(o, "kinds");
    const char *url = NULL, *shape = "json";
    w->row.enabled = true;
    if (json_only_keys(o, only, e) || json_get_string(o, "url", &url, e) || json_get_string(o, "shape", &shape, e) ||
        json_get_bool(o, "quietHours", &w->row.quiet, e) || json_get_bool(o, "enabled", &w->row.enabled, e) ||
        json_get_bool(o, "newSecret", &w->renew, e))
        return -1;
    if (!url || !kinds)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" is missing.", url ? "kinds" : "url");
    if (rules_read_kinds(kinds, &w->row.kinds, e))
        return -1;
    w->row.shape = body_shape_find(shape);
    if (w->row.shape == BODY_SHAPES)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"shape\" must be json, slack or teams.");
    if (w->row.quiet && !w->row.user)
        return err_set(e, ERR_INVALID_PARAMETERS, "The site has no quiet hours.");
    w->row.url = arena_strdup(request_arena(r), url);
    return w->row.url ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
}

/* A new secret, sealed for the row; its text for the answer. 0 or -1. */
static int make_secret(struct request *r, const struct keys *keys, struct setting_one *x, struct err *e)
{
    unsigned char secret[BODY_SECRET_SIZE];
    const struct seal_bytes plain = {.data = secret, .len = sizeof secret};
    char context[WEBHOOK_CONTEXT_SIZE];
    struct buf sealed;
    id_random(secret, sizeof secret);
    body_secret_text(secret, x->secret);
    webhook_context(&x->write.row, context);
    buf_init(&sealed, 0);
    int rc = seal_make(keys, context, plain, &sealed, e);
    sodium_memzero(secret, sizeof secret);
    char *copy = rc ? NULL : arena_alloc(request_arena(r), sealed.len);
    if (copy)
        memcpy(copy, sealed.data, sealed.len);
    x->write.row.secret = copy;
    x->write.row.secret_len = sealed.len;
    buf_fini(&sealed);
    return !copy ? err_set(e, ERR_INTERNAL, "Out of memory.") : 0;
}

static void done_put(struct mail *m, const struct effect_reply *reply)
{
    struct setting_one *x = m->ctx;
    struct request *r = x->request;
    if (reply->err.code) {
        reply_error(r, &reply->err);
    } else {
        const int status = x->write.shown && !x->write.renew ? 201 : 200;
        struct api_json out;
        struct json_out *j = api_json_begin(&out);
        json_out_object(j);
        json_out_kint(j, "status", status);
        json_out_kstring(j, "message", "Webhook is set successfully.");
        json_out_kstring(j, "secret", x->write.shown ? x->secret : NULL);
        json_out_object_end(j);
        api_json_send(&out, r, status);
    }
    sodium_memzero(x->secret, sizeof x->secret);
    request_resume(r);
}

int api_webhook_put(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct setting_one *x = arena_alloc(request_arena(r), sizeof *x);
    struct mail *m = x ? api_mail_write(r, webhook_store_put, &x->write, done_put) : NULL;
    if (!m)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    m->ctx = x;
    id_make(clock_read().wall, x->id);
    x->request = r;
    x->write.row = (struct webhook){.id = x->id, .user = owner(r), .name = request_param(r, "webhook")};
    if (!webhook_name_ok(x->write.row.name))
        return err_set(e, ERR_INVALID_PARAMETERS,
                       "A webhook's name has 1 to %d letters, digits, '_', '-' and '.', and no dot first.",
                       WEBHOOK_NAME_MAX);
    cJSON *o = api_body_object(r, e);
    int rc = o ? read_body(r, o, &x->write, e) : -1;
    cJSON_Delete(o);
    if (rc || address_check(x->write.row.url, notifier_webhooks(a->notifier), e) || make_secret(r, a->keys, x, e))
        return -1;
    return api_post(a, r, m, e);
}

int api_webhook_remove(struct request *r, void *context, struct err *e)
{
    struct webhook_write *w = arena_alloc(request_arena(r), sizeof *w);
    struct mail *m = w ? api_mail_write(r, webhook_store_remove, w, api_done_message) : NULL;
    if (!w || api_message(m, r, 200, "Webhook is removed successfully."))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    w->row = (struct webhook){.user = owner(r), .name = request_param(r, "webhook")};
    return api_post(context, r, m, e);
}

int api_webhook_test(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    char *id = arena_alloc(request_arena(r), ID_SIZE);
    struct store *s = id ? readers_get(a->readers, e) : NULL;
    int rc = s ? find(r, s, id, e) : id ? -1 : err_set(e, ERR_INTERNAL, "Out of memory.");
    readers_put(a->readers, s);
    return rc ? -1 : api_notice_queue_test(r, a, &(struct out_row){.webhook = id}, e);
}
