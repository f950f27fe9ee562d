/* SPDX-License-Identifier: MIT
 *
 * Rows were decided on when they came: here is only how many of them go in one mail.
 */
#include "server/notice/letter.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "server/notice/notice.h"
#include "server/notice/out_store.h"
#include "server/notice/source.h"

enum { TEXT_MAX = 512 << 10, PART_MAX = 64 << 10 /* more than any notice has */ };

struct due {
    struct arena *arena;
    size_t count;
    struct out_row rows[LETTER_MAX]; /* strings in the arena */
};

static int take_row(void *ctx, const struct out_row *r)
{
    struct due *d = ctx;
    struct out_row *copy = &d->rows[d->count];
    *copy = *r;
    copy->user = arena_strdup(d->arena, r->user);
    copy->notice = arena_strdup(d->arena, r->notice);
    copy->data = arena_strdup(d->arena, r->data);
    if (!copy->user || !copy->notice || !copy->data)
        return 1;
    d->count++;
    return 0;
}

struct address {
    struct arena *arena;
    const char *to;
    struct rules rules;
    const char *user;
};

/* The matter's readers are one: its user. */
static int take_address(void *ctx, const struct out_reader *r)
{
    struct address *a = ctx;
    a->to = arena_strdup(a->arena, r->email);
    a->rules = r->rules;
    return !a->to;
}

static const char *member(const cJSON *o, const char *key)
{
    const char *text = "";
    (void)json_get_string(o, key, &text, NULL);
    return text ? text : "";
}

/* One notice's part; the subject of the only one. 0 or -1. */
static int add_part(struct buf *b, struct arena *a, const struct out_row *r, struct letter *out)
{
    cJSON *o = json_parse(r->data, strlen(r->data), 0, NULL);
    const bool many = out->count > 1;
    if (!o)
        return 0; /* ours, or damaged */
    const char *url = member(o, "url");
    if (many)
        (void)buf_addf(b, "%s\n\n", member(o, "title"));
    else
        out->subject = arena_strdup(a, member(o, "title"));
    (void)buf_adds(b, member(o, "text"));
    if (url[0])
        (void)buf_addf(b, "\n\n%s", url);
    (void)buf_adds(b, many ? "\n\n--\n\n" : "\n");
    cJSON_Delete(o);
    return 0;
}

static int write_letter(const struct due *d, const struct address *to, struct letter *out, struct err *e)
{
    const struct out_row *first = &d->rows[0];
    struct arena *a = d->arena;
    struct buf b;
    buf_init(&b, TEXT_MAX);
    (void)buf_addf(&b, "Hello %s,\n\n", first->user);
    for (size_t i = 0; i < out->count; i++) {
        if (i && b.len > TEXT_MAX - PART_MAX)
            out->count = i; /* the rest has a mail of its own */
        else if (add_part(&b, a, &d->rows[i], out))
            break;
    }
    if (out->count > 1) {
        out->subject = arena_printf(a, "%zu notifications", out->count);
        out->id = arena_printf(a, "digest-%zu.%s", out->count, first->notice);
    } else {
        out->id = first->notice;
        out->subject = out->subject ? out->subject : "A notification";
    }
    out->to = to->to;
    out->text = b.bad ? NULL : arena_strdup(a, buf_str(&b));
    buf_fini(&b);
    return out->text && out->id && out->subject ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
}

/* How many of them go together: those that can wait for each other. */
static size_t together(const struct due *d, const struct rules *r)
{
    size_t n = 0;
    if (!r->digest_min)
        return 1;
    while (n < d->count && !notice_kind_urgent(d->rows[n].kind))
        n++;
    return n ? n : 1;
}

int letter_next(struct store *s, const struct letter_asking *q, struct letter *out, struct err *e)
{
    const struct out_due due = {.now_ms = q->now_ms, .limit = LETTER_MAX};
    struct due *d = arena_alloc(q->arena, sizeof *d);
    struct address to = {.arena = q->arena};
    *out = (struct letter){.to = NULL};
    if (!d)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    d->arena = q->arena;
    int rc = out_store_mails(s, &due, take_row, d, e);
    if (rc > 0)
        err_set(e, ERR_INTERNAL, "Out of memory.");
    if (rc || !d->count)
        return rc ? -1 : 0;
    const struct webhook_matter whose = {.user = d->rows[0].user, .now_ms = q->now_ms};
    rc = out_store_each_reader(s, &whose, take_address, &to, e);
    if (rc)
        return rc > 0 ? err_set(e, ERR_INTERNAL, "Out of memory.") : -1;
    const bool old = d->rows[0].due_ms < q->now_ms - SOURCE_OLD_MS;
    out->count = to.to && !old ? together(d, &to.rules) : 1;
    for (size_t i = 0; i < out->count; i++)
        out->positions[i] = d->rows[i].position;
    if (!to.to || old)
        return 1;
    return write_letter(d, &to, out, e) ? -1 : 1;
}
