/* SPDX-License-Identifier: MIT
 *
 * One node: each of its GPUs with its figures, and a curve of the last minutes: how busy it was, filled, and its memory
 * as a line over it. As many rows for a curve as the screen has left, in two columns where it is wide.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tui/app.h"
#include "tui/bars.h"
#include "tui/format.h"
#include "tui/model_cluster.h"
#include "tui/transfer.h"
#include "tui/views/cursor.h"
#include "tui/views/reply.h"
#include "tui/views/views.h"

#define NODE_WIDE 140 /* columns from which there are two of GPUs */
#define NODE_PLOT_MAX 12

struct node {
    struct view view;
    char name[256];
    struct reply reply;
    struct model_devices devices;
    struct cursor cursor; /* of the GPUs */
};

enum { NODE_OPEN = 1 };

static const struct keys_row node_keys[] = {
    {KEYS_ENTER, 'd', "Enter, d", "its job", "The job that has the GPU under the cursor", NODE_OPEN, false},
    CURSOR_KEYS,
};

static struct node *node_of(const struct view *v)
{
    return (struct node *)v;
}

static struct view *node_create(struct app *app, const char *arg)
{
    struct node *v = calloc(1, sizeof *v);

    if (!v)
        return NULL;
    v->view = (struct view){node_view(), app};
    snprintf(v->name, sizeof v->name, "%s", arg);
    return &v->view;
}

static void node_destroy(struct view *view)
{
    reply_fini(&node_of(view)->reply, view->app);
    free(view);
}

static void node_fetch(struct view *view)
{
    struct node *v = node_of(view);
    struct buf path;

    buf_init(&path, 2048);
    (void)buf_adds(&path, "/api/v2/nodes/");
    transfer_escape(&path, v->name);
    (void)buf_addf(&path, "/gpus?seconds=%d", MODEL_SERIES);
    reply_want(&v->reply, view->app, buf_str(&path));
    buf_fini(&path);
}

