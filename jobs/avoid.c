/* SPDX-License-Identifier: MIT
 *
 * A short list of names, in the order in which they came.
 */
#include "jobs/avoid.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"

static int find(const struct avoid *a, const char *node)
{
    int i = 0;
    while (i < a->count && strcmp(a->node[i], node) != 0)
        i++;
    return i;
}

static void take_out(struct avoid *a, int at)
{
    a->count--;
    memmove(a->node[at], a->node[at + 1], (size_t)(a->count - at) * sizeof a->node[0]);
}

void avoid_add(struct avoid *a, const char *node)
{
    int at = find(a, node);
    if (at < a->count)
        take_out(a, at);
    else if (a->count == AVOID_MAX)
        take_out(a, 0);
    snprintf(a->node[a->count++], sizeof a->node[0], "%s", node);
}

void avoid_drop(struct avoid *a, int n)
{
    for (; n > 0 && a->count; n--)
        take_out(a, 0);
}

bool avoid_has(const struct avoid *a, const char *node)
{
    return a && find(a, node) < a->count;
}

void avoid_text(const struct avoid *a, const char *between, struct buf *out)
{
    for (int i = 0; i < a->count; i++)
        buf_addf(out, "%s%s", i ? between : "", a->node[i]);
}

void avoid_write(const struct avoid *a, struct buf *out)
{
    struct json_out j;
    json_out_init(&j, out);
    json_out_array(&j);
    for (int i = 0; i < a->count; i++)
        json_out_string(&j, a->node[i]);
    json_out_array_end(&j);
}

void avoid_read(struct avoid *a, const char *json)
{
    cJSON *list = json ? json_parse(json, strlen(json), 0, NULL) : NULL;
    const cJSON *name;
    *a = (struct avoid){.count = 0};
    cJSON_ArrayForEach(name, list)
    {
        if (cJSON_IsString(name) && strlen(name->valuestring) < sizeof a->node[0])
            avoid_add(a, name->valuestring);
    }
    cJSON_Delete(list);
}
