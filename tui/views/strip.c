/* SPDX-License-Identifier: MIT
 *
 * The strip.
 */
#include "tui/views/strip.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "tui/app.h"
#include "tui/format.h"
#include "tui/transfer.h"

void strip_want(struct strip *s, struct app *app, const struct model_job *j)
{
    struct buf path;

    if (!j || s->ask || words_get(j->state)->final)
        return;
    buf_init(&path, 4096);
    (void)buf_adds(&path, "/api/v2/jobs/");
    transfer_escape(&path, j->full);
    snprintf(s->asked, sizeof s->asked, "%s", j->full);
    s->ask = app_get(app, buf_str(&path));
    buf_fini(&path);
}

bool strip_result(struct strip *s, struct app *app, const struct source_result *r, const struct model_job *now)
{
    struct arena *a = NULL;
    cJSON *reply = NULL;

    if (!s->ask || s->ask != r->id)
        return false;
    s->ask = 0;
    if (!r->failed) {
        a = arena_create(64u << 20);
        reply = json_parse(r->data ? r->data : "", r->len, TRANSFER_MAX_BODY, NULL);
    }
    s->shown[0] = '\0';
    if (a && reply && !model_read_detail(a, reply, &s->detail, NULL)) {
        arena_destroy(s->arena);
        s->arena = a;
        snprintf(s->shown, sizeof s->shown, "%s", s->asked);
    } else {
        arena_destroy(a);
    }
    cJSON_Delete(reply);
    if (now && !r->failed && strcmp(now->full, s->asked) != 0)
        strip_want(s, app, now);
    return true;
}

/* "a100-07, a100-08" */
static void strip_where(const struct strip *s, char *out, size_t size)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < s->detail.task_count && at + 1 < size; i++) {
        const char *node = s->detail.tasks[i].node;

        if (*node && !strstr(out, node))
            at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "on ", node);
    }
}

static void strip_second(const struct strip *s, const struct model_job *j, struct canvas *c, struct canvas_pen *pen)
{
    const char *why = j->wait_reason;
    bool ours = !strcmp(s->shown, j->full);
    char text[512] = "";

    if (j->state == WORD_FAILED && j->has_exit)
        snprintf(text, sizeof text, "exit %d: %.400s", j->exit_code, j->exit_phrase);
    else if (ours && (j->state == WORD_RUNNING || j->state == WORD_STOPPING))
        strip_where(s, text, sizeof text);
    else if (ours && !*why)
        why = s->detail.job.wait_reason;
    canvas_put(c, pen, " ");
    canvas_put(c, pen, *text ? text : why);
}

void strip_draw(const struct strip *s, struct app *app, int row, const struct model_job *j)
{
    struct canvas *c = &app->canvas;
    struct canvas_pen pen = canvas_row(c, row, COLOUR_GREY);
    const char *dot = canvas_glyph(c, " · ", " - ");
    char text[FORMAT_SIZE];

    canvas_fill(c, &pen, canvas_glyph(c, "─", "-"));
    if (!j)
        return;
    pen = canvas_row(c, row + 1, CANVAS_BOLD);
    canvas_put(c, &pen, " ");
    canvas_put(c, &pen, j->full);
    pen.style = (unsigned)words_get(j->state)->colour;
    canvas_putf(c, &pen, "  %s", words_get(j->state)->text);
    pen.style = 0;
    canvas_putf(c, &pen, " %s%s%d GPU%s in %d task%s%s%s", format_coarse(model_span(j, app->now.wall), text), dot,
                j->gpus, j->gpus == 1 ? "" : "s", j->tasks, j->tasks == 1 ? "" : "s", dot, j->vc);
    canvas_putf(c, &pen, "%s%s%ssubmitted ", *j->priority ? dot : "", j->priority, dot);
    canvas_putf(c, &pen, "%.11s", j->submitted ? format_local(j->submitted, text) + 5 : "-"); /* without the year */
    pen = canvas_row(c, row + 2, 0);
    strip_second(s, j, c, &pen);
}

void strip_fini(struct strip *s, struct app *app)
{
    source_cancel(app->config.source, s->ask);
    arena_destroy(s->arena);
    *s = (struct strip){.ask = 0};
}
