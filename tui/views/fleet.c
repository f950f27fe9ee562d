/* SPDX-License-Identifier: MIT
 *
 * The map of all GPUs: a cell each, its height the use and its hue whose it is; nodes side by side under the head of
 * their SKU, as many as there is room for, with their names or (z) without. Only what is on the screen is drawn.
 *
 *     a100  512 GPUs, 480 held
 *     a100-01 ▇▇▇▅▇▇▇▇  a100-02 ▂▂▂▂·░░×
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "tui/app.h"
#include "tui/bars.h"
#include "tui/filter.h"
#include "tui/model_cluster.h"
#include "tui/views/fleet_grid.h"
#include "tui/views/reply.h"
#include "tui/views/views.h"

#define FLEET_STRIP 4
#define FLEET_NAME 20 /* columns of a name at most */

/* Which GPUs are meant. */
enum show { SHOW_ALL, SHOW_FREE, SHOW_HELD, SHOW_IDLE, SHOW_WRONG, SHOW_COUNT };

static const char *const show_words[SHOW_COUNT] = {"all", "free", "held", "held, idle", "faulty"};

struct fleet {
    struct view view;
    struct reply reply;
    struct model_fleet map;
    struct filter filter;
    enum show show;
    bool dense;    /* without names */
    bool memory;   /* height is memory instead of use */
    size_t *shown; /* tiles that the filter means; in the reply's arena */
    size_t shown_count;
    size_t at;  /* the cursor, of those */
    size_t top; /* the first line on the screen */
    struct fleet_grid grid;
    char wanted[128]; /* the SKU to begin with, "" = done */
};

enum {
    FLEET_OPEN = 1,
    FLEET_LEFT,
    FLEET_RIGHT,
    FLEET_UP,
    FLEET_DOWN,
    FLEET_PAGE_UP,
    FLEET_PAGE_DOWN,
    FLEET_FIRST,
    FLEET_LAST,
    FLEET_DENSE,
    FLEET_SHOW,
    FLEET_FIGURE,
};

static const struct keys_row fleet_keys[] = {
    {KEYS_ENTER, 'd', "Enter, d", "node", "The GPUs of the node, with curves", FLEET_OPEN, false},
    {'z', 0, "z", "names", "With the names of the nodes, or without, which shows more of them", FLEET_DENSE, false},
    {'w', 0, "w", "which", "All, free, held, held and idle, or faulty ones", FLEET_SHOW, false},
    {'M', 0, "M", "memory", "The height is memory in use, or how busy the GPU is", FLEET_FIGURE, false},
    {KEYS_LEFT, 'h', "Left, h", NULL, "The node before", FLEET_LEFT, false},
    {KEYS_RIGHT, 'l', "Right, l", NULL, "The next node", FLEET_RIGHT, false},
    {KEYS_UP, 'k', "Up, k", NULL, "Row up", FLEET_UP, false},
    {KEYS_DOWN, 'j', "Down, j", NULL, "Row down", FLEET_DOWN, false},
    {KEYS_PAGE_UP, 'b', "PgUp, b", NULL, "Page up", FLEET_PAGE_UP, false},
    {KEYS_PAGE_DOWN, 'f', "PgDn, f", NULL, "Page down", FLEET_PAGE_DOWN, false},
    {KEYS_HOME, 'g', "Home, g", NULL, "First node", FLEET_FIRST, false},
    {KEYS_END, 'G', "End, G", NULL, "Last node", FLEET_LAST, false},
};

static struct fleet *fleet_of(const struct view *v)
{
    return (struct fleet *)v;
}

static struct view *fleet_create(struct app *app, const char *arg)
{
    struct fleet *v = calloc(1, sizeof *v);

    if (!v)
        return NULL;
    v->view = (struct view){fleet_view(), app};
    snprintf(v->wanted, sizeof v->wanted, "%s", arg ? arg : "");
    return &v->view;
}

