/* SPDX-License-Identifier: MIT
 *
 * Scenarios: black-box steps against the scheduler with the outcomes they must have. The format is described in
 * tests/sim/hived.json itself, under "format_notes".
 */
#ifndef DROVER_SIM_SCENARIO_H
#define DROVER_SIM_SCENARIO_H

#include <stdio.h>

struct err;

/* Runs every scenario of a file, prints a line for each and a last line "N passed, N failed" to `out`. The number that
 * failed, or -1 when the file cannot be read. */
int scenario_run_file(const char *path, FILE *out, struct err *e);

#endif
