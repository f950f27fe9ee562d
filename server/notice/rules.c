/* SPDX-License-Identifier: MIT
 *
 * A user's day is UTC's, moved by an offset: rules of summer time are the C library's, of one zone for the whole
 * process at a time.
 */
#include "server/notice/rules.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "server/notice/notice.h"

enum {
    MINUTE_MS = 60 * 1000,
    DAY_MIN = 24 * 60,
    ZONE_MIN = -12 * 60,
    ZONE_MAX = 14 * 60,
    WEEK_MIN = 7 * DAY_MIN,
    STARTED_MIN = 30,
    BACKOFF_MS = 1000,
    BACKOFF_DOUBLES = 12 /* 4,096 s, cut to: */
};
#define BACKOFF_MAX_MS (INT64_C(3600) * 1000)

void rules_defaults(struct rules *r)
{
    *r = (struct rules){.mail = notice_kinds_usual(), .started_after_min = STARTED_MIN};
}

/* ---- reading and writing ---- */

int rules_read_kinds(const cJSON *list, unsigned *bits, struct err *e)
{
    const cJSON *m;
    unsigned all = 0;
    if (!cJSON_IsArray(list))
        return err_set(e, ERR_INVALID_PARAMETERS, "Kinds of notifications are a list of names.");
    cJSON_ArrayForEach(m, list)
    {
        const enum notice_kind k = cJSON_IsString(m) ? notice_kind_find(m->valuestring) : NOTICE_KINDS;
        if (k == NOTICE_KINDS)
            return err_set(e, ERR_INVALID_PARAMETERS, "There is no kind of notifications \"%.40s\".",
                           cJSON_IsString(m) ? m->valuestring : "?");
        all |= 1u << k;
    }
    *bits = all;
    return 0;
}

void rules_write_kinds(unsigned bits, struct json_out *j)
{
    json_out_array(j);
    for (int k = 0; k < NOTICE_TEST; k++)
        if (bits & 1u << k)
            json_out_string(j, notice_kind_name((enum notice_kind)k));
    json_out_array_end(j);
}

static bool two_digits(const char *s, int most, int *out)
{
    if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
        return false;
    *out = 10 * (s[0] - '0') + (s[1] - '0');
    return *out <= most;
}

/* "22:30" as minutes. */
static bool read_clock(const char *s, int most_hours, int *out)
{
    int hours, minutes;
    if (strlen(s) != 5 || s[2] != ':' || !two_digits(s, most_hours, &hours) || !two_digits(s + 3, 59, &minutes))
        return false;
    *out = 60 * hours + minutes;
    return true;
}

/* "+08:00", "-03:30", "UTC". */
static bool read_zone(const char *s, int *out)
{
    int minutes = 0;
    if (strcmp(s, "UTC") != 0 && ((s[0] != '+' && s[0] != '-') || !read_clock(s + 1, 14, &minutes)))
        return false;
    *out = s[0] == '-' ? -minutes : minutes;
    return *out >= ZONE_MIN && *out <= ZONE_MAX;
}

static int read_quiet(struct rules *r, const cJSON *o, struct err *e)
{
    static const char *const only[] = {"from", "to", NULL};
    const cJSON *q = cJSON_GetObjectItemCaseSensitive(o, "quietHours");
    const char *from = NULL, *to = NULL;
    if (!q)
        return 0;
    r->quiet = !cJSON_IsNull(q);
    if (!r->quiet)
        return 0;
    if (!cJSON_IsObject(q) || json_only_keys(q, only, e) || json_get_string(q, "from", &from, e) ||
        json_get_string(q, "to", &to, e) || !from || !to || !read_clock(from, 23, &r->quiet_from) ||
        !read_clock(to, 23, &r->quiet_to) || r->quiet_from == r->quiet_to)
        return err_set(
            e, ERR_INVALID_PARAMETERS,
            "\"quietHours\" is null or two times of the day such as {\"from\": \"22:00\", \"to\": \"07:00\"}.");
    return 0;
}

static int read_minutes(const cJSON *o, const char *key, int *out, struct err *e)
{
    int64_t n = *out;
    if (json_get_int(o, key, &n, e))
        return -1;
    if (n < 0 || n > WEEK_MIN)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" is from 0 to %d.", key, WEEK_MIN);
    *out = (int)n;
    return 0;
}

