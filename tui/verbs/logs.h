/* SPDX-License-Identifier: MIT
 *
 * Logs as a verb, and as a part of `submit --follow`.
 */
#ifndef DROVER_TUI_VERBS_LOGS_H
#define DROVER_TUI_VERBS_LOGS_H

#include <stdbool.h>

struct cli;
struct err;
struct model_detail;
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
/* Reads role, index, attempt and task attempt from the options. 0 or -1. */
int logs_choose(struct cli *cli, struct logs_choice *choice, struct err *e);
/* Fetches the job (or the chosen attempt of it) and finds the first task that fits. NULL with a sentence that names
 * what there is. */
const struct model_task *logs_pick(struct cli *cli, const struct logs_choice *choice, struct model_detail *d,
                                   struct err *e);
/* The path of a task attempt of the job in `d`, without a slash behind it; in the arena, NULL when out of memory. */
const char *logs_attempt_path(struct cli *cli, const struct logs_choice *choice, const struct model_detail *d,
                              const struct model_task *t);
/* Whether a task is among the chosen ones. */
bool logs_fits(const struct logs_choice *choice, const struct model_task *t);

#endif
