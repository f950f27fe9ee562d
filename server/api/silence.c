/* SPDX-License-Identifier: MIT
 *
 * Silences, in the shapes of Alertmanager's API, below our own address and below its. A silence holds once it is
 * stored.
 */
#include <stdio.h>
#include <string.h>

#include "auth/identity.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/clock_parse.h"
#include "base/err.h"
#include "base/json.h"
#include "base/pattern.h"
#include "core/effect.h"
#include "server/alerts/alert_book.h"
#include "server/alerts/alert_silence.h"
#include "server/alerts/alert_store.h"
#include "server/alerts/alerts.h"
#include "server/api/alerts.h"
#include "server/api/api.h"
#include "server/mailbox.h"

enum { FILTERS_MAX = SILENCE_MATCHERS_MAX };

/* ---- reading ---- */

static void write_iso(struct json_out *j, const char *key, int64_t ms)
{
    char time[CLOCK_ISO_SIZE];
    clock_iso(ms, time);
    json_out_kstring(j, key, time);
}

static void write_silence(struct json_out *j, const struct alert_silence *s, int64_t now_ms)
{
    json_out_object(j);
    json_out_kstring(j, "id", s->id);
    json_out_key(j, "status");
    json_out_object(j);
    json_out_kstring(j, "state", silence_word(silence_state(s, now_ms)));
    json_out_object_end(j);
    json_out_key(j, "matchers");
    silence_write_matchers(j, s);
    write_iso(j, "startsAt", s->starts_ms);
    write_iso(j, "endsAt", s->ends_ms);
    write_iso(j, "updatedAt", s->updated_ms);
    json_out_kstring(j, "createdBy", s->by);
    json_out_kstring(j, "comment", s->comment);
    json_out_object_end(j);
}

/* Whether a silence has each of the matchers. */
static bool has_all(const struct alert_silence *s, const struct alert_silence *wanted)
{
    for (int i = 0; i < wanted->matcher_count; i++) {
        const struct alert_matcher *w = &wanted->matchers[i];
        bool found = false;
        for (int k = 0; k < s->matcher_count; k++) {
            const struct alert_matcher *m = &s->matchers[k];
            found = found || (!strcmp(m->name, w->name) && !strcmp(m->value, w->value) && m->regex == w->regex &&
                              m->equal == w->equal);
        }
        if (!found)
            return false;
    }
    return true;
}

int api_silences(struct request *r, void *context, struct err *e)
{
    const struct api *api = context;
    const int64_t now_ms = request_now(r).wall;
    struct alert_silence *wanted = silence_create();
    const char *text;
    int rc = 0;
    if (!wanted)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    for (size_t i = 0; !rc && (text = request_query_nth(r, "filter", i)); i++)
        rc = silence_add_text(wanted, text, e);
    if (!rc) {
        struct api_json out;
        struct json_out *j = api_json_begin(&out);
        json_out_array(j);
        struct alert_book *b = alerts_open(api->alerts);
        for (const struct alert_silence *s = book_silences(b); s; s = s->next)
            if (has_all(s, wanted))
                write_silence(j, s, now_ms);
        alerts_close(api->alerts);
        json_out_array_end(j);
        api_json_send(&out, r, 200);
    }
    silence_destroy(wanted);
    return rc;
}

static int no_silence(struct request *r, struct err *e)
{
    return err_set(e, ERR_NO_SILENCE, "Silence %.60s is not found.", request_param(r, "silence"));
}

int api_silence(struct request *r, void *context, struct err *e)
{
    const struct api *api = context;
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    struct alert_book *b = alerts_open(api->alerts);
    const struct alert_silence *s = book_silence(b, request_param(r, "silence"));
    if (s)
        write_silence(j, s, request_now(r).wall);
    alerts_close(api->alerts);
    if (s)
        api_json_send(&out, r, 200);
    else
        api_json_drop(&out);
    return s ? 0 : no_silence(r, e);
}

/* ---- changing ---- */

