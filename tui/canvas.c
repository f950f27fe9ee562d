/* SPDX-License-Identifier: MIT
 *
 * The cell grid. Clusters longer than a cell holds (a pile of combining marks) are cut at a code point.
 */
#include "tui/canvas.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

#define CANVAS_MARKS 4   /* on one character; as many as curses takes */
#define CANVAS_MOST 2000 /* rows or columns of any sane terminal */

int canvas_resize(struct canvas *c, int rows, int cols)
{
    struct canvas_cell *cells = NULL;

    if (rows > 0 && cols > 0 && rows <= CANVAS_MOST && cols <= CANVAS_MOST)
        cells = calloc((size_t)rows * (size_t)cols, sizeof *cells);
    free(c->cells);
    c->cells = cells;
    c->rows = cells ? rows : 0;
    c->cols = cells ? cols : 0;
    canvas_clear(c);
    return cells ? 0 : -1;
}

void canvas_fini(struct canvas *c)
{
    free(c->cells);
    *c = (struct canvas){.rows = 0};
}

static struct canvas_cell *canvas_at(const struct canvas *c, int row, int col)
{
    return &c->cells[row * c->cols + col];
}

static void canvas_set(struct canvas_cell *cell, const char *text, size_t len, unsigned width, unsigned style)
{
    memcpy(cell->text, text, len);
    cell->text[len] = '\0';
    cell->width = (uint8_t)width;
    cell->style = (uint8_t)style;
}

void canvas_clear(struct canvas *c)
{
    for (int i = 0; i < c->rows * c->cols; i++)
        canvas_set(&c->cells[i], " ", 1, 1, 0);
}

struct canvas_pen canvas_row(const struct canvas *c, int row, unsigned style)
{
    return (struct canvas_pen){.row = row, .col = 0, .end = c->cols, .style = style};
}

const char *canvas_glyph(const struct canvas *c, const char *glyph, const char *ascii)
{
    return c->ascii ? ascii : glyph;
}

/* Bytes and columns of the next grapheme cluster of harmless text. */
static size_t canvas_cluster(const char *s, size_t len, int *width)
{
    size_t n = utf8_fit(s, len, 1, width);

    if (!n)
        n = utf8_fit(s, len, 2, width);
    if (!n) {
        *width = 1;
        n = 1;
    }
    return n;
}

/* A wide cell that loses a half becomes blank. */
static void canvas_break_wide(struct canvas *c, int row, int col)
{
    if (col > 0 && canvas_at(c, row, col)->width == 0)
        canvas_set(canvas_at(c, row, col - 1), " ", 1, 1, canvas_at(c, row, col - 1)->style);
    if (col + 1 < c->cols && canvas_at(c, row, col)->width == 2)
        canvas_set(canvas_at(c, row, col + 1), " ", 1, 1, canvas_at(c, row, col + 1)->style);
}

/* Bytes of a cluster that every terminal draws in the width of its first code point: that one and the marks on it.
 * Joiners and variation selectors, which terminals draw in different widths, go. */
static size_t canvas_trim(const char *s, size_t len, int *width)
{
    uint32_t cp = 0;
    size_t n = utf8_decode(s, len, &cp);
    int marks = 0;

    n = n ? n : 1;
    *width = utf8_width(s, n);
    while (n < len && marks < CANVAS_MARKS) {
        size_t more = utf8_decode(s + n, len - n, &cp);

        if (!more || utf8_width(s + n, more) != 0 || cp == 0x200b || cp == 0x200d || (cp >= 0xfe00 && cp <= 0xfe0f))
            break;
        n += more;
        marks++;
    }
    return n;
}

static void canvas_put_cell(struct canvas *c, struct canvas_pen *p, const char *s, size_t len, int width)
{
    canvas_break_wide(c, p->row, p->col);
    canvas_set(canvas_at(c, p->row, p->col), s, len, (unsigned)width, p->style);
    p->col++;
}

static void canvas_put_cluster(struct canvas *c, struct canvas_pen *p, const char *s, size_t len, int width)
{
    bool ascii = c->ascii && (unsigned char)*s >= 0x80;
    size_t n = 0;
    int own = 0;
    int done = 0;

    /* A sign without a width of its own may stand before the first that has one. */
    while (len > 0 && own == 0) {
        s += n;
        n = canvas_trim(s, len, &own);
        len -= n;
    }
    if (!ascii && own > 0 && own <= width) {
        canvas_put_cell(c, p, s, n, own);
        if (own == 2)
            canvas_put_cell(c, p, "", 0, 0);
        done = own;
    }
    for (; done < width; done++)
        canvas_put_cell(c, p, ascii ? "?" : " ", 1, 1);
}

