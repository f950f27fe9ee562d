/* SPDX-License-Identifier: MIT
 *
 * A bucket is kept as thousandths of a call and the moment they were counted. Keys are hashed with a key of this
 * process, so that nobody can choose keys that meet in one set.
 */
#include "server/http/rate.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SETS = 1024, WAYS = 8, UNIT = 1000 };

struct bucket {
    uint64_t hash; /* 0 = free */
    int64_t left;  /* thousandths of a call */
    int64_t at_mono;
};

struct rate {
    pthread_mutex_t lock;
    int64_t per_s, burst;
    unsigned char key[crypto_shorthash_KEYBYTES];
    struct bucket buckets[SETS][WAYS];
};

struct rate *rate_create(int per_s, int burst)
{
    struct rate *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    pthread_mutex_init(&r->lock, NULL);
    r->per_s = per_s;
    r->burst = burst;
    randombytes_buf(r->key, sizeof r->key);
    return r;
}

void rate_destroy(struct rate *r)
{
    if (!r)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* What the bucket holds now. */
static int64_t level(const struct rate *r, const struct bucket *b, int64_t now)
{
    int64_t full = r->burst * UNIT, passed = now - b->at_mono;
    if (!b->hash || passed > full) /* at one call a second it is full by then */
        return full;
    int64_t have = b->left + passed * r->per_s;
    return have < full ? have : full;
}

static struct bucket *find(struct rate *r, uint64_t hash, int64_t now)
{
    struct bucket *set = r->buckets[hash % SETS], *fullest = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].hash == hash)
            return &set[i];
        if (level(r, &set[i], now) > level(r, fullest, now))
            fullest = &set[i];
    }
    *fullest = (struct bucket){.hash = hash, .left = r->burst * UNIT, .at_mono = now};
    return fullest;
}

int rate_take(struct rate *r, const char *key, int64_t now_mono)
{
    uint64_t hash = 0;
    int wait = 0;
    if (!r->per_s)
        return 0;
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)key, strlen(key), r->key);
    hash |= (uint64_t)!hash;
    pthread_mutex_lock(&r->lock);
    struct bucket *b = find(r, hash, now_mono);
    b->left = level(r, b, now_mono);
    b->at_mono = now_mono;
    if (b->left >= UNIT)
        b->left -= UNIT;
    else
        wait = (int)((UNIT - b->left + r->per_s * 1000 - 1) / (r->per_s * 1000)); /* at least one */
    pthread_mutex_unlock(&r->lock);
    return wait;
}
