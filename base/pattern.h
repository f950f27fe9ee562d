/* SPDX-License-Identifier: MIT
 *
 * Regular expressions (pcre2) over foreign bytes, with a bound on what one look may cost. Text is bytes, not UTF-8: "."
 * is any byte but a newline. "^" and "$" are a line's begin and end.
 */
#ifndef DROVER_BASE_PATTERN_H
#define DROVER_BASE_PATTERN_H

#include <stddef.h>
#include <stdint.h>

struct err;

#define PATTERN_MAX 1000 /* bytes of an expression */

/* A compiled expression; constant, so any number of threads may use it. */
struct pattern;

/* Compiles `text`. NULL with ERR_INVALID_PARAMETERS and what is wrong where in it, or on out of memory. */
struct pattern *pattern_create(const char *text, size_t len, struct err *e);
/* Frees it. NULL ok. */
void pattern_destroy(struct pattern *p);

/* What a look needs beside the expression; one a thread. NULL on out of memory. */
struct pattern_scratch;
struct pattern_scratch *pattern_scratch_create(void);
/* NULL ok. */
void pattern_scratch_destroy(struct pattern_scratch *s);

/* A text, and where in it to begin. */
struct pattern_text {
    const char *text;
    size_t len, from;
};

/* A place in a text: bytes [start, end). */
struct pattern_span {
    size_t start, end;
};

/* Looks for the first match that begins at in->from or later; what stands before it still counts for "^" and "\b". 1
 * with *out, 0 when there is none, -1 when the look took too long and was given up. */
int pattern_find(const struct pattern *p, struct pattern_scratch *s, const struct pattern_text *in,
                 struct pattern_span *out);

#define PATTERN_GROUPS 8 /* with the whole match, which is the first */
/* As pattern_find, with what its groups matched; one that took no part has start = end = SIZE_MAX. */
int pattern_groups(const struct pattern *p, struct pattern_scratch *s, const struct pattern_text *in,
                   struct pattern_span out[PATTERN_GROUPS]);

#endif
