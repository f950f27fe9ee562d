/* SPDX-License-Identifier: MIT
 *
 * Rows of table storage. Writers are functions for command_write (core/command.h): they run on the core's thread inside
 * the batch's transaction. Readers on any connection.
 */
#ifndef DROVER_INVENTORY_STORAGE_STORE_H
#define DROVER_INVENTORY_STORAGE_STORE_H

#include "base/clock.h"
#include "inventory/storage.h"

struct err;
struct store;

/* `what` is a struct storage: inserts or replaces (created_ms stays that of the first). 0 or -1. */
int storage_store_put(struct store *s, void *what, struct clock_now now, struct err *e);
/* `what` is a name. Also takes it from the groups that grant it. ERR_NO_STORAGE. 0 or -1. */
int storage_store_remove(struct store *s, void *what, struct clock_now now, struct err *e);

/* Told a storage, its strings borrowed; non-zero stops and is returned. */
typedef int storage_store_fn(void *ctx, const struct storage *st);
/* Each row in order of name. 0, -1 on error, or what `fn` returned. */
int storage_store_each(struct store *s, storage_store_fn *fn, void *ctx, struct err *e);
/* One by name. ERR_NO_STORAGE; else what `fn` returned, or -1. */
int storage_store_get(struct store *s, const char *name, storage_store_fn *fn, void *ctx, struct err *e);

#endif
