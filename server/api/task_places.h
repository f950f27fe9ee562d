/* SPDX-License-Identifier: MIT
 *
 * The task attempts of a job that a request looks into, one after the other.
 */
#ifndef DROVER_SERVER_API_TASK_PLACES_H
#define DROVER_SERVER_API_TASK_PLACES_H

#include "base/id.h"

struct arena;
struct task_attempt_row;

struct task_place {
    struct task_place *next;
    char id[ID_SIZE];
    int job_attempt, task_index, attempt;
    const char *role;
};

struct task_places {
    struct arena *arena; /* borrowed, for all of them */
    struct task_place *first, *last;
    int count;
};

/* Adds a copy of what the row says. 0, or 1 on out of memory, as a reader of rows has it. */
int task_places_add(struct task_places *p, const struct task_attempt_row *row);

#endif
