/* SPDX-License-Identifier: MIT
 *
 * What a grid tells of itself and its gangs. Nothing here changes it. Comes with grid.h.
 */
#ifndef DROVER_SCHEDULER_GRID_VIEW_H
#define DROVER_SCHEDULER_GRID_VIEW_H

#include "scheduler/grid.h"

/* What the jobs of a virtual cluster (by index) hold, in GPUs. */
struct grid_use {
    int guaranteed; /* what it owns */
    int held;       /* within that, reserved ones too */
    int borrowed;
};
struct grid_use grid_use_of(const struct grid *g, size_t vc);

/* How a gang stands, why, whether it runs without guarantee, and whose it is. */
enum grid_state grid_state_of(const struct grid *g, int gang);
enum grid_reason grid_reason_of(const struct grid *g, int gang);
bool grid_is_oppo(const struct grid *g, int gang);
void *grid_owner(const struct grid *g, int gang);
/* By what right it runs, or would. */
enum grid_right { GRID_GUARANTEED, GRID_BORROWED, GRID_OPPORTUNISTIC };
enum grid_right grid_right_of(const struct grid *g, int gang);
/* One more than the highest number that a gang has or had. */
int grid_gangs(const struct grid *g);
/* GPUs it runs on or has reserved, as many as it asked for, or 0; `at` may be NULL. */
size_t grid_places(const struct grid *g, int gang, struct grid_place *at, size_t max);
/* The gangs that must stop for a preempting gang; not those that it only waits for (grid_reserve). How many. */
size_t grid_victims(const struct grid *g, int gang, int *out, size_t max);
/* All that it waits for. How many; `out` may be NULL when `max` is 0: whether there are any. */
size_t grid_in_way(const struct grid *g, int gang, int *out, size_t max);
/* Grows when something may fit that did not before. */
uint64_t grid_version(const struct grid *g);
/* GPUs in all; idle ones of healthy or bad machines; those held within guarantees by a virtual cluster (by index). */
int grid_total(const struct grid *g);
int grid_idle(const struct grid *g);
int grid_held(const struct grid *g, size_t vc);

/* Machine by name or -1; the cell of a level around a GPU of a machine, as a number to compare; chain of a machine. */
int grid_node(const struct grid *g, const char *name);
int grid_cell(const struct grid *g, const struct grid_place *at, int level);
int grid_chain(const struct grid *g, int node);

/* A full recount: counters, lists, no GPU twice, every guarantee still to be met (I4, I6, I9). */
bool grid_check(const struct grid *g);

#endif
