/* SPDX-License-Identifier: MIT
 *
 * The dialog with fields. Enter goes on to the next field and from the last one to the verb; only there it sends.
 */
#include "tui/inputs.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "tui/canvas.h"
#include "tui/keys.h"

#define INPUTS_WIDTH 58
#define INPUTS_LABEL 14

void inputs_begin(struct inputs *f, const char *title, const char *verb)
{
    *f = (struct inputs){.count = 0};
    snprintf(f->title, sizeof f->title, "%s", title);
    snprintf(f->verb, sizeof f->verb, "%s", verb);
}

size_t inputs_add(struct inputs *f, const char *label, const char *hint, const char *text)
{
    struct inputs_field *field = &f->fields[f->count < INPUTS_FIELDS ? f->count : INPUTS_FIELDS - 1];

    field->label = label;
    field->hint = hint;
    snprintf(field->text, sizeof field->text, "%s", text);
    f->count += f->count < INPUTS_FIELDS;
    return f->count - 1;
}

void inputs_refuse(struct inputs *f, const char *why)
{
    struct buf safe;

    buf_init(&safe, 4 * sizeof f->said);
    (void)utf8_safe(&safe, why, strlen(why), false, false);
    f->waiting = false;
    snprintf(f->said, sizeof f->said, "%s", buf_str(&safe));
    buf_fini(&safe);
}

void inputs_close(struct inputs *f)
{
    *f = (struct inputs){.count = 0};
}

/* Removes the last character. */
static void inputs_erase(char *text)
{
    size_t len = strlen(text);

    while (len > 0 && ((unsigned char)text[len - 1] & 0xc0) == 0x80)
        len--;
    text[len ? len - 1 : 0] = '\0';
}

static void inputs_type(struct inputs_field *field, int key)
{
    size_t len = strlen(field->text);
    char piece[8];
    size_t n;

    if (key == KEYS_BACKSPACE) {
        inputs_erase(field->text);
    } else if (key == KEYS_CTRL_U) {
        field->text[0] = '\0';
    } else if (key >= ' ' && key < KEYS_UP && key != KEYS_BACKSPACE) {
        n = utf8_encode((uint32_t)key, piece);
        if (n && len + n < sizeof field->text) {
            memcpy(field->text + len, piece, n);
            field->text[len + n] = '\0';
        }
    }
}

static enum inputs_end inputs_enter(struct inputs *f)
{
    if (f->focus < f->count) {
        f->focus++;
        return INPUTS_GOES_ON;
    }
    if (f->focus == f->count) {
        f->waiting = true;
        f->said[0] = '\0';
        return INPUTS_SUBMITTED;
    }
    f->open = false;
    return INPUTS_CANCELLED;
}

enum inputs_end inputs_key(struct inputs *f, int key)
{
    size_t stops = f->count + 2;

    if (key == KEYS_ESC || key == KEYS_CTRL_C) {
        f->open = false;
        return INPUTS_CANCELLED;
    }
    if (f->waiting)
        return INPUTS_GOES_ON;
    switch (key) {
    case KEYS_TAB:
    case KEYS_DOWN:
        f->focus = (f->focus + 1) % stops;
        return INPUTS_GOES_ON;
    case KEYS_BACKTAB:
    case KEYS_UP:
        f->focus = (f->focus + stops - 1) % stops;
        return INPUTS_GOES_ON;
    case KEYS_ENTER:
        return inputs_enter(f);
    case KEYS_LEFT:
    case KEYS_RIGHT:
        if (f->focus >= f->count)
            f->focus = f->focus == f->count ? f->count + 1 : f->count;
        return INPUTS_GOES_ON;
    default:
        if (f->focus < f->count)
            inputs_type(&f->fields[f->focus], key);
        return INPUTS_GOES_ON;
    }
}

/* ---- drawing ---- */

struct frame {
    struct canvas *c;
    int left;
    int row;
};

static void inputs_edge(const struct frame *f, const char *begin, const char *end)
{
    struct canvas_pen pen = {.row = f->row, .col = f->left, .end = f->left + INPUTS_WIDTH - 1};

    canvas_put(f->c, &pen, begin);
    canvas_fill(f->c, &pen, canvas_glyph(f->c, "─", "-"));
    pen.end++;
    canvas_put(f->c, &pen, end);
}

