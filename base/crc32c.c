/* SPDX-License-Identifier: MIT */
/* "Slicing by eight": table[k] holds what a byte does to the checksum k bytes later, so that eight look-ups that do not
 * wait for one another take the place of eight that do. */
#include "base/crc32c.h"

#include <endian.h>
#include <string.h>

#define POLYNOMIAL 0x82F63B78u

void crc32c_init(struct crc32c *c)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;

        for (int bit = 0; bit < 8; bit++)
            v = v >> 1 ^ (v & 1 ? POLYNOMIAL : 0);
        c->table[0][i] = v;
    }
    for (int k = 1; k < 8; k++)
        for (int i = 0; i < 256; i++)
            c->table[k][i] = c->table[k - 1][i] >> 8 ^ c->table[0][c->table[k - 1][i] & 0xff];
}

uint32_t crc32c_of(const struct crc32c *c, const void *data, size_t len)
{
    const unsigned char *p = data;
    uint32_t crc = UINT32_MAX;

    for (; len >= 8; len -= 8, p += 8) {
        uint64_t v;

        memcpy(&v, p, sizeof(v));
        v = le64toh(v) ^ crc;
        crc = c->table[7][v & 0xff] ^ c->table[6][v >> 8 & 0xff] ^ c->table[5][v >> 16 & 0xff] ^
              c->table[4][v >> 24 & 0xff] ^ c->table[3][v >> 32 & 0xff] ^ c->table[2][v >> 40 & 0xff] ^
              c->table[1][v >> 48 & 0xff] ^ c->table[0][v >> 56];
    }
    while (len--)
        crc = crc >> 8 ^ c->table[0][(crc ^ *p++) & 0xff];
    return crc ^ UINT32_MAX;
}
