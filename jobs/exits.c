/* SPDX-License-Identifier: MIT
 *
 * Look-ups in the exit catalogue (made of exits.yaml by exits_main.c), with its two catch-all entries.
 */
#include "jobs/exits.h"

#include <stdio.h>

#include "jobs/exits_table.h"

static const struct exit_entry *find_exact(int code)
{
    for (size_t i = 0; i < exits_table_count; i++)
        if (exits_table[i].code == code)
            return &exits_table[i];
    return NULL;
}

const struct exit_entry *exits_find(int code)
{
    const struct exit_entry *entry = find_exact(code);

    if (!entry)
        entry = find_exact(code < 0                   ? EXIT_CATCH_NEGATIVE
                           : code < EXIT_CATCH_BEYOND ? EXIT_CATCH_STATUS
                                                      : EXIT_CATCH_BEYOND);
    return entry;
}

const struct exit_entry *exits_all(size_t *count)
{
    *count = exits_table_count;
    return exits_table;
}

void exits_verdict(int code, const struct exit_entry *entry, struct exit_verdict *out)
{
    if (!entry)
        entry = exits_find(code);
    *out = (struct exit_verdict){.type = entry->type, .category = entry->category, .reaction = entry->reaction};
    snprintf(out->phrase, sizeof out->phrase, "%s", entry->phrase);
}

const char *exits_yaml(size_t *len)
{
    *len = exits_table_yaml_len;
    return exits_table_yaml;
}
