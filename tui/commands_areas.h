/* SPDX-License-Identifier: MIT
 *
 * The areas that make up the command table, for commands.c alone: everybody else reads the whole of it by command.h.
 */
#ifndef DROVER_TUI_COMMANDS_AREAS_H
#define DROVER_TUI_COMMANDS_AREAS_H

#include <stddef.h>

#include "tui/command.h"

/* Rows of one heading in the help. Constant. */
struct command_area {
    const struct command *rows;
    size_t count;
};

extern const struct command_area commands_jobs;
extern const struct command_area commands_cluster;
extern const struct command_area commands_access;
extern const struct command_area commands_help;

#endif
