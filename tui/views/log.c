/* SPDX-License-Identifier: MIT
 *
 * The log of one task: follows, scrolls, searches, wraps.
 *
 *     JOB ──detail──► SIZE ──tail──► STREAM ──ended──► DONE (a new attempt: back to SIZE)
 *                                      │ lost: JOB again, from the byte where it was
 *
 * A log of up to 4 MiB is shown from its beginning, a longer one from 4 MiB before its end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/utf8.h"
#include "tui/app.h"
#include "tui/filter.h"
#include "tui/model.h"
#include "tui/transfer.h"
#include "tui/views/lines.h"
#include "tui/views/views.h"

#define LOG_BYTES (4 << 20)

struct log {
    struct view view;
    char full[512];
    char role[256];
    int index; /* -1 = the first task */
    struct arena *arena;
    struct model_detail job;
    bool loaded;
    size_t task;      /* of the job's tasks */
    uint64_t ask_job; /* questions under way */
    uint64_t ask_size;
    uint64_t ask_stream;
    int64_t offset; /* bytes of the log taken in, from its beginning */
    int attempt;    /* whose log it is: of the job, and of the task */
    int task_attempt;
    bool ended;
    char problem[256];
    struct lines lines;
    struct filter search;
    bool follow;
    bool wrap;
    size_t top;   /* first line on the screen */
    int skip;     /* rows of the first line that are above the screen */
    size_t last;  /* lines up to the last one on the screen */
    size_t found; /* line of the search, SIZE_MAX = none */
    int left;     /* columns scrolled to the right */
    int height;
    const char *stream;
};

enum {
    LOG_UP = 1,
    LOG_DOWN,
    LOG_PAGE_UP,
    LOG_PAGE_DOWN,
    LOG_TOP,
    LOG_END,
    LOG_LEFT,
    LOG_RIGHT,
    LOG_FOLLOW,
    LOG_WRAP,
    LOG_NEXT,
    LOG_PREVIOUS,
    LOG_TASK_NEXT,
    LOG_TASK_PREVIOUS,
    LOG_STREAM,
};

static const struct keys_row log_keys[] = {
    {'F', 0, "F", "follow", "Follow the end, or stop following", LOG_FOLLOW, false},
    {'w', 0, "w", "wrap", "Wrap long lines, or cut them", LOG_WRAP, false},
    {'n', 0, "n", "next", "Next line that fits the search", LOG_NEXT, false},
    {'N', 0, "N", NULL, "Line before that fits the search", LOG_PREVIOUS, false},
    {']', 0, "]", "task", "Next task", LOG_TASK_NEXT, false},
    {'[', 0, "[", NULL, "Task before", LOG_TASK_PREVIOUS, false},
    {'o', 0, "o", "stream", "Both streams, standard output, standard error", LOG_STREAM, false},
    {KEYS_UP, 'k', "Up, k", NULL, "Line up", LOG_UP, false},
    {KEYS_DOWN, 'j', "Down, j", NULL, "Line down", LOG_DOWN, false},
    {KEYS_PAGE_UP, 'b', "PgUp, b", NULL, "Page up", LOG_PAGE_UP, false},
    {KEYS_PAGE_DOWN, ' ', "PgDn, space", NULL, "Page down", LOG_PAGE_DOWN, false},
    {KEYS_HOME, 'g', "Home, g", NULL, "Beginning", LOG_TOP, false},
    {KEYS_END, 'G', "End, G", NULL, "End, and follow", LOG_END, false},
    {KEYS_LEFT, 'h', "Left, h", NULL, "To the left", LOG_LEFT, false},
    {KEYS_RIGHT, 'l', "Right, l", NULL, "To the right", LOG_RIGHT, false},
};

static struct log *log_of(const struct view *v)
{
    return (struct log *)v;
}

/* "ana~x worker 1" or "x". */
static void log_parse(struct log *v, const char *user, const char *arg)
{
    size_t name = strcspn(arg, " ");
    const char *role = arg + name + strspn(arg + name, " ");
    size_t len = strcspn(role, " ");
    const char *index = role + len + strspn(role + len, " ");
    bool own = !memchr(arg, '~', name);

    snprintf(v->full, sizeof v->full, "%.100s%s%.*s", own ? user : "", own ? "~" : "", (int)name, arg);
    v->index = -1;
    if (!*index || index[strspn(index, "0123456789")])
        return;
    v->index = (int)strtol(index, NULL, 10);
    snprintf(v->role, sizeof v->role, "%.*s", (int)len, role);
}

