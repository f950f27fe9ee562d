/* SPDX-License-Identifier: MIT
 *
 * Rows of table virtual_cluster.
 */
#ifndef DROVER_INVENTORY_VC_STORE_H
#define DROVER_INVENTORY_VC_STORE_H

#include "inventory/vc.h"

struct err;
struct store;

/* Inserts or replaces the row; drops it. 0 or -1. Inside a transaction. */
int vc_store_put(struct store *s, const struct vc *vc, struct err *e);
int vc_store_drop(struct store *s, const char *name, struct err *e);

/* Told each virtual cluster, in order of name; non-zero stops and is returned. */
typedef int vc_store_fn(void *ctx, const struct vc *vc);

/* Calls `fn` for each row. 0, -1 on error, or what `fn` returned. */
int vc_store_each(struct store *s, vc_store_fn *fn, void *ctx, struct err *e);

#endif
