/* SPDX-License-Identifier: MIT
 *
 * The list of jobs. It holds one page (200 rows) around the cursor of a list of any length, or, with an expression that
 * only the client can judge, the first 1,000 rows and the indices of those that fit. The cursor follows its job when
 * the list changes, except on the first row, which stays the first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "tui/app.h"
#include "tui/filter.h"
#include "tui/format.h"
#include "tui/model.h"
#include "tui/table.h"
#include "tui/transfer.h"
#include "tui/views/calls.h"
#include "tui/views/marks.h"
#include "tui/views/strip.h"
#include "tui/views/views.h"

#define JOBS_PAGE 200
#define JOBS_PAGE_FILTERED 1000
#define JOBS_COLUMNS 8

struct jobs {
    struct view view;
    struct filter filter;
    struct marks marks;
    struct calls stop;
    struct strip strip;
    struct arena *arena; /* of the page */
    struct model_jobs page;
    size_t base;   /* place of the page's first row in the list */
    size_t *shown; /* rows of the page that fit the expressions; in the arena */
    size_t shown_count;
    size_t cursor; /* place in the list */
    size_t top;    /* place of the first row on the screen */
    size_t height; /* rows of the list on the screen */
    size_t sort;   /* of jobs_sorts */
    uint64_t ask;  /* the question under way, 0 = none */
    size_t ask_base;
    bool reverse;
    bool all;    /* everybody's */
    bool again;  /* asked for while a question was under way */
    bool loaded; /* a page has come */
};

static const struct {
    const char *word;
    const char *field;
    bool falling;
} jobs_sorts[] = {
    {"submitted", "submissionTime", true}, {"name", "jobName", false}, {"user", "username", false}, {"vc", "vc", false},
    {"gpus", "totalGpuNumber", true},      {"state", "state", false},
};

enum {
    JOBS_UP = 1,
    JOBS_DOWN,
    JOBS_PAGE_UP,
    JOBS_PAGE_DOWN,
    JOBS_FIRST,
    JOBS_LAST,
    JOBS_OPEN,
    JOBS_LOG,
    JOBS_YAML,
    JOBS_MARK,
    JOBS_UNMARK,
    JOBS_STOP,
    JOBS_ALL,
    JOBS_SORT_LEFT,
    JOBS_SORT_RIGHT,
    JOBS_REVERSE,
};

static const struct keys_row jobs_keys[] = {
    {KEYS_ENTER, 'd', "Enter, d", "open", "Open the job: why, tasks, how it ended", JOBS_OPEN, false},
    {'l', 0, "l", "log", "The log of its first task", JOBS_LOG, false},
    {'y', 0, "y", NULL, "What was submitted, as YAML", JOBS_YAML, false},
    {' ', 0, "space", "mark", "Mark or unmark the row", JOBS_MARK, false},
    {'s', 0, "s", "stop", "Stop the marked jobs, or the one under the cursor", JOBS_STOP, true},
    {'a', 0, "a", "all/mine", "Everybody's jobs, or yours", JOBS_ALL, false},
    {'u', 0, "u", NULL, "Unmark all", JOBS_UNMARK, false},
    {'<', 0, "<", NULL, "Sort by the field before", JOBS_SORT_LEFT, false},
    {'>', 0, ">", "sort", "Sort by the next field", JOBS_SORT_RIGHT, false},
    {'S', 'r', "S, r", NULL, "Sort the other way round", JOBS_REVERSE, false},
    {KEYS_UP, 'k', "Up, k", NULL, "Row up", JOBS_UP, false},
    {KEYS_DOWN, 'j', "Down, j", NULL, "Row down", JOBS_DOWN, false},
    {KEYS_PAGE_UP, 'b', "PgUp, b", NULL, "Page up", JOBS_PAGE_UP, false},
    {KEYS_PAGE_DOWN, 'f', "PgDn, f", NULL, "Page down", JOBS_PAGE_DOWN, false},
    {KEYS_HOME, 'g', "Home, g", NULL, "First row", JOBS_FIRST, false},
    {KEYS_END, 'G', "End, G", NULL, "Last row", JOBS_LAST, false},
};

