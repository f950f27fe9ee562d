/* SPDX-License-Identifier: MIT
 *
 * Keys: code points as they are, and names for the others; and the rows that a view's key table is made of. The help
 * page and the bottom line are made from the same rows.
 */
#ifndef DROVER_TUI_KEYS_H
#define DROVER_TUI_KEYS_H

#include <stdbool.h>
#include <stddef.h>

enum {
    KEYS_NONE = 0,
    KEYS_TAB = 9,
    KEYS_ENTER = 13,
    KEYS_ESC = 27,
    KEYS_CTRL_C = 3,
    KEYS_CTRL_L = 12,
    KEYS_CTRL_U = 21,
    KEYS_BACKSPACE = 127,
    KEYS_UP = 0x110000, /* beyond every code point */
    KEYS_DOWN,
    KEYS_LEFT,
    KEYS_RIGHT,
    KEYS_PAGE_UP,
    KEYS_PAGE_DOWN,
    KEYS_HOME,
    KEYS_END,
    KEYS_BACKTAB,
    KEYS_RESIZE,
    KEYS_CLICK, /* screen_click says where */
};

/* One key of a view. Constant. */
struct keys_row {
    int key;
    int also;          /* a second key for the same, or 0 */
    const char *label; /* "Enter" as the help shows it */
    const char *word;  /* for the bottom line, NULL = only in the help */
    const char *help;
    int action;  /* the view's own number, not 0 */
    bool writes; /* not with --readonly */
};

/* A view's table. */
struct keys {
    const struct keys_row *rows;
    size_t count;
};

/* The action of a key in a table, 0 when it has none (or writes and `readonly`). */
int keys_action(const struct keys *k, int key, bool readonly);
/* Keys that every view has: help, filter, command, back, quit. Actions are KEYS_DO_*. */
const struct keys *keys_global(void);

enum { KEYS_DO_HELP = 1000, KEYS_DO_COMMAND, KEYS_DO_BACK, KEYS_DO_QUIT, KEYS_DO_REDRAW, KEYS_DO_MOUSE };

#endif
