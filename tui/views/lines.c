/* SPDX-License-Identifier: MIT
 *
 * Lines of a log.
 */
#include "tui/views/lines.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

#define LINES_STEP 1000 /* given up at once, so that not every line moves all others */

static int lines_room(struct lines *l)
{
    if (l->items && l->count < LINES_MAX)
        return 0;
    if (!l->items) {
        l->items = calloc(LINES_MAX, sizeof *l->items);
        return l->items ? 0 : -1;
    }
    for (size_t i = 0; i < LINES_STEP; i++)
        free(l->items[i]);
    memmove(l->items, l->items + LINES_STEP, (LINES_MAX - LINES_STEP) * sizeof *l->items);
    l->count -= LINES_STEP;
    l->dropped += LINES_STEP;
    return 0;
}

/* Puts a piece of one line behind the open line, or begins a new one. */
static int lines_piece(struct lines *l, const char *text, size_t len)
{
    size_t have;
    char *longer;

    if (!l->open) {
        if (lines_room(l))
            return -1;
        l->items[l->count] = calloc(1, 1);
        if (!l->items[l->count])
            return -1;
        l->count++;
        l->open = true;
    }
    have = strlen(l->items[l->count - 1]);
    longer = realloc(l->items[l->count - 1], have + len + 1);
    if (!longer)
        return -1;
    memcpy(longer + have, text, len);
    longer[have + len] = '\0';
    l->items[l->count - 1] = longer;
    return 0;
}

/* A line, or what of it has come, in pieces of at most LINES_BYTES. */
static int lines_line(struct lines *l, const char *text, size_t len)
{
    int rc = lines_piece(l, text, 0);

    while (len > 0 && !rc) {
        size_t have = strlen(l->items[l->count - 1]);
        size_t n = have < LINES_BYTES ? LINES_BYTES - have : 0;

        n = n < len ? n : len;
        while (n > 0 && n < len && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
        if (!n) {
            l->open = false;
            rc = lines_piece(l, text, 0);
            continue;
        }
        rc = lines_piece(l, text, n);
        text += n;
        len -= n;
    }
    return rc;
}

int lines_add(struct lines *l, const char *bytes, size_t len)
{
    struct buf safe;
    const char *at;
    const char *end;
    int rc;

    buf_init(&safe, 256u << 20);
    rc = foreign_add(&l->foreign, bytes, len, &safe);
    at = buf_str(&safe);
    end = at + safe.len;
    while (at < end && !rc) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        rc = lines_line(l, at, (size_t)((stop ? stop : end) - at));
        if (stop)
            l->open = false;
        at = stop ? stop + 1 : end;
    }
    buf_fini(&safe);
    return rc;
}

void lines_clear(struct lines *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->items[i]);
    free(l->items);
    *l = (struct lines){.count = 0};
}
