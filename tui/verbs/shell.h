/* SPDX-License-Identifier: MIT
 *
 * A process more in a running task, on our standard input and output; for shell, exec and ssh-proxy.
 */
#ifndef DROVER_TUI_VERBS_SHELL_H
#define DROVER_TUI_VERBS_SHELL_H

#include <stdbool.h>
#include <stddef.h>

struct cli;

/* What to start, in the task that arguments and options name. */
struct shell_ask {
    const char *command; /* "" = an interactive shell */
    const char *ssh;     /* a public key: sshd instead, which lets in whoever has it; NULL = none */
    bool tty;
    /* What becomes of its output; 0, or -1 where nothing more is wanted. NULL: to standard output. */
    int (*write)(void *ctx, const void *data, size_t len);
    void *ctx;
};

/* Serves it to its end, and says what went wrong. The exit status. */
int shell_run(struct cli *cli, const struct shell_ask *ask);

#endif
