/* SPDX-License-Identifier: MIT
 *
 * What the core shows to readers: an immutable, reference-counted copy of the cluster's account, published by the
 * core's thread after a change: at most 20 times a second while somebody looks, else 4 times (DESIGN 1.8).
 */
#ifndef DROVER_SERVER_SNAPSHOT_H
#define DROVER_SERVER_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cluster;

/* One published state. The cluster is private to the holder's use under snapshot_lock. */
struct snapshot {
    struct cluster *cluster; /* readers that call pass_explain (which tries and gives back) clone it first */
    int64_t wall_ms;         /* when it was taken */
    size_t live_jobs, waiting_jobs;
    int refs;
};

struct snapshots;

/* NULL on out of memory. */
struct snapshots *snapshots_create(void);
void snapshots_destroy(struct snapshots *s);
/* The core's thread: replaces the published state; takes over `cluster`. */
void snapshots_publish(struct snapshots *s, struct cluster *cluster, int64_t wall_ms, size_t live, size_t waiting);
/* A reader's hold on the newest; NULL before the first. Any thread. */
struct snapshot *snapshots_get(struct snapshots *s);
/* Gives it back. NULL ok. */
void snapshots_put(struct snapshots *s, struct snapshot *snap);
/* Whether somebody took the newest one: then the next is worth making soon. */
bool snapshots_wanted(struct snapshots *s);

#endif
