/* SPDX-License-Identifier: MIT
 *
 * Curses as a back end of the canvas. Curses itself compares what is to be shown with what is shown, so painting all
 * cells writes only the changed ones; nothing changed writes nothing.
 */
#include "tui/screen.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/err.h"
#include "tui/canvas.h"
#include "tui/keys.h"

struct screen {
    SCREEN *terminal;
    bool colour;
    bool bold_only; /* the mono theme */
    int click;      /* row of the last click */
};

struct screen *screen_open(bool colour, struct err *e)
{
    struct screen *s = calloc(1, sizeof *s);

    if (!s || !(s->terminal = newterm(NULL, stdout, stdin))) {
        free(s);
        (void)err_set(e, ERR_INVALID_PARAMETERS,
                      "This terminal (TERM=%s) cannot show a screen; use drover tui --plain.",
                      getenv("TERM") ? getenv("TERM") : "");
        return NULL;
    }
    set_escdelay(50);
    raw();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    (void)curs_set(0);
    s->colour = colour && has_colors();
    if (s->colour) {
        start_color();
        use_default_colors();
    }
    screen_theme(s, "default");
    return s;
}

void screen_close(struct screen *s)
{
    if (!s)
        return;
    endwin();
    delscreen(s->terminal);
    free(s);
}

void screen_leave(struct screen *s)
{
    (void)s;
    (void)def_prog_mode();
    (void)endwin();
}

void screen_return(struct screen *s)
{
    (void)s;
    (void)reset_prog_mode();
    (void)flushinp();
    (void)curs_set(0);
    clearok(stdscr, TRUE);
}

void screen_size(const struct screen *s, int *rows, int *cols)
{
    (void)s;
    getmaxyx(stdscr, *rows, *cols);
}

void screen_theme(struct screen *s, const char *name)
{
    /* Darker for a light ground, brighter for strong contrast; both safe for colour-blind eyes. */
    static const short light[COLOUR_COUNT] = {-1, 130, 25, 18, 22, 124, 90, 240};
    static const short contrast[COLOUR_COUNT] = {-1, 220, 123, 117, 121, 209, 219, 252};
    bool many = COLORS >= 256;

    s->bold_only = !strcmp(name, "mono");
    if (!s->colour || s->bold_only)
        return;
    for (int c = 1; c < COLOUR_COUNT; c++) {
        int colour = words_palette((enum word_colour)c, many);

        if (many && !strcmp(name, "light"))
            colour = light[c];
        else if (many && !strcmp(name, "contrast"))
            colour = contrast[c];
        init_pair((short)c, (short)colour, -1);
    }
}

static attr_t screen_attributes(unsigned style)
{
    attr_t a = A_NORMAL;

    a |= style & CANVAS_BOLD ? A_BOLD : 0;
    a |= style & CANVAS_REVERSE ? A_REVERSE : 0;
    a |= style & CANVAS_DIM ? A_DIM : 0;
    a |= style & CANVAS_UNDERLINE ? A_UNDERLINE : 0;
    return a;
}

static void screen_cell(const struct screen *s, int row, int col, const struct canvas_cell *cell)
{
    wchar_t wide[CANVAS_CELL + 1];
    unsigned colour = cell->style & CANVAS_COLOUR;
    size_t n = mbstowcs(wide, cell->text, CANVAS_CELL);
    cchar_t c;

    if (n == (size_t)-1 || n == 0) {
        wide[0] = '?'; /* the locale cannot say it */
        n = 1;
    }
    wide[n < CCHARW_MAX ? n : CCHARW_MAX - 1] = L'\0';
    if (!s->colour || s->bold_only)
        colour = 0;
    if (setcchar(&c, wide, screen_attributes(cell->style), (short)colour, NULL) == OK)
        (void)mvadd_wch(row, col, &c);
}

void screen_paint(struct screen *s, const struct canvas *c, bool whole)
{
    for (int row = 0; row < c->rows; row++) {
        for (int col = 0; col < c->cols; col++) {
            const struct canvas_cell *cell = &c->cells[row * c->cols + col];

            if (cell->width)
                screen_cell(s, row, col, cell);
        }
    }
    if (whole)
        clearok(stdscr, TRUE);
    wnoutrefresh(stdscr);
    doupdate();
}

void screen_mouse(struct screen *s, bool on)
{
    (void)s;
    /* Without an interval curses waits for no second click, so no key waits behind a first one. */
    (void)mouseinterval(0);
    (void)mousemask(on ? BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED : 0, NULL);
}

int screen_click(const struct screen *s)
{
    return s->click;
}

/* What an event of the mouse is as a key; the wheel moves the cursor. */
static int screen_mouse_key(struct screen *s)
{
    MEVENT event;

    if (getmouse(&event) != OK)
        return KEYS_NONE;
    if (event.bstate & BUTTON4_PRESSED)
        return KEYS_UP;
    if (event.bstate & BUTTON5_PRESSED)
        return KEYS_DOWN;
    s->click = event.y;
    return event.bstate & BUTTON1_PRESSED ? KEYS_CLICK : KEYS_NONE;
}

int screen_key(struct screen *s)
{
    static const struct {
        wint_t curses;
        int key;
    } names[] = {
        {KEY_UP, KEYS_UP},
        {KEY_DOWN, KEYS_DOWN},
        {KEY_LEFT, KEYS_LEFT},
        {KEY_RIGHT, KEYS_RIGHT},
        {KEY_PPAGE, KEYS_PAGE_UP},
        {KEY_NPAGE, KEYS_PAGE_DOWN},
        {KEY_HOME, KEYS_HOME},
        {KEY_END, KEYS_END},
        {KEY_BTAB, KEYS_BACKTAB},
        {KEY_RESIZE, KEYS_RESIZE},
        {KEY_BACKSPACE, KEYS_BACKSPACE},
        {KEY_ENTER, KEYS_ENTER},
        {KEY_DC, KEYS_BACKSPACE},
    };
    wint_t c = 0;
    int kind = get_wch(&c);

    if (kind == ERR)
        return KEYS_NONE;
    if (kind == KEY_CODE_YES && c == KEY_MOUSE)
        return screen_mouse_key(s);
    if (kind == KEY_CODE_YES) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            if (names[i].curses == c)
                return names[i].key;
        }
        return KEYS_NONE;
    }
    if (c == '\n')
        return KEYS_ENTER;
    return c == 8 ? KEYS_BACKSPACE : (int)c;
}
