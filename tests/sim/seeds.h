/* SPDX-License-Identifier: MIT
 *
 * Seeded histories: which seeds a program runs, how many events of each, and how a failure is told and replayed.
 *
 *   PROGRAM [--seed S] [--seeds N] [--events N] [--until N] [--tell]
 *
 * Without options 20 seeds of 10,000 events, with DROVER_NIGHTLY 200 of 50,000. `--seed` runs one alone, or is the
 * first of `--seeds`; `--until` stops after so many events; `--tell` prints each.
 */
#ifndef DROVER_TESTS_SIM_SEEDS_H
#define DROVER_TESTS_SIM_SEEDS_H

#include <stdbool.h>
#include <stdint.h>

/* One history. */
struct seeds_run {
    uint64_t seed;
    int events; /* how many to drive */
    bool tell;
    int done; /* the event at which it stopped */
};

/* Drives a history; whether nothing was violated. It has printed what was. */
typedef bool seeds_fn(struct seeds_run *run);
/* Runs what the command line says. The exit status of the program. */
int seeds_main(int argc, char **argv, seeds_fn *run);
/* Prints what is violated; false, to be returned. */
bool seeds_wrong(const char *what);

#endif
