/* SPDX-License-Identifier: MIT
 *
 * Maintenance windows as data.
 */
#include "inventory/maintenance.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

const char *maintenance_word(const struct maintenance *m)
{
    if (m->removed)
        return "removed";
    if (m->over_ms)
        return "over";
    return m->begun_ms ? "active" : "planned";
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool maintenance_covers(const struct maintenance *m, const char *node)
{
    return !m->node_count || bsearch(&node, m->nodes, m->node_count, sizeof *m->nodes, compare) != NULL;
}

struct maintenance *maintenance_dup(struct arena *a, const struct maintenance *m)
{
    struct maintenance *own = arena_alloc(a, sizeof *own);
    const char **names = arena_calloc(a, m->node_count + 1, sizeof *names);
    size_t n = 0;
    if (!own || !names)
        return NULL;
    *own = *m;
    own->reason = arena_strdup(a, m->reason);
    own->user = arena_strdup(a, m->user);
    for (size_t i = 0; i < m->node_count; i++)
        if (!(names[i] = arena_strdup(a, m->nodes[i])))
            return NULL;
    if (m->node_count > 1)
        qsort(names, m->node_count, sizeof *names, compare);
    for (size_t i = 0; i < m->node_count; i++)
        if (!n || strcmp(names[n - 1], names[i]) != 0)
            names[n++] = names[i];
    own->nodes = names;
    own->node_count = n;
    return own->reason && own->user ? own : NULL;
}
