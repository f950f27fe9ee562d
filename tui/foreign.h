/* SPDX-License-Identifier: MIT
 *
 * A stream of foreign bytes (a task's log) made harmless for a terminal, piece by piece: whatever way the bytes are cut
 * into pieces, the text is the same. Line feeds and tabs stay; a carriage return, which would let one line overwrite
 * another, ends the line as a line feed does.
 */
#ifndef DROVER_TUI_FOREIGN_H
#define DROVER_TUI_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* Zero-initialise. Plain data. */
struct foreign {
    char tail[4]; /* the beginning of a code point that is not there in full yet */
    size_t tail_len;
    bool after_cr; /* a carriage return was made a line feed: a line feed right behind it is dropped */
};

/* Appends the harmless form of `bytes` to `out`. 0, or -1 when `out` went bad. */
int foreign_add(struct foreign *f, const char *bytes, size_t len, struct buf *out);
/* The end of the stream: what is left of a cut code point becomes a visible escape. 0 or -1. */
int foreign_end(struct foreign *f, struct buf *out);

#endif
