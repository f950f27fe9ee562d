/* SPDX-License-Identifier: MIT
 *
 * The nodes and what is in use on them, with a bar of GPU cells; an admin takes them out of use here, and back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "tui/app.h"
#include "tui/filter.h"
#include "tui/model.h"
#include "tui/model_cluster.h"
#include "tui/views/calls.h"
#include "tui/views/cursor.h"
#include "tui/views/marks.h"
#include "tui/views/reply.h"
#include "tui/views/views.h"

struct nodes {
    struct view view;
    struct reply reply;
    struct model_nodes list;
    size_t *shown; /* of the list, those that fit the filter; in the reply's arena */
    size_t shown_count;
    struct cursor cursor; /* of those */
    struct filter filter;
    struct marks marks;
    struct calls calls;
};

enum { NODES_OPEN = 1, NODES_MARK, NODES_UNMARK, NODES_CORDON, NODES_DRAIN, NODES_UNCORDON };

static const struct keys_row nodes_keys[] = {
    {KEYS_ENTER, 'd', "Enter, d", "open", "Its GPUs, with curves", NODES_OPEN, false},
    {' ', 0, "space", "mark", "Mark or unmark the row", NODES_MARK, false},
    {'c', 0, "c", "cordon", "Nothing new starts on the marked nodes, or the one under the cursor", NODES_CORDON, true},
    {'D', 0, "D", "drain", "The same, and they are to be emptied", NODES_DRAIN, true},
    {'U', 0, "U", "uncordon", "They take tasks again", NODES_UNCORDON, true},
    {'u', 0, "u", NULL, "Unmark all", NODES_UNMARK, false},
    CURSOR_KEYS,
};

static void body_cordon(struct json_out *j, const char *name, const char *arg)
{
    (void)name;
    (void)arg;
    json_out_kstring(j, "value", "cordon");
}

static void body_drain(struct json_out *j, const char *name, const char *arg)
{
    (void)name;
    (void)arg;
    json_out_kstring(j, "value", "drain");
}

static void body_uncordon(struct json_out *j, const char *name, const char *arg)
{
    (void)name;
    (void)arg;
    json_out_kstring(j, "value", "uncordon");
}

#define NODES_CALL .many = "nodes", .one = "node ", .method = "PUT", .path = "/api/v2/nodes/%s/state"

static const struct calls_kind cordon = {NODES_CALL,
                                         .verb = "Cordon",
                                         .said = {"node is cordoned", "nodes are cordoned"},
                                         .warning = "Nothing new starts there; what runs goes on.",
                                         .not_done = "Nothing was cordoned.",
                                         .body = body_cordon};
static const struct calls_kind drain = {NODES_CALL,
                                        .verb = "Drain",
                                        .said = {"node is being drained", "nodes are being drained"},
                                        .warning = "Nothing new starts; what runs goes on to its end.",
                                        .not_done = "Nothing was drained.",
                                        .body = body_drain};
static const struct calls_kind uncordon = {NODES_CALL, .verb = "Uncordon",
                                           .said = {"node takes tasks again", "nodes take tasks again"},
                                           .not_done = "Nothing was uncordoned.", .body = body_uncordon};

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
    struct nodes *v = nodes_of(view);

    reply_fini(&v->reply, view->app);
    filter_fini(&v->filter);
    marks_clear(&v->marks);
    calls_fini(&v->calls);
    free(v);
}

static void nodes_fetch(struct view *view)
{
    reply_want(&nodes_of(view)->reply, view->app, "/api/v2/nodes");
}

static const struct model_node *under(const struct nodes *v)
{
    return v->cursor.at < v->shown_count ? &v->list.items[v->shown[v->cursor.at]] : NULL;
}

/* Which nodes the filter lets through; the cursor goes to `name` when it is among them. */
static void choose(struct nodes *v, const char *name)
{
    struct buf row;

    v->shown_count = 0;
    v->shown = v->reply.arena ? arena_calloc(v->reply.arena, v->list.count + 1, sizeof *v->shown) : NULL;
    buf_init(&row, 1 << 16);
    for (size_t i = 0; v->shown && i < v->list.count; i++) {
        const struct model_node *n = &v->list.items[i];

        buf_reset(&row);
        (void)buf_addf(&row, "%s %s %s %s", n->name, n->state, n->gpu_model, n->quarantined ? "quarantined" : "");
        if (!filter_matches(&v->filter, buf_str(&row)))
            continue;
        if (!strcmp(n->name, name))
            v->cursor.at = v->shown_count;
        v->shown[v->shown_count++] = i;
    }
    buf_fini(&row);
    cursor_fit(&v->cursor, v->shown_count, v->cursor.height);
}

static int read_nodes(struct arena *a, const struct cJSON *json, void *into)
{
    return model_read_nodes(a, json, into, NULL);
}

static unsigned nodes_result(struct view *view, const struct source_result *r)
{
    struct nodes *v = nodes_of(view);
    char name[256];
    bool over = false;

    if (calls_result(&v->calls, view->app, r, &over)) {
        if (over && !v->calls.failed)
            marks_clear(&v->marks);
        return VIEW_HANDLED | VIEW_DRAW | (over ? VIEW_FETCH : 0);
    }
    snprintf(name, sizeof name, "%s", under(v) ? under(v)->name : "");
    if (!reply_result(&v->reply, r, read_nodes, &v->list, sizeof v->list))
        return VIEW_IGNORED;
    if (!*v->reply.problem)
        choose(v, name);
    return VIEW_HANDLED | VIEW_DRAW;
}

