/* SPDX-License-Identifier: MIT
 *
 * Where nothing is noted it begins with the moment, not with a row: what is there already is then old.
 */
#include "server/notice/source_alerts.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "server/alerts/alert_store.h"
#include "server/notice/notice.h"

struct alerts {
    source_alerts_next *next;
    int64_t after;
    int64_t since_ms; /* what was before is not told */
};

static int load(void *self, const struct source_asking *q, const cJSON *state, struct err *e)
{
    struct alerts *s = self;
    s->after = 0;
    s->since_ms = cJSON_GetObjectItemCaseSensitive(state, "alerts") ? 0 : q->now_ms;
    return state ? json_get_int(state, "alerts", &s->after, e) : 0;
}

static void save(const void *self, struct json_out *j)
{
    const struct alerts *s = self;
    json_out_kint(j, "alerts", s->after);
}

/* A member of the annotations, in the arena; NULL where there is none. */
static const char *annotation(const struct source_asking *q, const struct alert_change *c, const char *key)
{
    cJSON *o = json_parse(c->annotations, strlen(c->annotations), 0, NULL);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));
    const char *copy = text && *text ? arena_strdup(q->arena, text) : NULL;
    cJSON_Delete(o);
    return copy;
}

static int write_notice(const struct source_asking *q, const struct alert_change *c, struct notice *out, struct err *e)
{
    const bool fires = !strcmp(c->state, "firing");
    const char *summary = annotation(q, c, "summary"), *description = annotation(q, c, "description");
    *out = (struct notice){.source_id = c->id,
                           .id = arena_printf(q->arena, "alert-%lld", (long long)c->id),
                           .time_ms = c->time_ms,
                           .kind = NOTICE_ALERT,
                           .user = c->user,
                           .severity = fires ? c->severity : "info",
                           .labels = c->labels};
    out->title = arena_printf(q->arena, "%s %s%s%s", c->rule, fires ? "fires" : "is resolved", summary ? ": " : "",
                              summary ? summary : "");
    out->text = description ? description : out->title;
    return out->id && out->title ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
}

static int next(void *self, const struct source_asking *q, struct notice *out, struct err *e)
{
    struct alerts *s = self;
    struct alert_change c;
    int rc;
    while ((rc = s->next(q->store, s->after, q->arena, &c, e)) > 0) {
        if (!c.silenced && c.time_ms >= s->since_ms && c.time_ms >= q->now_ms - SOURCE_OLD_MS)
            return write_notice(q, &c, out, e) ? -1 : 1;
        s->after = c.id;
    }
    return rc;
}

static void pass(void *self, const struct notice *n)
{
    struct alerts *s = self;
    s->after = n->source_id;
}

struct source source_alerts_create(source_alerts_next *next_change)
{
    static const struct source_ops ops = {.load = load, .save = save, .next = next, .pass = pass, .destroy = free};
    struct alerts *s = calloc(1, sizeof *s);
    if (s)
        s->next = next_change;
    return (struct source){.ops = &ops, .self = s};
}
