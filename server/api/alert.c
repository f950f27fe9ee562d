/* SPDX-License-Identifier: MIT
 *
 * Alerts in the shape of OpenPAI's alert manager: of nodes, GPUs and the server, for admins, and of jobs, for admins
 * and their owners. And how they came to be so.
 */
#include <string.h>

#include "auth/identity.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "server/alerts/alert_book.h"
#include "server/alerts/alert_store.h"
#include "server/alerts/alerts.h"
#include "server/api/alerts.h"
#include "server/api/api.h"

enum { HISTORY_LIMIT = 100, HISTORY_LIMIT_MAX = 1000 };

bool api_alert_seen_by(const struct alert *a, const struct identity *who)
{
    return who->admin || (a->user[0] && !strcmp(a->user, who->user));
}

static void write_iso(struct json_out *j, const char *key, int64_t ms)
{
    char time[CLOCK_ISO_SIZE];
    clock_iso(ms, time);
    json_out_kstring(j, key, time);
}

static const char *status_of(const struct alert *a)
{
    return a->state == ALERT_PENDING ? "pending" : a->silenced_by[0] ? "suppressed" : "active";
}

static void write_alert(struct json_out *j, const struct alert *a)
{
    json_out_object(j);
    json_out_key(j, "labels");
    json_out_raw(j, a->text->labels_json);
    json_out_key(j, "annotations");
    json_out_raw(j, a->text->notes_json);
    write_iso(j, "startsAt", a->state == ALERT_PENDING ? a->since_ms : a->starts_ms);
    json_out_kstring(j, "status", status_of(a));
    json_out_kstring(j, "fingerprint", a->print);
    json_out_key(j, "silencedBy");
    json_out_string(j, a->silenced_by[0] ? a->silenced_by : NULL);
    json_out_kbool(j, "foreign", a->rule < 0);
    json_out_object_end(j);
}

int api_alerts(struct request *r, void *context, struct err *e)
{
    const struct api *api = context;
    const struct identity *who = request_identity(r);
    struct api_json out;
    bool all = false;
    if (request_query_bool(r, "all", &all, e))
        return -1;
    struct json_out *j = api_json_begin(&out);
    json_out_array(j);
    struct alert_book *b = alerts_now(api->alerts);
    for (const struct alert *a = book_alerts(b); a; a = a->next)
        if (a->state != ALERT_RESOLVED && api_alert_seen_by(a, who) &&
            (all || (a->state == ALERT_FIRING && !a->silenced_by[0])))
            write_alert(j, a);
    alerts_close(api->alerts);
    json_out_array_end(j);
    api_json_send(&out, r, 200);
    return 0;
}

/* ---- history ---- */

struct page {
    struct alert_change_filter filter;
    int64_t limit, count, last_id;
    struct json_out *out;
    bool full;
};

static int write_change(void *ctx, const struct alert_change *c)
{
    struct page *p = ctx;
    struct json_out *j = p->out;
    if (p->count == p->limit) {
        p->full = true;
        return 1;
    }
    p->count++;
    p->last_id = c->id;
    json_out_object(j);
    json_out_kint(j, "id", c->id);
    json_out_ktime(j, "time", c->time_ms);
    json_out_kstring(j, "state", c->state);
    json_out_kstring(j, "rule", c->rule);
    json_out_kstring(j, "severity", c->severity);
    json_out_kstring(j, "fingerprint", c->fingerprint);
    json_out_ktime(j, "started", c->starts_ms);
    json_out_ktime(j, "ended", c->ends_ms);
    json_out_kbool(j, "silenced", c->silenced);
    json_out_key(j, "labels");
    json_out_raw(j, c->labels);
    json_out_key(j, "annotations");
    json_out_raw(j, c->annotations);
    json_out_object_end(j);
    return 0;
}

static int write_history(struct api_reading *x, struct err *e)
{
    struct page *p = x->context;
    p->out = x->out;
    json_out_object(x->out);
    json_out_key(x->out, "data");
    json_out_array(x->out);
    if (alert_store_changes(x->store, &p->filter, write_change, p, e))
        return -1;
    json_out_array_end(x->out);
    json_out_key(x->out, "next");
    if (p->full)
        json_out_int(x->out, p->last_id);
    else
        json_out_null(x->out);
    json_out_object_end(x->out);
    return 0;
}

int api_alert_history(struct request *r, void *context, struct err *e)
{
    const struct identity *who = request_identity(r);
    int64_t any[2] = {0, INT64_MAX}, limits[2] = {1, HISTORY_LIMIT_MAX};
    struct page p = {.limit = HISTORY_LIMIT, .filter = {.user = who->admin ? NULL : who->user}};
    struct alert_change_filter *f = &p.filter;
    if (request_query(r, "rule", &f->rule, e) || request_query_int(r, "since", any, &f->since_ms, e) ||
        request_query_int(r, "until", any, &f->until_ms, e) || request_query_int(r, "cursor", any, &f->before_id, e) ||
        request_query_int(r, "limit", limits, &p.limit, e))
        return -1;
    f->limit = (int)p.limit + 1; /* one more says that there is more */
    return api_read(context, r, write_history, &p, e);
}
