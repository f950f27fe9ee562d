/* SPDX-License-Identifier: MIT
 *
 * How a mutating request travels: a mail in the request's arena, posted to the core, the connection suspended; the
 * reply is set on the core's thread after COMMIT and the connection resumed.
 */
#include "server/mailbox.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "core/effect.h"
#include "server/api/api.h"

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
                                          .object = request_path(r),
                                          .request_id = request_id(r)};
    m->cmd.reply_to = m;
    m->done = done;
    m->ctx = r;
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

void api_done_message(struct mail *m, const struct effect_reply *reply)
{
    const struct api_message *text = m->ctx;
    struct request *r = text->request;
    if (reply->err.code) {
        reply_error(r, &reply->err);
    } else {
        struct api_json out;
        struct json_out *j = api_json_begin(&out);
        json_out_object(j);
        json_out_kint(j, "status", text->status);
        json_out_kstring(j, "message", text->message);
        json_out_object_end(j);
        api_json_send(&out, r, text->status);
    }
    request_resume(r);
}

struct json_out *api_json_begin(struct api_json *x)
{
    buf_init(&x->buf, 0);
    json_out_init(&x->out, &x->buf);
    return &x->out;
}

void api_json_send(struct api_json *x, struct request *r, int status)
{
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

const char *api_job_param(const struct request *r)
{
    return request_param(r, "job");
}
