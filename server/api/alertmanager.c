/* SPDX-License-Identifier: MIT
 *
 * The part of Alertmanager's API v2 that amtool and Prometheus use, below /api/v2/alertmanager: its alerts are ours and
 * those that Prometheus posts. docs/ALERTS.md says what is left out.
 */
#include <string.h>

#include "auth/identity.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/clock_parse.h"
#include "base/err.h"
#include "base/json.h"
#include "base/pattern.h"
#include "server/alerts/alert_book.h"
#include "server/alerts/alert_silence.h"
#include "server/alerts/alerts.h"
#include "server/api/alerts.h"
#include "server/api/api.h"

enum { POSTED_MAX = 1000, POSTED_BYTES = 1 << 20 };
#define RESOLVE_TIMEOUT_MS (INT64_C(5) * 60 * 1000) /* where no endsAt is sent, as Alertmanager */

static void write_iso(struct json_out *j, const char *key, int64_t ms)
{
    char time[CLOCK_ISO_SIZE];
    clock_iso(ms, time);
    json_out_kstring(j, key, time);
}

int api_manager_status(struct request *r, void *context, struct err *e)
{
    static const char *const version[] = {"version", "revision", "branch", "buildUser", "buildDate", "goVersion"};
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    (void)context;
    (void)e;
    json_out_object(j);
    json_out_key(j, "cluster");
    json_out_object(j);
    json_out_kstring(j, "status", "disabled");
    json_out_key(j, "peers");
    json_out_array(j);
    json_out_array_end(j);
    json_out_object_end(j);
    json_out_key(j, "versionInfo");
    json_out_object(j);
    for (size_t i = 0; i < sizeof version / sizeof *version; i++)
        json_out_kstring(j, version[i], "drover");
    json_out_object_end(j);
    json_out_key(j, "config");
    json_out_object(j);
    json_out_kstring(j, "original", "");
    json_out_object_end(j);
    write_iso(j, "uptime", request_now(r).wall - request_now(r).mono);
    json_out_object_end(j);
    api_json_send(&out, r, 200);
    return 0;
}

static void write_receivers(struct json_out *j)
{
    json_out_array(j);
    json_out_object(j);
    json_out_kstring(j, "name", "drover");
    json_out_object_end(j);
    json_out_array_end(j);
}

int api_manager_receivers(struct request *r, void *context, struct err *e)
{
    struct api_json out;
    (void)context;
    (void)e;
    write_receivers(api_json_begin(&out));
    api_json_send(&out, r, 200);
    return 0;
}

/* ---- alerts ---- */

static void write_alert(struct json_out *j, const struct alert *a, int64_t now_ms)
{
    json_out_object(j);
    json_out_key(j, "annotations");
    json_out_raw(j, a->text->notes_json);
    json_out_key(j, "labels");
    json_out_raw(j, a->text->labels_json);
    json_out_kstring(j, "fingerprint", a->print);
    json_out_key(j, "receivers");
    write_receivers(j);
    write_iso(j, "startsAt", a->starts_ms);
    write_iso(j, "updatedAt", a->updated_ms);
    write_iso(j, "endsAt", a->rule < 0 ? a->ends_ms : now_ms + RESOLVE_TIMEOUT_MS);
    json_out_key(j, "status");
    json_out_object(j);
    json_out_kstring(j, "state", a->silenced_by[0] ? "suppressed" : "active");
    json_out_key(j, "silencedBy");
    json_out_array(j);
    if (a->silenced_by[0])
        json_out_string(j, a->silenced_by);
    json_out_array_end(j);
    json_out_key(j, "inhibitedBy");
    json_out_array(j);
    json_out_array_end(j);
    json_out_object_end(j);
    json_out_object_end(j);
}

/* What is asked for. */
struct wanted {
    bool active, silenced;
    struct alert_silence *filter; /* its matchers */
    struct pattern_scratch *scratch;
};

static int read_wanted(struct request *r, struct wanted *w, struct err *e)
{
    const char *text;
    w->filter = silence_create();
    w->scratch = pattern_scratch_create();
    if (!w->filter || !w->scratch)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (request_query_bool(r, "active", &w->active, e) || request_query_bool(r, "silenced", &w->silenced, e))
        return -1;
    for (size_t i = 0; (text = request_query_nth(r, "filter", i)); i++)
        if (silence_add_text(w->filter, text, e))
            return -1;
    return 0;
}

