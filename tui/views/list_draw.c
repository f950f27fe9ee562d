/* SPDX-License-Identifier: MIT
 *
 * How a list looks: titles, rows, and below them what the row under the cursor says in words.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "tui/app.h"
#include "tui/format.h"
#include "tui/verbs/objects_tables.h"
#include "tui/views/list.h"

/* The columns on the screen. */
struct list_columns {
    size_t count;
    size_t at[TABLE_MAX_COLUMNS]; /* which of the listing */
    struct table_column columns[TABLE_MAX_COLUMNS];
    int width[TABLE_MAX_COLUMNS];
};

/* Widths for all rows, so that scrolling does not move columns; what is left over goes to the last text. */
static void list_columns(const struct list *l, int cols, struct list_columns *out)
{
    const struct listing *g = l->listing;
    int want[TABLE_MAX_COLUMNS], used = 0;

    *out = (struct list_columns){.count = 0};
    for (size_t c = 0; c < g->count; c++) {
        if (!l->used[c])
            continue;
        out->at[out->count] = c;
        out->columns[out->count] = g->columns[c];
        want[out->count++] = l->want[c];
    }
    table_layout(out->columns, out->count, want, cols - 3, out->width);
    for (size_t i = 0; i < out->count; i++)
        used += out->width[i] ? out->width[i] + TABLE_GAP : 0;
    if (out->count && out->width[out->count - 1] && !out->columns[out->count - 1].right && used < cols - 3)
        out->width[out->count - 1] += cols - 3 - used;
}

static void list_draw_row(const struct list *l, struct canvas *c, int row, size_t place, const struct list_columns *cs)
{
    size_t item = l->shown[place];
    struct canvas_pen pen;
    char name[LIST_NAME] = "";
    bool marked;

    if (l->kind->name)
        l->kind->name(l->items[item], name, sizeof name);
    marked = *name && marks_has(&l->marks, name);
    pen = canvas_row(c, row, marked ? CANVAS_BOLD : 0);
    canvas_put(c, &pen, place == l->cursor.at ? canvas_glyph(c, "▸", ">") : " ");
    canvas_put(c, &pen, marked ? "*" : " ");
    pen.col = 3;
    for (size_t i = 0; i < cs->count; i++) {
        unsigned style = pen.style;

        if (!cs->width[i])
            continue;
        if (i == 0 && l->kind->colour)
            pen.style |= (unsigned)l->kind->colour(l->items[item]);
        canvas_fit(c, &pen, l->cells[item * l->listing->count + cs->at[i]], cs->width[i], cs->columns[i].right);
        pen.style = style;
        pen.col += TABLE_GAP;
    }
    if (place == l->cursor.at)
        canvas_mark_row(c, row, CANVAS_REVERSE);
}

static void list_draw_empty(const struct list *l, struct canvas *c, int row)
{
    struct canvas_pen pen = canvas_row(c, row, 0);

    pen.col = 3;
    if (*l->problem) {
        pen.style = COLOUR_VERMILLION;
        canvas_put(c, &pen, l->problem);
    } else if (!l->loaded) {
        canvas_put(c, &pen, l->view.app->live.failing ? "No data yet." : "Asking the server ...");
    } else if (*l->typed) {
        canvas_put(c, &pen, "No row fits the filter; Esc clears it.");
    } else {
        canvas_put(c, &pen, l->kind->empty);
    }
}

static void list_draw_strip(const struct list *l, struct canvas *c, int row)
{
    struct canvas_pen pen = canvas_row(c, row, COLOUR_GREY);
    const cJSON *item = list_item(l);
    char text[512];

    canvas_fill(c, &pen, canvas_glyph(c, "─", "-"));
    for (int i = 0; item && i < LIST_LINES; i++) {
        text[0] = '\0';
        l->kind->line(&l->view, item, i, text, sizeof text);
        pen = canvas_row(c, row + 1 + i, i ? 0 : CANVAS_BOLD);
        canvas_put(c, &pen, " ");
        canvas_put(c, &pen, text);
    }
}

void list_draw(struct view *view, struct canvas *c, struct view_area area)
{
    struct list *l = list_of(view);
    int strip = l->kind->line ? LIST_LINES + 1 : 0;
    struct list_columns cs;
    struct canvas_pen pen = canvas_row(c, area.top, CANVAS_DIM);

    cursor_fit(&l->cursor, l->shown_count, (size_t)(area.rows - strip - 1));
    if (!l->shown_count || *l->problem) {
        list_draw_empty(l, c, area.top + 1);
        return;
    }
    list_columns(l, c->cols, &cs);
    pen.col = 3;
    for (size_t i = 0; i < cs.count; i++) {
        if (!cs.width[i])
            continue;
        pen.style = l->sort == cs.at[i] ? CANVAS_BOLD | CANVAS_UNDERLINE : CANVAS_DIM;
        canvas_fit(c, &pen, cs.columns[i].title, cs.width[i], cs.columns[i].right);
        pen.col += TABLE_GAP;
    }
    for (size_t i = 0; i < l->cursor.height && l->cursor.top + i < l->shown_count; i++)
        list_draw_row(l, c, area.top + 1 + (int)i, l->cursor.top + i, &cs);
    if (strip)
        list_draw_strip(l, c, area.top + area.rows - strip);
}

void list_crumb(const struct view *view, char *out, size_t size)
{
    const struct list *l = list_of(view);
    const struct canvas *c = &view->app->canvas;
    const struct listing *g = l->listing;
    const char *open = canvas_glyph(c, "‹", "<"), *close = canvas_glyph(c, "›", ">");
    char here[FORMAT_SIZE], all[FORMAT_SIZE], sort[80] = "", marked[40] = "";
    bool filtered = *l->typed || *l->asked;

    format_count((int64_t)(l->shown_count ? l->cursor.at + 1 : 0), here);
    format_count((int64_t)l->shown_count, all);
    if (l->sort < g->count || l->reverse)
        snprintf(sort, sizeof sort, "  sort: %s %s", l->sort < g->count ? g->columns[l->sort].key : "as it came",
                 l->reverse ? canvas_glyph(c, "▼", "v") : canvas_glyph(c, "▲", "^"));
    if (l->marks.count)
        snprintf(marked, sizeof marked, "  %zu marked", l->marks.count);
    snprintf(out, size, "%s%s%s%s%s%s%s%s[%s/%s%s]%s%s", l->about, *l->about ? " " : "", filtered ? open : "", l->asked,
             *l->asked && *l->typed ? " " : "", l->typed, filtered ? close : "", filtered ? " " : "", here, all,
             *l->next ? "+" : "", sort, marked);
}
