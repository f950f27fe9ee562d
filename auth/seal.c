/* SPDX-License-Identifier: MIT
 *
 * Sealed values: one version byte, 24 bytes of nonce, then ciphertext and tag. Version and context are authenticated.
 */
#include "auth/seal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define VERSION 1
#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(SEAL_OVERHEAD == 1 + NONCE + TAG, "overhead");

int seal_make(const struct keys *k, const char *context, const void *plain, size_t len, unsigned char **out,
              size_t *out_len, struct err *e)
{
    unsigned char *sealed;
    unsigned long long body = 0;

    if (len > SEAL_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "A secret may have at most %u bytes.", SEAL_MAX);
    sealed = sodium_init() < 0 ? NULL : malloc(len + SEAL_OVERHEAD);
    if (!sealed)
        return err_set(e, ERR_INTERNAL, "out of memory");
    sealed[0] = VERSION;
    randombytes_buf(sealed + 1, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + 1 + NONCE, &body, plain, len, (const unsigned char *)context,
                                               strlen(context), NULL, sealed + 1, k->seal);
    *out = sealed;
    *out_len = 1 + NONCE + (size_t)body;
    return 0;
}

int seal_open(const struct keys *k, const char *context, const unsigned char *sealed, size_t sealed_len,
              unsigned char **out, size_t *out_len, struct err *e)
{
    unsigned char *plain;
    unsigned long long len = 0;

    if (sealed_len < SEAL_OVERHEAD || sealed_len > SEAL_MAX + SEAL_OVERHEAD || sealed[0] != VERSION)
        return err_set(e, ERR_INTERNAL, "a sealed value is damaged");
    plain = malloc(sealed_len - SEAL_OVERHEAD + 1);
    if (!plain)
        return err_set(e, ERR_INTERNAL, "out of memory");
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, &len, NULL, sealed + 1 + NONCE, sealed_len - 1 - NONCE,
                                                   (const unsigned char *)context, strlen(context), sealed + 1,
                                                   k->seal)) {
        free(plain);
        return err_set(e, ERR_INTERNAL, "a sealed value does not open: other key, other row, or damaged");
    }
    plain[len] = '\0';
    *out = plain;
    *out_len = (size_t)len;
    return 0;
}
