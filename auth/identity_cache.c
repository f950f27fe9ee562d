/* SPDX-License-Identifier: MIT
 *
 * A table with one place for each hash; a newcomer takes the place of whoever was there. Each entry carries the
 * generation it was read in; a write begins another.
 */
#include "auth/identity_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_MS 1000

struct entry {
    uint64_t generation; /* 0: empty */
    int64_t read_ms;
    struct identity who;
};

struct identity_cache {
    pthread_mutex_t lock;
    uint64_t generation;
    size_t slots;
    struct entry table[];
};

struct identity_cache *identity_cache_create(size_t slots)
{
    struct identity_cache *c;

    slots = slots ? slots : 256;
    c = calloc(1, sizeof(*c) + slots * sizeof(c->table[0]));
    if (!c)
        return NULL;
    c->slots = slots;
    c->generation = 1;
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

void identity_cache_destroy(struct identity_cache *c)
{
    if (!c)
        return;
    pthread_mutex_destroy(&c->lock);
    free(c);
}

void identity_cache_stale(struct identity_cache *c)
{
    pthread_mutex_lock(&c->lock);
    c->generation++;
    pthread_mutex_unlock(&c->lock);
}

uint64_t identity_cache_begin(struct identity_cache *c)
{
    uint64_t generation;

    pthread_mutex_lock(&c->lock);
    generation = c->generation;
    pthread_mutex_unlock(&c->lock);
    return generation;
}

/* The hash is evenly spread: eight of its digits choose the place. */
static struct entry *place(struct identity_cache *c, const char *hash)
{
    char digits[9];

    memcpy(digits, hash, 8);
    digits[8] = '\0';
    return &c->table[strtoul(digits, NULL, 16) % c->slots];
}

void identity_cache_keep(struct identity_cache *c, uint64_t began, int64_t now_ms, const struct identity *who)
{
    if (who->touch)
        return;
    pthread_mutex_lock(&c->lock);
    if (began == c->generation)
        *place(c, who->hash) = (struct entry){.generation = began, .read_ms = now_ms, .who = *who};
    pthread_mutex_unlock(&c->lock);
}

/* A wall clock that was set back makes no entry live longer. */
static bool usable(const struct identity_cache *c, const struct entry *en, int64_t now_ms)
{
    return en->generation == c->generation && now_ms >= en->read_ms && now_ms - en->read_ms < KEPT_MS &&
           (!en->who.expires_ms || now_ms < en->who.expires_ms);
}

bool identity_cache_get(struct identity_cache *c, const char hash[IDENTITY_HASH_SIZE], int64_t now_ms,
                        struct identity *out)
{
    const struct entry *en = place(c, hash);
    bool found;

    pthread_mutex_lock(&c->lock);
    found = usable(c, en, now_ms) && !memcmp(en->who.hash, hash, sizeof(en->who.hash));
    if (found)
        *out = en->who;
    pthread_mutex_unlock(&c->lock);
    return found;
}