static struct jobs *jobs_of(const struct view *v)
{
    return (struct jobs *)v;
}

static bool jobs_local(const struct jobs *v)
{
    return v->filter.term_count > 0;
}

/* Length of the list. */
static size_t jobs_length(const struct jobs *v)
{
    if (jobs_local(v))
        return v->shown_count;
    if (v->page.total >= 0)
        return (size_t)v->page.total;
    return v->page.count;
}

/* The job at a place of the list, or NULL when its page is not here. */
static const struct model_job *jobs_at(const struct jobs *v, size_t place)
{
    if (jobs_local(v))
        return place < v->shown_count ? &v->page.items[v->shown[place]] : NULL;
    if (place < v->base || place - v->base >= v->page.count)
        return NULL;
    return &v->page.items[place - v->base];
}

static struct view *jobs_create(struct app *app, const char *arg)
{
    struct jobs *v = calloc(1, sizeof *v);

    if (!v)
        return NULL;
    v->view = (struct view){jobs_view(), app};
    v->all = arg && *arg;
    if (v->all && strcmp(arg, "all") != 0)
        (void)filter_set(&v->filter, arg, NULL);
    return &v->view;
}

static void jobs_destroy(struct view *view)
{
    struct jobs *v = jobs_of(view);

    source_cancel(view->app->config.source, v->ask);
    filter_fini(&v->filter);
    marks_clear(&v->marks);
    calls_fini(&v->stop);
    strip_fini(&v->strip, view->app);
    arena_destroy(v->arena);
    free(v);
}

static void jobs_fetch(struct view *view)
{
    struct jobs *v = jobs_of(view);
    const char *me = view->app->head.user;
    struct buf path;

    if (v->ask) {
        v->again = true;
        return;
    }
    v->ask_base = jobs_local(v) || v->cursor < JOBS_PAGE / 2 ? 0 : v->cursor - JOBS_PAGE / 2;
    buf_init(&path, 16384);
    (void)buf_addf(&path, "/api/v2/jobs?withTotalCount=true&limit=%d&offset=%zu&order=%s,%s",
                   jobs_local(v) ? JOBS_PAGE_FILTERED : JOBS_PAGE, v->ask_base, jobs_sorts[v->sort].field,
                   jobs_sorts[v->sort].falling != v->reverse ? "DESC" : "ASC");
    if (!v->all && *me && !*v->filter.user) {
        (void)buf_adds(&path, "&username=");
        transfer_escape(&path, me);
    }
    filter_query(&v->filter, &path);
    v->ask = app_get(view->app, buf_str(&path));
    buf_fini(&path);
}

/* The text of a row as expressions see it. */
static void jobs_row_text(const struct model_job *j, struct arena *a, struct buf *out)
{
    buf_reset(out);
    (void)buf_addf(out, "%s %s %s %s %s %s", words_get(j->state)->text, j->full, j->user, j->vc, j->priority,
                   model_why(a, j));
}

static void jobs_choose(struct jobs *v)
{
    struct buf row;

    v->shown_count = 0;
    v->shown = arena_calloc(v->arena, v->page.count + 1, sizeof *v->shown);
    buf_init(&row, 1 << 16);
    for (size_t i = 0; v->shown && i < v->page.count; i++) {
        jobs_row_text(&v->page.items[i], v->arena, &row);
        if (filter_matches(&v->filter, buf_str(&row)))
            v->shown[v->shown_count++] = i;
    }
    buf_fini(&row);
}

