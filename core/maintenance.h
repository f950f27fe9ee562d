/* SPDX-License-Identifier: MIT
 *
 * Maintenance windows as the core keeps them. Shared by its files only; the core's thread.
 */
#ifndef DROVER_CORE_MAINTENANCE_H
#define DROVER_CORE_MAINTENANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inventory/maintenance.h"

struct arena;
struct command;
struct core;
struct node;
struct step;

/* Those that are not over. */
struct core_windows {
    struct core_window {
        struct arena *arena; /* of `m` */
        struct maintenance *m;
    } * list;
    size_t count, cap;
    int64_t due_wall, due_mono; /* when the next begins or is over; INT64_MAX: never */
};

/* Frees all. */
void core_maintenance_fini(struct core *c);
/* Whether a node is in one now. */
bool core_maintenance_covers(const struct core *c, const char *node);
/* Notes on the account what is ahead of a node (by index) that was told for the first time. */
void core_maintenance_mark(struct core *c, int index);
/* Begins and ends what is due. Before a pass. */
void core_maintenance_look(struct step *s);
/* "2026-11-28 18:12 UTC". */
void core_maintenance_when(int64_t wall_ms, char out[32]);
/* COMMAND_MAINTENANCE. */
void core_maintenance(struct step *s, const struct command *cmd);

/* node.c: the account and the grid go by the node as it is now. 0, or -1 on out of memory. */
int core_node_put(struct core *c, const struct node *n);

#endif
