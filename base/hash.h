/* SPDX-License-Identifier: MIT
 *
 * A string-keyed hash table of pointers with open addressing (SipHash with a per-table random key, so keys chosen by
 * users cannot make it slow). Keys are borrowed from the values. One thread at a time.
 */
#ifndef DROVER_BASE_HASH_H
#define DROVER_BASE_HASH_H

#include <stddef.h>

struct hash;

/* An empty table. NULL on out of memory. */
struct hash *hash_create(void);
/* Frees the table, not the values. NULL ok. */
void hash_destroy(struct hash *h);
/* The value stored under `key`, or NULL. Borrowed. */
void *hash_get(const struct hash *h, const char *key);
/* Stores `value` (not NULL) under `key`, which must live as long as the entry. Replaces. 0, or -1 on out of memory. */
int hash_put(struct hash *h, const char *key, void *value);
/* Removes and returns the value, or NULL. */
void *hash_remove(struct hash *h, const char *key);
/* Number of entries. */
size_t hash_count(const struct hash *h);
/* Iteration in unspecified order: start with *pos = 0; NULL at the end. Removing the entry just returned is allowed,
 * adding is not. */
void *hash_next(const struct hash *h, size_t *pos);

#endif
