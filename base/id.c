/* SPDX-License-Identifier: MIT
 *
 * UUIDv7 and random bytes. Without random bytes nothing here is safe to go on with, so that case ends the process.
 */
#include "base/id.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char id_hex[] = "0123456789abcdef";

void id_random(void *out, size_t n)
{
    unsigned char *p = out;

    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort();
        p += got;
        n -= (size_t)got;
    }
}

void id_random_hex(char *out, size_t bytes)
{
    size_t i;

    /* The random bytes are put in the upper half of the output and spread downwards, so no second buffer is needed. */
    id_random(out + bytes, bytes);
    for (i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)out[bytes + i];

        out[2 * i] = id_hex[c >> 4];
        out[2 * i + 1] = id_hex[c & 15u];
    }
    out[2 * bytes] = '\0';
}

void id_make(int64_t wall_ms, char out[ID_SIZE])
{
    unsigned char b[16];
    uint64_t ms = (uint64_t)wall_ms;
    size_t i, o = 0;

    id_random(b + 6, 10);
    for (i = 0; i < 6; i++)
        b[i] = (unsigned char)(ms >> (40 - 8 * i));
    b[6] = (unsigned char)((b[6] & 0x0fu) | 0x70u); /* version 7 */
    b[8] = (unsigned char)((b[8] & 0x3fu) | 0x80u); /* RFC 9562 variant */
    for (i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[o++] = '-';
        out[o++] = id_hex[b[i] >> 4];
        out[o++] = id_hex[b[i] & 15u];
    }
    out[o] = '\0';
}

bool id_valid(const char *s)
{
    size_t i;

    for (i = 0; i < ID_SIZE - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (s[i] == '\0')
            return false;
        if (dash ? s[i] != '-' : !strchr(id_hex, s[i]))
            return false;
    }
    return s[i] == '\0';
}
