/* SPDX-License-Identifier: MIT
 *
 * A table with one place for each token, by its hash; a newcomer takes the place of whoever was there.
 */
#include "auth/jwt_cache.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "auth/session.h"
#include "base/err.h"

struct jwt_cache {
    const struct keys *keys;
    pthread_mutex_t lock;
    size_t slots;
    struct jwt_cache_hit table[];
};

struct jwt_cache *jwt_cache_create(const struct keys *k, size_t slots)
{
    struct jwt_cache *c;

    slots = slots ? slots : 256;
    c = calloc(1, sizeof(*c) + slots * sizeof(c->table[0]));
    if (!c)
        return NULL;
    c->keys = k;
    c->slots = slots;
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

void jwt_cache_destroy(struct jwt_cache *c)
{
    if (!c)
        return;
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* The hash is evenly spread: eight of its digits choose the place. */
static struct jwt_cache_hit *slot(struct jwt_cache *c, const char *hash)
{
    char digits[9];

    memcpy(digits, hash, 8);
    digits[8] = '\0';
    return &c->table[strtoul(digits, NULL, 16) % c->slots];
}

static bool look_up(struct jwt_cache *c, struct jwt_cache_hit *hit)
{
    struct jwt_cache_hit *s = slot(c, hit->hash);
    bool found;

    pthread_mutex_lock(&c->lock);
    found = !memcmp(s->hash, hit->hash, sizeof(s->hash));
    if (found)
        hit->claims = s->claims;
    pthread_mutex_unlock(&c->lock);
    return found;
}

static void keep(struct jwt_cache *c, const struct jwt_cache_hit *hit)
{
    struct jwt_cache_hit *s = slot(c, hit->hash);

    pthread_mutex_lock(&c->lock);
    *s = *hit;
    pthread_mutex_unlock(&c->lock);
}

int jwt_cache_verify(struct jwt_cache *c, const char *token, int64_t now_s, struct jwt_cache_hit *out, struct err *e)
{
    struct jwt_cache_hit hit;
    size_t len = strnlen(token, JWT_MAX + 1);

    memset(&hit, 0, sizeof(hit));
    /* Too long, expired or not seen before: jwt_verify decides, and words the refusal. */
    if (len <= JWT_MAX) {
        session_hash(token, len, hit.hash);
        if (look_up(c, &hit) && (hit.claims.exp == 0 || hit.claims.exp > now_s)) {
            *out = hit;
            return 0;
        }
    }
    if (jwt_verify(c->keys, token, now_s, &hit.claims, e))
        return -1;
    keep(c, &hit);
    *out = hit;
    return 0;
}
