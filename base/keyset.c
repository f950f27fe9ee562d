/* SPDX-License-Identifier: MIT
 *
 * Open addressing with linear probing; nothing is ever removed.
 */
#include "base/keyset.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"

#define KEYSET_FIRST 32u

_Static_assert(sizeof(((struct keyset *)0)->seed) == crypto_shorthash_KEYBYTES, "seed is a SipHash key");

void keyset_init(struct keyset *k)
{
    memset(k, 0, sizeof(*k));
}

void keyset_fini(struct keyset *k)
{
    free(k->slots);
    keyset_init(k);
}

static uint32_t keyset_code(const struct keyset *k, uint32_t owner, const char *key, size_t len)
{
    unsigned char out[crypto_shorthash_BYTES];
    uint32_t code;

    (void)crypto_shorthash(out, (const unsigned char *)key, len, k->seed);
    memcpy(&code, out, sizeof(code));
    /* Spread the owners (Fibonacci hashing), so that the key "name" of 1,000 objects does not share one slot. */
    return code ^ owner * 2654435769u;
}

static int keyset_grow(struct keyset *k)
{
    size_t size = k->size ? k->size * 2 : KEYSET_FIRST;
    struct keyset_slot *slots = calloc(size, sizeof(*slots));
    size_t i;

    if (!slots)
        return -1;
    if (!k->size)
        id_random(k->seed, sizeof(k->seed));
    for (i = 0; i < k->size; i++) {
        size_t at = k->slots[i].code & (size - 1);

        if (!k->slots[i].key)
            continue;
        while (slots[at].key)
            at = (at + 1) & (size - 1);
        slots[at] = k->slots[i];
    }
    free(k->slots);
    k->slots = slots;
    k->size = size;
    return 0;
}

int keyset_add(struct keyset *k, uint32_t owner, const char *key, size_t len)
{
    uint32_t code;
    size_t i;

    if (k->count + 1 > k->size / 2 && keyset_grow(k))
        return -1;
    code = keyset_code(k, owner, key, len);
    for (i = code & (k->size - 1); k->slots[i].key; i = (i + 1) & (k->size - 1)) {
        const struct keyset_slot *s = &k->slots[i];

        if (s->code == code && s->owner == owner && s->len == len && memcmp(s->key, key, len) == 0)
            return 0;
    }
    k->slots[i] = (struct keyset_slot){.key = key, .len = len, .owner = owner, .code = code};
    k->count++;
    return 1;
}
