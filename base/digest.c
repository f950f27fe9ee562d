/* SPDX-License-Identifier: MIT
 *
 * SHA-256 by libsodium, in pieces of 16 KiB.
 */
#include "base/digest.h"

#include <sodium.h>
#include <unistd.h>

int digest_file(int fd, char hex[DIGEST_SIZE], int64_t *bytes)
{
    unsigned char chunk[16384], sum[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    int64_t at = 0;
    ssize_t n;

    (void)crypto_hash_sha256_init(&state);
    while ((n = pread(fd, chunk, sizeof(chunk), at)) > 0) {
        (void)crypto_hash_sha256_update(&state, chunk, (unsigned long long)n);
        at += n;
    }
    if (n < 0)
        return -1;
    (void)crypto_hash_sha256_final(&state, sum);
    (void)sodium_bin2hex(hex, DIGEST_SIZE, sum, sizeof(sum));
    if (bytes)
        *bytes = at;
    return 0;
}
