/* SPDX-License-Identifier: MIT
 *
 * One job. The first screenful answers: is it all right, why not, what can I do; then its tasks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/utf8.h"
#include "tui/app.h"
#include "tui/format.h"
#include "tui/model.h"
#include "tui/table.h"
#include "tui/transfer.h"
#include "tui/views/calls.h"
#include "tui/views/views.h"

#define DETAIL_COLUMNS 6

struct detail {
    struct view view;
    char full[512]; /* "user~name" */
    struct arena *arena;
    struct model_detail job;
    bool loaded;
    bool missing;
    char problem[256];
    uint64_t ask;
    size_t cursor; /* of the tasks */
    size_t top;
    struct calls stop;
};

enum { DETAIL_UP = 1, DETAIL_DOWN, DETAIL_LOG, DETAIL_STOP, DETAIL_SHELL };

static const struct keys_row detail_keys[] = {
    {KEYS_ENTER, 'l', "Enter, l", "log", "The log of the task under the cursor", DETAIL_LOG, false},
    {'s', 0, "s", "stop", "Stop the job", DETAIL_STOP, true},
    {'t', 0, "t", "shell", "A shell in the task under the cursor, or in its debug reservation", DETAIL_SHELL, true},
    {KEYS_UP, 'k', "Up, k", NULL, "Task up", DETAIL_UP, false},
    {KEYS_DOWN, 'j', "Down, j", NULL, "Task down", DETAIL_DOWN, false},
};

static struct detail *detail_of(const struct view *v)
{
    return (struct detail *)v;
}

static struct view *detail_create(struct app *app, const char *arg)
{
    struct detail *v = calloc(1, sizeof *v);

    if (!v)
        return NULL;
    v->view = (struct view){detail_view(), app};
    snprintf(v->full, sizeof v->full, "%s%s%s", strchr(arg, '~') ? "" : app->head.user, strchr(arg, '~') ? "" : "~",
             arg);
    return &v->view;
}

static void detail_destroy(struct view *view)
{
    struct detail *v = detail_of(view);

    source_cancel(view->app->config.source, v->ask);
    calls_fini(&v->stop);
    arena_destroy(v->arena);
    free(v);
}

static void detail_fetch(struct view *view)
{
    struct detail *v = detail_of(view);
    struct buf path;

    if (v->ask)
        return;
    buf_init(&path, 4096);
    (void)buf_adds(&path, "/api/v2/jobs/");
    transfer_escape(&path, v->full);
    v->ask = app_get(view->app, buf_str(&path));
    buf_fini(&path);
}