/* An empty row between the sides; a pen within it. */
static struct canvas_pen inputs_row(struct frame *f)
{
    struct canvas_pen pen = {.row = f->row++, .col = f->left, .end = f->left + INPUTS_WIDTH};
    const char *side = canvas_glyph(f->c, "│", "|");

    canvas_fill(f->c, &pen, " ");
    pen.col = f->left;
    canvas_put(f->c, &pen, side);
    pen.col = f->left + INPUTS_WIDTH - 1;
    canvas_put(f->c, &pen, side);
    pen.col = f->left + 2;
    pen.end = f->left + INPUTS_WIDTH - 2;
    return pen;
}

/* Text in as many rows as it needs, at most four. */
static void inputs_text(struct frame *f, const char *text, unsigned style)
{
    const int room = INPUTS_WIDTH - 4;

    for (int rows = 0; *text && rows < 4; rows++) {
        struct canvas_pen pen = inputs_row(f);
        size_t len = strlen(text);
        int width = 0;
        size_t fit = utf8_fit(text, len, room, &width);
        size_t cut = fit;

        while (fit < len && cut > 0 && text[cut] != ' ')
            cut--;
        cut = cut ? cut : fit ? fit : len;
        pen.style = style;
        canvas_putf(f->c, &pen, "%.*s", (int)cut, text);
        text += cut;
        text += strspn(text, " ");
    }
}

/* The end of a text that is longer than its field. */
static const char *inputs_tail(const char *text, int room)
{
    while (canvas_width(text) > room && *text) {
        text++;
        while (((unsigned char)*text & 0xc0) == 0x80)
            text++;
    }
    return text;
}

static void inputs_field(struct frame *f, const struct inputs_field *field, bool focus)
{
    struct canvas_pen pen = inputs_row(f);
    const int room = INPUTS_WIDTH - 4 - INPUTS_LABEL;
    int end;

    pen.style = focus ? CANVAS_BOLD : 0;
    canvas_fit(f->c, &pen, field->label, INPUTS_LABEL, false);
    end = pen.col + room;
    pen.style = focus ? CANVAS_REVERSE : CANVAS_UNDERLINE;
    canvas_put(f->c, &pen, inputs_tail(field->text, room - 1));
    if (focus) {
        pen.style = 0;
        canvas_put(f->c, &pen, canvas_glyph(f->c, "▏", "_"));
    }
    pen.style = CANVAS_UNDERLINE;
    for (pen.end = end; pen.col < end;)
        canvas_put(f->c, &pen, " ");
    if (focus && *field->hint) {
        pen = inputs_row(f);
        pen.col += INPUTS_LABEL;
        pen.style = COLOUR_GREY;
        canvas_put(f->c, &pen, field->hint);
    }
}

static void inputs_button(struct canvas *c, struct canvas_pen *pen, const char *text, bool focus)
{
    pen->style = focus ? CANVAS_REVERSE | CANVAS_BOLD : 0;
    canvas_putf(c, pen, "[ %s ]", text);
    pen->style = 0;
    canvas_put(c, pen, "  ");
}

void inputs_draw(const struct inputs *f, struct canvas *c)
{
    struct frame frame = {c, (c->cols - INPUTS_WIDTH) / 2, c->rows / 2 - (int)f->count / 2 - 4};
    struct canvas_pen pen;

    inputs_edge(&frame, canvas_glyph(c, "┌", "+"), canvas_glyph(c, "┐", "+"));
    frame.row++;
    inputs_text(&frame, f->title, CANVAS_BOLD);
    for (size_t i = 0; i < f->count; i++)
        inputs_field(&frame, &f->fields[i], f->focus == i);
    (void)inputs_row(&frame);
    inputs_text(&frame, f->waiting ? "Asking the server ..." : f->said, f->waiting ? COLOUR_GREY : COLOUR_VERMILLION);
    pen = inputs_row(&frame);
    inputs_button(c, &pen, f->verb, f->focus == f->count);
    inputs_button(c, &pen, "Cancel", f->focus == f->count + 1);
    inputs_edge(&frame, canvas_glyph(c, "└", "+"), canvas_glyph(c, "┘", "+"));
}
