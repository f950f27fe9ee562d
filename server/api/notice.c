/* SPDX-License-Identifier: MIT
 *
 * What users are told, and when: their own settings (server/notice/rules.h).
 */
#include "server/api/notice.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "core/effect.h"
#include "server/api/api.h"
#include "server/mailbox.h"
#include "server/notice/body.h"
#include "server/notice/notice.h"
#include "server/notice/notifier.h"
#include "server/notice/out_store.h"
#include "server/readers.h"

static int write_rules(struct api_reading *x, struct err *e)
{
    struct rules r;
    if (out_store_rules(x->store, request_identity(x->request)->user, &r, e))
        return -1;
    rules_write(&r, x->out);
    return 0;
}

int api_notice_rules(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_rules, NULL, e);
}

/* The settings as they are, with what the body says. 0 or -1. */
static int take_rules(struct request *r, struct api *a, struct rules *out, struct err *e)
{
    cJSON *o = api_body_object(r, e);
    struct store *s = o ? readers_get(a->readers, e) : NULL;
    int rc = s ? out_store_rules(s, request_identity(r)->user, out, e) : -1;
    readers_put(a->readers, s);
    rc = rc ? -1 : rules_read(out, o, e);
    cJSON_Delete(o);
    return rc;
}

int api_notice_rules_put(struct request *r, void *context, struct err *e)
{
    struct out_rules *w = arena_alloc(request_arena(r), sizeof *w);
    struct mail *m = w ? api_mail_write(r, out_store_put_rules, w, api_done_message) : NULL;
    struct api_json text;
    if (!w || api_message(m, r, 200, "Notification settings are updated successfully."))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    w->user = request_identity(r)->user;
    if (take_rules(r, context, &w->rules, e))
        return -1;
    rules_write(&w->rules, api_json_begin(&text));
    w->value = text.buf.bad ? NULL : arena_strdup(request_arena(r), buf_str(&text.buf));
    api_json_drop(&text);
    return w->value ? api_post(context, r, m, e) : err_set(e, ERR_INTERNAL, "Out of memory.");
}

/* ---- the button ---- */

struct testing {
    struct out_queue queue;
    struct out_row row;
};

static int find_address(void *ctx, const struct out_reader *r)
{
    (void)r;
    *(bool *)ctx = true;
    return 0;
}

static int has_address(struct api *a, const char *user, bool *out, struct err *e)
{
    const struct webhook_matter whose = {.user = user, .now_ms = clock_read().wall};
    struct store *s = readers_get(a->readers, e);
    int rc = s ? out_store_each_reader(s, &whose, find_address, out, e) : -1;
    readers_put(a->readers, s);
    return rc;
}

int api_notice_queue_test(struct request *r, struct api *a, const struct out_row *to, struct err *e)
{
    struct arena *arena = request_arena(r);
    const int64_t now = clock_read().wall;
    struct testing *t = arena_alloc(arena, sizeof *t);
    struct mail *m = t ? api_mail_write(r, out_store_queue, &t->queue, api_done_message) : NULL;
    char id[ID_SIZE];
    id_make(now, id);
    struct notice n = {.id = arena_printf(arena, "test-%s", id),
                       .time_ms = now,
                       .kind = NOTICE_TEST,
                       .user = request_identity(r)->user,
                       .severity = "info",
                       .title = "A test of Drover's notifications",
                       .text = "somebody, probably you, asked for this test. Nothing else is behind it."};
    const char *data = n.id ? body_data(arena, &n, a->public_url) : NULL;
    if (!m || !data || api_message(m, r, 202, "A test is on its way."))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    t->row = *to;
    t->row.notice = n.id;
    t->row.kind = NOTICE_TEST;
    t->row.forced = true;
    t->row.time_ms = t->row.due_ms = now;
    t->row.data = data;
    t->queue = (struct out_queue){.rows = &t->row, .count = 1};
    return api_post(a, r, m, e);
}

int api_notice_test(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    bool address = false;
    if (!notifier_mails(a->notifier))
        return err_set(e, ERR_INVALID_PARAMETERS, "The server sends no mail (smtpUrl in its configuration).");
    if (has_address(a, request_identity(r)->user, &address, e))
        return -1;
    if (!address)
        return err_set(e, ERR_INVALID_PARAMETERS, "You have no address: set one first (drover user set --email).");
    return api_notice_queue_test(r, a, &(struct out_row){.user = request_identity(r)->user}, e);
}
