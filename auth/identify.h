/* SPDX-License-Identifier: MIT
 *
 * From the headers of a request to who is calling: Bearer and Basic tokens and the portal's cookie, checked by
 * signature and then by the database, so that a revoked token, a disabled user or a changed right counts at the next
 * request.
 */
#ifndef DROVER_AUTH_IDENTIFY_H
#define DROVER_AUTH_IDENTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/identity.h"
#include "auth/keys.h"

struct err;
struct store;

/* What the headers say; foreign, NULL when absent. */
struct identify_headers {
    const char *authorization; /* "Bearer TOKEN" or "Basic base64(user:TOKEN)" */
    const char *cookie;
    bool secure; /* which cookie: http_config.secure */
};

/* Fills `out`: 0 with kind IDENTITY_NONE when there are no credentials (an unknown scheme counts as bad ones), or -1
 * with ERR_UNAUTHORIZED "Your token is invalid.", or the store's error. Authorization wins over the cookie. `s` is a
 * reader of this thread; `now_ms` wall. */
int identify_caller(const struct keys *k, struct store *s, const struct identify_headers *h, int64_t now_ms,
                    struct identity *out, struct err *e);
/* The hash of a presented bearer token without looking at it, for DELETE /tokens/{token}. */
void identify_hash(const char *token, char out[IDENTITY_HASH_SIZE]);

#endif
