/* SPDX-License-Identifier: MIT
 *
 * Cells and questions of the rows in objects_tables.c.
 */
#include "tui/cells.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/format.h"
#include "tui/transfer.h"
#include "tui/verbs/objects_tables.h"

enum { DAY_MS = 24 * 3600 * 1000, DAYS_MAX = 36500, STEP_MAX = 64 };

/* Takes the first step of "a.b.c" off; false when it is too long. */
static bool cells_step(const char **place, char step[STEP_MAX])
{
    size_t len = strcspn(*place, ".");

    if (len >= STEP_MAX)
        return false;
    memcpy(step, *place, len);
    step[len] = '\0';
    *place += len + ((*place)[len] == '.');
    return true;
}

const cJSON *cells_member(const cJSON *item, const char *place)
{
    char step[STEP_MAX];

    while (item && *place) {
        if (!cells_step(&place, step))
            return NULL;
        item = cJSON_GetObjectItemCaseSensitive(item, step);
    }
    return item;
}

int cells_put(cJSON *into, const char *place, cJSON *value)
{
    char step[STEP_MAX];

    while (value && into && cells_step(&place, step)) {
        if (!*place) {
            cJSON_DeleteItemFromObjectCaseSensitive(into, step);
            if (cJSON_AddItemToObject(into, step, value))
                return 0;
            break;
        }
        cJSON *inner = cJSON_GetObjectItemCaseSensitive(into, step);
        into = inner ? inner : cJSON_AddObjectToObject(into, step);
    }
    cJSON_Delete(value);
    return -1;
}

/* "a, b" of a list of strings or numbers. */
static const char *joined(struct arena *a, const cJSON *list)
{
    const cJSON *item;
    const char *all = NULL;

    cJSON_ArrayForEach(item, list)
    {
        const char *text = cJSON_IsNumber(item) ? arena_printf(a, "%d", item->valueint) : item->valuestring;

        if (text)
            all = arena_printf(a, "%s%s%s", all ? all : "", all ? ", " : "", text);
    }
    return all;
}

/* "v100 8, a100 2 nodes" of a guarantee. */
static const char *promised(struct arena *a, const cJSON *list)
{
    const cJSON *item;
    const char *all = NULL;

    cJSON_ArrayForEach(item, list)
    {
        const char *sku = "";
        int64_t gpus = 0, nodes = 0;

        (void)json_get_string(item, "sku", &sku, NULL);
        (void)json_get_int(item, "gpus", &gpus, NULL);
        (void)json_get_int(item, "nodes", &nodes, NULL);
        all = arena_printf(a, "%s%s%s %lld%s", all ? all : "", all ? ", " : "", sku, (long long)(nodes ? nodes : gpus),
                           nodes ? " nodes" : "");
    }
    return all;
}

static const char *number_cell(struct arena *a, enum cell kind, double value)
{
    char text[FORMAT_SIZE];

    switch (kind) {
    case CELL_HOURS:
        return arena_printf(a, "%.2f", value);
    case CELL_TENTHS:
        return arena_printf(a, "%.1f", value);
    case CELL_WAIT:
        return arena_strdup(a, format_duration((int64_t)value, text));
    case CELL_BYTES:
        return arena_strdup(a, format_bytes((int64_t)value, text));
    case CELL_MILLI:
        return arena_printf(a, "%.0f", value / 1000);
    default:
        return arena_printf(a, "%lld", (long long)value);
    }
}

const char *cells_moment(const struct cells *c, int64_t at)
{
    char text[FORMAT_SIZE > CLOCK_ISO_SIZE ? FORMAT_SIZE : CLOCK_ISO_SIZE];

    if (c->time == CELLS_ISO && !at)
        return NULL;
    if (c->time == CELLS_ISO)
        clock_iso(at, text);
    else if (c->time == CELLS_LOCAL)
        format_local(at, text);
    else if (c->time == CELLS_COARSE && at && llabs(c->now - at) < 60000)
        snprintf(text, sizeof text, at > c->now + 5000 ? "in <1 min" : "<1 min ago");
    else
        format_ago(c->now, at, text);
    return arena_strdup(c->arena, text);
}

const char *cells_text(const struct cells *c, const cJSON *item, const struct field *f)
{
    const cJSON *m = *f->place ? cells_member(item, f->place) : NULL;

    if (!*f->place)
        return item->string;
    if (f->kind == CELL_GPUS)
        return promised(c->arena, m);
    if (f->kind == CELL_TIME)
        return cJSON_IsNumber(m) ? cells_moment(c, (int64_t)m->valuedouble) : NULL;
    if (cJSON_IsString(m))
        return *m->valuestring ? m->valuestring : NULL;
    if (cJSON_IsNumber(m))
        return number_cell(c->arena, f->kind, m->valuedouble);
    if (cJSON_IsBool(m))
        return cJSON_IsTrue(m) ? "yes" : "no";
    return joined(c->arena, m);
}

/* ---- questions ---- */

int cells_date(const char *text, int64_t *out)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%d", &tm);
    int day = tm.tm_mday;
    time_t at = end && !*end ? timegm(&tm) : -1;

    *out = (int64_t)at * 1000;
    /* strptime takes February 31, and timegm makes March of it. */
    return at < 0 || tm.tm_mday != day ? -1 : 0;
}

static int read_number(const struct question *q, const char *text, int64_t *out, struct err *e)
{
    const long long most = q->kind == ASK_DAYS_AGO ? DAYS_MAX : INT64_MAX;
    char *end = NULL;
    long long n;

    errno = 0;
    n = strtoll(text, &end, 10);
    if (errno || end == text || *end || n < 1 || n > most)
        return err_set(e, ERR_INVALID_PARAMETERS, "%s must be a number from 1 to %lld, not \"%.40s\".", q->option, most,
                       text);
    *out = n;
    return 0;
}

int cells_ask(const struct question *q, const char *text, int64_t now, struct buf *path, struct err *e)
{
    int64_t number = 0;

    (void)buf_addf(path, "%s=", q->field);
    if (q->kind == ASK_TEXT) {
        transfer_escape(path, text);
        return 0;
    }
    if (q->kind == ASK_DATE) {
        if (cells_date(text, &number))
            return err_set(e, ERR_INVALID_PARAMETERS, "%s: %.40s is no date like 2026-11-01.", q->option, text);
    } else if (read_number(q, text, &number, e)) {
        return -1;
    }
    if (q->kind == ASK_DAYS_AGO)
        number = now - number * DAY_MS;
    (void)buf_addf(path, "%lld", (long long)(number > 0 ? number : 0));
    return 0;
}
