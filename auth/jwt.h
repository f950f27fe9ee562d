/* SPDX-License-Identifier: MIT
 *
 * Tokens of OpenPAI's shape: HS256, one constant header, claims checked by us (reliability.md S5, fact 4). The token
 * says who, for how long and of which kind; what the user may do is read from the database on each request.
 */
#ifndef DROVER_AUTH_JWT_H
#define DROVER_AUTH_JWT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/identity.h"
#include "auth/keys.h"
#include "base/id.h"

struct err;

#define JWT_MAX 4096    /* longest token that is looked at, bytes */
#define JWT_LEEWAY_S 60 /* for iat and nbf of other clocks; never for exp */

/* Claims that we issue and accept. Times in seconds since 1970. */
struct jwt_claims {
    char username[IDENTITY_USER_SIZE];
    bool application;
    int64_t iat;
    int64_t exp;       /* 0 = no exp claim: only allowed with `application` */
    char jti[ID_SIZE]; /* UUID: makes every token its own */
};

/* Writes the token, NUL-terminated, into `out`. 0 or -1. Any thread. */
int jwt_issue(const struct keys *k, const struct jwt_claims *c, char out[JWT_MAX + 1], struct err *e);
/* Checks form, header, signature and claims of `token` (foreign, NUL-terminated) at `now_s` and fills `out`. Every
 * refusal is ERR_UNAUTHORIZED "Your token is invalid."; the log says what was wrong (level debug). A token that passes
 * is still to be looked up in table token: it may have been revoked. Any thread. */
int jwt_verify(const struct keys *k, const char *token, int64_t now_s, struct jwt_claims *out, struct err *e);

#endif
