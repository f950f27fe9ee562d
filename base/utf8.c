/* SPDX-License-Identifier: MIT
 *
 * UTF-8 by hand (decode, encode, validate), widths and grapheme clusters by utf8proc, and the one function that makes
 * foreign text harmless for a terminal.
 */
#include "base/utf8.h"

#include <string.h>
#include <utf8proc.h>

#include "base/buf.h"

size_t utf8_decode(const char *s, size_t len, uint32_t *cp)
{
    /* Smallest code point that may use 2, 3 and 4 bytes: anything less is an overlong form. */
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)s;
    uint32_t c = p[0];
    size_t n, i;

    if (c < 0x80) {
        *cp = c;
        return 1;
    }
    n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || n > len)
        return 0;
    c &= 0xffu >> (n + 1);
    for (i = 1; i < n; i++) {
        if ((p[i] & 0xc0u) != 0x80u)
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *cp = c;
    return n;
}

size_t utf8_encode(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0u | cp >> 6);
        out[1] = (char)(0x80u | (cp & 0x3fu));
        return 2;
    }
    if (cp >= 0xd800 && cp <= 0xdfff)
        return 0;
    if (cp < 0x10000) {
        out[0] = (char)(0xe0u | cp >> 12);
        out[1] = (char)(0x80u | (cp >> 6 & 0x3fu));
        out[2] = (char)(0x80u | (cp & 0x3fu));
        return 3;
    }
    if (cp > 0x10ffff)
        return 0;
    out[0] = (char)(0xf0u | cp >> 18);
    out[1] = (char)(0x80u | (cp >> 12 & 0x3fu));
    out[2] = (char)(0x80u | (cp >> 6 & 0x3fu));
    out[3] = (char)(0x80u | (cp & 0x3fu));
    return 4;
}

bool utf8_valid(const char *s, size_t len)
{
    size_t i = 0;

    while (i < len) {
        uint32_t cp;
        size_t n = utf8_decode(s + i, len - i, &cp);

        if (!n)
            return false;
        i += n;
    }
    return true;
}

/* Reads one code point, taking an invalid byte as U+FFFD. Never returns 0 for len > 0. */
static size_t utf8_read(const char *s, size_t len, uint32_t *cp)
{
    size_t n = utf8_decode(s, len, cp);

    if (!n) {
        *cp = 0xfffd;
        n = 1;
    }
    return n;
}

/* Reads one grapheme cluster; *width is that of its widest code point, as terminals draw it. */
static size_t utf8_cluster(const char *s, size_t len, int *width)
{
    utf8proc_int32_t state = 0;
    uint32_t cp, next;
    size_t used = utf8_read(s, len, &cp);

    *width = utf8proc_charwidth((utf8proc_int32_t)cp);
    while (used < len) {
        size_t n = utf8_read(s + used, len - used, &next);
        int w;

        if (utf8proc_grapheme_break_stateful((utf8proc_int32_t)cp, (utf8proc_int32_t)next, &state))
            break;
        w = utf8proc_charwidth((utf8proc_int32_t)next);
        /* U+FE0F asks for the emoji form, which is two columns wide. */
        if (next == 0xfe0f && *width == 1)
            w = 2;
        if (w > *width)
            *width = w;
        cp = next;
        used += n;
    }
    return used;
}

int utf8_width(const char *s, size_t len)
{
    size_t i = 0;
    int total = 0;

    while (i < len) {
        int w;

        i += utf8_cluster(s + i, len - i, &w);
        total += w;
    }
    return total;
}

size_t utf8_fit(const char *s, size_t len, int columns, int *used)
{
    size_t i = 0;
    int total = 0;

    while (i < len) {
        int w;
        size_t n = utf8_cluster(s + i, len - i, &w);

        if (total + w > columns)
            break;
        total += w;
        i += n;
    }
    if (used)
        *used = total;
    return i;
}

/* Code points that reorder or hide text: marks, embeddings, overrides, isolates, line and paragraph separators, BOM. */
static bool utf8_deceives(uint32_t cp)
{
    return cp == 0x061c || cp == 0x200e || cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e) ||
           (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff;
}

static bool utf8_is_control(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp < 0xa0);
}

/* One code point of `n` bytes at `s`; n == 0 means that the byte there is invalid. */
static void utf8_safe_one(struct buf *out, const char *s, size_t n, uint32_t cp)
{
    if (n == 0)
        (void)buf_addf(out, "\\x%02x", (unsigned)(unsigned char)*s);
    else if (utf8_is_control(cp))
        (void)buf_addf(out, "\\x%02x", (unsigned)cp);
    else if (utf8_deceives(cp))
        (void)buf_addf(out, "<U+%04X>", (unsigned)cp);
    else
        (void)buf_add(out, s, n);
}

int utf8_safe(struct buf *out, const char *s, size_t len, bool newlines, bool tabs)
{
    size_t i = 0;

    while (i < len) {
        uint32_t cp = 0;
        size_t n;
        size_t run = i;

        /* Plain ASCII, nearly everything, goes through in one piece. */
        while (run < len && s[run] >= 0x20 && s[run] < 0x7f)
            run++;
        if (run > i) {
            (void)buf_add(out, s + i, run - i);
            i = run;
            continue;
        }
        n = utf8_decode(s + i, len - i, &cp);
        if (n && cp == '\t')
            (void)buf_addc(out, tabs ? '\t' : ' ');
        else if (n && cp == '\n' && newlines)
            (void)buf_addc(out, '\n');
        else
            utf8_safe_one(out, s + i, n, cp);
        i += n ? n : 1;
    }
    return out->bad ? -1 : 0;
}
