/* SPDX-License-Identifier: MIT
 *
 * Maintenance windows: for so long nothing new runs on some nodes, and nothing starts there before that would overrun
 * its beginning. Pure data and rows of table maintenance.
 */
#ifndef DROVER_INVENTORY_MAINTENANCE_H
#define DROVER_INVENTORY_MAINTENANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct store;

enum {
    MAINTENANCE_REASON_MAX = 200,  /* bytes */
    MAINTENANCE_NODES_MAX = 1000,  /* names in one; more nodes are all */
    MAINTENANCE_WINDOWS_MAX = 256, /* that are not over */
};

/* Text is borrowed. */
struct maintenance {
    int64_t id;                /* from the core, as those of events */
    const char *const *nodes;  /* names in their order, each once */
    size_t node_count;         /* 0: all nodes, also those that come later */
    int64_t start_ms, end_ms;  /* wall clock */
    int64_t created_ms;        /* when it was made, or moved last: who started before was not told */
    int64_t begun_ms, over_ms; /* 0: not yet */
    bool stop;                 /* what runs at its start is stopped; else it goes on to its end */
    bool removed;              /* over because somebody removed it */
    const char *reason, *user;
};

/* "planned", "active", "over" or "removed". Static. */
const char *maintenance_word(const struct maintenance *m);
/* Whether it is about a node. */
bool maintenance_covers(const struct maintenance *m, const char *node);
/* A copy with all its text in `a`, names sorted, each once; NULL on out of memory. */
struct maintenance *maintenance_dup(struct arena *a, const struct maintenance *m);

/* Inserts or replaces the row. 0 or -1. Inside a transaction. */
int maintenance_store_put(struct store *s, const struct maintenance *m, struct err *e);

/* Told each window, borrowed for the call; non-zero stops and is returned. */
typedef int maintenance_store_fn(void *ctx, const struct maintenance *m);
/* Those that are not over, the first to begin first; with `over` > 0 also so many of the others, the newest first. 0,
 * -1 on error, or what `fn` returned. */
int maintenance_store_each(struct store *s, int over, maintenance_store_fn *fn, void *ctx, struct err *e);

#endif
