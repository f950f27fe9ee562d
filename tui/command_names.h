/* SPDX-License-Identifier: MIT
 *
 * The names that an argument may be, as they are now: each kind by the verb of the table that lists it. For completion.
 */
#ifndef DROVER_TUI_COMMAND_NAMES_H
#define DROVER_TUI_COMMAND_NAMES_H

#include "tui/command.h"

struct cli;

/* The kind's word ("nodes"), which command_names_print knows; NULL where names of the kind are not to be had. */
const char *command_names_word(enum command_arg kind);
/* What an option's value names, by the option's name: "vc" is a virtual cluster. COMMAND_ARG_NONE where unknown. */
enum command_arg command_names_of_option(const char *option);
/* Prints the names of the kind of this word, a line each, and nothing where they cannot be had at once. Names with
 * bytes that a shell would read otherwise are left out. The exit status: CLI_USAGE for a word that is none. */
int command_names_print(struct cli *cli, const char *word);

#endif
