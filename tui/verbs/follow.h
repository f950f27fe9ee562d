/* SPDX-License-Identifier: MIT
 *
 * The logs of several tasks of a job at once, as they grow.
 */
#ifndef DROVER_TUI_VERBS_FOLLOW_H
#define DROVER_TUI_VERBS_FOLLOW_H

struct cli;
struct err;
struct logs_choice;

#define FOLLOW_MAX 64 /* tasks at once */

/* Prints lines as they come, each begun with its task ("worker-1 | "), until the job has ended and every log was
 * printed; goes on with new attempts and after lost connections. 0 or -1. Main thread. */
int follow_tasks(struct cli *cli, const struct logs_choice *choice, struct err *e);

#endif
