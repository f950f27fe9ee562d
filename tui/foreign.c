/* SPDX-License-Identifier: MIT
 *
 * Chunked text to terminal-safe text, over utf8_safe.
 */
#include "tui/foreign.h"

#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

/* Bytes that the code point beginning with `c` has, 1 for what begins none. */
static size_t foreign_length(unsigned char c)
{
    if (c >= 0xf0 && c < 0xf5)
        return 4;
    if (c >= 0xe0)
        return c < 0xf0 ? 3 : 1;
    return c >= 0xc2 ? 2 : 1;
}

/* How many bytes at the end of the text begin a code point that is cut off; 0 when none is. */
static size_t foreign_cut(const char *s, size_t len)
{
    for (size_t back = 1; back <= 3 && back <= len; back++) {
        unsigned char c = (unsigned char)s[len - back];

        if ((c & 0xc0) == 0x80)
            continue;
        return foreign_length(c) > back ? back : 0;
    }
    return 0;
}

/* Text without carriage returns, but for those before a line feed, which is another piece. */
static void foreign_text(struct foreign *f, const char *s, size_t len, struct buf *out)
{
    while (len > 0) {
        const char *cr;
        size_t n;

        if (f->after_cr && *s == '\n') {
            s++;
            len--;
            f->after_cr = false;
            continue;
        }
        cr = memchr(s, '\r', len);
        n = cr ? (size_t)(cr - s) : len;
        (void)utf8_safe(out, s, n, true, true);
        f->after_cr = cr != NULL;
        if (cr)
            (void)buf_addc(out, '\n');
        n += cr != NULL;
        s += n;
        len -= n;
    }
}

int foreign_add(struct foreign *f, const char *bytes, size_t len, struct buf *out)
{
    size_t cut;

    /* Complete the code point that the last piece began. A byte that does not continue it ends it as it is. */
    while (f->tail_len && len) {
        bool more = ((unsigned char)*bytes & 0xc0) == 0x80;

        if (more) {
            f->tail[f->tail_len++] = *bytes++;
            len--;
        }
        if (!more || f->tail_len == foreign_length((unsigned char)f->tail[0])) {
            foreign_text(f, f->tail, f->tail_len, out);
            f->tail_len = 0;
        }
    }
    cut = foreign_cut(bytes, len);
    foreign_text(f, bytes, len - cut, out);
    if (cut) {
        memcpy(f->tail, bytes + len - cut, cut);
        f->tail_len = cut;
    }
    return out->bad ? -1 : 0;
}

int foreign_end(struct foreign *f, struct buf *out)
{
    foreign_text(f, f->tail, f->tail_len, out);
    *f = (struct foreign){.tail_len = 0};
    return out->bad ? -1 : 0;
}
