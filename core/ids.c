/* SPDX-License-Identifier: MIT
 *
 * Ids and nonces of task attempts are derived, not drawn: the core stays pure and a replay gives the same ids. The seed
 * is random per data folder and secret, so nobody can guess a nonce.
 */
#include <sodium.h>
#include <stdio.h>

#include "core/internal.h"

void core_derive_id(const struct core *c, const struct task *t, char id[ID_SIZE], char nonce[33])
{
    unsigned char h[32];
    char text[256];
    int n = snprintf(text, sizeof text, "%s/%d/%d/%d/%d/%lld", t->job->id, t->job->attempt, t->role_index, t->index,
                     t->attempt, (long long)c->config.epoch);
    crypto_generichash(h, sizeof h, (const unsigned char *)text, (unsigned long long)n, c->config.seed,
                       sizeof c->config.seed);
    h[6] = (unsigned char)((h[6] & 0x0f) | 0x80); /* UUIDv8: custom content (RFC 9562) */
    h[8] = (unsigned char)((h[8] & 0x3f) | 0x80);
    char hex[33];
    sodium_bin2hex(hex, sizeof hex, h, 16);
    snprintf(id, ID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    sodium_bin2hex(nonce, 33, h + 16, 16);
}
