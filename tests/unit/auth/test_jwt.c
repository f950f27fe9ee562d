/* SPDX-License-Identifier: MIT
 *
 * Tokens: what we issue passes, and forty forgeries do not (reliability.md S5). Forgeries are made here with libsodium
 * and libjwt, not with the code under test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/jwt.h"
#include "auth/jwt_cache.h"
#include "auth/session.h"
#include "base/err.h"

#define NOW 1795000000LL
#define JTI "018f4e9c-0000-7000-8000-0123456789ab"
#define GOOD_HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS(extra)                                                                                                  \
    "{\"application\":false,\"exp\":1795000600,\"iat\":1794999000,\"iss\":\"drover\",\"jti\":\"" JTI                   \
    "\",\"jobSpecific\":false" extra "}"
#define GOOD_CLAIMS CLAIMS(",\"username\":\"alice\"")

static const struct keys keys = {.jwt = "0123456789abcdef0123456789abcde"};

enum sign { SIGN_GOOD, SIGN_EMPTY, SIGN_OTHER_KEY, SIGN_HS512, SIGN_FLIPPED, SIGN_SHORT };

static void append(char *out, const char *text)
{
    size_t have = strlen(out);

    memcpy(out + have, text, strlen(text) + 1);
}

static void append_base64(char *out, const void *data, size_t len)
{
    size_t have = strlen(out);

    sodium_bin2base64(out + have, 8192 - have, data, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static void append_signature(char *out, enum sign how)
{
    unsigned char mac[64] = {0};
    unsigned char key[32];
    size_t len = 32;
    size_t signed_len = strlen(out);

    memcpy(key, keys.jwt, sizeof(key));
    if (how == SIGN_OTHER_KEY)
        memset(key, 0, sizeof(key));
    if (how == SIGN_HS512) {
        crypto_auth_hmacsha512_state st;

        crypto_auth_hmacsha512_init(&st, key, sizeof(key));
        crypto_auth_hmacsha512_update(&st, (unsigned char *)out, signed_len);
        crypto_auth_hmacsha512_final(&st, mac);
        len = 64;
    } else {
        crypto_auth_hmacsha256(mac, (unsigned char *)out, signed_len, key);
    }
    if (how == SIGN_FLIPPED)
        mac[31] ^= 1;
    if (how == SIGN_SHORT)
        len = 16;
    append(out, ".");
    if (how != SIGN_EMPTY)
        append_base64(out, mac, len);
}

/* A token of any header and payload. */
static void forge(char *out, const char *header, const char *payload, enum sign how)
{
    out[0] = '\0';
    append_base64(out, header, strlen(header));
    append(out, ".");
    append_base64(out, payload, strlen(payload));
    append_signature(out, how);
}

static int verify(const char *token, struct jwt_claims *out)
{
    struct err e = {0};
    int rc = jwt_verify(&keys, token, NOW, out, &e);

    if (rc) {
        assert_int_equal(e.code, ERR_UNAUTHORIZED);
        assert_string_equal(e.text, "Your token is invalid.");
    }
    return rc;
}

static void test_issued_passes(void **state)
{
    struct jwt_claims in = {.username = "alice", .iat = NOW - 10, .exp = NOW + 3600, .jti = JTI};
    struct jwt_claims out;
    char token[JWT_MAX + 1];
    struct err e = {0};

    (void)state;
    assert_int_equal(jwt_issue(&keys, &in, token, &e), 0);
    assert_int_equal(verify(token, &out), 0);
    assert_string_equal(out.username, "alice");
    assert_string_equal(out.jti, JTI);
    assert_false(out.application);
    assert_int_equal(out.iat, NOW - 10);
    assert_int_equal(out.exp, NOW + 3600);
    in.application = true;
    in.exp = 0;
    assert_int_equal(jwt_issue(&keys, &in, token, &e), 0);
    assert_int_equal(verify(token, &out), 0);
    assert_true(out.application);
    assert_int_equal(out.exp, 0);
}

/* The forger of this test can make a token that passes: so what it makes below fails for the reason meant. */
static void test_forger_is_able(void **state)
{
    struct jwt_claims out;
    char token[8192];

    (void)state;
    forge(token, GOOD_HEADER, GOOD_CLAIMS, SIGN_GOOD);
    assert_int_equal(verify(token, &out), 0);
    assert_string_equal(out.username, "alice");
}

