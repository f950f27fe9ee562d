/* SPDX-License-Identifier: MIT
 *
 * The lines of a log as they came, made harmless, the oldest given up beyond a bound.
 */
#ifndef DROVER_TUI_VIEWS_LINES_H
#define DROVER_TUI_VIEWS_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/foreign.h"

#define LINES_MAX 20000
#define LINES_BYTES 4096 /* of one line; the rest of a longer one is a line of its own */

/* The store. Zero-initialise; embedded. */
struct lines {
    char **items;
    size_t count;
    size_t dropped; /* lines given up */
    bool open;      /* the last line has not ended yet */
    struct foreign foreign;
};

/* Takes in the next bytes of the log. 0, or -1 when out of memory. */
int lines_add(struct lines *l, const char *bytes, size_t len);
/* Empties and frees. */
void lines_clear(struct lines *l);

#endif
