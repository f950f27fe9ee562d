/* SPDX-License-Identifier: MIT
 *
 * Stop with a question first. The dialog names what it will hit.
 */
#include "tui/views/stop.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "tui/app.h"
#include "tui/transfer.h"

void stop_ask(struct stop *s, struct app *app, const struct marks *marked, const char *one)
{
    struct buf text;

    marks_clear(&s->names);
    for (size_t i = 0; marked && i < marked->count && i < STOP_MAX; i++)
        (void)marks_toggle(&s->names, marked->names[i]);
    if (!s->names.count && one)
        (void)marks_toggle(&s->names, one);
    if (!s->names.count)
        return;
    buf_init(&text, 4096);
    if (s->names.count == 1) {
        (void)buf_addf(&text, "Stop %.200s?\n", s->names.names[0]);
    } else {
        size_t users = marks_users(&s->names);

        (void)buf_addf(&text, "Stop %zu jobs of %zu user%s?\n", s->names.count, users, users == 1 ? "" : "s");
        for (size_t i = 0; i < s->names.count && i < 3; i++)
            (void)buf_addf(&text, "  %.80s\n", s->names.names[i]);
        if (s->names.count > 3)
            (void)buf_addf(&text, "  and %zu more\n", s->names.count - 3);
    }
    app_confirm(app, buf_str(&text), "Stop", s->names.count);
    buf_fini(&text);
}

static uint64_t stop_call(struct app *app, const char *name)
{
    struct source_request r = {.method = "PUT", .body = "{\"value\":\"STOP\"}"};
    struct buf path;
    uint64_t id;

    buf_init(&path, 4096);
    (void)buf_adds(&path, "/api/v2/jobs/");
    transfer_escape(&path, name);
    (void)buf_adds(&path, "/executionType");
    r.path = buf_str(&path);
    id = source_ask(app->config.source, &r);
    buf_fini(&path);
    return id;
}

void stop_answer(struct stop *s, struct app *app, bool yes)
{
    s->waiting = s->done = s->failed = 0;
    for (size_t i = 0; i < STOP_MAX; i++)
        s->ids[i] = 0;
    for (size_t i = 0; yes && i < s->names.count; i++) {
        s->ids[i] = stop_call(app, s->names.names[i]);
        s->waiting += s->ids[i] != 0;
    }
    if (!yes)
        app_say(app, COLOUR_DEFAULT, "Nothing was stopped.");
}

bool stop_result(struct stop *s, struct app *app, const struct source_result *r, bool *over)
{
    for (size_t i = 0; i < s->names.count && i < STOP_MAX; i++) {
        if (!s->ids[i] || s->ids[i] != r->id)
            continue;
        s->ids[i] = 0;
        s->waiting--;
        s->done += !r->failed;
        s->failed += r->failed;
        if (r->failed)
            app_say(app, COLOUR_VERMILLION, "%s: %s", s->names.names[i], r->err.text);
        else if (!s->failed)
            app_say(app, COLOUR_DEFAULT, "%zu job%s being stopped.", s->done, s->done == 1 ? " is" : "s are");
        *over = s->waiting == 0;
        return true;
    }
    return false;
}
