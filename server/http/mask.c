/* SPDX-License-Identifier: MIT
 *
 * Masking of paths, segment by segment. Tokens have over 100 characters, sessions 64, invitations 48.
 */
#include "server/http/mask.h"

#include <string.h>

/* The first letters of every JSON object in base64, and of every token. */
static bool is_token(const char *s, size_t n)
{
    return n > MASK_SEGMENT_MAX && !strncmp(s, "eyJ", 3) && memchr(s, '.', n);
}

void mask_path(const char *path, bool known, char *out)
{
    while (*path) {
        size_t slash = *path == '/';
        size_t n = strcspn(path + slash, "/");

        if (slash)
            *out++ = '/';
        if ((!known && n > MASK_SEGMENT_MAX) || is_token(path + slash, n)) {
            *out++ = '*';
        } else {
            memcpy(out, path + slash, n);
            out += n;
        }
        path += slash + n;
    }
    *out = '\0';
}
