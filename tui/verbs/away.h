/* SPDX-License-Identifier: MIT
 *
 * `drover shell` from within `drover tui`: a process of its own on the same terminal, since a shell wants signals and
 * the terminal's modes for itself.
 */
#ifndef DROVER_TUI_VERBS_AWAY_H
#define DROVER_TUI_VERBS_AWAY_H

struct app_shell;
struct cli;

/* Runs `drover shell` with the context of this program and waits for its end; when it went wrong, also for Enter, so
 * that its words can be read. The terminal has to be in its usual modes. Main thread. */
void away_shell(struct cli *cli, const struct app_shell *to);

#endif
