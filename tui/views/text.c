/* SPDX-License-Identifier: MIT
 *
 * A page of text: a thing of the server as YAML, or what another view made. Scrolls, searches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "tui/app.h"
#include "tui/filter.h"
#include "tui/output.h"
#include "tui/transfer.h"
#include "tui/views/lines.h"
#include "tui/views/views.h"

struct text {
    struct view view;
    char title[256];
    char path[512]; /* where it comes from; "" = it was given */
    struct lines lines;
    struct filter find;
    size_t top;
    size_t height;
    uint64_t ask;
    char problem[192];
};

enum { TEXT_UP = 1, TEXT_DOWN, TEXT_PAGE_UP, TEXT_PAGE_DOWN, TEXT_FIRST, TEXT_LAST, TEXT_NEXT };

static const struct keys_row text_keys[] = {
    {'n', 0, "n", "next", "The next line that the search finds", TEXT_NEXT, false},
    {KEYS_UP, 'k', "Up, k", NULL, "Line up", TEXT_UP, false},
    {KEYS_DOWN, 'j', "Down, j", NULL, "Line down", TEXT_DOWN, false},
    {KEYS_PAGE_UP, 'b', "PgUp, b", NULL, "Page up", TEXT_PAGE_UP, false},
    {KEYS_PAGE_DOWN, 'f', "PgDn, f", NULL, "Page down", TEXT_PAGE_DOWN, false},
    {KEYS_HOME, 'g', "Home, g", NULL, "First line", TEXT_FIRST, false},
    {KEYS_END, 'G', "End, G", NULL, "Last line", TEXT_LAST, false},
};

static struct text *text_of(const struct view *v)
{
    return (struct text *)v;
}

static struct view *text_create(struct app *app, const char *arg)
{
    struct text *v = calloc(1, sizeof *v);
    size_t title;

    if (!v)
        return NULL;
    v->view = (struct view){text_view(), app};
    title = strcspn(arg, "\n");
    snprintf(v->title, sizeof v->title, "%.*s", (int)title, arg);
    if (*arg == '/')
        snprintf(v->path, sizeof v->path, "%s", v->title);
    else if (arg[title])
        (void)lines_add(&v->lines, arg + title + 1, strlen(arg + title + 1));
    return &v->view;
}

static void text_destroy(struct view *view)
{
    struct text *v = text_of(view);

    source_cancel(view->app->config.source, v->ask);
    filter_fini(&v->find);
    lines_clear(&v->lines);
    free(v);
}

static void text_fetch(struct view *view)
{
    struct text *v = text_of(view);

    if (*v->path && !v->ask)
        v->ask = app_get(view->app, v->path);
}

static unsigned text_result(struct view *view, const struct source_result *r)
{
    struct text *v = text_of(view);
    cJSON *value;
    struct buf out;

    if (!v->ask || r->id != v->ask)
        return VIEW_IGNORED;
    v->ask = 0;
    if (r->failed) {
        snprintf(v->problem, sizeof v->problem, "%s", r->err.text);
        return VIEW_HANDLED | VIEW_DRAW;
    }
    v->problem[0] = '\0';
    lines_clear(&v->lines);
    buf_init(&out, TRANSFER_MAX_BODY);
    /* A job's configuration is YAML already. */
    value = r->len && strchr("{[", *r->data) ? json_parse(r->data, r->len, TRANSFER_MAX_BODY, NULL) : NULL;
    if (value && !output_yaml(value, &out))
        (void)lines_add(&v->lines, buf_str(&out), out.len);
    else if (r->len)
        (void)lines_add(&v->lines, r->data, r->len);
    cJSON_Delete(value);
    buf_fini(&out);
    return VIEW_HANDLED | VIEW_DRAW;
}

/* Goes to the next line behind the top one that the search finds. */
static void text_next(struct text *v, size_t from)
{
    for (size_t i = 0; v->find.term_count && i < v->lines.count; i++) {
        size_t at = (from + i) % v->lines.count;

        if (filter_matches(&v->find, v->lines.items[at])) {
            v->top = at;
            return;
        }
    }
    app_say(v->view.app, COLOUR_DEFAULT, "Nothing is found.");
}

static unsigned text_act(struct view *view, int action)
{
    struct text *v = text_of(view);
    size_t last = v->lines.count > v->height ? v->lines.count - v->height : 0;

    switch (action) {
    case TEXT_UP:
        v->top -= v->top > 0;
        break;
    case TEXT_DOWN:
        v->top += v->top < last;
        break;
    case TEXT_PAGE_UP:
        v->top = v->top > v->height ? v->top - v->height : 0;
        break;
    case TEXT_PAGE_DOWN:
        v->top = v->top + v->height < last ? v->top + v->height : last;
        break;
    case TEXT_NEXT:
        text_next(v, v->top + 1);
        break;
    default:
        v->top = action == TEXT_FIRST ? 0 : last;
        break;
    }
    return VIEW_HANDLED | VIEW_DRAW;
}

static void text_draw(struct view *view, struct canvas *c, struct view_area area)
{
    struct text *v = text_of(view);
    struct canvas_pen pen = canvas_row(c, area.top, COLOUR_VERMILLION);

    v->height = (size_t)area.rows;
    pen.col = 3;
    if (*v->problem || !v->lines.count) {
        if (!*v->problem)
            pen.style = 0;
        canvas_put(c, &pen, *v->problem ? v->problem : "Asking the server ...");
        return;
    }
    for (size_t i = 0; i < v->height && v->top + i < v->lines.count; i++) {
        const char *line = v->lines.items[v->top + i];
        bool found = v->find.term_count && filter_matches(&v->find, line);

        pen = canvas_row(c, area.top + (int)i, found ? CANVAS_BOLD | COLOUR_ORANGE : 0);
        pen.col = 3;
        canvas_put(c, &pen, line);
    }
}

static void text_crumb(const struct view *view, char *out, size_t size)
{
    const struct text *v = text_of(view);

    snprintf(out, size, "%s [%zu/%zu]%s%s", v->title, v->lines.count ? v->top + 1 : 0, v->lines.count,
             *v->find.text ? "  /" : "", v->find.text);
}

static unsigned text_filter(struct view *view, const char *typed)
{
    struct text *v = text_of(view);
    struct err e = {0};

    if (filter_set_expression(&v->find, typed, &e))
        app_say(view->app, COLOUR_ORANGE, "%s", e.text);
    else if (*typed)
        text_next(v, v->top);
    return VIEW_DRAW;
}

static const char *text_filter_text(const struct view *view)
{
    return text_of(view)->find.text;
}

const struct view_ops *text_view(void)
{
    static const struct view_ops ops = {
        .name = "yaml",
        .keys = {text_keys, sizeof text_keys / sizeof *text_keys},
        .create = text_create,
        .destroy = text_destroy,
        .fetch = text_fetch,
        .act = text_act,
        .result = text_result,
        .draw = text_draw,
        .crumb = text_crumb,
        .filter = text_filter,
        .filter_text = text_filter_text,
    };

    return &ops;
}
