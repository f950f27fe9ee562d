/* SPDX-License-Identifier: MIT
 *
 * The string builder: geometric growth, a cap, and a sticky failure flag instead of a check after every call.
 */
#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_DEFAULT_MAX ((size_t)64 << 20)
#define BUF_FIRST 64u

void buf_init(struct buf *b, size_t max)
{
    memset(b, 0, sizeof(*b));
    b->max = max ? max : BUF_DEFAULT_MAX;
}

void buf_fini(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->bad = false;
    if (b->data)
        b->data[0] = '\0';
}

/* Makes room for `extra` more bytes and the NUL. */
static int buf_grow(struct buf *b, size_t extra)
{
    size_t max = b->max ? b->max : BUF_DEFAULT_MAX;
    size_t want, cap;
    char *data;

    if (b->bad)
        return -1;
    if (extra > max || b->len > max - extra) {
        b->bad = true;
        return -1;
    }
    want = b->len + extra + 1;
    if (want <= b->cap)
        return 0;
    cap = b->cap ? b->cap : BUF_FIRST;
    while (cap < want)
        cap = cap > SIZE_MAX / 2 ? want : cap * 2;
    if (cap > max + 1)
        cap = max + 1;
    data = realloc(b->data, cap);
    if (!data) {
        b->bad = true;
        return -1;
    }
    b->data = data;
    b->cap = cap;
    return 0;
}

int buf_add(struct buf *b, const void *bytes, size_t len)
{
    if (buf_grow(b, len))
        return -1;
    if (len)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
    return 0;
}

int buf_adds(struct buf *b, const char *s)
{
    return buf_add(b, s, strlen(s));
}

int buf_addc(struct buf *b, char c)
{
    return buf_add(b, &c, 1);
}

int buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    int n;

    if (buf_grow(b, 0))
        return -1;
    va_copy(again, ap);
    n = vsnprintf(b->data + b->len, b->cap - b->len, fmt, ap);
    if (n < 0 || buf_grow(b, (size_t)n)) {
        b->bad = true;
        b->data[b->len] = '\0';
        va_end(again);
        return -1;
    }
    /* The second pass is needed only when the first did not fit; it is cheap enough to do without a branch on n. */
    (void)vsnprintf(b->data + b->len, b->cap - b->len, fmt, again);
    va_end(again);
    b->len += (size_t)n;
    return 0;
}

int buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = buf_vaddf(b, fmt, ap);
    va_end(ap);
    return rc;
}

const char *buf_str(const struct buf *b)
{
    return b->data && !b->bad ? b->data : "";
}

char *buf_take(struct buf *b, size_t *len)
{
    char *data;

    if (len)
        *len = 0;
    if (!b->bad && !b->data)
        (void)buf_grow(b, 0);
    if (b->bad || !b->data) {
        buf_fini(b);
        return NULL;
    }
    data = b->data;
    data[b->len] = '\0';
    if (len)
        *len = b->len;
    b->data = NULL;
    b->len = 0;
    b->cap = 0;
    return data;
}
