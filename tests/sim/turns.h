/* SPDX-License-Identifier: MIT
 *
 * The waiting line as plainly as it can be said, for random histories of a grid.
 */
#ifndef DROVER_TESTS_SIM_TURNS_H
#define DROVER_TESTS_SIM_TURNS_H

#include <stddef.h>
#include <stdint.h>

struct grid;

struct turn {
    int gang, priority;
    int64_t seq;
};

/* Tries each gang once, in order of priority and submission, as the line does. Sorts the list. */
void turns_take(struct grid *g, struct turn *list, size_t count);

#endif
