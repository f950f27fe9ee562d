/* SPDX-License-Identifier: MIT
 *
 * The table of policies, and those that a file describes.
 */
#include "sim/policy.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"

enum { HOUR_MS = 3600 * 1000, GRACE_MS = 30 * 1000, SECONDS_MAX = 100 * 86400 };

static const struct policy built_in[] = {
    {"fifo", POLICY_POOL, false, false, 0, GRACE_MS},
    {"priority", POLICY_POOL, true, true, HOUR_MS, GRACE_MS},
    {"count", POLICY_COUNT, true, true, HOUR_MS, GRACE_MS},
    {"shape", POLICY_SHAPE, true, true, HOUR_MS, GRACE_MS},
};

static const char *const quota_words[] = {[POLICY_POOL] = "pool", [POLICY_COUNT] = "count", [POLICY_SHAPE] = "shape"};

void policy_defaults(struct policies *p)
{
    p->count = sizeof built_in / sizeof built_in[0];
    memcpy(p->list, built_in, sizeof built_in);
}

static struct policy *find(struct policies *p, const char *name, size_t len)
{
    for (size_t i = 0; i < p->count; i++)
        if (strlen(p->list[i].name) == len && !memcmp(p->list[i].name, name, len))
            return &p->list[i];
    return NULL;
}

static int read_seconds(const cJSON *o, const char *key, int64_t *ms, struct err *e)
{
    int64_t seconds = *ms / 1000;
    if (json_get_int(o, key, &seconds, e))
        return -1;
    if (seconds < 0 || seconds > SECONDS_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "%s must be 0 to %d", key, SECONDS_MAX);
    *ms = seconds * 1000;
    return 0;
}

static int read_one(const cJSON *o, struct policy *p, struct err *e)
{
    static const char *const keys[] = {"quota", "classes", "passing", "ageSeconds", "graceSeconds", NULL};
    const char *quota = quota_words[p->quota];
    size_t q = 0;
    if (!cJSON_IsObject(o))
        return err_set(e, ERR_INVALID_PARAMETERS, "a policy must be an object");
    if (json_only_keys(o, keys, e) || json_get_string(o, "quota", &quota, e) ||
        json_get_bool(o, "classes", &p->classes, e) || json_get_bool(o, "passing", &p->passing, e) ||
        read_seconds(o, "ageSeconds", &p->age_ms, e) || read_seconds(o, "graceSeconds", &p->grace_ms, e))
        return -1;
    while (q <= POLICY_SHAPE && strcmp(quota, quota_words[q]) != 0)
        q++;
    if (q > POLICY_SHAPE)
        return err_set(e, ERR_INVALID_PARAMETERS, "quota must be pool, count or shape");
    p->quota = (enum policy_quota)q;
    if (p->classes && !p->passing)
        return err_set(e, ERR_INVALID_PARAMETERS, "a policy with classes lets others pass");
    return 0;
}

/* Names are written between commas, in CSV and by --policy. */
static bool is_name(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t len = text ? strlen(text) : 0;
    return len && len < POLICY_NAME_MAX && strspn(text, letters) == len;
}

int policy_read(struct policies *p, const cJSON *o, struct err *e)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, o)
    {
        struct policy one = built_in[sizeof built_in / sizeof built_in[0] - 1];
        if (!is_name(item->string) || find(p, item->string, strlen(item->string)) || p->count == POLICY_MAX)
            return err_set(e, ERR_INVALID_PARAMETERS,
                           "policies must be named by letters, digits, - _ and ., each once, %d at most", POLICY_MAX);
        snprintf(one.name, sizeof one.name, "%s", item->string);
        if (read_one(item, &one, e))
            return err_wrap(e, "policy %s", one.name);
        p->list[p->count++] = one;
    }
    return 0;
}

int policy_choose(struct policies *p, const char *names, struct err *e)
{
    struct policies chosen = {.count = 0};
    for (const char *at = names;; at++) {
        size_t len = strcspn(at, ",");
        const struct policy *one = find(p, at, len);
        if (!one || chosen.count == POLICY_MAX)
            return err_set(e, ERR_INVALID_PARAMETERS, "there is no policy \"%.*s\"", (int)len, at);
        chosen.list[chosen.count++] = *one;
        at += len;
        if (!*at)
            break;
    }
    *p = chosen;
    return 0;
}
