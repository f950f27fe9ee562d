/* SPDX-License-Identifier: MIT
 *
 * Shell completion made from the command table; names of jobs and contexts are asked from drover itself.
 */
#ifndef DROVER_TUI_COMPLETION_H
#define DROVER_TUI_COMPLETION_H

struct cli;

/* `drover completion bash|zsh|fish`. */
int completion_run(struct cli *cli);

#endif