/* Puts text that is harmless already. */
static void canvas_put_safe(struct canvas *c, struct canvas_pen *p, const char *s, size_t len)
{
    int end = p->end < c->cols ? p->end : c->cols;

    if (p->row < 0 || p->row >= c->rows || p->col < 0)
        return;
    while (len > 0) {
        int width;
        size_t n = canvas_cluster(s, len, &width);

        if (p->col + width > end)
            break;
        canvas_put_cluster(c, p, s, n, width);
        s += n;
        len -= n;
    }
}

void canvas_put(struct canvas *c, struct canvas_pen *p, const char *text)
{
    struct buf safe;

    buf_init(&safe, 1 << 20);
    (void)utf8_safe(&safe, text, strlen(text), false, false);
    canvas_put_safe(c, p, buf_str(&safe), safe.len);
    buf_fini(&safe);
}

void canvas_putf(struct canvas *c, struct canvas_pen *p, const char *fmt, ...)
{
    char text[2048];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    canvas_put(c, p, text);
}

int canvas_width(const char *text)
{
    struct buf safe;
    int width;

    buf_init(&safe, 1 << 20);
    (void)utf8_safe(&safe, text, strlen(text), false, false);
    width = utf8_width(buf_str(&safe), safe.len);
    buf_fini(&safe);
    return width;
}

void canvas_fit(struct canvas *c, struct canvas_pen *p, const char *text, int width, bool right)
{
    struct canvas_pen pen = *p;
    struct buf safe;
    int have;

    buf_init(&safe, 1 << 20);
    (void)utf8_safe(&safe, text, strlen(text), false, false);
    have = utf8_width(buf_str(&safe), safe.len);
    pen.end = p->col + width < p->end ? p->col + width : p->end;
    if (have > width && width > 0)
        pen.end--;
    else if (right)
        pen.col += width - have;
    canvas_put_safe(c, &pen, buf_str(&safe), safe.len);
    if (have > width && width > 0) {
        pen.end++;
        canvas_put(c, &pen, canvas_glyph(c, "…", "~"));
    }
    p->col += width;
    buf_fini(&safe);
}

void canvas_fill(struct canvas *c, struct canvas_pen *p, const char *glyph)
{
    size_t len = strlen(glyph);

    if (p->row < 0 || p->row >= c->rows)
        return;
    while (p->col < p->end && p->col < c->cols)
        canvas_put_cluster(c, p, glyph, len, 1);
}

void canvas_mark_row(struct canvas *c, int row, unsigned flags)
{
    for (int col = 0; row >= 0 && row < c->rows && col < c->cols; col++)
        canvas_at(c, row, col)->style |= (uint8_t)flags;
}

static void canvas_dump_row(const struct canvas *c, int row, struct buf *out)
{
    size_t start = out->len;

    for (int col = 0; col < c->cols; col++)
        (void)buf_adds(out, canvas_at(c, row, col)->text);
    while (!out->bad && out->len > start && out->data[out->len - 1] == ' ')
        out->data[--out->len] = '\0';
    (void)buf_addc(out, '\n');
}

static void canvas_dump_style(unsigned style, struct buf *out)
{
    static const char *const colours[COLOUR_COUNT] = {
        [COLOUR_DEFAULT] = "",       [COLOUR_ORANGE] = " orange", [COLOUR_SKY] = " sky",
        [COLOUR_BLUE] = " blue",     [COLOUR_GREEN] = " green",   [COLOUR_VERMILLION] = " vermillion",
        [COLOUR_PURPLE] = " purple", [COLOUR_GREY] = " grey",
    };

    (void)buf_adds(out, style & CANVAS_BOLD ? " bold" : "");
    (void)buf_adds(out, style & CANVAS_REVERSE ? " reverse" : "");
    (void)buf_adds(out, style & CANVAS_DIM ? " dim" : "");
    (void)buf_adds(out, style & CANVAS_UNDERLINE ? " underline" : "");
    (void)buf_adds(out, (style & CANVAS_COLOUR) < COLOUR_COUNT ? colours[style & CANVAS_COLOUR] : "");
}

static void canvas_dump_styles(const struct canvas *c, int row, struct buf *out)
{
    bool any = false;

    for (int col = 0; col < c->cols;) {
        unsigned style = canvas_at(c, row, col)->style;
        int from = col;

        while (col < c->cols && canvas_at(c, row, col)->style == style)
            col++;
        if (!style)
            continue;
        if (!any)
            (void)buf_addf(out, "%d:", row);
        (void)buf_addf(out, "%s %d-%d", any ? "," : "", from, col - 1);
        canvas_dump_style(style, out);
        any = true;
    }
    if (any)
        (void)buf_addc(out, '\n');
}

int canvas_dump(const struct canvas *c, struct buf *out)
{
    for (int row = 0; row < c->rows; row++)
        canvas_dump_row(c, row, out);
    (void)buf_addf(out, "--- %dx%d styles\n", c->cols, c->rows);
    for (int row = 0; row < c->rows; row++)
        canvas_dump_styles(c, row, out);
    return out->bad ? -1 : 0;
}
