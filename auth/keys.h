/* SPDX-License-Identifier: MIT
 *
 * DATA/secret.key: 32 random bytes as hex, mode 0600. Every other key is derived from it, one per purpose.
 */
#ifndef DROVER_AUTH_KEYS_H
#define DROVER_AUTH_KEYS_H

#define KEYS_SIZE 32

struct err;

/* The derived keys. Owner wipes them with keys_wipe. */
struct keys {
    unsigned char jwt[KEYS_SIZE];   /* HMAC-SHA256 of tokens */
    unsigned char seal[KEYS_SIZE];  /* XChaCha20-Poly1305 of job secrets */
    unsigned char audit[KEYS_SIZE]; /* BLAKE2b of the audit log's chain */
};

/* Makes DATA/secret.key (durably, mode 0600). An existing one is an error and stays. 0 or -1. */
int keys_create(const char *data_dir, struct err *e);
/* Reads DATA/secret.key and derives. Refuses a file that is not a regular file of ours with no rights for group and
 * others, or that is not 64 hex digits. 0 or -1 (ERR_INTERNAL with the reason). */
int keys_load(const char *data_dir, struct keys *out, struct err *e);
/* Overwrites the keys with zeros. */
void keys_wipe(struct keys *k);

#endif
