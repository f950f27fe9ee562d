/* SPDX-License-Identifier: MIT
 *
 * Looking things up in the command table.
 */
#include <string.h>

#include "base/arena.h"
#include "tui/command.h"

/* How many words of argv spell `name`: 1, 2, or 0 when they do not. */
static int commands_match(const char *name, int argc, char *const *argv)
{
    size_t len = strcspn(name, " ");

    if (strlen(argv[0]) != len || strncmp(name, argv[0], len))
        return 0;
    if (!name[len])
        return 1;
    return argc > 1 && !strcmp(name + len + 1, argv[1]) ? 2 : 0;
}

const struct command *commands_find(int argc, char *const *argv, int *used)
{
    const struct command *c, *found = NULL;

    *used = 0;
    for (size_t i = 0; (c = commands_at(i)); i++) {
        int words = commands_match(c->name, argc, argv);

        if (words > *used) { /* "users import" before "users" */
            *used = words;
            found = c;
        }
    }
    return found;
}

const char *commands_under(struct arena *a, const char *word)
{
    size_t len = strlen(word);
    const struct command *c;
    const char *all = "";

    for (size_t i = 0; all && (c = commands_at(i)); i++) {
        const char *name = c->name;

        if (len && !strncmp(name, word, len) && name[len] == ' ')
            all = arena_printf(a, "%s%s%s", all, *all ? ", " : "", name);
    }
    return all ? all : "";
}
