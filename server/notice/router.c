/* SPDX-License-Identifier: MIT
 *
 * Mail goes to whose matter it is; webhooks are theirs, and the site's.
 */
#include "server/notice/router.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "server/notice/body.h"
#include "server/notice/notice.h"
#include "server/notice/out_store.h"
#include "server/notice/rules.h"
#include "server/notice/webhook_store.h"

struct telling {
    const struct router_asking *q;
    const struct notice *n;
    const char *data;
    struct router_rows *out;
};

/* A copy of the row at the end. 0 or -1. */
static int add(struct telling *t, const struct out_row *row)
{
    struct router_rows *o = t->out;
    if (o->count == o->cap) {
        const size_t cap = o->cap ? 2 * o->cap : 16;
        struct out_row *more = arena_calloc(t->q->arena, cap, sizeof *more);
        if (!more)
            return -1;
        if (o->count)
            memcpy(more, o->rows, o->count * sizeof *more);
        o->rows = more;
        o->cap = cap;
    }
    struct out_row *r = &o->rows[o->count];
    *r = *row;
    r->notice = t->n->id;
    r->kind = t->n->kind;
    r->time_ms = t->n->time_ms;
    r->data = t->data;
    r->webhook = arena_strdup(t->q->arena, row->webhook);
    r->user = arena_strdup(t->q->arena, row->user);
    if (!r->webhook && !r->user)
        return -1;
    o->count++;
    return 0;
}

static int take_reader(void *ctx, const struct out_reader *r)
{
    struct telling *t = ctx;
    if (!rules_mail(&r->rules, t->n))
        return 0;
    return add(t, &(struct out_row){.user = r->user,
                                    .forced = t->n->wish == NOTICE_WISH_YES,
                                    .due_ms = rules_mail_due(&r->rules, t->n, t->q->now_ms)});
}

static int take_webhook(void *ctx, const struct webhook *w, const struct rules *r)
{
    struct telling *t = ctx;
    if (!rules_listens(r, w->kinds, t->n))
        return 0;
    return add(t,
               &(struct out_row){.webhook = w->id, .due_ms = w->quiet ? rules_awake(r, t->q->now_ms) : t->q->now_ms});
}

static const char *link_to(const struct router_asking *q, const struct notice *n)
{
    if (!q->public_url[0] || !n->job || !n->user)
        return "";
    return arena_printf(q->arena, "%s/#/jobs/%s~%s", q->public_url, n->user, n->job);
}

int router_decide(const struct router_asking *q, const struct notice *n, struct router_rows *out, struct err *e)
{
    const struct webhook_matter matter = {.user = n->user, .now_ms = q->now_ms};
    const char *url = link_to(q, n);
    struct telling t = {.q = q, .n = n, .data = url ? body_data(q->arena, n, url) : NULL, .out = out};
    struct err why = {0};
    if (!t.data)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if ((q->mail && out_store_each_reader(q->store, &matter, take_reader, &t, &why)) ||
        webhook_store_each_listener(q->store, &matter, take_webhook, &t, &why)) {
        if (!why.code)
            return err_set(e, ERR_INTERNAL, "Out of memory.");
        if (e)
            *e = why;
        return -1;
    }
    return 0;
}
