/* SPDX-License-Identifier: MIT
 *
 * JSON is YAML, but for characters beyond the first 65,536: JSON escapes them as two surrogates, which YAML refuses.
 */
#include "jobs/spec_json.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"

#define ESCAPE 6 /* bytes of \uXXXX */

/* The 16 bits of a \uXXXX escape at `s`, of which `left` bytes are there; -1 when it is none. */
static int32_t read_escape(const char *s, size_t left)
{
    static const char digits[] = "0123456789abcdef";
    int32_t out = 0;

    if (left < ESCAPE || s[0] != '\\' || s[1] != 'u')
        return -1;
    for (int i = 2; i < ESCAPE; i++) {
        char lower = (char)(s[i] >= 'A' && s[i] <= 'F' ? s[i] - 'A' + 'a' : s[i]);
        const char *at = memchr(digits, lower, sizeof(digits) - 1);

        if (!at)
            return -1;
        out = out * 16 + (int32_t)(at - digits);
    }
    return out;
}

/* The character of a pair of surrogate escapes at `s`, or 0. */
static uint32_t read_pair(const char *s, size_t left)
{
    int32_t high = read_escape(s, left);
    int32_t low = high >= 0xd800 && high < 0xdc00 ? read_escape(s + ESCAPE, left - ESCAPE) : -1;

    if (low < 0xdc00 || low > 0xdfff)
        return 0;
    return 0x10000 + (((uint32_t)high - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
}

static bool is_json(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!memchr(" \t\r\n", text[i], 4))
            return text[i] == '{';
    return false;
}

const char *spec_json_join(struct arena *a, const char *text, size_t *len)
{
    size_t in = 0, out = 0, n = *len;
    char *copy;

    if (!is_json(text, n) || !memmem(text, n, "\\u", 2))
        return text;
    copy = arena_alloc(a, n + 1);
    if (!copy)
        return NULL;
    while (in < n) {
        uint32_t cp = text[in] == '\\' ? read_pair(text + in, n - in) : 0;

        if (cp) {
            out += utf8_encode(cp, copy + out);
            in += 2 * (size_t)ESCAPE;
            continue;
        }
        if (text[in] == '\\' && in + 1 < n) /* so that the second of two backslashes begins nothing */
            copy[out++] = text[in++];
        copy[out++] = text[in++];
    }
    *len = out;
    return copy;
}
