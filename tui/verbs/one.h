/* SPDX-License-Identifier: MIT
 *
 * What other verbs do with one job, too.
 */
#ifndef DROVER_TUI_VERBS_ONE_H
#define DROVER_TUI_VERBS_ONE_H

#include <stdbool.h>

struct cli;

/* Stops a job by the name that was typed; says what became of it unless `quiet`. Exit status, with the failure said. */
int one_stop_job(struct cli *cli, const char *typed, bool quiet);

#endif