static void ask(struct nodes *v, const struct calls_kind *kind, const struct model_node *n)
{
    calls_ask(&v->calls, v->view.app,
              &(struct calls_question){.kind = kind, .marked = &v->marks, .one = n ? n->name : NULL});
}

static unsigned nodes_act(struct view *view, int action)
{
    struct nodes *v = nodes_of(view);
    const struct model_node *n = under(v);

    if (cursor_act(&v->cursor, action))
        return VIEW_HANDLED | VIEW_DRAW;
    if (action == NODES_UNMARK)
        marks_clear(&v->marks);
    else if (action == NODES_CORDON)
        ask(v, &cordon, n);
    else if (action == NODES_DRAIN)
        ask(v, &drain, n);
    else if (action == NODES_UNCORDON)
        ask(v, &uncordon, n);
    else if (n && action == NODES_OPEN)
        app_push(view->app, node_view(), n->name);
    else if (n && action == NODES_MARK) {
        (void)marks_toggle(&v->marks, n->name);
        (void)cursor_act(&v->cursor, CURSOR_DOWN);
    }
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned nodes_confirmed(struct view *view, bool yes)
{
    calls_answer(&nodes_of(view)->calls, view->app, yes);
    return VIEW_DRAW;
}

static unsigned nodes_filter(struct view *view, const char *text)
{
    struct nodes *v = nodes_of(view);
    struct err e = {0};

    if (filter_set_words(&v->filter, text, &e))
        app_say(view->app, COLOUR_ORANGE, "%s", e.text);
    else
        choose(v, under(v) ? under(v)->name : "");
    return VIEW_DRAW;
}

static const char *nodes_filter_text(const struct view *view)
{
    return nodes_of(view)->filter.text;
}

/* ---- drawing ---- */

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

static void nodes_row(const struct nodes *v, struct canvas *c, int row, const struct model_node *n)
{
    struct canvas_pen pen = canvas_row(c, row, 0);
    bool marked = marks_has(&v->marks, n->name);
    char text[64];

    pen.style = marked ? CANVAS_BOLD : 0;
    canvas_put(c, &pen, n == under(v) ? canvas_glyph(c, "▸", ">") : " ");
    canvas_put(c, &pen, marked ? "*" : " ");
    pen.col = 3;
    canvas_fit(c, &pen, n->name, nodes_name_width(c), false);
    canvas_put(c, &pen, " ");
    pen.style = model_takes(n->state) ? 0 : strcmp(n->state, "down") ? COLOUR_ORANGE : COLOUR_VERMILLION;
    canvas_fit(c, &pen, n->state, 10, false);
    pen.style = 0;
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
    if (n == under(v))
        canvas_mark_row(c, row, CANVAS_REVERSE);
}

static void nodes_draw(struct view *view, struct canvas *c, struct view_area area)
{
    struct nodes *v = nodes_of(view);
    struct canvas_pen pen = canvas_row(c, area.top, CANVAS_DIM);

    pen.col = 3;
    if (!v->reply.loaded) {
        canvas_put(c, &pen, *v->reply.problem ? v->reply.problem : "Asking the server ...");
        return;
    }
    canvas_fit(c, &pen, "NODE", nodes_name_width(c) + 1, false);
    canvas_fit(c, &pen, "STATE", 10, false);
    canvas_fit(c, &pen, "CPUS", 9, true);
    canvas_fit(c, &pen, "MEMORY", 15, true);
    canvas_fit(c, &pen, "GPUS", 8, true);
    cursor_fit(&v->cursor, v->shown_count, (size_t)area.rows - 1);
    for (size_t i = 0; i < v->cursor.height && v->cursor.top + i < v->shown_count; i++)
        nodes_row(v, c, area.top + 1 + (int)i, &v->list.items[v->shown[v->cursor.top + i]]);
    if (!v->shown_count) {
        pen = canvas_row(c, area.top + 1, 0);
        pen.col = 3;
        canvas_put(c, &pen, *v->filter.text ? "No node fits the filter; Esc clears it." : "The cluster has no nodes.");
    }
}

static void nodes_crumb(const struct view *view, char *out, size_t size)
{
    const struct nodes *v = nodes_of(view);
    const struct canvas *c = &view->app->canvas;
    char marked[64] = "";
    bool filtered = *v->filter.text != '\0';

    if (v->marks.count)
        snprintf(marked, sizeof marked, "  %zu marked", v->marks.count);
    snprintf(out, size, "%s%s%s[%zu/%zu]%s", filtered ? canvas_glyph(c, "‹", "<") : "", v->filter.text,
             filtered ? canvas_glyph(c, "› ", "> ") : "", v->shown_count ? v->cursor.at + 1 : 0, v->shown_count,
             marked);
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
        .filter = nodes_filter,
        .filter_text = nodes_filter_text,
        .confirmed = nodes_confirmed,
    };

    return &ops;
}
