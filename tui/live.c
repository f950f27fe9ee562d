/* SPDX-License-Identifier: MIT
 *
 * While the stream speaks (the server pings every 15 s) data are asked for only when it names a change, and every 30 s
 * to be sure. While it does not, every 2 s, slower when the server does not answer.
 */
#include "tui/live.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "tui/transfer.h"

#define LIVE_QUIET_MS 20000 /* a stream that says nothing for so long is down */
#define LIVE_SETTLE_MS 200  /* changes come in bursts */
#define LIVE_SURE_MS 30000
#define LIVE_POLL_MS 2000
#define LIVE_OLD_MS 5000

static void live_on_event(void *ctx, const char *type, const char *data)
{
    struct live *l = ctx;

    (void)data;
    if (!strcmp(type, "job") || !strcmp(type, "reset") || !strcmp(type, "message"))
        l->changed = l->changed ? l->changed : l->heard;
}

static void live_open(struct live *l)
{
    struct source_request r = {.method = "GET", .stream = true};
    struct buf path;

    buf_init(&path, 256);
    (void)buf_adds(&path, "/api/v2/stream");
    if (l->sse.id[0]) {
        (void)buf_adds(&path, "?lastEventId=");
        transfer_escape(&path, l->sse.id);
    }
    r.path = buf_str(&path);
    sse_restart(&l->sse);
    l->stream = source_ask(l->source, &r);
    buf_fini(&path);
}

void live_init(struct live *l, struct source *s, bool recorded, int64_t mono)
{
    *l = (struct live){.source = s, .recorded = recorded, .retry_ms = 1000, .asked = mono};
    sse_init(&l->sse, live_on_event, l);
    live_open(l);
}

void live_fini(struct live *l)
{
    source_cancel(l->source, l->stream);
    sse_fini(&l->sse);
}

static void live_down(struct live *l, int64_t mono)
{
    l->stream = 0;
    l->heard = 0;
    l->retry_at = mono + l->retry_ms;
    l->retry_ms = l->retry_ms * 2 < 10000 ? l->retry_ms * 2 : 10000;
}

bool live_result(struct live *l, const struct source_result *r, int64_t mono)
{
    if (!l->stream || r->id != l->stream)
        return false;
    if (r->len) {
        /* What happened while it was down is not known. */
        if (!l->heard)
            l->changed = mono;
        l->heard = mono;
        l->retry_ms = 1000;
        sse_feed(&l->sse, r->data, r->len);
    }
    if (r->last)
        live_down(l, mono);
    return true;
}

void live_note(struct live *l, const struct source_result *r, int64_t mono)
{
    bool away = r->failed && (r->err.code == ERR_BUSY || r->err.code == ERR_TIMEOUT || r->err.code == ERR_INTERNAL ||
                              r->err.code == ERR_UNAUTHORIZED);

    if (!r->failed)
        l->good = mono;
    if (away)
        snprintf(l->problem, sizeof l->problem, "%s", r->err.text);
    l->failing = away;
}

static bool live_is_up(const struct live *l, int64_t mono)
{
    return l->heard && mono - l->heard < LIVE_QUIET_MS;
}

/* When the next refresh is due, in mono ms. */
static int64_t live_next(const struct live *l, int64_t mono)
{
    if (l->recorded && !l->failing)
        return INT64_MAX;
    if (!live_is_up(l, mono))
        return l->asked + (l->failing ? 2 * LIVE_POLL_MS : LIVE_POLL_MS);
    if (l->changed)
        return l->changed + LIVE_SETTLE_MS;
    return l->asked + LIVE_SURE_MS;
}

bool live_due(struct live *l, int64_t mono)
{
    if (l->heard && !l->recorded && !live_is_up(l, mono)) {
        source_cancel(l->source, l->stream);
        live_down(l, mono);
    }
    if (!l->stream && mono >= l->retry_at)
        live_open(l);
    if (mono < live_next(l, mono))
        return false;
    l->asked = mono;
    l->changed = 0;
    return true;
}

int64_t live_age(const struct live *l, int64_t mono)
{
    int64_t age = l->good ? mono - l->good : 0;

    if ((l->recorded || live_is_up(l, mono)) && !l->failing)
        return 0;
    return age > LIVE_OLD_MS ? age : 0;
}

int live_wait(const struct live *l, int64_t mono)
{
    int64_t wait = live_next(l, mono) - mono;

    if (l->failing || live_age(l, mono))
        wait = wait < 1000 ? wait : 1000;
    return wait < 0 ? 0 : wait > 1000 ? 1000 : (int)wait;
}
