/* SPDX-License-Identifier: MIT
 *
 * The layout of the map. A line holds tiles of one group only.
 */
#include "tui/views/fleet_grid.h"

#include <stdlib.h>

#define GRID_GAP 2
#define GRID_CELLS_MAX 64

void fleet_grid_fini(struct fleet_grid *g)
{
    free(g->lines);
    g->lines = NULL;
    g->count = 0;
}

void fleet_grid_make(struct fleet_grid *g, const struct fleet_grid_of *of)
{
    int room = of->cols - 2;

    fleet_grid_fini(g);
    g->cols = of->cols;
    g->name = of->name;
    g->cells = of->cells > GRID_CELLS_MAX ? GRID_CELLS_MAX : of->cells;
    g->width = g->cells + (of->name ? of->name + 1 + GRID_GAP : 1);
    g->per = room > g->width ? (size_t)(room / g->width) : 1;
    /* At worst each tile has a line and a head of its own. */
    g->lines = calloc(2 * of->count + 1, sizeof *g->lines);
    for (size_t i = 0; g->lines && i < of->count; i++) {
        bool begins = of->group(of->context, i);

        if (begins)
            g->lines[g->count++] = (struct fleet_line){.head = true, .first = i};
        if (begins || g->lines[g->count - 1].count == g->per)
            g->lines[g->count++] = (struct fleet_line){.first = i};
        g->lines[g->count - 1].count++;
    }
}

/* The line of a tile. Heads have none. */
static size_t line_of(const struct fleet_grid *g, size_t at)
{
    for (size_t i = 0; i < g->count; i++) {
        const struct fleet_line *l = &g->lines[i];

        if (!l->head && at >= l->first && at - l->first < l->count)
            return i;
    }
    return 0;
}

size_t fleet_grid_move(const struct fleet_grid *g, size_t at, int lines)
{
    size_t here = line_of(g, at);
    size_t column;

    if (here >= g->count)
        return at;
    column = at - g->lines[here].first;
    for (size_t i = here; lines != 0;) {
        if (lines < 0 ? i == 0 : i + 1 >= g->count)
            break;
        i = lines < 0 ? i - 1 : i + 1;
        if (g->lines[i].head)
            continue;
        here = i;
        lines += lines < 0 ? 1 : -1;
    }
    return g->lines[here].first + (column < g->lines[here].count ? column : g->lines[here].count - 1);
}

size_t fleet_grid_top(const struct fleet_grid *g, size_t at, size_t top)
{
    size_t line = line_of(g, at);
    size_t first = line > 0 && g->lines[line - 1].head ? line - 1 : line;

    if (first < top)
        top = first;
    if (line >= top + g->height)
        top = line - g->height + 1;
    if (top + g->height > g->count)
        top = g->count > g->height ? g->count - g->height : 0;
    return top;
}
