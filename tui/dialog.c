/* SPDX-License-Identifier: MIT
 *
 * The confirm dialog.
 */
#include "tui/dialog.h"

#include <stdio.h>
#include <string.h>

#include "tui/canvas.h"
#include "tui/keys.h"

#define DIALOG_WIDTH 56
#define DIALOG_AROUND 4 /* rows that are no text: edges, a blank one, buttons */

void dialog_ask(struct dialog *d, const char *text, const char *verb, size_t count)
{
    *d = (struct dialog){.open = true, .count = count};
    snprintf(d->text, sizeof d->text, "%s", text);
    snprintf(d->verb, sizeof d->verb, "%s", verb);
}

/* Whether "yes" may be chosen. */
static bool dialog_armed(const struct dialog *d)
{
    char count[16];

    snprintf(count, sizeof count, "%zu", d->count);
    return d->count < 2 || !strcmp(count, d->typed);
}

static void dialog_type(struct dialog *d, int key)
{
    size_t len = strlen(d->typed);

    if (key == KEYS_BACKSPACE && len)
        d->typed[len - 1] = '\0';
    else if (key >= '0' && key <= '9' && len < 8) {
        d->typed[len] = (char)key;
        d->typed[len + 1] = '\0';
    }
}

enum dialog_end dialog_key(struct dialog *d, int key)
{
    bool yes = d->on_yes && dialog_armed(d);

    switch (key) {
    case KEYS_TAB:
    case KEYS_BACKTAB:
    case KEYS_LEFT:
    case KEYS_RIGHT:
        d->on_yes = !d->on_yes;
        return DIALOG_GOES_ON;
    case KEYS_ENTER:
        /* Enter on an unarmed "yes" is not an answer: the number is still missing. */
        if (d->on_yes && !yes)
            return DIALOG_GOES_ON;
        d->open = false;
        return yes ? DIALOG_YES : DIALOG_NO;
    case KEYS_ESC:
    case KEYS_CTRL_C:
    case 'q':
        d->open = false;
        return DIALOG_NO;
    default:
        dialog_type(d, key);
        return DIALOG_GOES_ON;
    }
}

static struct canvas_pen dialog_line(struct canvas *c, int row, int left)
{
    struct canvas_pen pen = {.row = row, .col = left, .end = left + DIALOG_WIDTH};
    const char *side = canvas_glyph(c, "│", "|");

    canvas_fill(c, &pen, " ");
    pen.col = left;
    canvas_put(c, &pen, side);
    pen.col = left + DIALOG_WIDTH - 1;
    canvas_put(c, &pen, side);
    pen.col = left + 2;
    pen.end = left + DIALOG_WIDTH - 2;
    return pen;
}

static void dialog_edge(struct canvas *c, int row, int left, bool top)
{
    struct canvas_pen pen = {.row = row, .col = left, .end = left + DIALOG_WIDTH - 1};

    canvas_put(c, &pen, top ? canvas_glyph(c, "┌", "+") : canvas_glyph(c, "└", "+"));
    canvas_fill(c, &pen, canvas_glyph(c, "─", "-"));
    pen.end++;
    canvas_put(c, &pen, top ? canvas_glyph(c, "┐", "+") : canvas_glyph(c, "┘", "+"));
}

static void dialog_button(struct canvas *c, struct canvas_pen *pen, const char *text, bool focus)
{
    pen->style = focus ? CANVAS_REVERSE | CANVAS_BOLD : 0;
    canvas_putf(c, pen, "[ %s ]", text);
    pen->style = 0;
    canvas_put(c, pen, "  ");
}

/* A line feed at the end begins none. */
static int dialog_lines(const char *text)
{
    int n = 0;

    while (*text) {
        text += strcspn(text, "\n");
        text += *text == '\n';
        n++;
    }
    return n;
}

void dialog_draw(const struct dialog *d, struct canvas *c)
{
    int left = (c->cols - DIALOG_WIDTH) / 2;
    int lines = dialog_lines(d->text), around = DIALOG_AROUND + (d->count > 1);
    int room = c->rows > around ? c->rows - around : 1;
    int shown = lines > room ? room - 1 : lines;
    int row = (c->rows - around - (lines > room ? room : lines)) / 2;
    const char *line = d->text;
    struct canvas_pen pen;

    dialog_edge(c, row++, left, true);
    for (int i = 0; i < shown; i++) {
        size_t len = strcspn(line, "\n");

        pen = dialog_line(c, row++, left);
        canvas_putf(c, &pen, "%.*s", (int)len, line);
        line += len + (line[len] == '\n');
    }
    if (shown < lines) {
        pen = dialog_line(c, row++, left);
        canvas_putf(c, &pen, "  and %d more", lines - shown);
    }
    if (d->count > 1) {
        pen = dialog_line(c, row++, left);
        canvas_putf(c, &pen, "Type %zu to confirm: %s", d->count, d->typed);
        pen.style = CANVAS_UNDERLINE;
        canvas_put(c, &pen, " ");
    }
    (void)dialog_line(c, row++, left);
    pen = dialog_line(c, row++, left);
    dialog_button(c, &pen, "Cancel", !d->on_yes);
    pen.style = dialog_armed(d) ? 0 : CANVAS_DIM;
    dialog_button(c, &pen, d->verb, d->on_yes);
    dialog_edge(c, row, left, false);
}