static struct view *log_create(struct app *app, const char *arg)
{
    struct log *v = calloc(1, sizeof *v);

    if (!v)
        return NULL;
    v->view = (struct view){log_view(), app};
    log_parse(v, app->head.user, arg);
    v->follow = true;
    v->found = SIZE_MAX;
    v->stream = "all";
    return &v->view;
}

/* Drops the log that is shown and the questions about it. */
static void log_forget(struct log *v)
{
    source_cancel(v->view.app->config.source, v->ask_size);
    source_cancel(v->view.app->config.source, v->ask_stream);
    v->ask_size = v->ask_stream = 0;
    v->offset = 0;
    v->ended = false;
    v->follow = true;
    v->top = 0;
    v->found = SIZE_MAX;
    v->problem[0] = '\0';
    lines_clear(&v->lines);
}

static void log_destroy(struct view *view)
{
    struct log *v = log_of(view);

    log_forget(v);
    source_cancel(view->app->config.source, v->ask_job);
    filter_fini(&v->search);
    arena_destroy(v->arena);
    free(v);
}

static void log_fetch(struct view *view)
{
    struct log *v = log_of(view);
    struct buf path;

    if (v->ask_job || v->ask_stream || v->ask_size || (v->ended && words_get(v->job.job.state)->final))
        return;
    buf_init(&path, 4096);
    (void)buf_adds(&path, "/api/v2/jobs/");
    transfer_escape(&path, v->full);
    v->ask_job = app_get(view->app, buf_str(&path));
    buf_fini(&path);
}

/* Asks for the chosen task's log; `query` is the end of the path. */
static uint64_t log_ask(struct log *v, const char *query, bool stream)
{
    const struct model_task *t = &v->job.tasks[v->task];
    struct source_request r = {.method = "GET", .stream = stream};
    struct buf path;
    uint64_t id;

    buf_init(&path, 8192);
    (void)buf_adds(&path, "/api/v2/jobs/");
    transfer_escape(&path, v->full);
    (void)buf_addf(&path, "/attempts/%d/taskRoles/", v->job.attempt);
    transfer_escape(&path, t->role);
    (void)buf_addf(&path, "/taskIndex/%d/attempts/%d/logs/%s%s", t->index, t->attempt, v->stream, query);
    r.path = buf_str(&path);
    id = source_ask(v->view.app->config.source, &r);
    buf_fini(&path);
    return id;
}

static void log_open_stream(struct log *v)
{
    char query[64];

    snprintf(query, sizeof query, "?follow=true&offset=%lld", (long long)v->offset);
    v->ask_stream = log_ask(v, query, true);
}

static void log_choose_task(struct log *v)
{
    for (size_t i = 0; v->index >= 0 && i < v->job.task_count; i++) {
        if (v->job.tasks[i].index == v->index && !strcmp(v->job.tasks[i].role, v->role))
            v->task = i;
    }
    if (v->task >= v->job.task_count)
        v->task = 0;
}

/* The job is known: go on with its log. */
static void log_go_on(struct log *v)
{
    const struct model_task *t;

    log_choose_task(v);
    if (!v->job.task_count || v->ask_stream || v->ask_size)
        return;
    t = &v->job.tasks[v->task];
    if (t->state == WORD_WAITING || v->job.job.state == WORD_WAITING) {
        snprintf(v->problem, sizeof v->problem, "Not started yet. %.200s", v->job.job.wait_reason);
        return;
    }
    if (v->offset && (v->attempt != v->job.attempt || v->task_attempt != t->attempt))
        log_forget(v);
    v->attempt = v->job.attempt;
    v->task_attempt = t->attempt;
    if (v->ended)
        return;
    v->problem[0] = '\0';
    if (v->offset)
        log_open_stream(v);
    else
        v->ask_size = log_ask(v, "?tailMode=true", false);
}

