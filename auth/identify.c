/* SPDX-License-Identifier: MIT
 *
 * Reading credentials.
 */
#include "auth/identify.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "auth/auth_store.h"
#include "auth/jwt.h"
#include "auth/session.h"
#include "base/err.h"
#include "base/log.h"

#define INVALID "Your token is invalid."

void identify_hash(const char *token, char out[IDENTITY_HASH_SIZE])
{
    session_hash(token, strlen(token), out);
}

/* `user` NULL = whoever the token names; else it must be that one (Basic). */
static int check_token(const struct keys *k, struct store *s, const char *token, const char *user, int64_t now_ms,
                       struct identity *out, struct err *e)
{
    struct jwt_claims claims;
    char hash[IDENTITY_HASH_SIZE];
    const char *why = NULL;

    if (jwt_verify(k, token, strlen(token), now_ms / 1000, &claims, &why, e)) {
        log_debug("token_refused", "reason=%s", why ? why : "?");
        return -1;
    }
    if (user && strcmp(user, claims.username) != 0)
        return err_set(e, ERR_UNAUTHORIZED, INVALID);
    identify_hash(token, hash);
    if (auth_store_token_find(s, hash, now_ms, out, e))
        return -1;
    if (strcmp(out->user, claims.username) != 0 || out->application != claims.application ||
        out->kind != IDENTITY_TOKEN) {
        memset(out, 0, sizeof(*out));
        return err_set(e, ERR_UNAUTHORIZED, INVALID);
    }
    return 0;
}

static int check_basic(const struct keys *k, struct store *s, const char *text, int64_t now_ms, struct identity *out,
                       struct err *e)
{
    char plain[JWT_MAX + IDENTITY_USER_SIZE + 2];
    size_t len = 0;
    char *colon;

    if (sodium_base642bin((unsigned char *)plain, sizeof(plain) - 1, text, strlen(text), NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL))
        return err_set(e, ERR_UNAUTHORIZED, INVALID);
    plain[len] = '\0';
    colon = memchr(plain, ':', len);
    if (!colon || strlen(plain) != len)
        return err_set(e, ERR_UNAUTHORIZED, INVALID);
    *colon = '\0';
    return check_token(k, s, colon + 1, plain, now_ms, out, e);
}

static int check_cookie(struct store *s, const char *id, int64_t now_ms, struct identity *out, struct err *e)
{
    char hash[IDENTITY_HASH_SIZE];

    session_hash(id, strlen(id), hash);
    if (auth_store_token_find(s, hash, now_ms, out, e))
        return -1;
    if (out->kind != IDENTITY_SESSION) {
        memset(out, 0, sizeof(*out));
        return err_set(e, ERR_UNAUTHORIZED, INVALID);
    }
    return 0;
}

int identify_caller(const struct keys *k, struct store *s, const struct identify_headers *h, int64_t now_ms,
                    struct identity *out, struct err *e)
{
    char id[SESSION_ID_SIZE];

    memset(out, 0, sizeof(*out));
    if (h->authorization && !strncasecmp(h->authorization, "Bearer ", 7))
        return check_token(k, s, h->authorization + 7, NULL, now_ms, out, e);
    if (h->authorization && !strncasecmp(h->authorization, "Basic ", 6))
        return check_basic(k, s, h->authorization + 6, now_ms, out, e);
    if (h->authorization)
        return err_set(e, ERR_UNAUTHORIZED, INVALID);
    if (session_parse_cookie(h->cookie, h->secure, id))
        return check_cookie(s, id, now_ms, out, e);
    return 0;
}