static const struct {
    const char *name;
    const char *header;
    const char *claims;
    enum sign sign;
} forgeries[] = {
    {"alg none, no signature", "{\"alg\":\"none\",\"typ\":\"JWT\"}", GOOD_CLAIMS, SIGN_EMPTY},
    {"alg none, signed", "{\"alg\":\"none\",\"typ\":\"JWT\"}", GOOD_CLAIMS, SIGN_GOOD},
    {"alg None", "{\"alg\":\"None\",\"typ\":\"JWT\"}", GOOD_CLAIMS, SIGN_EMPTY},
    {"alg nOnE", "{\"alg\":\"nOnE\",\"typ\":\"JWT\"}", GOOD_CLAIMS, SIGN_GOOD},
    {"alg empty", "{\"alg\":\"\",\"typ\":\"JWT\"}", GOOD_CLAIMS, SIGN_GOOD},
    {"alg missing", "{\"typ\":\"JWT\"}", GOOD_CLAIMS, SIGN_GOOD},
    {"alg HS512", "{\"alg\":\"HS512\",\"typ\":\"JWT\"}", GOOD_CLAIMS, SIGN_HS512},
    {"alg HS384", "{\"alg\":\"HS384\",\"typ\":\"JWT\"}", GOOD_CLAIMS, SIGN_GOOD},
    {"alg RS256", "{\"alg\":\"RS256\",\"typ\":\"JWT\"}", GOOD_CLAIMS, SIGN_GOOD},
    {"alg hs256", "{\"alg\":\"hs256\",\"typ\":\"JWT\"}", GOOD_CLAIMS, SIGN_GOOD},
    {"other order", "{\"typ\":\"JWT\",\"alg\":\"HS256\"}", GOOD_CLAIMS, SIGN_GOOD},
    {"blank in header", "{\"alg\": \"HS256\",\"typ\":\"JWT\"}", GOOD_CLAIMS, SIGN_GOOD},
    {"kid path", "{\"alg\":\"HS256\",\"kid\":\"../../dev/null\",\"typ\":\"JWT\"}", GOOD_CLAIMS, SIGN_GOOD},
    {"kid sql", "{\"alg\":\"HS256\",\"kid\":\"x' UNION SELECT 'k\",\"typ\":\"JWT\"}", GOOD_CLAIMS, SIGN_GOOD},
    {"jku", "{\"alg\":\"HS256\",\"jku\":\"http://127.0.0.1/k\",\"typ\":\"JWT\"}", GOOD_CLAIMS, SIGN_GOOD},
    {"crit", "{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"typ\":\"JWT\"}", GOOD_CLAIMS, SIGN_GOOD},
    {"typ other", "{\"alg\":\"HS256\",\"typ\":\"JWE\"}", GOOD_CLAIMS, SIGN_GOOD},
    {"alg twice", "{\"alg\":\"HS256\",\"alg\":\"none\",\"typ\":\"JWT\"}", GOOD_CLAIMS, SIGN_GOOD},
    {"no signature", GOOD_HEADER, GOOD_CLAIMS, SIGN_EMPTY},
    {"other key", GOOD_HEADER, GOOD_CLAIMS, SIGN_OTHER_KEY},
    {"flipped bit", GOOD_HEADER, GOOD_CLAIMS, SIGN_FLIPPED},
    {"half a signature", GOOD_HEADER, GOOD_CLAIMS, SIGN_SHORT},
    {"user twice", GOOD_HEADER, CLAIMS(",\"username\":\"alice\",\"username\":\"root\""), SIGN_GOOD},
    {"user missing", GOOD_HEADER, CLAIMS(""), SIGN_GOOD},
    {"user empty", GOOD_HEADER, CLAIMS(",\"username\":\"\""), SIGN_GOOD},
    {"user number", GOOD_HEADER, CLAIMS(",\"username\":1"), SIGN_GOOD},
    {"user with NUL", GOOD_HEADER, CLAIMS(",\"username\":\"root\\u0000x\""), SIGN_GOOD},
    {"user too long", GOOD_HEADER,
     CLAIMS(",\"username\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""),
     SIGN_GOOD},
    {"admin claim", GOOD_HEADER, CLAIMS(",\"username\":\"alice\",\"admin\":true"), SIGN_GOOD},
    {"exp passed", GOOD_HEADER,
     "{\"application\":false,\"exp\":1794999999,\"iat\":1794999000,\"iss\":\"drover\",\"jti\":\"" JTI
     "\",\"username\":\"alice\"}",
     SIGN_GOOD},
    {"exp now", GOOD_HEADER,
     "{\"application\":false,\"exp\":1795000000,\"iat\":1794999000,\"iss\":\"drover\",\"jti\":\"" JTI
     "\",\"username\":\"alice\"}",
     SIGN_GOOD},
    {"exp string", GOOD_HEADER,
     "{\"application\":false,\"exp\":\"1795000600\",\"iat\":1794999000,\"iss\":\"drover\",\"jti\":\"" JTI
     "\",\"username\":\"alice\"}",
     SIGN_GOOD},
    {"exp missing", GOOD_HEADER,
     "{\"application\":false,\"iat\":1794999000,\"iss\":\"drover\",\"jti\":\"" JTI "\",\"username\":\"alice\"}",
     SIGN_GOOD},
    {"exp 2^63", GOOD_HEADER,
     "{\"application\":false,\"exp\":9223372036854775808,\"iat\":1794999000,\"iss\":\"drover\",\"jti\":\"" JTI
     "\",\"username\":\"alice\"}",
     SIGN_GOOD},
    {"exp infinite", GOOD_HEADER,
     "{\"application\":false,\"exp\":1e999,\"iat\":1794999000,\"iss\":\"drover\",\"jti\":\"" JTI
     "\",\"username\":\"alice\"}",
     SIGN_GOOD},
    {"iat in the future", GOOD_HEADER,
     "{\"application\":false,\"exp\":1795000600,\"iat\":1795000200,\"iss\":\"drover\",\"jti\":\"" JTI
     "\",\"username\":\"alice\"}",
     SIGN_GOOD},
    {"iat missing", GOOD_HEADER,
     "{\"application\":false,\"exp\":1795000600,\"iss\":\"drover\",\"jti\":\"" JTI "\",\"username\":\"alice\"}",
     SIGN_GOOD},
    {"nbf in the future", GOOD_HEADER, CLAIMS(",\"username\":\"alice\",\"nbf\":1795000200"), SIGN_GOOD},
    {"other issuer", GOOD_HEADER,
     "{\"application\":false,\"exp\":1795000600,\"iat\":1794999000,\"iss\":\"Drover\",\"jti\":\"" JTI
     "\",\"username\":\"alice\"}",
     SIGN_GOOD},
    {"jti no UUID", GOOD_HEADER,
     "{\"application\":false,\"exp\":1795000600,\"iat\":1794999000,\"iss\":\"drover\",\"jti\":\"1\",\"username\":"
     "\"a\"}",
     SIGN_GOOD},
    {"application string", GOOD_HEADER,
     "{\"application\":\"true\",\"exp\":1795000600,\"iat\":1794999000,\"iss\":\"drover\",\"jti\":\"" JTI
     "\",\"username\":\"alice\"}",
     SIGN_GOOD},
    {"job specific", GOOD_HEADER,
     "{\"application\":false,\"exp\":1795000600,\"iat\":1794999000,\"iss\":\"drover\",\"jti\":\"" JTI
     "\",\"jobSpecific\":true,\"username\":\"alice\"}",
     SIGN_GOOD},
    {"payload no object", GOOD_HEADER, "[1]", SIGN_GOOD},
    {"payload empty", GOOD_HEADER, "", SIGN_GOOD},
    {"payload cut", GOOD_HEADER, "{\"username\":\"alice\"", SIGN_GOOD},
    {"bytes behind the object", GOOD_HEADER, GOOD_CLAIMS "x", SIGN_GOOD},
};

static void test_forgeries(void **state)
{
    struct jwt_claims out;
    char token[8192];

    (void)state;
    assert_in_range(sizeof(forgeries) / sizeof(forgeries[0]), 40, 100);
    for (size_t i = 0; i < sizeof(forgeries) / sizeof(forgeries[0]); i++) {
        forge(token, forgeries[i].header, forgeries[i].claims, forgeries[i].sign);
        if (verify(token, &out) == 0)
            fail_msg("accepted: %s", forgeries[i].name);
    }
}

/* Changes of a good token that keep its bytes nearly all. */
static void test_bent_tokens(void **state)
{
    static const char *const around[] = {" %s", "%s ", "%s.", ".%s", "%s=", "%s.x", "%s\n", "Bearer %s"};
    struct jwt_claims out;
    char token[8192];
    char bent[8300];
    size_t len;

    (void)state;
    forge(token, GOOD_HEADER, GOOD_CLAIMS, SIGN_GOOD);
    len = strlen(token);
    for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
        const char *mark = strstr(around[i], "%s");

        snprintf(bent, sizeof(bent), "%.*s%s%s", (int)(mark - around[i]), around[i], token, mark + 2);
        assert_int_equal(verify(bent, &out), -1);
    }
    for (size_t i = 0; i < len; i++) { /* any other character at any place */
        memcpy(bent, token, len + 1);
        bent[i] = bent[i] == 'A' ? 'B' : 'A';
        assert_int_equal(verify(bent, &out), -1);
    }
    for (size_t i = 0; i < len; i++) { /* cut anywhere */
        memcpy(bent, token, i);
        bent[i] = '\0';
        assert_int_equal(verify(bent, &out), -1);
    }
    memset(bent, 'A', JWT_MAX + 1);
    bent[JWT_MAX + 1] = '\0';
    assert_int_equal(verify(bent, &out), -1);
    assert_int_equal(verify("", &out), -1);
}

