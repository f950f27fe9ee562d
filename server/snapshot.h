/* SPDX-License-Identifier: MIT
 *
 * What the core shows to readers: an immutable, reference-counted copy of its account, published by the
 * core's thread after a change: at most 20 times a second while somebody looks, else 4 times (DESIGN 1.8).
 */
#ifndef DROVER_SERVER_SNAPSHOT_H
#define DROVER_SERVER_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cluster;
struct core_view;

/* One published state. */
struct snapshot {
    struct core_view *view;
    const struct cluster *cluster; /* the view's */
    int64_t wall_ms;               /* when it was taken */
    int refs;
};

struct snapshots;

/* NULL on out of memory. */
struct snapshots *snapshots_create(void);
void snapshots_destroy(struct snapshots *s);
/* The core's thread: replaces the published state; takes over `view` (NULL: nothing is published). */
void snapshots_publish(struct snapshots *s, struct core_view *view, int64_t wall_ms);
/* A reader's hold on the newest; NULL before the first. Any thread. */
struct snapshot *snapshots_get(struct snapshots *s);
/* Gives it back. NULL ok. */
void snapshots_put(struct snapshots *s, struct snapshot *snap);
/* Whether somebody took the newest one: then the next is worth making soon. */
bool snapshots_wanted(struct snapshots *s);

#endif
