/* SPDX-License-Identifier: MIT
 *
 * Who is behind a token, as the rows said a moment ago: a client sends one request after the other, and each would read
 * the same rows. Rights stay those of the database on every request (DESIGN 4), because whoever writes rows that an
 * identity is made of makes all that is kept here stale before the writer gets its answer.
 *
 *   reader: began = _begin ─► reads rows ─► _keep(began)         writer: COMMIT ─► _stale ─► answer
 */
#ifndef DROVER_AUTH_IDENTITY_CACHE_H
#define DROVER_AUTH_IDENTITY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/identity.h"

struct identity_cache;

/* Remembers up to `slots` identities (0 = 256). NULL on out of memory. */
struct identity_cache *identity_cache_create(size_t slots);
/* NULL ok. */
void identity_cache_destroy(struct identity_cache *c);

/* Everything kept is out of date, and so is what was read before this call and not yet kept. To be called after each
 * COMMIT of rows that an identity is made of: users, logins, groups. Any thread. */
void identity_cache_stale(struct identity_cache *c);

/* To be called before the rows are read; the number goes to identity_cache_keep. Any thread. */
uint64_t identity_cache_begin(struct identity_cache *c);
/* Keeps what the rows said at `now_ms` (wall), unless it is out of date already or its last use is to be recorded.
 * Any thread. */
void identity_cache_keep(struct identity_cache *c, uint64_t began, int64_t now_ms, const struct identity *who);
/* The identity of the token or session with this hash. False when it is not known or may be out of date; after its
 * expiry; and a second after it was read, because sessions also end by being idle. Any thread. */
bool identity_cache_get(struct identity_cache *c, const char hash[IDENTITY_HASH_SIZE], int64_t now_ms,
                        struct identity *out);

#endif