/* The last character of a signature holds two unused bits: only zeros are canonical. */
static void test_canonical_signature(void **state)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct jwt_claims out;
    char token[8192];
    size_t last;
    const char *at;

    (void)state;
    forge(token, GOOD_HEADER, GOOD_CLAIMS, SIGN_GOOD);
    last = strlen(token) - 1;
    at = strchr(alphabet, token[last]);
    token[last] = alphabet[(at - alphabet) + 1];
    assert_int_equal(verify(token, &out), -1);
}

static int verify_cached(struct jwt_cache *c, const char *token, int64_t now_s, struct jwt_cache_hit *hit)
{
    struct err e = {0};
    int rc = jwt_cache_verify(c, token, now_s, hit, &e);

    assert_int_equal(e.code, rc ? ERR_UNAUTHORIZED : ERR_NONE);
    return rc;
}

/* The cache knows a token again, and forgets no rule: expiry, forgeries, other keys. */
static void test_cache(void **state)
{
    struct keys key = keys;
    struct jwt_cache *c = jwt_cache_create(&key, 4);
    struct jwt_cache_hit hit;
    char token[8192];
    char hash[IDENTITY_HASH_SIZE];

    (void)state;
    forge(token, GOOD_HEADER, GOOD_CLAIMS, SIGN_GOOD);
    session_hash(token, strlen(token), hash);
    assert_int_equal(verify_cached(c, token, NOW, &hit), 0);
    assert_string_equal(hit.hash, hash);
    memset(key.jwt, 0, sizeof(key.jwt)); /* what passes from now on is known again, not verified again */
    memset(&hit, 0, sizeof(hit));
    assert_int_equal(verify_cached(c, token, NOW, &hit), 0);
    assert_string_equal(hit.claims.username, "alice");
    assert_string_equal(hit.hash, hash);
    assert_int_equal(verify_cached(c, token, 1795000600, &hit), -1); /* at exp */
    token[strlen(token) - 2] ^= 1;
    assert_int_equal(verify_cached(c, token, NOW, &hit), -1);
    jwt_cache_destroy(c);
}