static void fleet_destroy(struct view *view)
{
    struct fleet *v = fleet_of(view);

    reply_fini(&v->reply, view->app);
    filter_fini(&v->filter);
    fleet_grid_fini(&v->grid);
    free(v);
}

static void fleet_fetch(struct view *view)
{
    reply_want(&fleet_of(view)->reply, view->app, "/api/v2/gpus");
}

static const struct model_tile *tile_at(const struct fleet *v, size_t at)
{
    return at < v->shown_count ? &v->map.tiles[v->shown[at]] : NULL;
}

/* ---- which GPUs are meant ---- */

static bool held(const struct model_cell *c)
{
    return c->holder != MODEL_NOBODY;
}

static bool meant(const struct fleet *v, const struct model_cell *c)
{
    switch (v->show) {
    case SHOW_FREE:
        return !held(c) && c->wrong == MODEL_SOUND;
    case SHOW_HELD:
        return held(c);
    case SHOW_IDLE:
        return held(c) && c->utilization == 0;
    case SHOW_WRONG:
        return c->wrong != MODEL_SOUND;
    default:
        return true;
    }
}

/* The text of a node as the filter sees it: with those who hold its GPUs. */
static void tile_text(const struct fleet *v, const struct model_tile *t, struct buf *out)
{
    int32_t last = MODEL_NOBODY;

    buf_reset(out);
    (void)buf_addf(out, "%s %s %s %s", t->name, t->state, t->sku, t->model);
    for (size_t i = 0; i < t->count; i++) {
        int32_t holder = t->cells[i].holder;

        if (holder >= 0 && holder != last)
            (void)buf_addf(out, " %s %s", v->map.holders[holder].full, v->map.holders[holder].vc);
        last = holder;
    }
}

static bool shows(const struct fleet *v, const struct model_tile *t, struct buf *text)
{
    bool any = v->show == SHOW_ALL;

    for (size_t i = 0; !any && i < t->count; i++)
        any = meant(v, &t->cells[i]);
    if (!any || !v->filter.term_count)
        return any;
    tile_text(v, t, text);
    return filter_matches(&v->filter, buf_str(text));
}

/* Chooses the tiles; the cursor stays on its node, or goes to the first of the SKU that was asked for. */
static void choose(struct fleet *v, const char *name)
{
    struct buf text;

    v->shown_count = 0;
    v->shown = v->reply.arena ? arena_calloc(v->reply.arena, v->map.count + 1, sizeof *v->shown) : NULL;
    buf_init(&text, 1 << 20);
    for (size_t i = 0; v->shown && i < v->map.count; i++) {
        const struct model_tile *t = &v->map.tiles[i];

        if (!shows(v, t, &text))
            continue;
        if (*v->wanted && !strcmp(v->wanted, t->sku)) {
            v->at = v->shown_count;
            v->wanted[0] = '\0';
        } else if (!strcmp(name, t->name)) {
            v->at = v->shown_count;
        }
        v->shown[v->shown_count++] = i;
    }
    buf_fini(&text);
    if (v->at >= v->shown_count)
        v->at = v->shown_count ? v->shown_count - 1 : 0;
    fleet_grid_fini(&v->grid); /* laid out again when it is drawn */
}

