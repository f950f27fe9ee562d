/* SPDX-License-Identifier: MIT
 *
 * What happened to a node, who did it and why: rows of table node_event.
 */
#ifndef DROVER_INVENTORY_NODE_EVENT_H
#define DROVER_INVENTORY_NODE_EVENT_H

#include <stdint.h>

struct err;
struct store;

enum { NODE_EVENTS_KEPT = 500 /* of each node: the newest */ };

/* Kinds, a closed table; the words are those of the API. */
enum node_event_kind {
    NODE_ADDED, /* the engine told of it for the first time */
    NODE_UP,
    NODE_DOWN,
    NODE_CORDONED,
    NODE_DRAINED,
    NODE_UNCORDONED,
    NODE_LABELS,
    NODE_GPU_HEALTH,        /* something was found to be wrong with a GPU */
    NODE_GPU_HEALTHY,       /* nothing is any more */
    NODE_GPU_QUARANTINED,   /* its last owner could not be proven gone */
    NODE_GPU_UNQUARANTINED, /* it was */
    NODE_MAINTENANCE_BEGUN,
    NODE_MAINTENANCE_OVER,
    NODE_EVENT_KINDS,
};

/* The word for a kind. Static. */
const char *node_event_word(enum node_event_kind kind);

/* Text is borrowed. */
struct node_event {
    int64_t id; /* from the core, counted with the events of jobs */
    int64_t time_ms;
    enum node_event_kind kind;
    const char *node;
    const char *user;   /* "": the server itself */
    const char *reason; /* a sentence, or what an admin wrote; may be "" */
};

/* Adds a row; what is older than the newest NODE_EVENTS_KEPT of its node goes. 0 or -1. Inside a transaction. */
int node_event_store_add(struct store *s, const struct node_event *ev, struct err *e);

/* Told each, borrowed for the call; non-zero stops and is returned. */
typedef int node_event_store_fn(void *ctx, const struct node_event *ev);
struct node_event_which {
    const char *node;
    int64_t before; /* ids below this; 0: from the newest on */
    int limit;
};
/* Those of a node, the newest first. 0, -1 on error, or what `fn` returned. */
int node_event_store_each(struct store *s, const struct node_event_which *which, node_event_store_fn *fn, void *ctx,
                          struct err *e);

#endif
