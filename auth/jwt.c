/* SPDX-License-Identifier: MIT
 *
 * The wrapper of libjwt. libjwt 1.10 lets the token choose its algorithm and checks no claim (reliability.md fact 4),
 * so before it sees a token the first segment must be our constant header, byte for byte: then "none", HS512, kid, jku,
 * crit and the rest cannot occur. libjwt does the HMAC; the payload goes through the JSON gate, which refuses claims
 * given twice and claims we do not know.
 */
#include "auth/jwt.h"

#include <errno.h>
#include <jwt.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/log.h"

/* base64url of {"alg":"HS256","typ":"JWT"} */
#define HEADER "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
#define ISSUER "drover"
#define BASE64URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

static const char *const known_claims[] = {"username", "application", "jobSpecific", "iss", "iat",
                                           "nbf",      "exp",         "jti",         NULL};

static int add_claims(jwt_t *jwt, const struct jwt_claims *c)
{
    int rc = jwt_add_grant(jwt, "username", c->username);

    rc = rc ? rc : jwt_add_grant_bool(jwt, "application", c->application);
    rc = rc ? rc : jwt_add_grant_bool(jwt, "jobSpecific", 0);
    rc = rc ? rc : jwt_add_grant(jwt, "iss", ISSUER);
    rc = rc ? rc : jwt_add_grant_int(jwt, "iat", c->iat);
    rc = rc ? rc : jwt_add_grant(jwt, "jti", c->jti);
    if (c->exp)
        rc = rc ? rc : jwt_add_grant_int(jwt, "exp", c->exp);
    return rc;
}

int jwt_issue(const struct keys *k, const struct jwt_claims *c, char out[JWT_MAX + 1], struct err *e)
{
    jwt_t *jwt = NULL;
    char *text = NULL;
    size_t len;
    int rc = -1;

    if (jwt_new(&jwt) || jwt_set_alg(jwt, JWT_ALG_HS256, k->jwt, sizeof(k->jwt)) || add_claims(jwt, c)) {
        err_set(e, ERR_INTERNAL, "a token cannot be made");
        goto out;
    }
    text = jwt_encode_str(jwt);
    len = text ? strlen(text) : 0;
    if (len == 0 || len > JWT_MAX || strncmp(text, HEADER ".", sizeof(HEADER)) != 0) {
        err_set(e, ERR_INTERNAL, "the library made a token that is none of ours");
        goto out;
    }
    memcpy(out, text, len + 1);
    rc = 0;
out:
    free(text);
    jwt_free(jwt);
    return rc;
}

/* Three segments, base64url, the first one constant. Gives the place of the payload. */
static const char *check_form(const char *token, size_t *payload_len)
{
    const char *payload;
    size_t signature;

    if (strnlen(token, JWT_MAX + 1) > JWT_MAX || strncmp(token, HEADER ".", sizeof(HEADER)) != 0)
        return NULL;
    payload = token + sizeof(HEADER);
    *payload_len = strspn(payload, BASE64URL);
    if (*payload_len == 0 || payload[*payload_len] != '.')
        return NULL;
    signature = strspn(payload + *payload_len + 1, BASE64URL);
    if (signature != 43 || payload[*payload_len + 1 + signature] != '\0') /* 32 bytes */
        return NULL;
    return payload;
}

/* The HMAC, by libjwt; `text` is the whole token. */
static bool check_signature(const struct keys *k, const char *text)
{
    jwt_t *jwt = NULL;
    bool ok = jwt_decode(&jwt, text, k->jwt, sizeof(k->jwt)) == 0 && jwt_get_alg(jwt) == JWT_ALG_HS256;

    jwt_free(jwt);
    return ok;
}

/* A claim that must be there, as a string that is not empty. */
static const char *need_string(const cJSON *o, const char *key)
{
    const char *s = NULL;

    return json_get_string(o, key, &s, NULL) || !s || !*s ? NULL : s;
}

/* Types and presence of the claims; the name of what is wrong, or NULL. */
static const char *read_claims(const cJSON *o, struct jwt_claims *c, int64_t *nbf)
{
    const char *user = need_string(o, "username");
    const char *issuer = need_string(o, "iss");
    const char *jti = need_string(o, "jti");
    bool job_specific = false;

    if (!user || strlen(user) >= sizeof(c->username))
        return "username";
    if (!issuer || strcmp(issuer, ISSUER) != 0)
        return "iss";
    if (!jti || !id_valid(jti))
        return "jti";
    if (json_get_bool(o, "application", &c->application, NULL) ||
        json_get_bool(o, "jobSpecific", &job_specific, NULL) || job_specific)
        return "kind";
    if (json_get_int(o, "iat", &c->iat, NULL) || json_get_int(o, "exp", &c->exp, NULL) ||
        json_get_int(o, "nbf", nbf, NULL))
        return "time";
    memcpy(c->username, user, strlen(user) + 1);
    memcpy(c->jti, jti, ID_SIZE);
    return NULL;
}

static const char *check_times(const struct jwt_claims *c, int64_t nbf, int64_t now_s)
{
    if (c->iat <= 0 || c->iat > now_s + JWT_LEEWAY_S)
        return "iat";
    if (nbf > now_s + JWT_LEEWAY_S)
        return "nbf";
    if (c->exp == 0 && !c->application)
        return "exp missing";
    if (c->exp != 0 && (c->exp <= now_s || c->exp <= c->iat))
        return "expired";
    return NULL;
}

static const char *check_payload(const char *payload, size_t len, int64_t now_s, struct jwt_claims *out)
{
    char text[JWT_MAX];
    size_t text_len = 0;
    int64_t nbf = 0;
    const char *why;
    cJSON *o;

    if (sodium_base642bin((unsigned char *)text, sizeof(text), payload, len, NULL, &text_len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING))
        return "payload";
    o = json_parse(text, text_len, sizeof(text), NULL);
    if (!o)
        return "payload";
    why = json_only_keys(o, known_claims, NULL) ? "claims" : read_claims(o, out, &nbf);
    cJSON_Delete(o);
    return why ? why : check_times(out, nbf, now_s);
}

int jwt_verify(const struct keys *k, const char *token, int64_t now_s, struct jwt_claims *out, struct err *e)
{
    struct jwt_claims claims = {0};
    const char *wrong = NULL;
    size_t len = 0;
    const char *payload = check_form(token, &len);

    if (!payload)
        wrong = "form";
    else if (!check_signature(k, token))
        wrong = "signature";
    else
        wrong = check_payload(payload, len, now_s, &claims);
    if (wrong) {
        log_debug("token_refused", "wrong=%s", wrong);
        return err_set(e, ERR_UNAUTHORIZED, "Your token is invalid.");
    }
    *out = claims;
    return 0;
}
