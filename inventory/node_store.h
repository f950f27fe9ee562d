/* SPDX-License-Identifier: MIT
 *
 * Rows of table node.
 */
#ifndef DROVER_INVENTORY_NODE_STORE_H
#define DROVER_INVENTORY_NODE_STORE_H

#include <stdint.h>

#include "inventory/node.h"

struct err;
struct store;

/* Inserts or replaces the row of a node (but for `up`, which only an engine knows). 0 or -1. Inside a transaction. */
int node_store_put(struct store *s, const struct node *n, int64_t now_ms, struct err *e);

/* Told each node, in order of name; non-zero stops and is returned. */
typedef int node_store_fn(void *ctx, const struct node *n);

/* Calls `fn` for each row. 0, -1 on error, or what `fn` returned. */
int node_store_each(struct store *s, node_store_fn *fn, void *ctx, struct err *e);

#endif
