/* SPDX-License-Identifier: MIT
 *
 * The TUI as lines, for screen readers and dumb terminals: no cursor movement, no frames, a prompt and commands.
 */
#ifndef DROVER_TUI_PLAIN_H
#define DROVER_TUI_PLAIN_H

struct app_config;
struct cli;

/* Runs until "quit" or the end of input. Exit status. Main thread. */
int plain_run(struct cli *cli, const struct app_config *config);

#endif
