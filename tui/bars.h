/* SPDX-License-Identifier: MIT
 *
 * Figures as pictures of characters: bars of parts, and curves. Each part has its own character besides its colour, and
 * ASCII does where blocks cannot be shown.
 */
#ifndef DROVER_TUI_BARS_H
#define DROVER_TUI_BARS_H

#include <stddef.h>
#include <stdint.h>

struct canvas;
struct canvas_pen;

#define BARS_UNKNOWN (-1) /* a value that nobody told: a gap in a curve */

/* What a part of a bar is. */
enum bars_kind { BARS_USED, BARS_BORROWED, BARS_IDLE, BARS_BAD, BARS_FREE, BARS_NOTHING };

struct bars_part {
    enum bars_kind kind;
    int64_t amount;
};

/* A rectangle of the canvas. */
struct bars_area {
    int row, col, rows, cols;
};

/* One series, in percent, oldest first; BARS_UNKNOWN for what is not known. Borrowed. */
struct bars_curve {
    const int *values;
    size_t count;
};

/* Draws parts one behind the other in `width` columns and moves the pen. A part that is not nothing gets at least one
 * column where there is room; `whole` may be more than their sum, and what is left is blank. */
void bars_draw(struct canvas *c, struct canvas_pen *pen, int width, const struct bars_part parts[4], int64_t whole);
/* The character of a kind, for a legend. */
void bars_legend(struct canvas *c, struct canvas_pen *pen, enum bars_kind kind, const char *word);
/* The character whose height is so many percent; for BARS_UNKNOWN a blank. Static. */
const char *bars_level(const struct canvas *c, int percent);
/* Draws the first curve filled and the second as a line of points over it, the newest value at the right; no second
 * curve when its count is 0. */
void bars_plot(struct canvas *c, struct bars_area area, struct bars_curve filled, struct bars_curve line);

#endif
