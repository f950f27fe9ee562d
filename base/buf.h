/* SPDX-License-Identifier: MIT
 *
 * The one string builder. Grows as needed up to a cap; after a failed growth or over the cap the buffer is "bad" and
 * all further calls do nothing, so a caller may check once at the end.
 */
#ifndef DROVER_BASE_BUF_H
#define DROVER_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data; /* NUL-terminated once something was added; NULL before */
    size_t len; /* bytes without the NUL */
    size_t cap; /* bytes allocated */
    size_t max; /* refuse to grow past this many bytes; 0 = 64 MiB */
    bool bad;   /* out of memory or over max; content is then not to be used */
};

/* An empty buffer with the given cap in bytes (0 = 64 MiB). No allocation. */
void buf_init(struct buf *b, size_t max);
/* Frees the content and makes it empty again. */
void buf_fini(struct buf *b);
/* Empties it, keeping the memory (and clearing `bad`). */
void buf_reset(struct buf *b);
/* Appends bytes / a NUL-terminated string / one byte / printf output. Return 0, or -1 when bad. */
int buf_add(struct buf *b, const void *bytes, size_t len);
int buf_adds(struct buf *b, const char *s);
int buf_addc(struct buf *b, char c);
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* The text, never NULL ("" when empty or bad). Borrowed until the next change. */
const char *buf_str(const struct buf *b);
/* The text as malloc'ed memory that the caller frees; NULL when bad. The buffer is empty afterwards. */
char *buf_take(struct buf *b, size_t *len);

#endif
