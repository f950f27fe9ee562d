/* SPDX-License-Identifier: MIT
 *
 * Help, manual and completion, all made from the command table.
 */
#ifndef DROVER_TUI_HELP_H
#define DROVER_TUI_HELP_H

#include <stdio.h>

struct cli;
struct command;

/* The list of commands by group. 0. */
int help_overview(struct cli *cli, FILE *f);
/* One command: usage, options, examples. CLI_OK. */
int help_command(struct cli *cli, const struct command *c);
/* `drover help [COMMAND]`. */
int help_run(struct cli *cli);
/* `drover man`: the manual page drover(1) in mdoc. */
int help_man(struct cli *cli);

#endif
