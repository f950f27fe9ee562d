/* SPDX-License-Identifier: MIT
 *
 * A small set of strings: people mark tens of rows.
 */
#include "tui/views/marks.h"

#include <stdlib.h>
#include <string.h>

bool marks_has(const struct marks *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++) {
        if (!strcmp(m->names[i], name))
            return true;
    }
    return false;
}

static int marks_add(struct marks *m, const char *name)
{
    if (m->count == m->room) {
        size_t room = m->room ? m->room * 2 : 16;
        char **names = reallocarray(m->names, room, sizeof *names);

        if (!names)
            return -1;
        m->names = names;
        m->room = room;
    }
    m->names[m->count] = strdup(name);
    if (!m->names[m->count])
        return -1;
    m->count++;
    return 0;
}

int marks_toggle(struct marks *m, const char *name)
{
    for (size_t i = 0; i < m->count; i++) {
        if (strcmp(m->names[i], name))
            continue;
        free(m->names[i]);
        m->names[i] = m->names[--m->count];
        return 0;
    }
    return marks_add(m, name);
}

void marks_clear(struct marks *m)
{
    for (size_t i = 0; i < m->count; i++)
        free(m->names[i]);
    free(m->names);
    *m = (struct marks){.count = 0};
}

size_t marks_users(const struct marks *m)
{
    size_t users = 0;

    for (size_t i = 0; i < m->count; i++) {
        size_t len = strcspn(m->names[i], "~") + 1;
        size_t j = 0;

        while (j < i && strncmp(m->names[j], m->names[i], len))
            j++;
        users += j == i;
    }
    return users;
}