int rules_read(struct rules *r, const cJSON *o, struct err *e)
{
    static const char *const only[] = {"mail", "startedAfterMinutes", "quietHours", "utcOffset", "digestMinutes", NULL};
    const cJSON *mail = cJSON_GetObjectItemCaseSensitive(o, "mail");
    const char *zone = NULL;
    if (json_only_keys(o, only, e) || (mail && rules_read_kinds(mail, &r->mail, e)) ||
        read_minutes(o, "startedAfterMinutes", &r->started_after_min, e) ||
        read_minutes(o, "digestMinutes", &r->digest_min, e) || json_get_string(o, "utcOffset", &zone, e))
        return -1;
    if (zone && !read_zone(zone, &r->zone_min))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"utcOffset\" is UTC or such as +08:00.");
    return read_quiet(r, o, e);
}

int rules_parse(struct rules *r, const char *text, struct err *e)
{
    rules_defaults(r);
    cJSON *o = text ? json_parse(text, strlen(text), 0, e) : NULL;
    const int rc = !text ? 0 : o ? rules_read(r, o, e) : -1;
    cJSON_Delete(o);
    return rc;
}

static void write_clock(struct json_out *j, const char *key, int minutes)
{
    char text[16];
    snprintf(text, sizeof text, "%02d:%02d", minutes / 60, minutes % 60);
    json_out_kstring(j, key, text);
}

void rules_write(const struct rules *r, struct json_out *j)
{
    const int ahead = r->zone_min < 0 ? -r->zone_min : r->zone_min;
    char zone[16];
    snprintf(zone, sizeof zone, "%c%02d:%02d", r->zone_min < 0 ? '-' : '+', ahead / 60, ahead % 60);
    json_out_object(j);
    json_out_key(j, "mail");
    rules_write_kinds(r->mail, j);
    json_out_kint(j, "startedAfterMinutes", r->started_after_min);
    json_out_key(j, "quietHours");
    if (r->quiet) {
        json_out_object(j);
        write_clock(j, "from", r->quiet_from);
        write_clock(j, "to", r->quiet_to);
        json_out_object_end(j);
    } else {
        json_out_null(j);
    }
    json_out_kstring(j, "utcOffset", zone);
    json_out_kint(j, "digestMinutes", r->digest_min);
    json_out_object_end(j);
}

/* ---- deciding ---- */

bool rules_listens(const struct rules *r, unsigned kinds, const struct notice *n)
{
    if (n->kind == NOTICE_TEST)
        return true;
    if (n->kind == NOTICE_STARTED && n->waited_ms < (int64_t)r->started_after_min * MINUTE_MS)
        return false;
    return kinds & 1u << n->kind;
}

bool rules_mail(const struct rules *r, const struct notice *n)
{
    return n->wish == NOTICE_WISH_NONE ? rules_listens(r, r->mail, n) : n->wish == NOTICE_WISH_YES;
}

/* Floor, and what is left. */
static int64_t minute_of(int64_t ms, int64_t *rest)
{
    int64_t minute = ms / MINUTE_MS;
    *rest = ms % MINUTE_MS;
    if (*rest < 0) {
        *rest += MINUTE_MS;
        minute--;
    }
    return minute;
}

int64_t rules_awake(const struct rules *r, int64_t now_ms)
{
    int64_t rest;
    const int64_t minute = minute_of(now_ms, &rest) + r->zone_min;
    const int of_day = (int)((minute % DAY_MIN + DAY_MIN) % DAY_MIN);
    const int length = (r->quiet_to - r->quiet_from + DAY_MIN) % DAY_MIN;
    const int into = (of_day - r->quiet_from + DAY_MIN) % DAY_MIN;
    if (!r->quiet || into >= length)
        return now_ms;
    return now_ms - rest + (int64_t)(length - into) * MINUTE_MS;
}

/* Digests end where the user's midnight, or hour, or quarter does. */
static int64_t digest_end(const struct rules *r, int64_t now_ms)
{
    int64_t rest;
    const int64_t minute = minute_of(now_ms, &rest) + r->zone_min;
    return (minute - minute % r->digest_min + r->digest_min - r->zone_min) * MINUTE_MS;
}

int64_t rules_mail_due(const struct rules *r, const struct notice *n, int64_t now_ms)
{
    if (n->kind == NOTICE_TEST)
        return now_ms;
    return rules_awake(r, r->digest_min && !notice_kind_urgent(n->kind) ? digest_end(r, now_ms) : now_ms);
}

int64_t rules_backoff(int tries, uint32_t random)
{
    const int doubles = tries - 1 < BACKOFF_DOUBLES ? tries - 1 : BACKOFF_DOUBLES;
    int64_t ms = INT64_C(1) * BACKOFF_MS << doubles;
    if (ms > BACKOFF_MAX_MS)
        ms = BACKOFF_MAX_MS;
    return ms - (int64_t)((uint64_t)(ms / 2) * random >> 32);
}