/* Puts the cursor back on the job that it was on, and into the list. */
static void jobs_settle(struct jobs *v, const char *anchor)
{
    size_t length = jobs_length(v);
    size_t offset = v->cursor - v->top;

    for (size_t i = 0; *anchor && v->cursor && i < v->page.count; i++) {
        size_t place = jobs_local(v) ? i : v->base + i;
        const struct model_job *j = jobs_at(v, place);

        if (j && !strcmp(j->full, anchor)) {
            v->cursor = place;
            v->top = place > offset ? place - offset : 0;
            break;
        }
    }
    if (v->cursor >= length)
        v->cursor = length ? length - 1 : 0;
}

static unsigned jobs_take_page(struct jobs *v, const struct source_result *r)
{
    struct arena *a = arena_create(64u << 20);
    const struct model_job *under = jobs_at(v, v->cursor);
    char anchor[512];
    struct model_jobs page;
    cJSON *reply;
    struct err e = {0};

    snprintf(anchor, sizeof anchor, "%s", under ? under->full : "");
    reply = json_parse(r->data ? r->data : "", r->len, TRANSFER_MAX_BODY, &e);
    if (!a || !reply || model_read_jobs(a, reply, &page, &e)) {
        app_say(v->view.app, COLOUR_VERMILLION, "The server's answer is unusable: %s", e.text);
        cJSON_Delete(reply);
        arena_destroy(a);
        return VIEW_HANDLED | VIEW_DRAW;
    }
    cJSON_Delete(reply);
    arena_destroy(v->arena);
    v->arena = a;
    v->page = page;
    v->base = v->ask_base;
    v->loaded = true;
    jobs_choose(v);
    jobs_settle(v, anchor);
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned jobs_result(struct view *view, const struct source_result *r)
{
    struct jobs *v = jobs_of(view);
    unsigned bits = VIEW_HANDLED;
    bool over = false;

    if (calls_result(&v->stop, view->app, r, &over)) {
        if (over && !v->stop.failed)
            marks_clear(&v->marks);
        return over ? VIEW_HANDLED | VIEW_DRAW | VIEW_FETCH : VIEW_HANDLED;
    }
    if (strip_result(&v->strip, view->app, r, jobs_at(v, v->cursor)))
        return VIEW_HANDLED | VIEW_DRAW;
    if (!v->ask || r->id != v->ask)
        return VIEW_IGNORED;
    v->ask = 0;
    if (!r->failed) {
        bits = jobs_take_page(v, r);
        strip_want(&v->strip, view->app, jobs_at(v, v->cursor));
    }
    if (r->failed && !view->app->live.failing)
        app_say(view->app, COLOUR_VERMILLION, "%s", r->err.text);
    if (v->again || (!r->failed && v->cursor < jobs_length(v) && !jobs_at(v, v->cursor)))
        bits |= VIEW_FETCH;
    v->again = false;
    return bits;
}

static unsigned jobs_move(struct jobs *v, int action)
{
    size_t length = jobs_length(v);
    size_t page = v->height > 1 ? v->height - 1 : 1;
    size_t last = length ? length - 1 : 0;

    switch (action) {
    case JOBS_UP:
        v->cursor -= v->cursor > 0;
        break;
    case JOBS_DOWN:
        v->cursor += v->cursor < last;
        break;
    case JOBS_PAGE_UP:
        v->cursor = v->cursor > page ? v->cursor - page : 0;
        break;
    case JOBS_PAGE_DOWN:
        v->cursor = v->cursor + page < last ? v->cursor + page : last;
        break;
    default:
        v->cursor = action == JOBS_FIRST ? 0 : last;
        break;
    }
    strip_want(&v->strip, v->view.app, jobs_at(v, v->cursor));
    return VIEW_HANDLED | VIEW_DRAW | (length && !jobs_at(v, v->cursor) ? VIEW_FETCH : 0);
}

static unsigned jobs_sort_by(struct jobs *v, int action)
{
    size_t n = sizeof jobs_sorts / sizeof *jobs_sorts;

    if (action == JOBS_REVERSE) {
        v->reverse = !v->reverse;
    } else {
        v->sort = (v->sort + (action == JOBS_SORT_RIGHT ? 1 : n - 1)) % n;
        v->reverse = false;
    }
    return VIEW_HANDLED | VIEW_DRAW | VIEW_FETCH;
}

static void jobs_yaml(struct app *app, const struct model_job *j)
{
    struct buf path;

    buf_init(&path, 4096);
    (void)buf_adds(&path, "/api/v2/jobs/");
    transfer_escape(&path, j->full);
    (void)buf_adds(&path, "/config");
    app_push(app, text_view(), buf_str(&path));
    buf_fini(&path);
}

static unsigned jobs_act_on(struct jobs *v, int action, const struct model_job *j)
{
    struct app *app = v->view.app;

    if (action == JOBS_OPEN)
        app_push(app, detail_view(), j->full);
    else if (action == JOBS_LOG)
        app_push(app, log_view(), j->full);
    else if (action == JOBS_YAML)
        jobs_yaml(app, j);
    else if (action == JOBS_STOP && !v->marks.count && words_get(j->state)->final)
        app_say(app, COLOUR_DEFAULT, "%.200s has ended already.", j->full);
    else if (action == JOBS_STOP)
        calls_ask(&v->stop, app, &(struct calls_question){calls_stop(), &v->marks, j->full, NULL});
    else if (action == JOBS_MARK) {
        (void)marks_toggle(&v->marks, j->full);
        (void)jobs_move(v, JOBS_DOWN);
    }
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned jobs_act(struct view *view, int action)
{
    struct jobs *v = jobs_of(view);
    const struct model_job *j = jobs_at(v, v->cursor);

    if (action <= JOBS_LAST)
        return jobs_move(v, action);
    if (action >= JOBS_SORT_LEFT)
        return jobs_sort_by(v, action);
    if (action == JOBS_UNMARK)
        marks_clear(&v->marks);
    else if (action == JOBS_ALL) {
        v->all = !v->all;
        v->cursor = v->top = 0;
        return VIEW_HANDLED | VIEW_DRAW | VIEW_FETCH;
    } else if (j)
        return jobs_act_on(v, action, j);
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned jobs_click(struct view *view, int row, bool again)
{
    struct jobs *v = jobs_of(view);
    size_t place = v->top + (size_t)(row > 0 ? row - 1 : 0);

    if (row < 1 || (size_t)row > v->height || place >= jobs_length(v))
        return VIEW_HANDLED;
    v->cursor = place;
    strip_want(&v->strip, view->app, jobs_at(v, place));
    return again ? jobs_act(view, JOBS_OPEN) : VIEW_HANDLED | VIEW_DRAW;
}

static unsigned jobs_confirmed(struct view *view, bool yes)
{
    calls_answer(&jobs_of(view)->stop, view->app, yes);
    return VIEW_DRAW;
}

static unsigned jobs_filter(struct view *view, const char *text)
{
    struct jobs *v = jobs_of(view);
    struct err e = {0};

    /* ":jobs all" and ":jobs mine" come through here as well. */
    if (!strcmp(text, "all") || !strcmp(text, "mine")) {
        v->all = !strcmp(text, "all");
        text = "";
    }
    if (filter_set(&v->filter, text, &e)) {
        app_say(view->app, COLOUR_ORANGE, "%s", e.text);
        return VIEW_DRAW;
    }
    v->cursor = v->top = 0;
    if (v->arena)
        jobs_choose(v);
    return VIEW_DRAW | VIEW_FETCH;
}

static const char *jobs_filter_text(const struct view *view)
{
    return jobs_of(view)->filter.text;
}

static bool jobs_sort(struct view *view, const char *field)
{
    struct jobs *v = jobs_of(view);

    for (size_t i = 0; i < sizeof jobs_sorts / sizeof *jobs_sorts; i++) {
        if (strcmp(field, jobs_sorts[i].word))
            continue;
        v->reverse = v->sort == i && !v->reverse;
        v->sort = i;
        return true;
    }
    return false;
}

static const struct table_column jobs_columns[JOBS_COLUMNS] = {
    {"ST", "state", 0, 0, false},     {"JOB", "job", 0, 22, false},         {"USER", "user", 8, 6, false},
    {"VC", "vc", 4, 6, false},        {"GPUS", "gpus", 3, 0, true},         {"PRIO", "priority", 6, 0, false},
    {"WAIT/RUN", "span", 2, 0, true}, {"WHERE / WHY", "why", 1, 16, false},
};

/* The cells of a row; numbers are printed into `store`. */
static void jobs_cells(const struct jobs *v, const struct model_job *j, const char **cells, char store[3][FORMAT_SIZE])
{
    const struct word *w = words_get(j->state);

    snprintf(store[0], FORMAT_SIZE, "%s %s", canvas_glyph(&v->view.app->canvas, w->glyph, w->ascii), w->text);
    snprintf(store[1], FORMAT_SIZE, "%d", j->gpus);
    cells[0] = store[0];
    cells[1] = j->full;
    cells[2] = j->user;
    cells[3] = j->vc;
    cells[4] = store[1];
    cells[5] = j->priority;
    cells[6] = format_coarse(model_span(j, v->view.app->now.wall), store[2]);
    cells[7] = model_why(v->arena, j);
}

/* Widths for all rows of the page, so that scrolling does not move columns. */
static void jobs_widths(const struct jobs *v, int cols, int *width)
{
    int want[JOBS_COLUMNS];
    int used = 0;

    for (size_t c = 0; c < JOBS_COLUMNS; c++)
        want[c] = canvas_width(jobs_columns[c].title);
    for (size_t i = 0; i < v->page.count; i++) {
        const char *cells[JOBS_COLUMNS];
        char store[3][FORMAT_SIZE];

        jobs_cells(v, &v->page.items[i], cells, store);
        for (size_t c = 0; c < JOBS_COLUMNS; c++) {
            int w = canvas_width(cells[c]);

            want[c] = w > want[c] ? w : want[c];
        }
    }
    table_layout(jobs_columns, JOBS_COLUMNS, want, cols - 3, width);
    for (size_t c = 0; c < JOBS_COLUMNS; c++)
        used += width[c] ? width[c] + TABLE_GAP : 0;
    if (width[JOBS_COLUMNS - 1] && used < cols - 3)
        width[JOBS_COLUMNS - 1] += cols - 3 - used;
}

static void jobs_draw_cells(struct canvas *c, struct canvas_pen pen, const char **cells, const int *width)
{
    unsigned style = pen.style;

    for (size_t i = 0; i < JOBS_COLUMNS; i++) {
        if (!width[i])
            continue;
        pen.style = i == 0 ? style : style & ~(unsigned)CANVAS_COLOUR;
        canvas_fit(c, &pen, cells[i], width[i], jobs_columns[i].right);
        pen.col += TABLE_GAP;
    }
}

static void jobs_draw_row(struct jobs *v, struct canvas *c, int row, size_t place, const int *width)
{
    const struct model_job *j = jobs_at(v, place);
    struct canvas_pen pen = canvas_row(c, row, 0);
    bool marked = j && marks_has(&v->marks, j->full);
    const char *cells[JOBS_COLUMNS];
    char store[3][FORMAT_SIZE];

    pen.style = marked ? CANVAS_BOLD : 0;
    canvas_put(c, &pen, place == v->cursor ? canvas_glyph(c, "▸", ">") : " ");
    canvas_put(c, &pen, marked ? "*" : " ");
    pen.col = 3;
    if (!j) {
        pen.style = COLOUR_GREY;
        canvas_put(c, &pen, canvas_glyph(c, "…", "..."));
    } else {
        jobs_cells(v, j, cells, store);
        pen.style |= (unsigned)words_get(j->state)->colour;
        jobs_draw_cells(c, pen, cells, width);
    }
    if (place == v->cursor)
        canvas_mark_row(c, row, CANVAS_REVERSE);
}

static void jobs_draw_empty(const struct jobs *v, struct canvas *c, int row)
{
    struct canvas_pen pen = canvas_row(c, row, 0);
    const char *text = "Nothing here yet. Submit a job with: drover submit FILE";

    pen.col = 3;
    if (!v->loaded)
        text = v->view.app->live.failing ? "No data yet." : "Asking the server ...";
    else if (*v->filter.text)
        text = "No job fits the filter; Esc clears it.";
    else if (!v->all)
        text = "You have no jobs. Those of everybody: a. Submit one with: drover submit FILE";
    canvas_put(c, &pen, text);
}

static void jobs_draw(struct view *view, struct canvas *c, struct view_area area)
{
    struct jobs *v = jobs_of(view);
    size_t length = jobs_length(v);
    const char *titles[JOBS_COLUMNS];
    int width[JOBS_COLUMNS];
    struct canvas_pen pen = canvas_row(c, area.top, CANVAS_DIM);

    v->height = (size_t)(area.rows - STRIP_ROWS - 1);
    if (v->cursor < v->top)
        v->top = v->cursor;
    if (v->cursor >= v->top + v->height)
        v->top = v->cursor - v->height + 1;
    if (v->top + v->height > length)
        v->top = length > v->height ? length - v->height : 0;
    if (!length) {
        jobs_draw_empty(v, c, area.top + 1);
        return;
    }
    jobs_widths(v, c->cols, width);
    for (size_t i = 0; i < JOBS_COLUMNS; i++)
        titles[i] = jobs_columns[i].title;
    pen.col = 3;
    jobs_draw_cells(c, pen, titles, width);
    for (size_t i = 0; i < v->height && v->top + i < length; i++)
        jobs_draw_row(v, c, area.top + 1 + (int)i, v->top + i, width);
    strip_draw(&v->strip, view->app, area.top + area.rows - STRIP_ROWS, jobs_at(v, v->cursor));
}

static void jobs_crumb(const struct view *view, char *out, size_t size)
{
    const struct jobs *v = jobs_of(view);
    const struct canvas *c = &view->app->canvas;
    bool falling = jobs_sorts[v->sort].falling != v->reverse;
    char here[FORMAT_SIZE];
    char total[FORMAT_SIZE];
    char marked[FORMAT_SIZE] = "";

    format_count((int64_t)(jobs_length(v) ? v->cursor + 1 : 0), here);
    format_count((int64_t)jobs_length(v), total);
    if (v->marks.count)
        snprintf(marked, sizeof marked, "  %zu marked", v->marks.count);
    snprintf(out, size, "%s%s%s%s[%s/%s]  %s  sort: %s %s%s", *v->filter.text ? canvas_glyph(c, "‹", "<") : "",
             v->filter.text, *v->filter.text ? canvas_glyph(c, "›", ">") : "", *v->filter.text ? " " : "", here, total,
             v->all ? "everybody's" : "mine", jobs_sorts[v->sort].word,
             falling ? canvas_glyph(c, "▼", "v") : canvas_glyph(c, "▲", "^"), marked);
}

const struct view_ops *jobs_view(void)
{
    static const struct view_ops ops = {
        .name = "jobs",
        .keys = {jobs_keys, sizeof jobs_keys / sizeof *jobs_keys},
        .create = jobs_create,
        .destroy = jobs_destroy,
        .fetch = jobs_fetch,
        .act = jobs_act,
        .result = jobs_result,
        .draw = jobs_draw,
        .crumb = jobs_crumb,
        .filter = jobs_filter,
        .filter_text = jobs_filter_text,
        .click = jobs_click,
        .confirmed = jobs_confirmed,
        .sort = jobs_sort,
    };

    return &ops;
}
