/* SPDX-License-Identifier: MIT
 *
 * Where the nodes of the map are: lines of tiles under the heads of their groups, by width alone. Draws nothing.
 */
#ifndef DROVER_TUI_VIEWS_FLEET_GRID_H
#define DROVER_TUI_VIEWS_FLEET_GRID_H

#include <stdbool.h>
#include <stddef.h>

/* A line: the head of a group, or tiles of one. */
struct fleet_line {
    bool head;
    size_t first; /* tile */
    size_t count; /* of tiles; 0 in a head */
};

/* The lines. Zero-initialise; embedded. */
struct fleet_grid {
    struct fleet_line *lines; /* NULL = not laid out */
    size_t count;
    int cols;      /* of the screen that it was made for */
    size_t height; /* lines on that screen; the owner's to set */
    int name;      /* columns of a name; 0 = none */
    int cells;     /* of a tile, at most */
    int width;     /* of a tile with what follows it */
    size_t per;    /* tiles in a line */
};

/* What is to be laid out. */
struct fleet_grid_of {
    /* Whether a group begins at this tile. */
    bool (*group)(const void *context, size_t at);
    const void *context;
    size_t count; /* of tiles */
    int cols, name, cells;
};

/* Lays out; what was there is freed. Without memory there are no lines. */
void fleet_grid_make(struct fleet_grid *g, const struct fleet_grid_of *of);
/* Frees the lines. */
void fleet_grid_fini(struct fleet_grid *g);
/* The tile so many lines further down (or up) than this one, in its column or the last before it. */
size_t fleet_grid_move(const struct fleet_grid *g, size_t at, int lines);
/* The first line to be shown, from `top` on, so that the tile is on the screen, with the head of its group where that
 * is next to it. */
size_t fleet_grid_top(const struct fleet_grid *g, size_t at, size_t top);

#endif
