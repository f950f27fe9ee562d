/* SPDX-License-Identifier: MIT
 *
 * A set of (owner, key) pairs: how the JSON and YAML gates find duplicate keys in linear time, with one table for all
 * objects of a document. SipHash with a random key. One thread at a time.
 */
#ifndef DROVER_BASE_KEYSET_H
#define DROVER_BASE_KEYSET_H

#include <stddef.h>
#include <stdint.h>

struct keyset_slot {
    const char *key; /* NULL: free */
    size_t len;
    uint32_t owner;
    uint32_t code;
};

struct keyset {
    struct keyset_slot *slots;
    size_t size; /* power of two, or 0 */
    size_t count;
    unsigned char seed[16];
};

/* An empty set; no allocation. */
void keyset_init(struct keyset *k);
/* Frees the table. */
void keyset_fini(struct keyset *k);
/* Adds a key of `len` bytes, borrowed for the life of the set. 1 when added, 0 when it was there, -1 when out of
 * memory. */
int keyset_add(struct keyset *k, uint32_t owner, const char *key, size_t len);

#endif
