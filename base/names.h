/* SPDX-License-Identifier: MIT
 *
 * A growing list of names in an arena: what a statement's rows are kept in when other statements are to run on them.
 */
#ifndef DROVER_BASE_NAMES_H
#define DROVER_BASE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* Begin with {.arena = a}. `list` ends with a NULL once names_end or names_add has run. */
struct names {
    struct arena *arena;
    const char **list;
    size_t count, cap;
};

/* Copies a name to the end. 0, or -1 on out of memory. */
int names_add(struct names *n, const char *name);
/* The NULL-terminated list, also of none. NULL on out of memory. Owned by the arena. */
const char *const *names_end(struct names *n);
bool names_has(const struct names *n, const char *name);

#endif
