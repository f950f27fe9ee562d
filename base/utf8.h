/* SPDX-License-Identifier: MIT
 *
 * UTF-8: validation, terminal width, and making foreign text safe to show (reliability.md S24).
 */
#ifndef DROVER_BASE_UTF8_H
#define DROVER_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* Whether the bytes are valid UTF-8 (no overlong forms, no surrogates, at most U+10FFFF). */
bool utf8_valid(const char *s, size_t len);
/* Decodes one code point at `s` (len > 0) into *cp and returns its length in bytes; 0 when invalid. */
size_t utf8_decode(const char *s, size_t len, uint32_t *cp);
/* Appends `cp` as UTF-8; returns bytes written (1..4), 0 when it is no code point. `out` has room for 4. */
size_t utf8_encode(uint32_t cp, char out[4]);
/* Columns that a terminal uses for the text; control characters count 0. */
int utf8_width(const char *s, size_t len);
/* Bytes of the longest prefix of whole grapheme clusters that fits `columns`; *used gets its width (NULL ok). */
size_t utf8_fit(const char *s, size_t len, int columns, int *used);
/* Appends foreign text made harmless for a terminal: C0 (but tab, kept as one space when `tabs` is false), DEL, C1,
 * invalid bytes and bidi controls become visible escapes such as \x1b or <U+202E>. Newlines are kept only if
 * `newlines`. */
int utf8_safe(struct buf *out, const char *s, size_t len, bool newlines, bool tabs);

#endif
