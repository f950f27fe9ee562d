/* SPDX-License-Identifier: MIT
 *
 * The audit log: reading it, and what goes into it of calls that the core never saw.
 */
#include "server/api/audit.h"

#include "base/err.h"
#include "server/api/api.h"
#include "server/audit.h"
#include "server/http/http.h"

/* A page looks at so many records at most, and says where to go on: filters have no index to help them. */
enum { LIMIT_DEFAULT = 100, SCAN_MAX = 50000 };

void api_observe(void *context, struct request *r, const struct http_reply *reply)
{
    const struct api *a = context;
    const struct identity *who = request_identity(r);
    const struct route *row = request_route(r);
    enum http_method method = request_method(r);
    if (method == HTTP_GET || method == HTTP_OPTIONS || method == HTTP_METHOD_COUNT || *request_recorded(r))
        return;
    struct audit_call call = {.actor = {.user = who->kind == IDENTITY_NONE ? NULL : who->user,
                                        .ip = request_ip(r),
                                        .method = route_method_name(method),
                                        .route = row ? row->path : "",
                                        .object = request_object(r),
                                        .request_id = request_id(r)},
                              .status = reply->status,
                              .code = request_refusal(r),
                              .time_ms = request_now(r).wall};
    audit_note(a->audit, &call);
}

/* A page under way. */
struct page {
    struct api_audit_query asked;
    struct json_out *out;
    int64_t count;
    int64_t last_id; /* of the page; 0 = none yet */
    bool full, past; /* `past`: everything further down is older than `since` */
};

static int write_record(void *ctx, const struct audit_record *r)
{
    struct page *p = ctx;
    if (r->time_ms < p->asked.since) {
        p->past = true;
        return 1;
    }
    if (p->asked.until && r->time_ms >= p->asked.until)
        return 0;
    if (p->count == p->asked.limit) {
        p->full = true;
        return 1;
    }
    p->count++;
    p->last_id = r->id;
    struct json_out *j = p->out;
    json_out_object(j);
    json_out_kint(j, "id", r->id);
    json_out_ktime(j, "time", r->time_ms);
    json_out_kstring(j, "actor", r->actor);
    json_out_kstring(j, "ip", r->ip);
    json_out_kstring(j, "method", r->method);
    json_out_kstring(j, "route", r->route);
    json_out_kstring(j, "object", r->object);
    json_out_kint(j, "status", r->status);
    json_out_kstring(j, "code", r->code);
    json_out_kstring(j, "requestId", r->request_id);
    json_out_kint(j, "count", r->count);
    json_out_object_end(j);
    return 0;
}

int api_audit_read_query(const struct request *r, struct api_audit_query *q, struct err *e)
{
    struct audit_filter *f = &q->filter;
    int64_t any[2] = {0, INT64_MAX}, limits[2] = {1, API_AUDIT_LIMIT_MAX}, cursors[2] = {1, INT64_MAX};
    if (request_query(r, "actor", &f->actor, e) || request_query(r, "ip", &f->ip, e) ||
        request_query(r, "method", &f->method, e) || request_query(r, "route", &f->route, e) ||
        request_query(r, "code", &f->code, e))
        return -1;
    return request_query_int(r, "status", any, &f->status, e) || request_query_int(r, "since", any, &q->since, e) ||
                   request_query_int(r, "until", any, &q->until, e) ||
                   request_query_int(r, "limit", limits, &q->limit, e) ||
                   request_query_int(r, "cursor", cursors, &f->before_id, e)
               ? -1
               : 0;
}

static int write_page(struct api_reading *x, struct err *e)
{
    struct page *p = x->context;
    struct audit_filter *f = &p->asked.filter;
    struct audit_head head = {0};
    p->out = x->out;
    if (!f->before_id && audit_store_head(x->store, &head, e))
        return -1;
    int64_t top = f->before_id ? f->before_id : head.id + 1;
    f->lowest_id = top > SCAN_MAX ? top - SCAN_MAX : 1;
    json_out_object(p->out);
    json_out_key(p->out, "data");
    json_out_array(p->out);
    if (audit_store_list(x->store, f, write_record, p, e) < 0)
        return -1;
    json_out_array_end(p->out);
    json_out_key(p->out, "next");
    int64_t next = p->full ? p->last_id : f->lowest_id;
    if (p->past || next <= 1)
        json_out_null(p->out);
    else
        json_out_int(p->out, next);
    json_out_object_end(p->out);
    return 0;
}

int api_audit(struct request *r, void *context, struct err *e)
{
    struct page p = {.asked.limit = LIMIT_DEFAULT};
    return api_audit_read_query(r, &p.asked, e) ? -1 : api_read(context, r, write_page, &p, e);
}

/* A log that is not whole is an answer, not a failure of the call. */
static int write_chain(struct api_reading *x, struct err *e)
{
    const struct api *a = x->context;
    struct audit_head head;
    struct err broken = {0};
    char text[AUDIT_HEAD_TEXT];
    (void)e;
    bool whole = audit_store_verify(x->store, a->keys->audit, NULL, &head, &broken) == 0;
    audit_store_format_head(&head, text);
    json_out_object(x->out);
    json_out_kbool(x->out, "whole", whole);
    json_out_kint(x->out, "records", head.id);
    json_out_kstring(x->out, "head", text);
    json_out_kstring(x->out, "message", whole ? NULL : broken.text);
    json_out_object_end(x->out);
    return 0;
}

int api_audit_chain(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_chain, context, e);
}
