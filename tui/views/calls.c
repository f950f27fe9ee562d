/* SPDX-License-Identifier: MIT
 *
 * Calls with a question first. The dialog names what it will hit.
 */
#include "tui/views/calls.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "tui/app.h"
#include "tui/transfer.h"

#define CALLS_SHOWN 3 /* names in the question */

static void calls_words(const struct calls *c, struct buf *text)
{
    const struct calls_kind *k = c->kind;
    size_t n = c->names.count;

    if (n == 1) {
        (void)buf_addf(text, "%s %s%.200s?\n", k->verb, k->one, c->names.names[0]);
    } else {
        size_t users = k->owners ? marks_users(&c->names) : 0;

        (void)buf_addf(text, "%s %zu %s", k->verb, n, k->many);
        if (users)
            (void)buf_addf(text, " of %zu user%s", users, users == 1 ? "" : "s");
        (void)buf_adds(text, "?\n");
        for (size_t i = 0; i < n && i < CALLS_SHOWN; i++)
            (void)buf_addf(text, "  %.80s\n", c->names.names[i]);
        if (n > CALLS_SHOWN)
            (void)buf_addf(text, "  and %zu more\n", n - CALLS_SHOWN);
    }
    if (k->warning)
        (void)buf_addf(text, "%s\n", k->warning);
}

void calls_ask(struct calls *c, struct app *app, const struct calls_question *q)
{
    struct buf text;

    /* Answers of calls before go to nobody; what they did shows in the list. */
    calls_fini(c);
    c->kind = q->kind;
    snprintf(c->arg, sizeof c->arg, "%s", q->arg ? q->arg : "");
    if (q->marked && q->marked->count > CALLS_MAX) {
        app_say(app, COLOUR_ORANGE, "%zu %s are too many in one go; at most %d.", q->marked->count, q->kind->many,
                CALLS_MAX);
        return;
    }
    for (size_t i = 0; q->marked && i < q->marked->count; i++)
        (void)marks_toggle(&c->names, q->marked->names[i]);
    if (!c->names.count && q->one)
        (void)marks_toggle(&c->names, q->one);
    if (!c->names.count)
        return;
    buf_init(&text, 4096);
    calls_words(c, &text);
    app_confirm(app, buf_str(&text), q->kind->verb, c->names.count);
    buf_fini(&text);
}

/* Puts the escaped name into the path. */
static void calls_path(struct buf *path, const char *pattern, const char *name)
{
    const char *at = strstr(pattern, "%s");

    if (!at) {
        (void)buf_adds(path, pattern);
        return;
    }
    (void)buf_add(path, pattern, (size_t)(at - pattern));
    transfer_escape(path, name);
    (void)buf_adds(path, at + 2);
}

static uint64_t calls_one(const struct calls *c, struct app *app, const char *name)
{
    struct source_request r = {.method = c->kind->method};
    struct buf path, body;
    struct json_out j;
    uint64_t id;

    buf_init(&path, 4096);
    buf_init(&body, 16384);
    calls_path(&path, c->kind->path, name);
    if (c->kind->body) {
        json_out_init(&j, &body);
        json_out_object(&j);
        c->kind->body(&j, name, c->arg);
        json_out_object_end(&j);
        r.body = buf_str(&body);
    }
    r.path = buf_str(&path);
    id = path.bad || body.bad ? 0 : source_ask(app->config.source, &r);
    buf_fini(&path);
    buf_fini(&body);
    return id;
}

void calls_answer(struct calls *c, struct app *app, bool yes)
{
    c->waiting = c->done = c->failed = 0;
    for (size_t i = 0; yes && i < c->names.count && i < CALLS_MAX; i++) {
        c->ids[i] = calls_one(c, app, c->names.names[i]);
        c->waiting += c->ids[i] != 0;
        c->failed += c->ids[i] == 0;
    }
    if (c->failed)
        app_say(app, COLOUR_VERMILLION, "%zu of %zu could not be sent.", c->failed, c->names.count);
    if (!yes && c->kind)
        app_say(app, COLOUR_DEFAULT, "%s", c->kind->not_done);
}

bool calls_result(struct calls *c, struct app *app, const struct source_result *r, bool *over)
{
    for (size_t i = 0; i < c->names.count && i < CALLS_MAX; i++) {
        if (!c->ids[i] || c->ids[i] != r->id)
            continue;
        c->ids[i] = 0;
        c->waiting--;
        c->done += !r->failed;
        c->failed += r->failed;
        if (r->failed && c->names.count > 1)
            app_say(app, COLOUR_VERMILLION, "%zu refused. %s: %s", c->failed, c->names.names[i], r->err.text);
        else if (r->failed)
            app_say(app, COLOUR_VERMILLION, "%s: %s", c->names.names[i], r->err.text);
        else if (!c->failed)
            app_say(app, COLOUR_DEFAULT, "%zu %s.", c->done, c->kind->said[c->done != 1]);
        *over = c->waiting == 0;
        return true;
    }
    return false;
}

void calls_fini(struct calls *c)
{
    marks_clear(&c->names);
    *c = (struct calls){.kind = NULL};
}

static void calls_stop_body(struct json_out *j, const char *name, const char *arg)
{
    (void)name;
    (void)arg;
    json_out_kstring(j, "value", "STOP");
}

const struct calls_kind *calls_stop(void)
{
    static const struct calls_kind kind = {
        .verb = "Stop",
        .many = "jobs",
        .one = "",
        .said = {"job is being stopped", "jobs are being stopped"},
        .not_done = "Nothing was stopped.",
        .method = "PUT",
        .path = "/api/v2/jobs/%s/executionType",
        .owners = true,
        .body = calls_stop_body,
    };

    return &kind;
}
