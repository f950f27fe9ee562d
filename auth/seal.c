/* SPDX-License-Identifier: MIT
 *
 * Sealed values: one version byte, 24 bytes of nonce, then ciphertext and tag. Version and context are authenticated.
 */
#include "auth/seal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

#define VERSION 1
#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(SEAL_OVERHEAD == 1 + NONCE + TAG, "overhead");

int seal_make(const struct keys *k, const char *context, struct seal_bytes plain, struct buf *out, struct err *e)
{
    unsigned char *sealed;
    unsigned long long body = 0;
    int rc;

    if (plain.len > SEAL_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "A secret may have at most %u bytes.", SEAL_MAX);
    sealed = sodium_init() < 0 ? NULL : malloc(plain.len + SEAL_OVERHEAD);
    if (!sealed)
        return err_set(e, ERR_INTERNAL, "out of memory");
    sealed[0] = VERSION;
    randombytes_buf(sealed + 1, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + 1 + NONCE, &body, plain.data, plain.len,
                                               (const unsigned char *)context, strlen(context), NULL, sealed + 1,
                                               k->seal);
    rc = buf_add(out, sealed, 1 + NONCE + (size_t)body);
    free(sealed);
    return rc ? err_set(e, ERR_INTERNAL, "out of memory") : 0;
}

int seal_open(const struct keys *k, const char *context, struct seal_bytes sealed, struct buf *out, struct err *e)
{
    const unsigned char *s = sealed.data;
    unsigned char *plain;
    unsigned long long len = 0;
    int rc = 0;

    if (sealed.len < SEAL_OVERHEAD || sealed.len > SEAL_MAX + SEAL_OVERHEAD || s[0] != VERSION)
        return err_set(e, ERR_INTERNAL, "a sealed value is damaged");
    plain = malloc(sealed.len - SEAL_OVERHEAD + 1);
    if (!plain)
        return err_set(e, ERR_INTERNAL, "out of memory");
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &len, NULL, s + 1 + NONCE, sealed.len - 1 - NONCE,
                                                   (const unsigned char *)context, strlen(context), s + 1, k->seal))
        rc = err_set(e, ERR_INTERNAL, "a sealed value does not open: other key, other row, or damaged");
    else if (buf_add(out, plain, (size_t)len))
        rc = err_set(e, ERR_INTERNAL, "out of memory");
    sodium_memzero(plain, (size_t)len);
    free(plain);
    return rc;
}
