/* SPDX-License-Identifier: MIT
 *
 * What reports have to know of nodes: which GPUs each has. Of a node that is gone nothing is known.
 */
#ifndef DROVER_METRICS_REPORT_NODES_H
#define DROVER_METRICS_REPORT_NODES_H

struct err;
struct report_nodes;
struct store;

/* As the rows are now. NULL with `e`. */
struct report_nodes *report_nodes_read(struct store *s, struct err *e);
void report_nodes_destroy(struct report_nodes *n);
/* The SKU of its GPUs (inventory/sku.h); NULL: not known. Borrowed. */
const char *report_nodes_model(const struct report_nodes *n, const char *node);
/* The UUID of one of its GPUs; NULL: not known, or simulated. Borrowed. */
const char *report_nodes_uuid(const struct report_nodes *n, const char *node, int gpu);

#endif
