/* SPDX-License-Identifier: MIT
 *
 * {"on": true, "weekday": 1, "hour": 8, "sentTime": 1700000000000}. It is changed inside a transaction of the one
 * writer, so that a wish and a note never undo each other.
 */
#include "server/report_mail_next.h"

#include <string.h>

#include "auth/auth_store.h"
#include "auth/member_store.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/names.h"
#include "inventory/setting_store.h"
#include "metrics/report.h"
#include "metrics/report_page.h"
#include "metrics/report_store.h"

#define WEEK_MS (7 * REPORT_DAY_MS)
#define HOUR_MS INT64_C(3600000)

enum { THURSDAY = 4 /* 1970-01-01 */, ROWS_MAX = 50, PAGE_MAX = 512 << 10 };

int64_t report_mail_moment(int weekday, int hour, int64_t now_ms)
{
    const int64_t day = now_ms / REPORT_DAY_MS;
    const int64_t back = ((day + THURSDAY) % 7 - weekday + 7) % 7;
    const int64_t at = (day - back) * REPORT_DAY_MS + hour * HOUR_MS;

    return at > now_ms ? at - WEEK_MS : at;
}

/* ---- rows ---- */

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "Out of memory.");
}

/* A row; what it does not say stays as it is. 0 or -1. */
static int read_wish(const char *text, struct report_mail_wish *w, struct err *e)
{
    int64_t weekday = 0, hour = 0;
    cJSON *o = json_parse(text, strlen(text), 0, e);
    int rc = !o || json_get_bool(o, "on", &w->on, e) || json_get_int(o, "weekday", &weekday, e) ||
                     json_get_int(o, "hour", &hour, e) || json_get_int(o, "sentTime", &w->sent_ms, e)
                 ? -1
                 : 0;

    cJSON_Delete(o);
    w->weekday = (int)weekday;
    w->hour = (int)hour;
    return rc;
}

static const char *key_of(struct arena *a, const char *user)
{
    return arena_printf(a, SETTING_REPORT_MAIL "%s", user);
}

static int get(struct store *s, struct arena *a, struct report_mail_wish *w, struct err *e)
{
    const char *key = key_of(a, w->user), *text = NULL;

    if (!key)
        return no_memory(e);
    if (setting_store_get(s, a, key, &text, e))
        return -1;
    return text ? read_wish(text, w, e) : 0;
}

int report_mail_get(struct store *s, const char *user, struct report_mail_wish *out, struct err *e)
{
    struct arena *a = arena_create(0);

    *out = (struct report_mail_wish){.user = user};
    int rc = a ? get(s, a, out, e) : no_memory(e);
    arena_destroy(a);
    return rc;
}

static int put(struct store *s, const struct report_mail_wish *w, struct clock_now now, struct err *e)
{
    struct arena *a = arena_create(0);
    struct setting row = {.key = a ? key_of(a, w->user) : NULL};
    struct json_out j;
    struct buf b;

    buf_init(&b, 0);
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_kbool(&j, "on", w->on);
    json_out_kint(&j, "weekday", w->weekday);
    json_out_kint(&j, "hour", w->hour);
    json_out_kint(&j, "sentTime", w->sent_ms);
    json_out_object_end(&j);
    row.value = b.bad ? NULL : buf_str(&b);
    int rc = row.key && row.value ? setting_store_put(s, &row, now, e) : no_memory(e);
    buf_fini(&b);
    arena_destroy(a);
    return rc;
}

int report_mail_put(struct store *s, void *what, struct clock_now now, struct err *e)
{
    struct report_mail_wish w = *(const struct report_mail_wish *)what, before;

    if (report_mail_get(s, w.user, &before, e))
        return -1;
    w.sent_ms = before.on && before.weekday == w.weekday && before.hour == w.hour
                    ? before.sent_ms
                    : report_mail_moment(w.weekday, w.hour, now.wall);
    return put(s, &w, now, e);
}

int report_mail_note(struct store *s, void *what, struct clock_now now, struct err *e)
{
    const struct report_mail_wish *sent = what;
    struct report_mail_wish w; /* as it is now: it may have been changed since */

    if (report_mail_get(s, sent->user, &w, e))
        return -1;
    if (sent->sent_ms <= w.sent_ms || !w.on)
        return 0;
    w.sent_ms = sent->sent_ms;
    return put(s, &w, now, e);
}

/* ---- letters ---- */

/* Whose jobs the user may read in reports, as GET /reports/gpu has it. */
static int keep_vc(void *ctx, const char *user, const char *vc)
{
    (void)user;
    return names_add(ctx, vc);
}

