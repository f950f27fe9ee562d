/* SPDX-License-Identifier: MIT
 *
 * The request guard (reliability.md 4.10): what libmicrohttpd 0.9.75 lets through and must not reach us. Pure functions
 * over the header list and the URL, so that they can be fuzzed.
 *
 * Bare LF, bare CR, folded lines and NUL bytes are gone when the library shows the fields, but it cuts the head up
 * where it lies: lines that all ended in CRLF lie behind each other without a gap. That is what GUARD_LINES looks at.
 */
#ifndef DROVER_SERVER_HTTP_GUARD_H
#define DROVER_SERVER_HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define GUARD_MAX_HEADERS 64

struct guard_header {
    const char *name;
    const char *value; /* may be NULL */
};

/* What the guard judges. Borrowed. */
struct guard_input {
    const char *method;
    const char *version; /* "HTTP/1.1" */
    const char *path;    /* decoded by guard_decode_path, without query; NULL when that refused */
    const struct guard_header *headers;
    size_t header_count;
    size_t head_size; /* bytes from the method's first to the end of the empty line, where the strings above lie in one
                         head that was cut up in place; else 0, and lines are not looked at */
};

enum guard_verdict {
    GUARD_OK,
    GUARD_METHOD,         /* not one of ours */
    GUARD_VERSION,        /* not HTTP/1.0 or 1.1 */
    GUARD_LINES,          /* a line of the head that does not end in CRLF, is folded or has a NUL */
    GUARD_HEADER_COUNT,   /* more than GUARD_MAX_HEADERS */
    GUARD_HEADER_NAME,    /* empty, not a token, or Content_Length */
    GUARD_HEADER_VALUE,   /* control bytes */
    GUARD_CONTENT_LENGTH, /* twice, or not a plain decimal number */
    GUARD_TRANSFER,       /* twice, or not exactly chunked */
    GUARD_BOTH_LENGTHS,   /* Content-Length with Transfer-Encoding */
    GUARD_HOST,           /* not exactly one, or with foreign bytes */
    GUARD_REPEATED,       /* a header twice that must be one: Authorization, Cookie, Content-Type */
    GUARD_PATH,           /* refused by guard_decode_path, not starting with a slash, . or .. segments */
    GUARD_VERDICT_COUNT
};

/* What the guard learnt about the body. */
struct guard_body {
    bool chunked;
    bool has_length;
    uint64_t length; /* bytes, with has_length */
};

/* Judges. On a refusal `e` gets ERR_BAD_REQUEST (ERR_HEADERS_TOO_LARGE for the count) with a sentence; `body` (may be
 * NULL) is filled on GUARD_OK. Any thread. */
enum guard_verdict guard_check(const struct guard_input *in, struct guard_body *body, struct err *e);

/* Percent-decodes in place. Refuses (-1, content undefined) a percent sign without two hex digits, bytes that are or
 * decode to control bytes, and what is no UTF-8 afterwards. In a path an encoded slash or backslash is refused too; in
 * a field (query, form) a plus sign becomes a space. Any thread. */
int guard_decode_path(char *s);
int guard_decode_field(char *s);

#endif