static unsigned detail_take(struct detail *v, const struct source_result *r)
{
    struct arena *a = arena_create(64u << 20);
    struct model_detail job;
    struct err e = {0};
    cJSON *reply = json_parse(r->data ? r->data : "", r->len, TRANSFER_MAX_BODY, &e);

    if (!a || !reply || model_read_detail(a, reply, &job, &e)) {
        app_say(v->view.app, COLOUR_VERMILLION, "The server's answer is unusable: %s", e.text);
        arena_destroy(a);
    } else {
        arena_destroy(v->arena);
        v->arena = a;
        v->job = job;
        v->loaded = true;
        if (v->cursor >= job.task_count)
            v->cursor = job.task_count ? job.task_count - 1 : 0;
    }
    cJSON_Delete(reply);
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned detail_result(struct view *view, const struct source_result *r)
{
    struct detail *v = detail_of(view);
    bool over = false;

    if (calls_result(&v->stop, view->app, r, &over))
        return VIEW_HANDLED | (over ? VIEW_FETCH : 0);
    if (!v->ask || r->id != v->ask)
        return VIEW_IGNORED;
    v->ask = 0;
    snprintf(v->problem, sizeof v->problem, "%s", r->failed ? r->err.text : "");
    v->missing = r->failed && r->err.code == ERR_NO_JOB;
    return r->failed ? VIEW_HANDLED | VIEW_DRAW : detail_take(v, r);
}

/* Into a task that runs, or one that its job's debug reservation keeps. */
static void detail_shell(struct detail *v, const struct model_task *t)
{
    struct app *app = v->view.app;

    if (t->state == WORD_RUNNING || *v->job.kept_on)
        app_open_shell(app, v->full, t->role, t->index);
    else
        app_say(app, COLOUR_DEFAULT,
                "%.100s-%d does not run and no debug reservation keeps it: there is no shell in it.", t->role,
                t->index);
}

static unsigned detail_act(struct view *view, int action)
{
    struct detail *v = detail_of(view);
    char arg[1024];

    if (action == DETAIL_UP)
        v->cursor -= v->cursor > 0;
    else if (action == DETAIL_DOWN)
        v->cursor += v->cursor + 1 < v->job.task_count;
    else if (action == DETAIL_STOP && v->loaded && words_get(v->job.job.state)->final)
        app_say(view->app, COLOUR_DEFAULT, "%.200s has ended already.", v->full);
    else if (action == DETAIL_STOP && v->loaded)
        calls_ask(&v->stop, view->app, &(struct calls_question){.kind = calls_stop(), .one = v->full});
    else if (action == DETAIL_SHELL && v->cursor < v->job.task_count)
        detail_shell(v, &v->job.tasks[v->cursor]);
    else if (action == DETAIL_LOG && v->cursor < v->job.task_count) {
        const struct model_task *t = &v->job.tasks[v->cursor];

        snprintf(arg, sizeof arg, "%s %s %d", v->full, t->role, t->index);
        app_push(view->app, log_view(), arg);
    }
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned detail_confirmed(struct view *view, bool yes)
{
    calls_answer(&detail_of(view)->stop, view->app, yes);
    return VIEW_DRAW;
}

/* A paragraph from `row` on, broken at blanks; returns the row behind it. */
static int detail_paragraph(struct canvas *c, int row, unsigned style, const char *text)
{
    struct buf safe;
    const char *at;

    buf_init(&safe, 1 << 16);
    (void)utf8_safe(&safe, text, strlen(text), false, false);
    for (at = buf_str(&safe); *at && row < c->rows - 4; row++) {
        struct canvas_pen pen = canvas_row(c, row, style);
        size_t n = utf8_fit(at, strlen(at), c->cols - 5, NULL);
        size_t cut = n;

        while (at[n] && cut > 0 && at[cut - 1] != ' ')
            cut--;
        n = at[n] && cut ? cut : n ? n : 1;
        pen.col = 3;
        canvas_putf(c, &pen, "%.*s", (int)n, at);
        at += n;
    }
    buf_fini(&safe);
    return row;
}

static int detail_head(const struct detail *v, struct canvas *c, int row)
{
    const struct model_job *j = &v->job.job;
    const struct word *w = words_get(j->state);
    struct canvas_pen pen = canvas_row(c, row, (unsigned)w->colour | CANVAS_BOLD);
    const char *dot = canvas_glyph(c, " · ", " - ");
    char text[FORMAT_SIZE];

    canvas_putf(c, &pen, " %s %s", canvas_glyph(c, w->glyph, w->ascii), w->text);
    pen.style = 0;
    canvas_putf(c, &pen, "%s%s", dot, !j->completed ? "for " : j->launched ? "ran " : "never ran");
    if (!j->completed || j->launched)
        canvas_put(c, &pen, format_coarse(model_span(j, v->view.app->now.wall), text));
    canvas_putf(c, &pen, "%s%d task%s%svc %s", dot, j->tasks, j->tasks == 1 ? "" : "s", dot, *j->vc ? j->vc : "-");
    if (*j->priority)
        canvas_putf(c, &pen, "%s%s", dot, j->priority);
    if (v->job.attempt || j->retries)
        canvas_putf(c, &pen, "%sattempt %d", dot, v->job.attempt + 1);
    canvas_putf(c, &pen, "%ssubmitted %.11s", dot, j->submitted ? format_local(j->submitted, text) + 5 : "-");
    return row + 2;
}

/* Why it waits, or how it ended and what to do. */
static int detail_why(const struct detail *v, struct canvas *c, int row)
{
    const struct model_detail *d = &v->job;
    const char *why = model_why(v->arena, &d->job);
    char try[600];
    int start = row;

    if (*why)
        row = detail_paragraph(c, row, CANVAS_BOLD, why);
    if (d->job.state == WORD_FAILED || d->job.state == WORD_STOPPED) {
        row = detail_paragraph(c, row, 0, d->exit_reason);
        row = detail_paragraph(c, row, 0, d->proof);
        row = detail_paragraph(c, row, 0, d->trigger);
    }
    if (d->job.state == WORD_FAILED && strcmp(d->diagnostics, d->trigger) != 0)
        row = detail_paragraph(c, row, 0, d->diagnostics);
    for (size_t i = 0; d->job.state == WORD_FAILED && i < 3 && d->solutions[i]; i++) {
        snprintf(try, sizeof try, "Try: %s", d->solutions[i]);
        row = detail_paragraph(c, row, COLOUR_GREEN, try);
    }
    return row > start ? row + 1 : row;
}

/* What the task under the cursor gets and may not go beyond, and where the job's code is. */
static int detail_limits(const struct detail *v, struct canvas *c, int row)
{
    const struct model_task *t = v->cursor < v->job.task_count ? &v->job.tasks[v->cursor] : NULL;
    const char *limits = model_limits(v->arena, &v->job, t, canvas_glyph(c, " · ", " - "));
    int start = row;
    char code[600];

    row = detail_paragraph(c, row, CANVAS_DIM, limits);
    if (*v->job.code) {
        snprintf(code, sizeof code, "Code came with it: drover code %.500s", v->full);
        row = detail_paragraph(c, row, CANVAS_DIM, code);
    }
    return row > start ? row + 1 : row;
}

static const struct table_column detail_columns[DETAIL_COLUMNS] = {
    {"TASK", "task", 0, 8, false}, {"STATE", "state", 0, 0, false}, {"NODE", "node", 1, 6, false},
    {"GPUS", "gpus", 2, 4, false}, {"RAN", "ran", 3, 0, true},      {"EXIT", "exit", 1, 6, false},
};

struct detail_cells {
    char text[DETAIL_COLUMNS][96];
};

static void detail_task(const struct detail *v, const struct model_task *t, struct detail_cells *out)
{
    const struct word *w = words_get(t->state);
    int64_t end = t->completed ? t->completed : v->view.app->now.wall;
    char span[FORMAT_SIZE];

    snprintf(out->text[0], sizeof out->text[0], "%.60s-%d", t->role, t->index);
    snprintf(out->text[1], sizeof out->text[1], "%s %s", canvas_glyph(&v->view.app->canvas, w->glyph, w->ascii),
             w->text);
    snprintf(out->text[2], sizeof out->text[2], "%.60s%s", t->node, t->on_host ? " (no image)" : "");
    snprintf(out->text[3], sizeof out->text[3], "%.60s%s", t->gpus, *t->gpus && t->simulated ? " (simulated)" : "");
    snprintf(out->text[4], sizeof out->text[4], "%s", t->launched ? format_coarse(end - t->launched, span) : "");
    if (t->has_exit)
        snprintf(out->text[5], sizeof out->text[5], "%d %.60s", t->exit_code, t->exit_code ? t->exit_phrase : "");
    else
        out->text[5][0] = '\0';
}

static void detail_row(struct canvas *c, struct canvas_pen pen, const struct detail_cells *cells, const int *width)
{
    for (size_t i = 0; i < DETAIL_COLUMNS; i++) {
        if (!width[i])
            continue;
        canvas_fit(c, &pen, cells->text[i], width[i], detail_columns[i].right);
        pen.col += TABLE_GAP;
    }
}

static void detail_widths(const struct detail *v, int cols, int *width)
{
    int want[DETAIL_COLUMNS];

    for (size_t c = 0; c < DETAIL_COLUMNS; c++)
        want[c] = canvas_width(detail_columns[c].title);
    for (size_t i = 0; i < v->job.task_count; i++) {
        struct detail_cells cells;

        detail_task(v, &v->job.tasks[i], &cells);
        for (size_t c = 0; c < DETAIL_COLUMNS; c++) {
            int w = canvas_width(cells.text[c]);

            want[c] = w > want[c] ? w : want[c];
        }
    }
    table_layout(detail_columns, DETAIL_COLUMNS, want, cols - 4, width);
}

static void detail_tasks(struct detail *v, struct canvas *c, int row, int rows)
{
    struct canvas_pen pen = canvas_row(c, row, CANVAS_DIM);
    struct detail_cells cells;
    int width[DETAIL_COLUMNS];

    detail_widths(v, c->cols, width);
    for (size_t i = 0; i < DETAIL_COLUMNS; i++)
        snprintf(cells.text[i], sizeof cells.text[i], "%s", detail_columns[i].title);
    pen.col = 3;
    detail_row(c, pen, &cells, width);
    if (v->cursor < v->top)
        v->top = v->cursor;
    if (rows > 1 && v->cursor >= v->top + (size_t)rows - 1)
        v->top = v->cursor - (size_t)rows + 2;
    for (int i = 1; i < rows && v->top + (size_t)i - 1 < v->job.task_count; i++) {
        size_t at = v->top + (size_t)i - 1;

        pen = canvas_row(c, row + i, 0);
        canvas_put(c, &pen, at == v->cursor ? canvas_glyph(c, " ▸", " >") : "  ");
        pen.col = 3;
        detail_task(v, &v->job.tasks[at], &cells);
        detail_row(c, pen, &cells, width);
        if (at == v->cursor)
            canvas_mark_row(c, row + i, CANVAS_REVERSE);
    }
}

static void detail_draw(struct view *view, struct canvas *c, struct view_area area)
{
    struct detail *v = detail_of(view);
    int row = area.top + 1;

    if (v->missing || !v->loaded) {
        (void)detail_paragraph(c, row, 0, *v->problem ? v->problem : "Asking the server ...");
        return;
    }
    row = detail_head(v, c, row);
    row = detail_why(v, c, row);
    row = detail_limits(v, c, row);
    detail_tasks(v, c, row, area.top + area.rows - row);
}

static void detail_crumb(const struct view *view, char *out, size_t size)
{
    snprintf(out, size, "%s", detail_of(view)->full);
}

const struct view_ops *detail_view(void)
{
    static const struct view_ops ops = {
        .name = "job",
        .keys = {detail_keys, sizeof detail_keys / sizeof *detail_keys},
        .create = detail_create,
        .destroy = detail_destroy,
        .fetch = detail_fetch,
        .act = detail_act,
        .result = detail_result,
        .draw = detail_draw,
        .crumb = detail_crumb,
        .confirmed = detail_confirmed,
    };

    return &ops;
}