static int read_whose(const struct report_mail_asking *q, const struct auth_user *u, struct report_whose *out,
                      struct err *e)
{
    struct names vcs = {.arena = q->arena};
    const struct member_sink sink = {.row = keep_vc, .ctx = &vcs};

    *out = (struct report_whose){0};
    if (u->admin)
        return 0;
    out->user = u->name;
    if (member_store_list(q->store, MEMBER_HAS_MANAGED, u->name, &sink, e))
        return -1;
    out->vcs = names_end(&vcs);
    return out->vcs ? 0 : no_memory(e);
}

/* Both shapes of the page into the arena. */
static int render(const struct report_mail_asking *q, struct report_page *p, struct report_mail_letter *out,
                  const struct report_range *range, struct err *e)
{
    struct buf text, html;
    int rc;

    buf_init(&text, PAGE_MAX);
    buf_init(&html, PAGE_MAX);
    rc = report_page_text(p, &text) || report_page_html(p, &html) ? -1 : 0;
    if (q->public_url[0])
        (void)buf_addf(&text, "\n%s/#/reports?from=%lld&to=%lld\n", q->public_url, (long long)range->from_ms,
                       (long long)range->to_ms);
    out->text = rc || text.bad ? NULL : arena_strdup(q->arena, buf_str(&text));
    out->html = rc || html.bad ? NULL : arena_strdup(q->arena, buf_str(&html));
    buf_fini(&text);
    buf_fini(&html);
    return out->text && out->html ? 0 : err_set(e, ERR_INTERNAL, "The report is too large for a mail.");
}

static int write_letter(const struct report_mail_asking *q, const struct auth_user *u, int64_t at,
                        struct report_mail_letter *out, struct err *e)
{
    const struct report_range range = {
        .from_ms = at > WEEK_MS ? at - WEEK_MS : 0, .to_ms = at, .now_ms = q->now_ms, .by = 1u << REPORT_VC};
    struct report_whose whose;
    struct report_page_asked asked = {.range = &range, .whose = &whose, .rows_max = ROWS_MAX};
    char from[16], to[16];

    if (read_whose(q, u, &whose, e))
        return -1;
    asked.whose_text = u->admin ? "everybody's" : arena_printf(q->arena, "as far as %s may see it", u->name);
    report_day_text(range.from_ms, from);
    report_day_text(range.to_ms, to);
    out->to = u->email;
    out->subject = arena_printf(q->arena, "GPU report, %s to %s", from, to);
    out->id = arena_printf(q->arena, "report-%lld.%s", (long long)at, u->name);
    if (!asked.whose_text || !out->subject || !out->id)
        return no_memory(e);
    struct report_page *p = report_page_read(q->store, &asked, e);
    if (!p)
        return -1;
    int rc = render(q, p, out, &range, e);
    report_page_destroy(p);
    return rc;
}

/* The user's, which is due. */
static int take(const struct report_mail_asking *q, int64_t at, struct report_mail_letter *out, struct err *e)
{
    struct auth_user u = {.email = ""};
    struct err none = {0};

    out->wish.sent_ms = at;
    if (auth_store_user_get(q->store, q->arena, out->wish.user, &u, &none)) {
        if (none.code == ERR_NO_USER)
            return 1;
        *e = none;
        return -1;
    }
    if (!u.email[0] || u.disabled || (u.expires_ms && u.expires_ms <= q->now_ms))
        return 1;
    return write_letter(q, &u, at, out, e) ? -1 : 1;
}

/* Stops at the first that is due. */
struct search {
    const struct report_mail_asking *q;
    struct report_mail_wish found; /* user NULL: none */
    int64_t at;
};

static int look_at(void *ctx, const char *key, const char *text)
{
    struct search *f = ctx;
    struct report_mail_wish w = {0};
    struct err ignored = {0};

    if (read_wish(text, &w, &ignored) || !w.on)
        return 0; /* damaged: as if it were off */
    if (f->q->after && strcmp(key + strlen(SETTING_REPORT_MAIL), f->q->after) <= 0)
        return 0;
    f->at = report_mail_moment(w.weekday, w.hour, f->q->now_ms);
    if (w.sent_ms >= f->at)
        return 0;
    w.user = arena_strdup(f->q->arena, key + strlen(SETTING_REPORT_MAIL));
    f->found = w;
    return 1;
}

int report_mail_next(const struct report_mail_asking *q, struct report_mail_letter *out, struct err *e)
{
    struct search f = {.q = q};
    int rc = setting_store_each(q->store, SETTING_REPORT_MAIL, look_at, &f, e);

    *out = (struct report_mail_letter){.wish = f.found};
    if (rc <= 0)
        return rc;
    return f.found.user ? take(q, f.at, out, e) : no_memory(e);
}
