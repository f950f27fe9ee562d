/* SPDX-License-Identifier: MIT
 *
 * Logs as a verb, and as a part of `submit --follow`.
 */
#ifndef DROVER_TUI_VERBS_LOGS_H
#define DROVER_TUI_VERBS_LOGS_H

#include <stdbool.h>

struct cli;
struct err;
struct model_task;

/* Which log. */
struct logs_choice {
    const char *full;   /* "user~name" */
    const char *role;   /* NULL = any */
    const char *stream; /* "all", "stdout", "stderr" */
    int index;          /* within the role, -1 = any */
    int attempt;        /* of the job, -1 = the last */
    int task_attempt;   /* -1 = the last */
    bool tail;          /* only the end */
    bool raw;           /* as it is, on a terminal too */
};

/* Prints the chosen log while it grows, until the attempt has ended and no retry follows; waits for a task that has not
 * started, and goes on after a lost connection where it was. When several tasks fit, as follow_tasks. 0 or -1. */
int logs_follow(struct cli *cli, const struct logs_choice *choice, struct err *e);
/* Whether a task is among the chosen ones. */
bool logs_fits(const struct logs_choice *choice, const struct model_task *t);

#endif
