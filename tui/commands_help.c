/* SPDX-License-Identifier: MIT
 *
 * The command table's rows about help.
 */
#include "tui/command_options.h"
#include "tui/commands_areas.h"
#include "tui/completion.h"
#include "tui/help.h"
#include "tui/verbs/verbs.h"

#define AREA "Help"

/* clang-format off */
static const struct command rows[] = {
    {.name = "help",
     .group = AREA,
     .args = "[COMMAND]",
     .help = "Help.",
     .max_args = 2,
     .arg = COMMAND_ARG_WORD,
     .run = help_run,
     .examples = {"help", "help submit", "help context use"}},
    {.name = "version",
     .group = AREA,
     .args = "",
     .help = "Print the version.",
     .max_args = 0,
     .run = access_version,
     .examples = {"version", "version -o json", "version -o name"}},
    {.name = "completion",
     .group = AREA,
     .args = "SHELL",
     .help = "Print the completion of a shell.",
     .min_args = 1,
     .max_args = 2,
     .arg = COMMAND_ARG_WORD,
     .words = "bash zsh fish",
     .run = completion_run,
     .examples = {"completion bash > ~/.local/share/bash-completion/completions/drover",
                  "completion zsh > ~/.zfunc/_drover", "completion fish > ~/.config/fish/completions/drover.fish"}},
    {.name = "man",
     .group = AREA,
     .args = "",
     .help = "Print the manual page (mdoc).",
     .max_args = 0,
     .run = help_man,
     .examples = {"man | man -l -", "man > drover.1", "man --help"}},
};
/* clang-format on */

const struct command_area commands_help = {rows, sizeof rows / sizeof *rows};
