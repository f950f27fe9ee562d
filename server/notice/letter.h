/* SPDX-License-Identifier: MIT
 *
 * The next mail out of the rows that are due: one notice, or a digest of all of a user's.
 */
#ifndef DROVER_SERVER_NOTICE_LETTER_H
#define DROVER_SERVER_NOTICE_LETTER_H

#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct store;

enum { LETTER_MAX = 100 };

/* Strings in the arena. */
struct letter {
    const char *to; /* NULL: there is nobody to send it to any more, or it is too old; its rows are to be forgotten */
    const char *subject, *text;
    const char *id; /* the same whenever it is sent */
    int64_t positions[LETTER_MAX];
    size_t count;
};

struct letter_asking {
    struct arena *arena;
    int64_t now_ms;
};

/* 1: there is one, 0: not now, -1 with the error. `s` is a reader. */
int letter_next(struct store *s, const struct letter_asking *q, struct letter *out, struct err *e);

#endif
