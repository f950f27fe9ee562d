/* SPDX-License-Identifier: MIT
 *
 * Quotas as typed. A SKU's name may have any byte but '=' and ','.
 */
#include "tui/quota.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"

#define QUOTA_MOST 1000000

/* A number that begins the text; where it ends, NULL when there is none or it is too large. */
static const char *amount(const char *text, int64_t *out)
{
    size_t digits = strspn(text, "0123456789");

    if (!digits || digits > 9)
        return NULL;
    *out = strtoll(text, NULL, 10);
    return *out <= QUOTA_MOST ? text + digits : NULL;
}

/* The member for a unit: "" is GPUs. */
static const char *unit_of(const char *word, size_t len)
{
    static const char *const units[] = {"gpus", "nodes", "sockets", "racks", "pods"};

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        /* "1 node" is what one says. */
        if ((len == strlen(units[i]) || len + 1 == strlen(units[i])) && !strncmp(word, units[i], len))
            return units[i];
    }
    return len ? NULL : units[0];
}

/* Blanks around what is between two places go. */
static void trim(const char **from, const char **to)
{
    while (*from < *to && **from == ' ')
        (*from)++;
    while (*to > *from && (*to)[-1] == ' ')
        (*to)--;
}

/* "a100=16" or "v100 = 2 nodes", the bytes up to `to`. */
static int write_part(const char *from, const char *to, struct json_out *j, struct err *e)
{
    const char *equals = memchr(from, '=', (size_t)(to - from)), *name_end = equals, *at, *unit;
    int64_t number = 0;

    if (equals)
        trim(&from, &name_end);
    at = equals ? amount(equals + 1 + strspn(equals + 1, " "), &number) : NULL;
    if (!at || at > to || name_end == from)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%.*s\" is not like a100=16 or v100=2 nodes.",
                       to - from > 60 ? 60 : (int)(to - from), from);
    trim(&at, &to);
    unit = unit_of(at, (size_t)(to - at));
    if (!unit)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%.*s\" is none of: nodes sockets racks pods, or nothing for GPUs.",
                       to - at > 40 ? 40 : (int)(to - at), at);
    json_out_object(j);
    json_out_key(j, "sku");
    json_out_string_n(j, from, (size_t)(name_end - from));
    json_out_kint(j, unit, number);
    json_out_object_end(j);
    return 0;
}

int quota_write(const char *text, struct json_out *j, struct err *e)
{
    const char *from = text;

    json_out_array(j);
    for (;;) {
        const char *end = from + strcspn(from, ","), *to = end, *begin = from;

        trim(&begin, &to);
        if (to > begin && write_part(begin, to, j, e))
            return -1;
        if (to == begin && (*end || from != text))
            return err_set(e, ERR_INVALID_PARAMETERS, "A SKU is missing beside a comma.");
        if (!*end)
            break;
        from = end + 1;
    }
    json_out_array_end(j);
    return 0;
}

int quota_number(struct json_out *j, const char *key, const char *text, struct err *e)
{
    int64_t number = 0;
    const char *end = amount(text, &number);

    if (!end || *end)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%.40s\" is not a number of GPUs.", text);
    json_out_kint(j, key, number);
    return 0;
}
