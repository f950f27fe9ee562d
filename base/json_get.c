/* SPDX-License-Identifier: MIT
 *
 * Typed, exact-case look-ups in a parsed JSON object.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"

/* Whole numbers up to here survive the way through a double. */
#define JSON_INT_MAX 9007199254740992.0

/* ERR_INVALID_PARAMETERS at the member `key`. Tildes and slashes are escaped as JSON pointers ask. */
static int json_fail(struct err *e, const char *key, const char *what)
{
    char pointer[128];
    size_t o = 0;
    const char *p;

    if (!e)
        return -1;
    pointer[o++] = '/';
    for (p = key; *p && o + 3 < sizeof(pointer); p++) {
        if (*p == '~' || *p == '/') {
            pointer[o++] = '~';
            pointer[o++] = *p == '~' ? '0' : '1';
        } else {
            pointer[o++] = *p;
        }
    }
    pointer[o] = '\0';
    (void)err_set(e, ERR_INVALID_PARAMETERS, "%.100s: %s", key, what);
    return err_pointer(e, pointer);
}

int json_get_string(const cJSON *o, const char *key, const char **out, struct err *e)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(o, key);

    if (!m)
        return 0;
    if (!cJSON_IsString(m))
        return json_fail(e, key, "must be a string");
    *out = m->valuestring;
    return 0;
}

int json_get_int(const cJSON *o, const char *key, int64_t *out, struct err *e)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(o, key);
    double v;

    if (!m)
        return 0;
    if (!cJSON_IsNumber(m))
        return json_fail(e, key, "must be a whole number");
    v = m->valuedouble;
    if (!(v >= -JSON_INT_MAX && v <= JSON_INT_MAX) || v - (double)(int64_t)v != 0)
        return json_fail(e, key, "must be a whole number of at most 2^53");
    *out = (int64_t)v;
    return 0;
}

int json_get_bool(const cJSON *o, const char *key, bool *out, struct err *e)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(o, key);

    if (!m)
        return 0;
    if (!cJSON_IsBool(m))
        return json_fail(e, key, "must be true or false");
    *out = cJSON_IsTrue(m) != 0;
    return 0;
}

int json_only_keys(const cJSON *o, const char *const *keys, struct err *e)
{
    const cJSON *m;

    if (!cJSON_IsObject(o))
        return err_set(e, ERR_INVALID_PARAMETERS, "must be a JSON object");
    cJSON_ArrayForEach(m, o)
    {
        const char *const *k = keys;

        while (*k && strcmp(*k, m->string) != 0)
            k++;
        if (!*k)
            return json_fail(e, m->string, "unknown member");
    }
    return 0;
}

#define MERGED_MAX (64u * 1024u)

/* Moves the members of `from`; 0, or -1 on out of memory. */
static int merge(cJSON *into, cJSON *from, int levels)
{
    cJSON *m;

    while ((m = cJSON_DetachItemFromArray(from, 0))) {
        cJSON *old = cJSON_GetObjectItemCaseSensitive(into, m->string);
        int rc;

        if (levels > 1 && cJSON_IsObject(old) && cJSON_IsObject(m)) {
            rc = merge(old, m, levels - 1);
            cJSON_Delete(m);
        } else if (old) {
            rc = cJSON_ReplaceItemViaPointer(into, old, m) ? 0 : -1;
        } else {
            rc = cJSON_AddItemToObject(into, m->string, m) ? 0 : -1;
        }
        if (rc)
            return -1;
    }
    return 0;
}

char *json_merge(const char *into, const char *from, int levels, struct err *e)
{
    cJSON *a = json_parse(into, strlen(into), 0, e);
    cJSON *b = a ? json_parse(from, strlen(from), 0, e) : NULL;
    char *text = NULL;

    if (b && (!cJSON_IsObject(a) || !cJSON_IsObject(b)))
        err_set(e, ERR_INVALID_PARAMETERS, "must be a JSON object");
    else if (b && (merge(a, b, levels) || !(text = cJSON_PrintUnformatted(a))))
        err_set(e, ERR_INTERNAL, "Out of memory.");
    cJSON_Delete(a);
    cJSON_Delete(b);
    if (text && strlen(text) > MERGED_MAX) {
        cJSON_free(text);
        err_set(e, ERR_INVALID_PARAMETERS, "There is room for %u bytes of JSON in all.", MERGED_MAX);
        return NULL;
    }
    return text;
}