static unsigned rechoose(struct fleet *v)
{
    const struct model_tile *t = tile_at(v, v->at);
    char name[256];

    snprintf(name, sizeof name, "%s", t ? t->name : "");
    choose(v, name);
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned fleet_result(struct view *view, const struct source_result *r)
{
    struct fleet *v = fleet_of(view);
    const struct model_tile *t = tile_at(v, v->at);
    char name[256];

    snprintf(name, sizeof name, "%s", t ? t->name : "");
    if (!reply_result(&v->reply, r, model_read_fleet, &v->map, sizeof v->map))
        return VIEW_IGNORED;
    if (!*v->reply.problem)
        choose(v, name);
    return VIEW_HANDLED | VIEW_DRAW;
}

/* ---- keys ---- */

static unsigned move(struct fleet *v, int action)
{
    int page = (int)v->grid.height > 1 ? (int)v->grid.height - 1 : 1;
    size_t last = v->shown_count ? v->shown_count - 1 : 0;

    switch (action) {
    case FLEET_LEFT:
        v->at -= v->at > 0;
        break;
    case FLEET_RIGHT:
        v->at += v->at < last;
        break;
    case FLEET_FIRST:
        v->at = 0;
        break;
    case FLEET_LAST:
        v->at = last;
        break;
    case FLEET_UP:
    case FLEET_DOWN:
        v->at = fleet_grid_move(&v->grid, v->at, action == FLEET_DOWN ? 1 : -1);
        break;
    default:
        v->at = fleet_grid_move(&v->grid, v->at, action == FLEET_PAGE_DOWN ? page : -page);
        break;
    }
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned fleet_act(struct view *view, int action)
{
    struct fleet *v = fleet_of(view);
    const struct model_tile *t = tile_at(v, v->at);

    switch (action) {
    case FLEET_OPEN:
        if (t)
            app_push(view->app, node_view(), t->name);
        return VIEW_HANDLED | VIEW_DRAW;
    case FLEET_DENSE:
        v->dense = !v->dense;
        return rechoose(v);
    case FLEET_SHOW:
        v->show = (v->show + 1) % SHOW_COUNT;
        return rechoose(v);
    case FLEET_FIGURE:
        v->memory = !v->memory;
        return VIEW_HANDLED | VIEW_DRAW;
    default:
        return move(v, action);
    }
}

static unsigned fleet_filter(struct view *view, const char *text)
{
    struct fleet *v = fleet_of(view);
    struct err e = {0};

    if (filter_set_words(&v->filter, text, &e)) {
        app_say(view->app, COLOUR_ORANGE, "%s", e.text);
        return VIEW_DRAW;
    }
    return rechoose(v);
}

static const char *fleet_filter_text(const struct view *view)
{
    return fleet_of(view)->filter.text;
}

/* ---- drawing ---- */

/* Mine, others', hidden. */
static unsigned hue(const struct fleet *v, const struct model_cell *cell)
{
    if (cell->holder < 0)
        return COLOUR_SKY;
    return strcmp(v->map.holders[cell->holder].user, v->view.app->head.user) ? COLOUR_BLUE : COLOUR_GREEN;
}

static void draw_cell(const struct fleet *v, struct canvas *c, struct canvas_pen *pen, const struct model_cell *cell)
{
    int percent = v->memory ? cell->memory : cell->utilization;
    const char *glyph = canvas_glyph(c, "░", ".");

    if (!meant(v, cell)) {
        pen->style = COLOUR_GREY | CANVAS_DIM;
        glyph = canvas_glyph(c, "·", " ");
    } else if (cell->wrong != MODEL_SOUND) {
        pen->style = COLOUR_VERMILLION | CANVAS_BOLD;
        glyph = canvas_glyph(c, "×", "x");
    } else if (!held(cell)) {
        pen->style = COLOUR_GREY;
    } else if (cell->utilization == 0 && !v->memory) {
        pen->style = COLOUR_ORANGE;
        glyph = canvas_glyph(c, "•", "i");
    } else {
        pen->style = hue(v, cell);
        glyph = percent < 0 ? "?" : bars_level(c, percent);
    }
    canvas_put(c, pen, glyph);
}

static void draw_tile(const struct fleet *v, struct canvas *c, struct canvas_pen pen, size_t at)
{
    const struct model_tile *t = tile_at(v, at);
    int from = pen.col, row = pen.row;

    if (!v->dense) {
        pen.style = model_takes(t->state) ? 0 : COLOUR_ORANGE;
        canvas_fit(c, &pen, t->name, v->grid.name, false);
        canvas_put(c, &pen, model_takes(t->state) ? " " : canvas_glyph(c, "■", "!"));
    }
    for (size_t i = 0; i < t->count && (int)i < v->grid.cells; i++)
        draw_cell(v, c, &pen, &t->cells[i]);
    for (int col = from; at == v->at && col < pen.col && col < c->cols; col++)
        c->cells[row * c->cols + col].style |= CANVAS_REVERSE;
}

static void draw_head(const struct fleet *v, struct canvas *c, int row, const struct fleet_line *line)
{
    struct canvas_pen pen = canvas_row(c, row, CANVAS_BOLD);
    const struct model_tile *first = tile_at(v, line->first);
    size_t gpus = 0, taken = 0;

    for (size_t i = line->first; i < v->shown_count && !strcmp(tile_at(v, i)->sku, first->sku); i++) {
        const struct model_tile *t = tile_at(v, i);

        for (size_t k = 0; k < t->count; k++) {
            gpus += meant(v, &t->cells[k]);
            taken += meant(v, &t->cells[k]) && held(&t->cells[k]);
        }
    }
    pen.col = 1;
    canvas_put(c, &pen, *first->sku ? first->sku : "?");
    pen.style = CANVAS_DIM;
    canvas_putf(c, &pen, "  %zu of %zu GPUs held%s", taken, gpus, first->simulated ? ", simulated" : "");
}

/* Who holds GPUs of the node, each once. */
static void draw_holders(const struct fleet *v, struct canvas *c, int row, const struct model_tile *t)
{
    struct canvas_pen pen = canvas_row(c, row, 0);
    int32_t last = MODEL_NOBODY;

    canvas_put(c, &pen, " ");
    for (size_t i = 0; i < t->count; i++) {
        const struct model_cell *cell = &t->cells[i];

        if (held(cell) && cell->holder != last) {
            pen.style = hue(v, cell);
            canvas_putf(c, &pen, "%s  ", cell->holder < 0 ? "(not yours to see)" : v->map.holders[cell->holder].full);
        }
        last = held(cell) ? cell->holder : last;
    }
    pen.style = 0;
    if (last == MODEL_NOBODY)
        canvas_put(c, &pen, "nobody has GPUs here");
}

static void draw_strip(const struct fleet *v, struct canvas *c, int row)
{
    struct canvas_pen pen = canvas_row(c, row, COLOUR_GREY);
    const struct model_tile *t = tile_at(v, v->at);
    const char *gap = "  ";

    canvas_fill(c, &pen, canvas_glyph(c, "─", "-"));
    if (t) {
        pen = canvas_row(c, row + 1, CANVAS_BOLD);
        canvas_putf(c, &pen, " %s", t->name);
        pen.style = model_takes(t->state) ? 0 : COLOUR_ORANGE;
        canvas_putf(c, &pen, "  %s", t->state);
        pen.style = 0;
        canvas_putf(c, &pen, "  %zu x %s", t->count, t->model);
        pen.style = COLOUR_VERMILLION;
        for (size_t i = 0; i < t->count; i++, gap = t->cells[i - 1].wrong ? ", " : gap) {
            if (t->cells[i].wrong)
                canvas_putf(c, &pen, "%sGPU %zu %s", gap, i, model_wrong_word(t->cells[i].wrong));
        }
        draw_holders(v, c, row + 2, t);
    }
    pen = canvas_row(c, row + 3, COLOUR_GREEN);
    canvas_putf(c, &pen, " %s ", bars_level(c, 60));
    pen.style = 0;
    canvas_put(c, &pen, "yours  ");
    pen.style = COLOUR_BLUE;
    canvas_putf(c, &pen, "%s ", bars_level(c, 60));
    pen.style = 0;
    canvas_putf(c, &pen, "others', height: %s  ", v->memory ? "memory" : "busy");
    pen.style = COLOUR_ORANGE;
    canvas_put(c, &pen, canvas_glyph(c, "•", "i"));
    pen.style = 0;
    canvas_put(c, &pen, " held, idle  ");
    bars_legend(c, &pen, BARS_FREE, "free");
    bars_legend(c, &pen, BARS_BAD, "faulty");
}

/* A break wherever the SKU changes. */
static bool new_group(const void *of, size_t at)
{
    const struct fleet *v = of;

    return at == 0 || strcmp(tile_at(v, at)->sku, tile_at(v, at - 1)->sku) != 0;
}

static void lay_out(struct fleet *v, const struct canvas *c, int rows)
{
    struct fleet_grid_of of = {.group = new_group, .context = v, .count = v->shown_count, .cols = c->cols};

    if (!v->dense) {
        for (size_t i = 0; i < v->shown_count; i++) {
            int width = canvas_width(tile_at(v, i)->name);

            of.name = width > of.name ? width : of.name;
        }
        of.name = of.name > FLEET_NAME ? FLEET_NAME : of.name;
    }
    for (size_t i = 0; i < v->shown_count; i++) {
        int cells = (int)tile_at(v, i)->count;

        of.cells = cells > of.cells ? cells : of.cells;
    }
    fleet_grid_make(&v->grid, &of);
    v->grid.height = (size_t)rows;
}

static void fleet_draw(struct view *view, struct canvas *c, struct view_area area)
{
    struct fleet *v = fleet_of(view);
    struct canvas_pen pen = canvas_row(c, area.top, 0);
    int rows = area.rows - FLEET_STRIP;

    pen.col = 3;
    if (!v->reply.loaded || !v->shown_count) {
        canvas_put(c, &pen,
                   *v->reply.problem  ? v->reply.problem
                   : !v->reply.loaded ? "Asking the server ..."
                   : v->map.count     ? "No GPU fits; Esc clears the filter, w shows others."
                                      : "The cluster has no GPUs.");
        return;
    }
    if (!v->grid.lines || v->grid.cols != c->cols || v->grid.height != (size_t)rows)
        lay_out(v, c, rows);
    v->top = fleet_grid_top(&v->grid, v->at, v->top);
    for (int i = 0; i < rows && v->top + (size_t)i < v->grid.count; i++) {
        const struct fleet_line *line = &v->grid.lines[v->top + (size_t)i];

        if (line->head)
            draw_head(v, c, area.top + i, line);
        for (size_t k = 0; !line->head && k < line->count; k++) {
            pen = canvas_row(c, area.top + i, 0);
            pen.col = 1 + (int)k * v->grid.width;
            draw_tile(v, c, pen, line->first + k);
        }
    }
    draw_strip(v, c, area.top + rows);
}

static void fleet_crumb(const struct view *view, char *out, size_t size)
{
    const struct fleet *v = fleet_of(view);
    const struct canvas *c = &view->app->canvas;
    bool filtered = *v->filter.text != '\0';

    snprintf(out, size, "%s%s%s[%zu/%zu nodes]  %s", filtered ? canvas_glyph(c, "‹", "<") : "", v->filter.text,
             filtered ? canvas_glyph(c, "› ", "> ") : "", v->shown_count ? v->at + 1 : 0, v->shown_count,
             show_words[v->show]);
}

const struct view_ops *fleet_view(void)
{
    static const struct view_ops ops = {
        .name = "gpus",
        .keys = {fleet_keys, sizeof fleet_keys / sizeof *fleet_keys},
        .create = fleet_create,
        .destroy = fleet_destroy,
        .fetch = fleet_fetch,
        .act = fleet_act,
        .result = fleet_result,
        .draw = fleet_draw,
        .crumb = fleet_crumb,
        .filter = fleet_filter,
        .filter_text = fleet_filter_text,
        .refresh_ms = 5000,
    };

    return &ops;
}
