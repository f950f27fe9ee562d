/* SPDX-License-Identifier: MIT
 *
 * The nodes and what is in use on them, with a bar of GPU cells.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "tui/app.h"
#include "tui/model.h"
#include "tui/transfer.h"
#include "tui/views/views.h"

struct nodes {
    struct view view;
    struct arena *arena;
    struct model_nodes list;
    bool loaded;
    uint64_t ask;
    size_t top;
    int height;
};

enum { NODES_UP = 1, NODES_DOWN };

static const struct keys_row nodes_keys[] = {
    {KEYS_UP, 'k', "Up, k", NULL, "Scroll up", NODES_UP, false},
    {KEYS_DOWN, 'j', "Down, j", NULL, "Scroll down", NODES_DOWN, false},
};

static struct nodes *nodes_of(const struct view *v)
{
    return (struct nodes *)v;
}

static struct view *nodes_create(struct app *app, const char *arg)
{
    struct nodes *v = calloc(1, sizeof *v);

    (void)arg;
    if (v)
        v->view = (struct view){nodes_view(), app};
    return v ? &v->view : NULL;
}

static void nodes_destroy(struct view *view)
{
    source_cancel(view->app->config.source, nodes_of(view)->ask);
    arena_destroy(nodes_of(view)->arena);
    free(view);
}

static void nodes_fetch(struct view *view)
{
    struct nodes *v = nodes_of(view);

    if (!v->ask)
        v->ask = app_get(view->app, "/api/v2/nodes");
}

static unsigned nodes_result(struct view *view, const struct source_result *r)
{
    struct nodes *v = nodes_of(view);
    struct arena *a;
    struct model_nodes list;
    cJSON *reply;

    if (!v->ask || r->id != v->ask)
        return VIEW_IGNORED;
    v->ask = 0;
    if (r->failed)
        return VIEW_HANDLED;
    a = arena_create(64u << 20);
    reply = json_parse(r->data ? r->data : "", r->len, TRANSFER_MAX_BODY, NULL);
    if (a && reply && !model_read_nodes(a, reply, &list, NULL)) {
        arena_destroy(v->arena);
        v->arena = a;
        v->list = list;
        v->loaded = true;
    } else {
        arena_destroy(a);
    }
    cJSON_Delete(reply);
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned nodes_act(struct view *view, int action)
{
    struct nodes *v = nodes_of(view);

    if (action == NODES_UP)
        v->top -= v->top > 0;
    else
        v->top += v->top + (size_t)v->height < v->list.count;
    return VIEW_HANDLED | VIEW_DRAW;
}

/* One cell a GPU: filled when in use. */
static void nodes_gpus(struct canvas *c, struct canvas_pen *pen, const struct model_node *n)
{
    for (int64_t i = 0; i < n->gpus && i < 16; i++) {
        pen->style = i < n->gpus_used ? COLOUR_BLUE : COLOUR_GREY;
        canvas_put(c, pen, i < n->gpus_used ? canvas_glyph(c, "■", "#") : canvas_glyph(c, "□", "."));
    }
    pen->style = 0;
}

/* Columns of a name: what narrow screens leave of 16, since the numbers behind it are what one came for. */
static int nodes_name_width(const struct canvas *c)
{
    int left = c->cols - 46;

    return left < 8 ? 8 : left > 16 ? 16 : left;
}

static void nodes_row(struct canvas *c, int row, const struct model_node *n)
{
    struct canvas_pen pen = canvas_row(c, row, 0);
    char text[64];

    pen.col = 3;
    canvas_fit(c, &pen, n->name, nodes_name_width(c), false);
    canvas_put(c, &pen, " ");
    canvas_fit(c, &pen, n->state, 10, false);
    snprintf(text, sizeof text, "%lld/%lld", (long long)n->cpus_used, (long long)n->cpus);
    canvas_fit(c, &pen, text, 9, true);
    snprintf(text, sizeof text, "%.0f/%.0f GiB", (double)n->memory_used_mb / 1024, (double)n->memory_mb / 1024);
    canvas_fit(c, &pen, text, 15, true);
    snprintf(text, sizeof text, "%lld/%lld", (long long)n->gpus_used, (long long)n->gpus);
    canvas_fit(c, &pen, text, 8, true);
    canvas_put(c, &pen, "  ");
    nodes_gpus(c, &pen, n);
    canvas_putf(c, &pen, " %s%s", n->gpu_model,
                n->simulated && strcmp(n->gpu_model, "simulated") ? " (simulated)" : "");
    pen.style = COLOUR_VERMILLION;
    if (n->quarantined > 0)
        canvas_putf(c, &pen, ", %lld quarantined", (long long)n->quarantined);
}

static void nodes_draw(struct view *view, struct canvas *c, struct view_area area)
{
    struct nodes *v = nodes_of(view);
    struct canvas_pen pen = canvas_row(c, area.top, CANVAS_DIM);

    v->height = area.rows - 1;
    pen.col = 3;
    if (!v->loaded) {
        canvas_put(c, &pen, "Asking the server ...");
        return;
    }
    canvas_fit(c, &pen, "NODE", nodes_name_width(c) + 1, false);
    canvas_fit(c, &pen, "STATE", 10, false);
    canvas_fit(c, &pen, "CPUS", 9, true);
    canvas_fit(c, &pen, "MEMORY", 15, true);
    canvas_fit(c, &pen, "GPUS", 8, true);
    for (size_t i = v->top; i < v->list.count && (int)(i - v->top) < v->height; i++)
        nodes_row(c, area.top + 1 + (int)(i - v->top), &v->list.items[i]);
}

static void nodes_crumb(const struct view *view, char *out, size_t size)
{
    snprintf(out, size, "[%zu]", nodes_of(view)->list.count);
}

const struct view_ops *nodes_view(void)
{
    static const struct view_ops ops = {
        .name = "nodes",
        .keys = {nodes_keys, sizeof nodes_keys / sizeof *nodes_keys},
        .create = nodes_create,
        .destroy = nodes_destroy,
        .fetch = nodes_fetch,
        .act = nodes_act,
        .result = nodes_result,
        .draw = nodes_draw,
        .crumb = nodes_crumb,
    };

    return &ops;
}
