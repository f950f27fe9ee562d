/* SPDX-License-Identifier: MIT
 *
 * The command table, as its readers see it: the areas one after the other.
 */
#include "tui/command_options.h"
#include "tui/commands_areas.h"

static const struct command_area *const areas[] = {&commands_jobs, &commands_cluster, &commands_access, &commands_help};

const struct command *commands_at(size_t i)
{
    for (size_t a = 0; a < sizeof areas / sizeof *areas; a++) {
        if (i < areas[a]->count)
            return &areas[a]->rows[i];
        i -= areas[a]->count;
    }
    return NULL;
}

const struct command_option *commands_global(void)
{
    return command_options_global;
}
