/* SPDX-License-Identifier: MIT
 *
 * A grid of cells that views draw on. It knows no terminal: screen.c paints it with curses, tests dump it as text. All
 * text goes through utf8_safe here, so no foreign escape can get into a cell.
 */
#ifndef DROVER_TUI_CANVAS_H
#define DROVER_TUI_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/words.h"

struct buf;

/* A style is a colour (enum word_colour) with flags. */
#define CANVAS_COLOUR 0x0f
#define CANVAS_BOLD 0x10
#define CANVAS_REVERSE 0x20
#define CANVAS_DIM 0x40
#define CANVAS_UNDERLINE 0x80

#define CANVAS_CELL 24 /* bytes of a character and its marks, with a NUL */

/* One cell. width 0 is the right half of a wide one. */
struct canvas_cell {
    char text[CANVAS_CELL];
    uint8_t width;
    uint8_t style;
};

/* The grid. Embedded; zero-initialise. One thread. */
struct canvas {
    int rows;
    int cols;
    bool ascii; /* other characters become ? */
    struct canvas_cell *cells;
};

/* Where the next text goes. `end` is the column behind the last usable one. */
struct canvas_pen {
    int row;
    int col;
    int end;
    unsigned style;
};

/* Sets the size and clears. 0, or -1 when out of memory (the size is then 0 x 0). */
int canvas_resize(struct canvas *c, int rows, int cols);
/* Frees the cells. */
void canvas_fini(struct canvas *c);
/* Blanks every cell. */
void canvas_clear(struct canvas *c);
/* A pen at the beginning of a row that may use all of it. */
struct canvas_pen canvas_row(const struct canvas *c, int row, unsigned style);
/* Puts text at the pen and moves it; what does not fit before `end` is cut at a grapheme cluster. */
void canvas_put(struct canvas *c, struct canvas_pen *p, const char *text);
/* The same for printf output of at most 2 KiB. */
void canvas_putf(struct canvas *c, struct canvas_pen *p, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Puts text into exactly `width` columns from the pen, padded left or right, cut with an ellipsis; moves the pen. */
void canvas_fit(struct canvas *c, struct canvas_pen *p, const char *text, int width, bool right);
/* Fills the row from the pen to its end with a character of one column. */
void canvas_fill(struct canvas *c, struct canvas_pen *p, const char *glyph);
/* Adds style flags to the cells of a whole row. */
void canvas_mark_row(struct canvas *c, int row, unsigned flags);
/* Our own glyph, or its ASCII stand-in. */
const char *canvas_glyph(const struct canvas *c, const char *glyph, const char *ascii);
/* Columns of a text once it is made harmless. */
int canvas_width(const char *text);
/* Appends the grid as text, then the styles that are not the default, one line a row that has some. 0 or -1. */
int canvas_dump(const struct canvas *c, struct buf *out);

#endif
