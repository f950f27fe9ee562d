/* SPDX-License-Identifier: MIT
 *
 * For tests that load the stand-in for a driver's library (tests/nvml). Its path must be known when a program starts,
 * so that main is this: it starts itself again with each generation of it.
 */
#ifndef DROVER_TESTS_UNIT_METRICS_SCENARIO_H
#define DROVER_TESTS_UNIT_METRICS_SCENARIO_H

#include <stdbool.h>

/* What the library plays from now on. */
void scenario_set(const char *text);
/* Whether the library of this run has the oldest interface only. */
bool scenario_is_old(void);
/* `run` in a process for each generation, in a folder of its own that goes with it. The exit status. */
int scenario_main(int argc, char **argv, int (*run)(void));

#endif