static bool is_wanted(const struct wanted *w, const struct alert *a, const struct identity *who)
{
    return a->state == ALERT_FIRING && api_alert_seen_by(a, who) && (a->silenced_by[0] ? w->silenced : w->active) &&
           silence_matches(w->filter, w->scratch, a->text);
}

int api_manager_alerts(struct request *r, void *context, struct err *e)
{
    const struct api *api = context;
    struct wanted w = {.active = true, .silenced = true};
    int rc = read_wanted(r, &w, e);
    if (!rc) {
        struct api_json out;
        struct json_out *j = api_json_begin(&out);
        json_out_array(j);
        struct alert_book *b = alerts_now(api->alerts);
        for (const struct alert *a = book_alerts(b); a; a = a->next)
            if (is_wanted(&w, a, request_identity(r)))
                write_alert(j, a, request_now(r).wall);
        alerts_close(api->alerts);
        json_out_array_end(j);
        api_json_send(&out, r, 200);
    }
    silence_destroy(w.filter);
    pattern_scratch_destroy(w.scratch);
    return rc;
}

/* ---- posted ones ---- */

static int read_time(const cJSON *o, const char *key, int64_t *out, struct err *e)
{
    const char *text = NULL;
    if (json_get_string(o, key, &text, e))
        return -1;
    /* Go's zero time says that there is none. */
    if (!text || !strncmp(text, "0001-", 5))
        return 0;
    return clock_parse(text, out) ? err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" must be a time.", key) : 0;
}

static int read_posted(const cJSON *o, struct alert_posted *p, int64_t now_ms, struct err *e)
{
    if (!cJSON_IsObject(o))
        return err_set(e, ERR_INVALID_PARAMETERS, "An alert is an object.");
    if (read_time(o, "startsAt", &p->starts_ms, e) || read_time(o, "endsAt", &p->ends_ms, e))
        return -1;
    if (p->ends_ms && p->starts_ms > p->ends_ms)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"startsAt\" is behind \"endsAt\".");
    if (!p->ends_ms)
        p->ends_ms = now_ms + RESOLVE_TIMEOUT_MS;
    p->text = alert_text_read(cJSON_GetObjectItemCaseSensitive(o, "labels"),
                              cJSON_GetObjectItemCaseSensitive(o, "annotations"), e);
    return p->text ? 0 : -1;
}

/* As Alertmanager does: those that are good are taken, and the first error is told. */
static int take_posted(struct alerts *alerts, const struct alert_posted *list, int count, int64_t now_ms, struct err *e)
{
    struct alert_book *b = alerts_now(alerts);
    int rc = 0;
    for (int i = 0; i < count; i++) {
        struct err one = {0};
        if (book_take(b, &list[i], now_ms, rc ? &one : e))
            rc = -1;
    }
    alerts_close(alerts);
    return rc;
}

/* The alerts of the body, in `out`, which has room; *read: those whose text is to be given back. 0 or -1. */
static int read_all(const cJSON *list, struct alert_posted *out, int64_t now_ms, int *read, struct err *e)
{
    for (const cJSON *o = list->child; o; o = o->next, ++*read)
        if (read_posted(o, &out[*read], now_ms, e))
            return -1;
    return 0;
}

static int take_list(struct request *r, const struct api *api, const cJSON *list, struct err *e)
{
    const int count = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : -1;
    const int64_t now_ms = request_now(r).wall;
    int read = 0;
    if (count < 0 || count > POSTED_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "The body must be an array of at most %d alerts.", POSTED_MAX);
    struct alert_posted *all = arena_calloc(request_arena(r), (size_t)count + 1, sizeof *all);
    if (!all)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    int rc = read_all(list, all, now_ms, &read, e);
    if (!rc)
        rc = take_posted(api->alerts, all, count, now_ms, e);
    for (int i = 0; i < read; i++)
        alert_text_put(all[i].text);
    return rc;
}

int api_manager_post(struct request *r, void *context, struct err *e)
{
    size_t len;
    const char *body = request_body(r, &len);
    cJSON *list = json_parse(body, len, POSTED_BYTES, e);
    if (!list)
        return -1;
    int rc = take_list(r, context, list, e);
    cJSON_Delete(list);
    if (!rc)
        api_send_message(r, 200, "Take alerts successfully.");
    return rc;
}
