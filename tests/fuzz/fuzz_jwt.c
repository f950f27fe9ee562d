/* SPDX-License-Identifier: MIT
 *
 * Fuzzes the token wrapper twice over: with the input as the whole token, which must never pass (the key is not in the
 * corpus), and as the payload of a token signed here with the right key, so that the claims are reached. What passes
 * must hold the claims' own rules.
 */
// link: drover_auth
#include <assert.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/jwt.h"
#include "base/err.h"
#include "base/id.h"

#define NOW 1795000000LL
#define HEADER "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."

static const struct keys secret = {.jwt = "a key that only this program has"};
static const struct keys known = {.jwt = "0123456789abcdef0123456789abcde"};

static void check_whole(const uint8_t *data, size_t size)
{
    struct jwt_claims out;
    struct err e = {0};
    char *token = malloc(size + 1);

    if (!token)
        return;
    memcpy(token, data, size);
    token[size] = '\0';
    assert(jwt_verify(&secret, token, NOW, &out, &e) == -1);
    assert(e.code == ERR_UNAUTHORIZED);
    free(token);
}

/* HEADER base64(payload) "." base64(mac) */
static void check_payload(const uint8_t *data, size_t size)
{
    char token[JWT_MAX * 2] = HEADER;
    unsigned char mac[32];
    struct jwt_claims out;
    size_t len = sizeof(HEADER) - 1;

    if (size == 0 || size > JWT_MAX)
        return;
    sodium_bin2base64(token + len, sizeof(token) - len, data, size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    len = strlen(token);
    crypto_auth_hmacsha256(mac, (unsigned char *)token, len, known.jwt);
    token[len++] = '.';
    sodium_bin2base64(token + len, sizeof(token) - len, mac, sizeof(mac), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    if (jwt_verify(&known, token, NOW, &out, NULL))
        return;
    assert(out.username[0] && strlen(out.username) < sizeof(out.username));
    assert(id_valid(out.jti));
    assert(out.exp ? out.exp > NOW : out.application);
    assert(out.iat > 0 && out.iat <= NOW + JWT_LEEWAY_S);
    assert(strlen(token) <= JWT_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (sodium_init() < 0)
        abort();
    check_whole(data, size);
    check_payload(data, size);
    return 0;
}
