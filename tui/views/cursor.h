/* SPDX-License-Identifier: MIT
 *
 * The cursor of a list that is here as a whole: its keys, and what of the list is on the screen.
 */
#ifndef DROVER_TUI_VIEWS_CURSOR_H
#define DROVER_TUI_VIEWS_CURSOR_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/keys.h"

/* Where it is. Zero-initialise; embedded. */
struct cursor {
    size_t at;     /* of the list */
    size_t top;    /* the first row on the screen */
    size_t length; /* of the list */
    size_t height; /* rows on the screen */
};

/* Actions of its keys, beyond those of a view. */
enum { CURSOR_UP = 500, CURSOR_DOWN, CURSOR_PAGE_UP, CURSOR_PAGE_DOWN, CURSOR_FIRST, CURSOR_LAST };

/* Its rows of a view's key table. */
#define CURSOR_KEYS                                                                                                    \
    {KEYS_UP, 'k', "Up, k", NULL, "Row up", CURSOR_UP, false},                                                         \
        {KEYS_DOWN, 'j', "Down, j", NULL, "Row down", CURSOR_DOWN, false},                                             \
        {KEYS_PAGE_UP, 'b', "PgUp, b", NULL, "Page up", CURSOR_PAGE_UP, false},                                        \
        {KEYS_PAGE_DOWN, 'f', "PgDn, f", NULL, "Page down", CURSOR_PAGE_DOWN, false},                                  \
        {KEYS_HOME, 'g', "Home, g", NULL, "First row", CURSOR_FIRST, false},                                           \
    {                                                                                                                  \
        KEYS_END, 'G', "End, G", NULL, "Last row", CURSOR_LAST, false                                                  \
    }

/* Moves it; false when the action is none of its own. */
bool cursor_act(struct cursor *c, int action);
/* The list has this length by now, and so many rows are on the screen: moves cursor and screen into it. */
void cursor_fit(struct cursor *c, size_t length, size_t height);

#endif
