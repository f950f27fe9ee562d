/* SPDX-License-Identifier: MIT
 *
 * The list doubles; the one before stays in the arena, which is less than the list itself.
 */
#include "base/names.h"

#include <string.h>

#include "base/arena.h"

#define NAMES_FIRST 8

/* Room for one more name and the NULL. */
static int names_room(struct names *n)
{
    size_t cap = n->cap ? n->cap * 2 : NAMES_FIRST;
    const char **grown;

    if (n->count + 1 < n->cap)
        return 0;
    grown = arena_calloc(n->arena, cap, sizeof(*grown));
    if (!grown)
        return -1;
    if (n->count)
        memcpy(grown, n->list, n->count * sizeof(*grown));
    n->list = grown;
    n->cap = cap;
    return 0;
}

int names_add(struct names *n, const char *name)
{
    const char *copy = arena_strdup(n->arena, name);

    if (!copy || names_room(n))
        return -1;
    n->list[n->count++] = copy;
    return 0;
}

const char *const *names_end(struct names *n)
{
    return names_room(n) ? NULL : n->list;
}

bool names_has(const struct names *n, const char *name)
{
    for (size_t i = 0; i < n->count; i++)
        if (!strcmp(n->list[i], name))
            return true;
    return false;
}
