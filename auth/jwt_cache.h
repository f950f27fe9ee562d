/* SPDX-License-Identifier: MIT
 *
 * Tokens that were verified a moment ago: a client sends the same token with each request, and checking its form,
 * signature and claims anew costs more than most answers. Keyed by the token's SHA-256, so a hit is the same token,
 * byte for byte. Expiry is checked at each hit; revocation is the database's business, which is asked in any case.
 */
#ifndef DROVER_AUTH_JWT_CACHE_H
#define DROVER_AUTH_JWT_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "auth/identity.h"
#include "auth/jwt.h"

struct err;
struct jwt_cache;

/* Remembers up to `slots` tokens (0 = 256) verified with `k`, which is borrowed. NULL on out of memory. */
struct jwt_cache *jwt_cache_create(const struct keys *k, size_t slots);
/* NULL ok. */
void jwt_cache_destroy(struct jwt_cache *c);
/* A token that passed. */
struct jwt_cache_hit {
    char hash[IDENTITY_HASH_SIZE]; /* SHA-256, hex: the key of table token */
    struct jwt_claims claims;
};
/* As jwt_verify with those keys. 0 or -1. Any thread. */
int jwt_cache_verify(struct jwt_cache *c, const char *token, int64_t now_s, struct jwt_cache_hit *out, struct err *e);

#endif
