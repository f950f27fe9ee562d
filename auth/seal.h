/* SPDX-License-Identifier: MIT
 *
 * Sealing of small secrets for the database: XChaCha20-Poly1305 with a random nonce, bound to its row by a context.
 */
#ifndef DROVER_AUTH_SEAL_H
#define DROVER_AUTH_SEAL_H

#include <stddef.h>

#include "auth/keys.h"

struct err;

/* Bytes that sealing adds: version, nonce, tag. */
#define SEAL_OVERHEAD (1 + 24 + 16)
#define SEAL_MAX (1024u * 1024u)

/* Seals `len` (at most SEAL_MAX) bytes into malloc'ed memory of len + SEAL_OVERHEAD bytes, which the caller frees.
 * `context` (a job id) must be given again to open, so that a sealed value is of no use in another row. Any thread. */
int seal_make(const struct keys *k, const char *context, const void *plain, size_t len, unsigned char **out,
              size_t *out_len, struct err *e);
/* Opens what seal_make made, into malloc'ed, NUL-terminated memory; *out_len excludes the NUL. The caller wipes
 * (sodium_memzero) and frees. ERR_INTERNAL when forged, damaged or of another row or key. Any thread. */
int seal_open(const struct keys *k, const char *context, const unsigned char *sealed, size_t sealed_len,
              unsigned char **out, size_t *out_len, struct err *e);

#endif
