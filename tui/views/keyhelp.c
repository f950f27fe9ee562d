/* SPDX-License-Identifier: MIT
 *
 * The keys of the view below, from its table and the global one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tui/app.h"
#include "tui/views/list.h"
#include "tui/views/views.h"

struct keyhelp {
    struct view view;
    const struct view_ops *about;
    int top; /* rows scrolled away */
    int rows;
};

enum { KEYHELP_CLOSE = 1, KEYHELP_UP, KEYHELP_DOWN };

static struct view *keyhelp_create(struct app *app, const char *arg)
{
    struct keyhelp *v = calloc(1, sizeof *v);

    (void)arg;
    if (!v)
        return NULL;
    v->view = (struct view){keyhelp_view(), app};
    v->about = app->depth ? app->stack[app->depth - 1]->ops : keyhelp_view();
    return &v->view;
}

static void keyhelp_destroy(struct view *v)
{
    free(v);
}

static void keyhelp_fetch(struct view *v)
{
    (void)v;
}

static unsigned keyhelp_act(struct view *v, int action)
{
    struct keyhelp *h = (struct keyhelp *)v;

    if (action == KEYHELP_CLOSE)
        return VIEW_HANDLED | VIEW_BACK | VIEW_DRAW;
    h->top += action == KEYHELP_DOWN ? (h->top + 1 < h->rows) : -(h->top > 0);
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned keyhelp_result(struct view *v, const struct source_result *r)
{
    (void)v;
    (void)r;
    return VIEW_IGNORED;
}

/* Draws the rows of a table from `row` on, those within the area; the row behind them. */
static int keyhelp_rows(const struct keyhelp *v, struct canvas *c, int row, const struct keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct keys_row *k = &keys->rows[i];
        struct canvas_pen pen = canvas_row(c, row, CANVAS_BOLD);

        if (k->writes && v->view.app->config.readonly)
            continue;
        row++;
        if (row - 1 < 2 || row - 1 >= c->rows - 1)
            continue;
        pen.col = 3;
        canvas_fit(c, &pen, k->label, 12, false);
        pen.style = 0;
        canvas_put(c, &pen, k->help);
    }
    return row;
}

static void keyhelp_draw(struct view *view, struct canvas *c, struct view_area area)
{
    struct keyhelp *v = (struct keyhelp *)view;
    static const struct keys_row filter_row = {
        '/', 0, "/", NULL, "Filter: words, vc: user: state:, regular expressions, ! for \"not\"", 1, false};
    static const struct keys_row search_row = {'/', 0, "/", NULL, "Search: a regular expression", 1, false};
    static const struct keys_row list_row = {
        '/', 0, "/", NULL, "Filter: words, COLUMN:word, regular expressions, ! for \"not\"", 1, false};
    bool search = v->about == log_view() || v->about == text_view();
    struct keys slash = {search ? &search_row : v->about->filter == list_filter ? &list_row : &filter_row, 1};
    int first = area.top - v->top;
    int row = keyhelp_rows(v, c, first, &v->about->keys);

    if (v->about->filter)
        row = keyhelp_rows(v, c, row, &slash);
    v->rows = keyhelp_rows(v, c, row, keys_global()) - first - area.rows + 1;
}

static void keyhelp_crumb(const struct view *view, char *out, size_t size)
{
    snprintf(out, size, "of %s", ((const struct keyhelp *)view)->about->name);
}

static const struct keys_row keyhelp_keys[] = {
    {'?', KEYS_ENTER, "?", "close", "Close", KEYHELP_CLOSE, false},
    {KEYS_UP, 'k', "Up, k", NULL, "Up", KEYHELP_UP, false},
    {KEYS_DOWN, 'j', "Down, j", "more", "Down", KEYHELP_DOWN, false},
};

const struct view_ops *keyhelp_view(void)
{
    static const struct view_ops ops = {
        .name = "keys",
        .keys = {keyhelp_keys, sizeof keyhelp_keys / sizeof *keyhelp_keys},
        .create = keyhelp_create,
        .destroy = keyhelp_destroy,
        .fetch = keyhelp_fetch,
        .act = keyhelp_act,
        .result = keyhelp_result,
        .draw = keyhelp_draw,
        .crumb = keyhelp_crumb,
    };

    return &ops;
}
