/* SPDX-License-Identifier: MIT
 *
 * A pool of read-only connections for the HTTP threads.
 */
#ifndef DROVER_SERVER_READERS_H
#define DROVER_SERVER_READERS_H

#include <stddef.h>

struct err;
struct readers;
struct store;

/* Up to `max` connections to the database at `path`, opened when first needed. NULL on out of memory. */
struct readers *readers_create(const char *path, size_t max);
/* All must have been given back. NULL ok. */
void readers_destroy(struct readers *r);
/* A connection for the caller alone; waits while all are lent. No snapshot of it lasts longer than half a minute
 * (store_bound_reads). NULL on error. Any thread. */
struct store *readers_get(struct readers *r, struct err *e);
/* Gives it back. NULL ok. */
void readers_put(struct readers *r, struct store *s);

#endif
