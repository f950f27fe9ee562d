/* SPDX-License-Identifier: MIT
 *
 * Bars and curves. A column of a plot is one value, the highest of those that fall into it, so that a short peak is
 * not lost on a narrow screen.
 */
#include "tui/bars.h"

#include "tui/canvas.h"

static const struct {
    const char *glyph;
    const char *ascii;
    enum word_colour colour;
} bars_kinds[] = {
    [BARS_USED] = {"█", "#", COLOUR_BLUE},   [BARS_BORROWED] = {"▓", "+", COLOUR_PURPLE},
    [BARS_IDLE] = {"▒", "i", COLOUR_ORANGE}, [BARS_BAD] = {"×", "x", COLOUR_VERMILLION},
    [BARS_FREE] = {"░", ".", COLOUR_GREY},   [BARS_NOTHING] = {" ", " ", COLOUR_DEFAULT},
};

static void bars_put(struct canvas *c, struct canvas_pen *pen, enum bars_kind kind)
{
    pen->style = (unsigned)bars_kinds[kind].colour;
    canvas_put(c, pen, canvas_glyph(c, bars_kinds[kind].glyph, bars_kinds[kind].ascii));
    pen->style = 0;
}

void bars_draw(struct canvas *c, struct canvas_pen *pen, int width, const struct bars_part parts[4], int64_t whole)
{
    int end = pen->col + width;
    int64_t sum = 0;
    int drawn = 0;

    for (int i = 0; i < 4; i++)
        sum += parts[i].amount > 0 ? parts[i].amount : 0;
    whole = whole > sum ? whole : sum;
    sum = 0;
    for (int i = 0; i < 4 && whole > 0; i++) {
        int to;

        if (parts[i].amount <= 0)
            continue;
        sum += parts[i].amount;
        to = (int)((double)sum * width / (double)whole + 0.5);
        to = to > drawn ? to : drawn + 1;
        for (; drawn < to && pen->col < end; drawn++)
            bars_put(c, pen, parts[i].kind);
    }
    pen->col = end;
}

void bars_legend(struct canvas *c, struct canvas_pen *pen, enum bars_kind kind, const char *word)
{
    bars_put(c, pen, kind);
    canvas_putf(c, pen, " %s  ", word);
}

const char *bars_level(const struct canvas *c, int percent)
{
    static const char *const blocks[] = {"▁", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

    if (percent < 0)
        return " ";
    percent = percent > 100 ? 100 : percent;
    return c->ascii ? digits[percent * 9 / 100] : blocks[(percent * 8 + 50) / 100];
}

/* The value of a column: the highest of those that fall into it; where there are fewer, each has several columns. */
static int bars_at(struct bars_curve curve, int col, int cols)
{
    size_t from = curve.count * (size_t)col / (size_t)cols;
    size_t to = curve.count * ((size_t)col + 1) / (size_t)cols;
    int best = BARS_UNKNOWN;

    to = to > from ? to : from + 1;
    for (size_t i = from; i < to && i < curve.count; i++)
        best = curve.values[i] > best ? curve.values[i] : best;
    return best > 100 ? 100 : best;
}

/* One cell of the filled curve: full below the value, a part of a block at it. `above`: rows from the bottom. */
static void bars_filled(struct canvas *c, struct canvas_pen *pen, int value, int above, int rows)
{
    int eighths = value * rows * 8 / 100 - above * 8;

    if (value >= 0 && above == 0 && eighths < 1)
        eighths = 1; /* nought is something else than not known */
    if (value < 0 || eighths <= 0)
        return;
    pen->style = COLOUR_BLUE;
    if (c->ascii)
        canvas_put(c, pen, eighths >= 8 ? "#" : eighths >= 4 ? ":" : ".");
    else
        canvas_put(c, pen, bars_level(c, eighths >= 8 ? 100 : eighths * 100 / 8));
}

void bars_plot(struct canvas *c, struct bars_area area, struct bars_curve filled, struct bars_curve line)
{
    for (int x = 0; x < area.cols; x++) {
        int value = bars_at(filled, x, area.cols);
        int point = bars_at(line, x, area.cols);
        int height = point < 0 ? -1 : point * area.rows / 100;

        if (height >= area.rows)
            height = area.rows - 1;
        for (int above = 0; above < area.rows; above++) {
            struct canvas_pen pen = {.row = area.row + area.rows - 1 - above, .col = area.col + x, .end = c->cols};

            bars_filled(c, &pen, value, above, area.rows);
            if (above != height)
                continue;
            pen.col = area.col + x;
            pen.style = COLOUR_ORANGE;
            canvas_put(c, &pen, canvas_glyph(c, "•", "o"));
        }
    }
}