/* One change under way; in the request's arena. Silences are the change's until they are stored. */
struct change {
    struct request *request;
    struct alerts *alerts;
    struct alert_silence *list[3]; /* up to a NULL */
    bool answer_id;
};

static void drop_all(struct change *c)
{
    for (struct alert_silence **s = c->list; *s; s++)
        silence_destroy(*s);
}

static void changed(struct mail *m, const struct effect_reply *reply)
{
    struct change *c = m->ctx;
    struct request *r = c->request;
    struct api_json out;
    if (reply->err.code) {
        drop_all(c);
        reply_error(r, &reply->err);
    } else {
        struct json_out *j = api_json_begin(&out);
        json_out_object(j);
        if (c->answer_id) {
            json_out_kstring(j, "silenceID", c->list[0]->id);
        } else {
            json_out_kint(j, "status", 200);
            json_out_kstring(j, "message", "Expire silence successfully.");
        }
        json_out_object_end(j);
        for (struct alert_silence **s = c->list; *s; s++)
            alerts_add_silence(c->alerts, *s);
        api_json_send(&out, r, 200);
    }
    request_resume(r);
}

static int post(struct api *api, struct request *r, struct change *c, struct err *e)
{
    struct mail *m = api_mail_write(r, alert_store_put_silences, c->list, changed);
    c->request = r;
    c->alerts = api->alerts;
    if (m)
        m->ctx = c;
    int rc = m ? api_post(api, r, m, e) : err_set(e, ERR_INTERNAL, "Out of memory.");
    if (rc)
        drop_all(c);
    return rc;
}

static int copy_text(const cJSON *o, const char *key, char *out, size_t size, struct err *e)
{
    const char *text = NULL;
    if (json_get_string(o, key, &text, e))
        return -1;
    if (!text)
        return 0;
    if (strlen(text) >= size)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" has more than %zu bytes.", key, size - 1);
    snprintf(out, size, "%s", text);
    return 0;
}

static int copy_time(const cJSON *o, const char *key, int64_t *out, struct err *e)
{
    const char *text = NULL;
    if (json_get_string(o, key, &text, e))
        return -1;
    if (!text || clock_parse(text, out))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" must be a time such as 2026-11-28T18:00:00Z.", key);
    return 0;
}

static int check_times(struct alert_silence *s, int64_t now_ms, struct err *e)
{
    if (s->starts_ms < now_ms)
        s->starts_ms = now_ms;
    if (s->ends_ms <= s->starts_ms)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"endsAt\" must be behind \"startsAt\", and not in the past.");
    return 0;
}

static int check(struct alert_silence *s, struct err *e)
{
    struct pattern_scratch *scratch = pattern_scratch_create();
    int rc = scratch ? silence_check(s, scratch, e) : err_set(e, ERR_INTERNAL, "Out of memory.");
    pattern_scratch_destroy(scratch);
    if (!rc && !s->comment[0])
        return err_set(e, ERR_INVALID_PARAMETERS, "\"comment\" says why nobody is to be told.");
    return rc;
}

/* The body as a silence, whose id is "" where it names none. NULL on error. */
static struct alert_silence *read_body(struct request *r, const cJSON *o, struct err *e)
{
    static const char *const keys[] = {"id", "matchers", "startsAt", "endsAt", "createdBy", "comment", NULL};
    struct alert_silence *s = silence_create();
    if (!s) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    const char *id = NULL;
    if (json_only_keys(o, keys, e) || json_get_string(o, "id", &id, e) ||
        silence_add_json(s, cJSON_GetObjectItemCaseSensitive(o, "matchers"), e) ||
        copy_time(o, "startsAt", &s->starts_ms, e) || copy_time(o, "endsAt", &s->ends_ms, e) ||
        copy_text(o, "comment", s->comment, sizeof s->comment, e) || check_times(s, request_now(r).wall, e) ||
        check(s, e) || (id && id[0] && !id_valid(id) && err_set(e, ERR_INVALID_PARAMETERS, "\"id\" is none."))) {
        silence_destroy(s);
        return NULL;
    }
    /* Who is logged in, whatever "createdBy" says. */
    snprintf(s->by, sizeof s->by, "%s", request_identity(r)->user);
    snprintf(s->id, sizeof s->id, "%s", id ? id : "");
    s->updated_ms = request_now(r).wall;
    return s;
}

