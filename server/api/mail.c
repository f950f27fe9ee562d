/* SPDX-License-Identifier: MIT
 *
 * How a mutating request travels: a mail in the request's arena, posted to the core, the connection suspended; the
 * reply is set on the core's thread after COMMIT and the connection resumed.
 */
#include "server/mailbox.h"

#include <sodium.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "core/effect.h"
#include "server/api/api.h"
#include "server/api/openapi.h"
#include "server/http/static.h"

/* The usual success of a route: the first that its row names. */
static int success_of(const struct route *row)
{
    struct openapi_reply reply;
    const char *at = row->reply ? row->reply : "";
    return openapi_next_reply(&at, &reply) ? reply.status : 200;
}

struct mail *api_mail(struct request *r, enum command_kind kind,
                      void (*done)(struct mail *, const struct effect_reply *))
{
    struct mail *m = arena_alloc(request_arena(r), sizeof *m);
    if (!m)
        return NULL;
    const struct identity *who = request_identity(r);
    m->cmd.kind = kind;
    m->cmd.actor = (struct command_actor){.user = who->kind == IDENTITY_NONE ? NULL : who->user,
                                          .admin = who->admin,
                                          .ip = request_ip(r),
                                          .method = route_method_name(request_method(r)),
                                          .route = request_route(r)->path,
                                          .object = request_object(r),
                                          .request_id = request_id(r),
                                          .success = success_of(request_route(r)),
                                          .recorded = request_recorded(r)};
    m->cmd.reply_to = m;
    m->done = done;
    m->ctx = r;
    return m;
}

struct mail *api_mail_write(struct request *r, command_write_fn *run, void *what,
                            void (*done)(struct mail *, const struct effect_reply *))
{
    struct mail *m = api_mail(r, COMMAND_WRITE, done);
    if (m)
        m->cmd.write = (struct command_write){.run = run, .what = what};
    return m;
}

int api_post(struct api *a, struct request *r, struct mail *m, struct err *e)
{
    if (!m)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    /* Suspended first: the reply may come before this function returns. */
    request_suspend(r);
    struct err why = {0};
    if (mailbox_post(a->mailbox, m, &why)) {
        struct effect_reply refused = {.err = why};
        m->done(m, &refused);
    }
    return 0;
}

int api_message(struct mail *m, struct request *r, int status, const char *message)
{
    struct api_message *text = m && message ? arena_alloc(request_arena(r), sizeof *text) : NULL;
    if (!text)
        return -1;
    *text = (struct api_message){.request = r, .status = status, .message = message};
    m->ctx = text;
    return 0;
}

void api_send_message(struct request *r, int status, const char *message)
{
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    json_out_object(j);
    json_out_kint(j, "status", status);
    json_out_kstring(j, "message", message);
    json_out_object_end(j);
    api_json_send(&out, r, status);
}

void api_done_message(struct mail *m, const struct effect_reply *reply)
{
    const struct api_message *text = m->ctx;
    struct request *r = text->request;
    if (reply->err.code) {
        reply_error(r, &reply->err);
    } else {
        api_send_message(r, text->status, text->message);
    }
    request_resume(r);
}

struct json_out *api_json_begin(struct api_json *x)
{
    buf_init(&x->buf, 0);
    json_out_init(&x->out, &x->buf);
    return &x->out;
}

bool api_unchanged(struct request *r, const void *data, size_t len)
{
    unsigned char hash[crypto_generichash_BYTES_MIN];
    char tag[2 * sizeof hash + 3];
    crypto_generichash(hash, sizeof hash, data, len, NULL, 0);
    tag[0] = '"';
    sodium_bin2hex(tag + 1, sizeof tag - 1, hash, sizeof hash);
    memcpy(tag + sizeof tag - 2, "\"", 2);
    reply_header(r, "ETag", tag);
    if (!static_tag_matches(request_header(r, "If-None-Match"), tag))
        return false;
    reply_empty(r, 304);
    return true;
}

void api_json_send(struct api_json *x, struct request *r, int status)
{
    bool read = status == 200 && request_method(r) == HTTP_GET && !x->buf.bad;
    if (read && api_unchanged(r, x->buf.data, x->buf.len))
        buf_fini(&x->buf);
    else
        reply_json(r, status, &x->buf);
}

void api_json_drop(struct api_json *x)
{
    buf_fini(&x->buf);
}

cJSON *api_body_object(struct request *r, struct err *e)
{
    size_t len;
    const char *body = request_body(r, &len);
    cJSON *o = json_parse(body, len, 0, e);
    if (o && !cJSON_IsObject(o)) {
        cJSON_Delete(o);
        o = NULL;
        err_set(e, ERR_INVALID_PARAMETERS, "The body must be a JSON object.");
    }
    return o;
}

enum { NAMES_MAX = 1000, NAME_MAX_BYTES = 255 };

int api_json_names(struct arena *a, const cJSON *o, const char *key, const char *const **out, struct err *e)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, key);
    int n = cJSON_GetArraySize(list);
    if (!list)
        return 0;
    if (!cJSON_IsArray(list) || n > NAMES_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" must be a list of at most %d names.", key, NAMES_MAX);
    const char **names = arena_calloc(a, (size_t)n + 1, sizeof *names);
    if (!names)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    n = 0;
    for (const cJSON *m = list->child; m; m = m->next, n++) {
        if (!cJSON_IsString(m) || !*m->valuestring || strlen(m->valuestring) > NAME_MAX_BYTES)
            return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" must be a list of names; number %d is none.", key, n + 1);
        names[n] = arena_strdup(a, m->valuestring);
        if (!names[n])
            return err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    *out = names;
    return 0;
}

const char *api_body_value(struct request *r, struct err *e)
{
    static const char *const only[] = {"value", NULL};
    const char *value = NULL, *copy = NULL;
    cJSON *o = api_body_object(r, e);
    if (!o)
        return NULL;
    if (!json_only_keys(o, only, e) && !json_get_string(o, "value", &value, e)) {
        if (value)
            copy = arena_strdup(request_arena(r), value);
        else
            err_set(e, ERR_INVALID_PARAMETERS, "\"value\" is missing.");
    }
    cJSON_Delete(o);
    return copy;
}

const char *api_job_param(const struct request *r)
{
    return request_param(r, "job");
}
