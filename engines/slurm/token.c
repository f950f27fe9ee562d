/* SPDX-License-Identifier: MIT
 *
 * The key is read anew for each token, so that a new one of the site is used without a restart.
 */
#include "engines/slurm/token.h"

#include <jwt.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"

enum { KEY_MIN = 16, KEY_MAX = 4096 };

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

int token_sign(const struct token_key *key, int64_t now_s, char out[TOKEN_MAX + 1], struct err *e)
{
    jwt_t *jwt = NULL;
    char *text = NULL;
    int rc = jwt_new(&jwt) || jwt_set_alg(jwt, JWT_ALG_HS256, key->bytes, (int)key->len) ||
             jwt_add_grant_int(jwt, "iat", (long)now_s) ||
             jwt_add_grant_int(jwt, "exp", (long)(now_s + TOKEN_LIFE_S)) || jwt_add_grant(jwt, "sun", key->user);
    text = rc ? NULL : jwt_encode_str(jwt);
    const size_t len = text ? strlen(text) : 0;
    rc = len && len <= TOKEN_MAX ? 0 : err_set(e, ERR_INTERNAL, "a token for Slurm cannot be made");
    if (!rc && text)
        memcpy(out, text, len + 1);
    if (text)
        sodium_memzero(text, len);
    free(text);
    jwt_free(jwt);
    return rc;
}

int token_from_key(const char *key_file, const char *user, int64_t now_s, char out[TOKEN_MAX + 1], struct err *e)
{
    struct buf key;
    buf_init(&key, KEY_MAX + 1);
    int rc = fs_read(key_file, KEY_MAX, &key, e);
    if (!rc && key.len < KEY_MIN)
        rc = err_set(e, ERR_INVALID_PARAMETERS, "%s holds less than %d bytes: it is no key of a cluster", key_file,
                     KEY_MIN);
    const struct token_key k = {.bytes = key.data, .len = key.len, .user = user};
    rc = rc ? rc : token_sign(&k, now_s, out, e);
    if (key.data)
        sodium_memzero(key.data, key.cap);
    buf_fini(&key);
    return rc;
}

int token_from_file(const char *token_file, char out[TOKEN_MAX + 1], struct err *e)
{
    static const char name[] = "SLURM_JWT=";
    struct buf text;
    buf_init(&text, TOKEN_MAX + 64);
    int rc = fs_read(token_file, TOKEN_MAX, &text, e);
    if (!rc) {
        const char *s = buf_str(&text);
        s += !strncmp(s, name, sizeof name - 1) ? sizeof name - 1 : 0;
        const size_t len = strspn(s, letters);
        if (!len || (s[len] && !strchr("\r\n", s[len])))
            rc = err_set(e, ERR_INVALID_PARAMETERS, "%s holds no token", token_file);
        else {
            memcpy(out, s, len);
            out[len] = '\0';
        }
    }
    if (text.data)
        sodium_memzero(text.data, text.cap);
    buf_fini(&text);
    return rc;
}
