/* SPDX-License-Identifier: MIT
 *
 * Open addressing with linear probing; the size is a power of two and at most three quarters of the slots are used.
 * A removed entry leaves a tombstone (key NULL, value not NULL), so that removal while iterating moves nothing.
 */
#include "base/hash.h"

#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"

#define HASH_FIRST 16u

struct hash_slot {
    const char *key;
    void *value;
    uint64_t code;
};

struct hash {
    struct hash_slot *slots;
    size_t size;  /* power of two */
    size_t count; /* entries */
    size_t used;  /* entries and tombstones */
    unsigned char seed[crypto_shorthash_KEYBYTES];
};

/* What a tombstone's value points to; only its address matters. */
static const char hash_tombstone;

struct hash *hash_create(void)
{
    struct hash *h = calloc(1, sizeof(*h));

    if (!h)
        return NULL;
    h->slots = calloc(HASH_FIRST, sizeof(*h->slots));
    if (!h->slots) {
        free(h);
        return NULL;
    }
    h->size = HASH_FIRST;
    id_random(h->seed, sizeof(h->seed));
    return h;
}

void hash_destroy(struct hash *h)
{
    if (!h)
        return;
    free(h->slots);
    free(h);
}

static uint64_t hash_code(const struct hash *h, const char *key)
{
    unsigned char out[crypto_shorthash_BYTES];
    uint64_t code;

    (void)crypto_shorthash(out, (const unsigned char *)key, strlen(key), h->seed);
    memcpy(&code, out, sizeof(code));
    return code;
}

/* The slot of `key`, or NULL. */
static struct hash_slot *hash_find(const struct hash *h, const char *key)
{
    uint64_t code = hash_code(h, key);
    size_t i = (size_t)code & (h->size - 1);

    while (h->slots[i].key || h->slots[i].value) {
        struct hash_slot *s = &h->slots[i];

        if (s->key && s->code == code && strcmp(s->key, key) == 0)
            return s;
        i = (i + 1) & (h->size - 1);
    }
    return NULL;
}

void *hash_get(const struct hash *h, const char *key)
{
    const struct hash_slot *s = hash_find(h, key);

    return s ? s->value : NULL;
}

/* Puts an entry that is known to be absent into the first slot never used. */
static void hash_place(struct hash_slot *slots, size_t size, const struct hash_slot *entry)
{
    size_t i = (size_t)entry->code & (size - 1);

    while (slots[i].key || slots[i].value)
        i = (i + 1) & (size - 1);
    slots[i] = *entry;
}

/* Makes room for one more: doubles, or only sweeps the tombstones out when they are what fills the table. */
static int hash_grow(struct hash *h)
{
    size_t size = h->count >= h->size / 2 ? h->size * 2 : h->size;
    struct hash_slot *slots = calloc(size, sizeof(*slots));
    size_t i;

    if (!slots)
        return -1;
    for (i = 0; i < h->size; i++) {
        if (h->slots[i].key)
            hash_place(slots, size, &h->slots[i]);
    }
    free(h->slots);
    h->slots = slots;
    h->size = size;
    h->used = h->count;
    return 0;
}

int hash_put(struct hash *h, const char *key, void *value)
{
    struct hash_slot *s = hash_find(h, key);
    struct hash_slot entry = {.key = key, .value = value};

    if (s) {
        s->key = key;
        s->value = value;
        return 0;
    }
    if (h->used + 1 > h->size / 4 * 3 && hash_grow(h))
        return -1;
    entry.code = hash_code(h, key);
    hash_place(h->slots, h->size, &entry);
    h->count++;
    h->used++;
    return 0;
}

void *hash_remove(struct hash *h, const char *key)
{
    struct hash_slot *s = hash_find(h, key);
    void *value;

    if (!s)
        return NULL;
    value = s->value;
    s->key = NULL;
    s->value = (void *)(uintptr_t)&hash_tombstone;
    h->count--;
    return value;
}

size_t hash_count(const struct hash *h)
{
    return h->count;
}

void *hash_next(const struct hash *h, size_t *pos)
{
    while (*pos < h->size) {
        const struct hash_slot *s = &h->slots[(*pos)++];

        if (s->key)
            return s->value;
    }
    return NULL;
}
