/* SPDX-License-Identifier: MIT
 *
 * Replies of views. The memory of the reply before is freed only when the new one was read.
 */
#include "tui/views/reply.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "tui/app.h"
#include "tui/transfer.h"

#define REPLY_MEMORY (64u << 20)
#define REPLY_STRUCT 256 /* bytes of what is read, at most */

void reply_want(struct reply *r, struct app *app, const char *path)
{
    if (!r->ask)
        r->ask = app_get(app, path);
}

bool reply_result(struct reply *r, const struct source_result *from, reply_read *read, void *into, unsigned size)
{
    _Alignas(16) char fresh[REPLY_STRUCT] = {0};
    struct err e = {0};
    struct arena *a;
    cJSON *json;

    if (!r->ask || from->id != r->ask || size > sizeof fresh)
        return false;
    r->ask = 0;
    snprintf(r->problem, sizeof r->problem, "%s", from->failed ? from->err.text : "");
    if (from->failed)
        return true;
    a = arena_create(REPLY_MEMORY);
    json = json_parse(from->data ? from->data : "", from->len, TRANSFER_MAX_BODY, &e);
    if (a && json && !read(a, json, fresh)) {
        arena_destroy(r->arena);
        r->arena = a;
        r->loaded = true;
        memcpy(into, fresh, size);
    } else {
        snprintf(r->problem, sizeof r->problem, "The server's answer is unusable%s%.200s", *e.text ? ": " : ".",
                 e.text);
        arena_destroy(a);
    }
    cJSON_Delete(json);
    return true;
}

void reply_fini(struct reply *r, struct app *app)
{
    source_cancel(app->config.source, r->ask);
    arena_destroy(r->arena);
    *r = (struct reply){.ask = 0};
}
