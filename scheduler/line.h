/* SPDX-License-Identifier: MIT
 *
 * The waiting line before a grid. Gangs that ask for the same thing form a group in submission order: when its first
 * does not fit none does, so a pass looks at one gang for each shape. Order: priority, then submission. A gang that has
 * waited for long (`age_ms`) reserves where it will run as soon as others leave, so that small gangs cannot starve it;
 * one gang of a virtual cluster at a time. In a group the first does, also where only one behind it has waited for long
 * (it was sent back to wait). Pure, one owner.
 */
#ifndef DROVER_SCHEDULER_LINE_H
#define DROVER_SCHEDULER_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "scheduler/grid.h"

struct line_group;

/* A gang's place in the line. Embedded in what the caller allocates. */
struct line_entry {
    int gang; /* waiting, on the grid */
    int64_t seq;
    int64_t since_ms; /* when it began to wait */
    int64_t long_ms;  /* the same of whoever of its group has waited for longest, from it on; the line's own */
    void *owner;
    struct line_group *group;
    struct line_entry *next, *prev;
};

struct line;

/* An empty line. Gangs older than `age_ms` (0 = never) are not passed by others of their virtual cluster. NULL on out
 * of memory. */
struct line *line_create(struct grid *g, int64_t age_ms);
/* NULL ok. Entries are the caller's. */
void line_destroy(struct line *l);
/* Adds an entry (gang, seq, since_ms and owner are set) that asks for `r`. 0, or -1 on out of memory. */
int line_add(struct line *l, struct line_entry *en, const struct grid_request *r);
/* Removes an entry. */
void line_remove(struct line *l, struct line_entry *en);
/* Entries waiting. */
size_t line_count(const struct line *l);

/* Told each gang that was placed (GRID_ALLOCATED), or that has reserved (GRID_PREEMPTING: it is to be tried again when
 * others leave); it has left the line. */
typedef void line_fn(void *ctx, struct line_entry *en, enum grid_state state);
/* One pass at the time `now_ms`. Returns how many were placed or have reserved, or -1 on out of memory. */
int line_pass(struct line *l, int64_t now_ms, line_fn *fn, void *ctx);

/* A gang that waits, for who asks about those in the line. */
struct line_place {
    int gang;
    int64_t since_ms; /* as line_entry.long_ms */
};
/* The first of the line in its order, into `out` (room for `max`). How many, or 0 on out of memory. */
size_t line_first(const struct line *l, struct line_place *out, size_t max);

/* When the next gang will have waited for long, after `now_ms`; INT64_MAX when none will. A pass is due then. */
int64_t line_deadline(const struct line *l, int64_t now_ms);

#endif