/* A copy that has ended. NULL on out of memory. */
static struct alert_silence *expired(const struct alert_silence *s, int64_t now_ms)
{
    struct alert_silence *copy = silence_create();
    if (!copy)
        return NULL;
    for (int i = 0; i < s->matcher_count; i++) {
        const struct alert_matcher *of = &s->matchers[i];
        const struct silence_matcher m = {of->name, of->value, of->regex, of->equal};
        if (silence_add(copy, &m, NULL)) {
            silence_destroy(copy);
            return NULL;
        }
    }
    memcpy(copy->id, s->id, sizeof copy->id);
    snprintf(copy->by, sizeof copy->by, "%s", s->by);
    snprintf(copy->comment, sizeof copy->comment, "%s", s->comment);
    copy->updated_ms = now_ms;
    copy->starts_ms = s->starts_ms < now_ms ? s->starts_ms : now_ms;
    copy->ends_ms = now_ms;
    return copy;
}

/* Alertmanager's rule: the same matchers, and not over, is changed in place; anything else is a new silence, and the
 * old one ends. With the book. 0 or -1. */
static int place(struct change *c, const struct alert_book *b, int64_t now_ms, struct err *e)
{
    struct alert_silence *s = c->list[0];
    const struct alert_silence *old = s->id[0] ? book_silence(b, s->id) : NULL;
    if (s->id[0] && !old)
        return err_set(e, ERR_NO_SILENCE, "Silence %.60s is not found.", s->id);
    const enum silence_state was = old ? silence_state(old, now_ms) : SILENCE_EXPIRED;
    if (old && was != SILENCE_EXPIRED && silence_same(old, s)) {
        if (was == SILENCE_ACTIVE)
            s->starts_ms = old->starts_ms;
        return 0;
    }
    if (book_silence_count(b, now_ms) >= SILENCES_MAX)
        return err_set(e, ERR_TOO_MANY, "There are %d silences; expire some.", SILENCES_MAX);
    id_make(now_ms, s->id);
    if (old && was != SILENCE_EXPIRED && !(c->list[1] = expired(old, now_ms)))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    return 0;
}

int api_silence_put(struct request *r, void *context, struct err *e)
{
    struct api *api = context;
    struct change *c = arena_alloc(request_arena(r), sizeof *c);
    cJSON *body = c ? api_body_object(r, e) : NULL;
    if (!body)
        return c ? -1 : err_set(e, ERR_INTERNAL, "Out of memory.");
    c->answer_id = true;
    c->list[0] = read_body(r, body, e);
    cJSON_Delete(body);
    if (!c->list[0])
        return -1;
    const int rc = place(c, alerts_open(api->alerts), request_now(r).wall, e);
    alerts_close(api->alerts);
    if (rc) {
        drop_all(c);
        return -1;
    }
    return post(api, r, c, e);
}

int api_silence_expire(struct request *r, void *context, struct err *e)
{
    struct api *api = context;
    struct change *c = arena_alloc(request_arena(r), sizeof *c);
    const int64_t now_ms = request_now(r).wall;
    if (!c)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    const struct alert_silence *s = book_silence(alerts_open(api->alerts), request_param(r, "silence"));
    const bool found = s != NULL, over = found && silence_state(s, now_ms) == SILENCE_EXPIRED;
    c->list[0] = found && !over ? expired(s, now_ms) : NULL;
    alerts_close(api->alerts);
    if (!found)
        return no_silence(r, e);
    if (over)
        return err_set(e, ERR_INVALID_PARAMETERS, "The silence has expired already.");
    return c->list[0] ? post(api, r, c, e) : err_set(e, ERR_INTERNAL, "Out of memory.");
}
