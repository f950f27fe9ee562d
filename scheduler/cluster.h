/* SPDX-License-Identifier: MIT
 *
 * What is free where: the scheduler's account of nodes. Nodes are kept in buckets by their number of free GPUs, so that
 * the tightest fit is found without a scan. Pure: no clock, no I/O, one owner.
 */
#ifndef DROVER_SCHEDULER_CLUSTER_H
#define DROVER_SCHEDULER_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inventory/node.h"
#include "inventory/node_topology.h"

/* One node as the scheduler sees it. Read-only outside cluster.c. */
struct cluster_node {
    struct node info;          /* totals, name, flags */
    struct node_topology lies; /* what its labels tell */
    struct resources used;     /* sum of what was taken; may exceed the totals when a node shrank */
    struct resources total;
    uint64_t *port_used;    /* bitmap over info.port_first..port_last */
    uint64_t *port_blocked; /* those of them that somebody else uses */
    int port_free;
    int port_hint;               /* where the next search begins: ports are not reused at once */
    int bucket;                  /* free GPUs of the bucket it hangs in; -1 when not usable */
    int next, prev;              /* bucket links, indices; -1 = none */
    int64_t closes_ms, opens_ms; /* its next maintenance window, wall clock; 0: none is ahead */
};

/* Whether anything new may start there. */
static inline bool cluster_usable(const struct node *n)
{
    return n->up && !n->cordoned && !n->maintenance;
}

struct cluster;

/* An empty cluster. NULL on out of memory. */
struct cluster *cluster_create(void);
/* NULL ok. */
void cluster_destroy(struct cluster *c);

/* A deep copy, for a reader on another thread. NULL on out of memory. */
struct cluster *cluster_clone(const struct cluster *c);

/* Adds the node or replaces what is known of it (use is kept). Returns its index, stable for ever, or -1 on out of
 * memory. */
int cluster_put_node(struct cluster *c, const struct node *info);
/* Index of a name, or -1. */
int cluster_find(const struct cluster *c, const char *name);
/* Number of nodes; indices are 0..count-1. */
size_t cluster_count(const struct cluster *c);
/* The node at an index. Borrowed until the next cluster_put_node. */
const struct cluster_node *cluster_at(const struct cluster *c, int index);

/* Its next maintenance window is that (wall clock; 0, 0: none is ahead). */
void cluster_close(struct cluster *c, int index, int64_t closes_ms, int64_t opens_ms);
/* Nodes with one ahead. */
size_t cluster_closing(const struct cluster *c);
/* Whether its next window begins before `until_ms` (INT64_MAX: for somebody who may stay for ever). */
bool cluster_closes(const struct cluster *c, int index, int64_t until_ms);

/* What is asked of a node beside resources. */
struct cluster_wish {
    const bool *only; /* by index; NULL: all will do */
    int64_t until_ms; /* no window of its begins before; 0: windows are nothing to whoever asks */
};
/* First usable node, tightest by free GPUs, with room for `want` and `ports` ports, out of those that the wish (NULL:
 * none) allows; -1 when none has. */
int cluster_best(const struct cluster *c, const struct resources *want, int ports, const struct cluster_wish *wish);
/* Whether a usable node has room for it. */
bool cluster_room(const struct cluster *c, int index, const struct resources *want, int ports);
/* Takes resources and picks `port_count` free ports into `ports`. Always succeeds for what cluster_best found. */
void cluster_take(struct cluster *c, int index, const struct resources *want, int *ports, int port_count);
/* The same for somebody who waits until others have left: only the ports must be free, amounts may exceed what there
 * is.
 */
void cluster_reserve(struct cluster *c, int index, const struct resources *want, int *ports, int port_count);
/* Takes exactly these (from a row, at restart), even when that over-commits. Returns whether it fitted. */
bool cluster_retake(struct cluster *c, int index, const struct resources *want, const int *ports, int port_count);
/* Gives back. */
void cluster_give(struct cluster *c, int index, const struct resources *want, const int *ports, int port_count);
/* A port that somebody else uses is not given out until cluster_unblock_port. False when there is nothing to block: it
 * is blocked, in use, or none of the node's. */
bool cluster_block_port(struct cluster *c, int index, int port);
/* Gives a blocked port back, which may let something fit; any other is left as it is. Returns whether it was. */
bool cluster_unblock_port(struct cluster *c, int index, int port);

/* Sums over usable nodes: totals and what is free. O(1). */
struct resources cluster_total(const struct cluster *c);
struct resources cluster_free(const struct cluster *c);
/* Grows whenever something may fit that did not before: a release, a new or better node. */
uint64_t cluster_release_version(const struct cluster *c);

/* Whether the counters equal a recount from the nodes (I4, for tests and assertions). */
bool cluster_check(const struct cluster *c);

#endif
