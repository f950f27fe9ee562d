/* SPDX-License-Identifier: MIT
 *
 * Sealing of small secrets for the database: XChaCha20-Poly1305 with a random nonce, bound to its row by a context.
 */
#ifndef DROVER_AUTH_SEAL_H
#define DROVER_AUTH_SEAL_H

#include <stddef.h>

#include "auth/keys.h"

struct buf;
struct err;

/* Bytes that sealing adds: version, nonce, tag. */
#define SEAL_OVERHEAD (1 + 24 + 16)
#define SEAL_MAX (1024u * 1024u)

/* Borrowed bytes. */
struct seal_bytes {
    const void *data;
    size_t len;
};

/* Seals at most SEAL_MAX bytes and appends the result, SEAL_OVERHEAD bytes longer, to `out`. `context` (a job id) must
 * be given again to open, so that a sealed value is of no use in another row. 0 or -1. Any thread. */
int seal_make(const struct keys *k, const char *context, struct seal_bytes plain, struct buf *out, struct err *e);
/* Opens what seal_make made and appends it to `out`, which the caller wipes (sodium_memzero) before buf_fini.
 * ERR_INTERNAL when forged, damaged or of another row or key; `out` is then as before. Any thread. */
int seal_open(const struct keys *k, const char *context, struct seal_bytes sealed, struct buf *out, struct err *e);

#endif