static unsigned node_result(struct view *view, const struct source_result *r)
{
    struct node *v = node_of(view);

    if (!reply_result(&v->reply, r, model_read_devices, &v->devices, sizeof v->devices))
        return VIEW_IGNORED;
    cursor_fit(&v->cursor, v->devices.count, v->cursor.height);
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned node_act(struct view *view, int action)
{
    struct node *v = node_of(view);
    const struct model_device *d = v->cursor.at < v->devices.count ? &v->devices.items[v->cursor.at] : NULL;
    char full[512];

    if (cursor_act(&v->cursor, action) || !d)
        return VIEW_HANDLED | VIEW_DRAW;
    snprintf(full, sizeof full, "%.*s", (int)strcspn(d->task, " "), d->task);
    if (*full)
        app_push(view->app, detail_view(), full);
    else
        app_say(view->app, COLOUR_DEFAULT, "Nobody has GPU %d.", d->index);
    return VIEW_HANDLED | VIEW_DRAW;
}

/* ---- drawing ---- */

/* "GPU 0  93 %  40.1/80.0 GiB  412 W  61 °C  ana~train main-0" */
static void draw_figures(struct canvas *c, struct canvas_pen *pen, const struct model_device *d)
{
    pen->style = CANVAS_BOLD;
    canvas_putf(c, pen, "GPU %-2d", d->index);
    pen->style = COLOUR_BLUE;
    if (d->utilization >= 0)
        canvas_putf(c, pen, " %3d %%", d->utilization);
    else
        canvas_put(c, pen, "   ? %");
    pen->style = COLOUR_ORANGE;
    if (d->memory_used >= 0 && d->memory_total > 0)
        canvas_putf(c, pen, "  %5.1f/%.1f GiB", (double)d->memory_used / (1 << 30),
                    (double)d->memory_total / (1 << 30));
    pen->style = 0;
    if (d->power_mw >= 0)
        canvas_putf(c, pen, "  %3d W", (int)(d->power_mw / 1000));
    if (d->temperature >= 0)
        canvas_putf(c, pen, "  %d %s", d->temperature, canvas_glyph(c, "°C", "C"));
    if (*d->problem) {
        pen->style = COLOUR_VERMILLION | CANVAS_BOLD;
        canvas_putf(c, pen, "  %s", d->problem);
        pen->style = 0;
    }
    pen->style = *d->task ? 0 : COLOUR_GREY;
    canvas_putf(c, pen, "  %s", *d->task ? d->task : "free");
}

struct plan {
    int cols;     /* of GPUs side by side */
    int plot;     /* rows of a curve */
    size_t lines; /* of GPUs on the screen */
    int width;    /* of a GPU */
};

static struct plan plan_for(const struct canvas *c, int rows, size_t gpus)
{
    struct plan p = {.cols = c->cols >= NODE_WIDE && gpus > 1 ? 2 : 1, .plot = 1};
    size_t lines = (gpus + (size_t)p.cols - 1) / (size_t)p.cols;

    if (lines && (size_t)rows / lines > 2)
        p.plot = (int)((size_t)rows / lines) - 1;
    p.plot = p.plot > NODE_PLOT_MAX ? NODE_PLOT_MAX : p.plot;
    p.lines = (size_t)(rows / (p.plot + 1));
    p.width = (c->cols - 2) / p.cols;
    return p;
}

static void draw_device(const struct node *v, struct canvas *c, const struct plan *p, struct canvas_pen pen, size_t at)
{
    const struct model_device *d = &v->devices.items[at];
    struct bars_area area = {pen.row + 1, pen.col + 2, p->plot, p->width - 4};
    int from = pen.col;

    canvas_put(c, &pen, at == v->cursor.at ? canvas_glyph(c, "▸ ", "> ") : "  ");
    draw_figures(c, &pen, d);
    for (int col = from; at == v->cursor.at && col < pen.end && col < c->cols; col++)
        c->cells[pen.row * c->cols + col].style |= CANVAS_REVERSE;
    bars_plot(c, area, (struct bars_curve){d->busy, MODEL_SERIES},
              (struct bars_curve){d->memory, p->plot > 1 ? MODEL_SERIES : 0});
}

static void node_draw(struct view *view, struct canvas *c, struct view_area area)
{
    struct node *v = node_of(view);
    struct canvas_pen pen = canvas_row(c, area.top, 0);
    struct plan p = plan_for(c, area.rows - 1, v->devices.count);
    size_t shown;

    pen.col = 2;
    if (!v->reply.loaded || !v->devices.count) {
        canvas_put(c, &pen,
                   *v->reply.problem  ? v->reply.problem
                   : !v->reply.loaded ? "Asking the server ..."
                                      : "This node has no GPUs.");
        return;
    }
    canvas_putf(c, &pen, "%s%s, the last %d minutes  ", v->devices.items[0].model,
                v->devices.items[0].simulated ? " (simulated)" : "", MODEL_SERIES / 60);
    pen.style = COLOUR_BLUE;
    canvas_putf(c, &pen, "%s ", c->ascii ? "#" : "█");
    pen.style = 0;
    canvas_put(c, &pen, "busy  ");
    pen.style = COLOUR_ORANGE;
    canvas_put(c, &pen, p.plot > 1 ? canvas_glyph(c, "• ", "o ") : "");
    pen.style = 0;
    canvas_put(c, &pen, p.plot > 1 ? "memory" : "");
    shown = p.lines * (size_t)p.cols;
    cursor_fit(&v->cursor, v->devices.count, shown);
    for (size_t i = 0; i < shown && v->cursor.top + i < v->devices.count; i++) {
        int line = (int)(i / (size_t)p.cols), side = (int)(i % (size_t)p.cols);

        pen = canvas_row(c, area.top + 1 + line * (p.plot + 1), 0);
        pen.col = 1 + side * p.width;
        pen.end = pen.col + p.width - 1;
        draw_device(v, c, &p, pen, v->cursor.top + i);
    }
}

static void node_crumb(const struct view *view, char *out, size_t size)
{
    const struct node *v = node_of(view);

    snprintf(out, size, "%s [%zu/%zu GPUs]", v->name, v->devices.count ? v->cursor.at + 1 : 0, v->devices.count);
}

const struct view_ops *node_view(void)
{
    static const struct view_ops ops = {
        .name = "node",
        .keys = {node_keys, sizeof node_keys / sizeof *node_keys},
        .create = node_create,
        .destroy = node_destroy,
        .fetch = node_fetch,
        .act = node_act,
        .result = node_result,
        .draw = node_draw,
        .crumb = node_crumb,
        .refresh_ms = 2000,
    };

    return &ops;
}
