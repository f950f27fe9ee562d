/* SPDX-License-Identifier: MIT
 *
 * CRC-32C (Castagnoli), eight bytes at a time.
 */
#ifndef DROVER_BASE_CRC32C_H
#define DROVER_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Tables, constant once made. */
struct crc32c {
    uint32_t table[8][256];
};

/* Makes the tables. */
void crc32c_init(struct crc32c *c);
/* The checksum of `len` bytes. Any thread. */
uint32_t crc32c_of(const struct crc32c *c, const void *data, size_t len);

#endif
