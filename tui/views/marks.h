/* SPDX-License-Identifier: MIT
 *
 * The marked rows of a list, by name, so that they stay marked when the list changes.
 */
#ifndef DROVER_TUI_VIEWS_MARKS_H
#define DROVER_TUI_VIEWS_MARKS_H

#include <stdbool.h>
#include <stddef.h>

/* The set. Zero-initialise; embedded. */
struct marks {
    char **names;
    size_t count;
    size_t room;
};

/* Whether `name` is marked. */
bool marks_has(const struct marks *m, const char *name);
/* Marks or unmarks; 0, or -1 when out of memory. */
int marks_toggle(struct marks *m, const char *name);
/* Unmarks all and frees. */
void marks_clear(struct marks *m);
/* In how many different "user~" the names are. */
size_t marks_users(const struct marks *m);

#endif