/* Many tokens in few places: each is still answered for itself. */
static void test_cache_of_many(void **state)
{
    struct jwt_cache *c = jwt_cache_create(&keys, 4);
    struct jwt_cache_hit hit;
    char tokens[16][JWT_MAX + 1];
    char user[16];

    (void)state;
    for (int i = 0; i < 16; i++) {
        struct jwt_claims in = {.iat = NOW - 10, .exp = NOW + 3600, .jti = JTI};

        snprintf(in.username, sizeof(in.username), "user%d", i);
        assert_int_equal(jwt_issue(&keys, &in, tokens[i], NULL), 0);
    }
    for (int i = 0; i < 64; i++) {
        snprintf(user, sizeof(user), "user%d", i * 7 % 16);
        assert_int_equal(verify_cached(c, tokens[i * 7 % 16], NOW, &hit), 0);
        assert_string_equal(hit.claims.username, user);
    }
    memset(tokens[0], 'A', JWT_MAX);
    tokens[0][JWT_MAX] = '\0';
    assert_int_equal(verify_cached(c, tokens[0], NOW, &hit), -1);
    jwt_cache_destroy(c);
    jwt_cache_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_issued_passes),       cmocka_unit_test(test_forger_is_able),
        cmocka_unit_test(test_forgeries),           cmocka_unit_test(test_bent_tokens),
        cmocka_unit_test(test_canonical_signature), cmocka_unit_test(test_cache),
        cmocka_unit_test(test_cache_of_many),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