static unsigned log_take_job(struct log *v, const struct source_result *r)
{
    struct arena *a = arena_create(64u << 20);
    struct model_detail job;
    struct err e = {0};
    cJSON *reply = json_parse(r->data ? r->data : "", r->len, TRANSFER_MAX_BODY, &e);

    if (!a || !reply || model_read_detail(a, reply, &job, &e)) {
        snprintf(v->problem, sizeof v->problem, "The server's answer is unusable: %.200s", e.text);
        arena_destroy(a);
    } else {
        arena_destroy(v->arena);
        v->arena = a;
        v->job = job;
        v->loaded = true;
        log_go_on(v);
    }
    cJSON_Delete(reply);
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned log_take_stream(struct log *v, const struct source_result *r)
{
    if (r->len) {
        (void)lines_add(&v->lines, r->data, r->len);
        v->offset += (int64_t)r->len;
    }
    if (r->last) {
        v->ask_stream = 0;
        v->ended = !r->failed;
    }
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned log_result(struct view *view, const struct source_result *r)
{
    struct log *v = log_of(view);
    bool ours = r->id == v->ask_job || r->id == v->ask_size || r->id == v->ask_stream;

    if (!ours || !r->id)
        return VIEW_IGNORED;
    if (r->failed)
        snprintf(v->problem, sizeof v->problem, "%s", r->err.text);
    if (r->id == v->ask_stream)
        return log_take_stream(v, r);
    if (r->id == v->ask_job) {
        v->ask_job = 0;
        return r->failed ? VIEW_HANDLED | VIEW_DRAW : log_take_job(v, r);
    }
    v->ask_size = 0;
    if (!r->failed) {
        v->offset = r->log_size > LOG_BYTES ? r->log_size - LOG_BYTES : 0;
        log_open_stream(v);
    }
    return VIEW_HANDLED | VIEW_DRAW;
}

static bool log_fits(const struct log *v, size_t line)
{
    return v->search.term_count && filter_matches(&v->search, v->lines.items[line]);
}

static void log_find(struct log *v, bool forward)
{
    size_t n = v->lines.count;
    size_t from = v->found != SIZE_MAX ? v->found : forward ? (n ? n - 1 : 0) : 0;

    if (!v->search.term_count || !n) {
        app_say(v->view.app, COLOUR_ORANGE, "Nothing to search for; type / first.");
        return;
    }
    for (size_t step = 1; step <= n; step++) {
        size_t line = forward ? (from + step) % n : (from + n - step % n) % n;

        if (!log_fits(v, line))
            continue;
        v->found = line;
        v->follow = false;
        v->top = line > (size_t)v->height / 2 ? line - (size_t)v->height / 2 : 0;
        return;
    }
    app_say(v->view.app, COLOUR_ORANGE, "No line fits \"%s\".", v->search.text);
}

static void log_switch_task(struct log *v, bool forward)
{
    size_t n = v->job.task_count;

    if (n < 2)
        return;
    v->task = (v->task + (forward ? 1 : n - 1)) % n;
    v->index = v->job.tasks[v->task].index;
    snprintf(v->role, sizeof v->role, "%s", v->job.tasks[v->task].role);
    log_forget(v);
}

static void log_switch_stream(struct log *v)
{
    v->stream = !strcmp(v->stream, "all") ? "stdout" : !strcmp(v->stream, "stdout") ? "stderr" : "all";
    log_forget(v);
}

static void log_scroll(struct log *v, int action)
{
    size_t page = v->height > 1 ? (size_t)v->height - 1 : 1;
    size_t last = v->lines.count ? v->lines.count - 1 : 0;

    v->follow = action == LOG_END;
    switch (action) {
    case LOG_UP:
        v->top -= v->top > 0;
        break;
    case LOG_PAGE_UP:
        v->top = v->top > page ? v->top - page : 0;
        break;
    case LOG_TOP:
        v->top = 0;
        break;
    default:
        v->top += action == LOG_DOWN ? 1 : action == LOG_PAGE_DOWN ? page : 0;
        v->top = v->top < last ? v->top : last;
        break;
    }
}

static unsigned log_act(struct view *view, int action)
{
    struct log *v = log_of(view);

    if (action <= LOG_END) {
        log_scroll(v, action);
        return VIEW_HANDLED | VIEW_DRAW;
    }
    switch (action) {
    case LOG_LEFT:
        v->left = v->left > 20 ? v->left - 20 : 0;
        break;
    case LOG_RIGHT:
        v->left += 20;
        break;
    case LOG_FOLLOW:
        v->follow = !v->follow;
        break;
    case LOG_WRAP:
        v->wrap = !v->wrap;
        v->left = 0;
        break;
    case LOG_NEXT:
    case LOG_PREVIOUS:
        log_find(v, action == LOG_NEXT);
        break;
    case LOG_STREAM:
        log_switch_stream(v);
        return VIEW_HANDLED | VIEW_DRAW | VIEW_FETCH;
    default:
        log_switch_task(v, action == LOG_TASK_NEXT);
        return VIEW_HANDLED | VIEW_DRAW | VIEW_FETCH;
    }
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned log_search(struct view *view, const char *text)
{
    struct log *v = log_of(view);
    struct err e = {0};

    if (filter_set_expression(&v->search, text, &e)) {
        app_say(view->app, COLOUR_ORANGE, "%s", e.text);
        return VIEW_DRAW;
    }
    v->found = SIZE_MAX;
    if (*text)
        log_find(v, false);
    return VIEW_DRAW;
}

static const char *log_search_text(const struct view *view)
{
    return log_of(view)->search.text;
}

/* Rows that a line takes on the screen. */
static int log_rows_of(const struct log *v, const char *line, int cols)
{
    int width = v->wrap ? utf8_width(line, strlen(line)) : 0;

    return width > cols ? (width + cols - 1) / cols : 1;
}

/* Draws a line from `row` on; returns the row behind it. */
static int log_draw_line(const struct log *v, struct canvas *c, int row, int end, size_t line)
{
    const char *text = v->lines.items[line];
    unsigned style = line == v->found ? CANVAS_REVERSE : log_fits(v, line) ? CANVAS_BOLD | COLOUR_ORANGE : 0;
    int skip = line == v->top ? v->skip : 0;
    size_t n = 1;

    text += utf8_fit(text, strlen(text), v->wrap ? 0 : v->left, NULL);
    for (bool more = true; more && row < end; more = v->wrap && *text && n) {
        struct canvas_pen pen = canvas_row(c, row, style);

        n = utf8_fit(text, strlen(text), c->cols, NULL);
        if (skip-- <= 0) {
            canvas_putf(c, &pen, "%.*s", (int)n, text);
            row++;
        }
        text += n;
    }
    return row;
}

/* Where to begin so that the end is on the screen: the first line; `*skip` gets how many of its rows do not fit. */
static size_t log_bottom(const struct log *v, int cols, int *skip)
{
    size_t line = v->lines.count;
    int rows = 0;

    while (line > 0 && rows < v->height)
        rows += log_rows_of(v, v->lines.items[--line], cols);
    *skip = rows > v->height ? rows - v->height : 0;
    return line;
}

static void log_draw(struct view *view, struct canvas *c, struct view_area area)
{
    struct log *v = log_of(view);
    int end = area.top + area.rows;
    int row = area.top;
    size_t bottom;
    int skip;

    v->height = area.rows;
    bottom = log_bottom(v, c->cols, &skip);
    if (v->follow || v->top > bottom)
        v->top = bottom;
    v->skip = v->top == bottom ? skip : 0;
    v->last = 0;
    for (size_t line = v->top; line < v->lines.count && row < end; line++) {
        row = log_draw_line(v, c, row, end, line);
        v->last = line + 1;
    }
    if (!v->lines.count) {
        struct canvas_pen pen = canvas_row(c, area.top + 1, 0);

        pen.col = 3;
        canvas_put(c, &pen, *v->problem ? v->problem : v->ended ? "Nothing was written." : "No output yet ...");
    }
}

static void log_crumb(const struct view *view, char *out, size_t size)
{
    const struct log *v = log_of(view);
    const struct model_task *t = v->loaded && v->task < v->job.task_count ? &v->job.tasks[v->task] : NULL;
    const char *state = v->ended ? "ended" : v->follow ? "following" : "paused";
    char task[300] = "";

    if (t)
        snprintf(task, sizeof task, " %s-%d (%zu of %zu)", t->role, t->index, v->task + 1, v->job.task_count);
    snprintf(out, size, "%s%s %s  [%zu/%zu]  %s%s%s", v->full, task, v->stream, v->last + v->lines.dropped,
             v->lines.count + v->lines.dropped, state, *v->search.text ? "  /" : "", v->search.text);
}

const struct view_ops *log_view(void)
{
    static const struct view_ops ops = {
        .name = "log",
        .keys = {log_keys, sizeof log_keys / sizeof *log_keys},
        .create = log_create,
        .destroy = log_destroy,
        .fetch = log_fetch,
        .act = log_act,
        .result = log_result,
        .draw = log_draw,
        .crumb = log_crumb,
        .filter = log_search,
        .filter_text = log_search_text,
    };

    return &ops;
}
