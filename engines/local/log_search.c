/* SPDX-License-Identifier: MIT
 *
 * Blocks of whole lines are looked at at once, which is as fast as pcre2 gets; where that takes too long (a limit of
 * base/pattern.h), the block is looked at line by line, and lines that take too long alone are left out.
 */
#include "engines/local/log_search.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/pattern.h"
#include "engines/local/logs.h"

#define READ_BYTES ((size_t)256 << 10)
#define BLOCK_BYTES ((size_t)32 << 10) /* longer lines are cut: what fits across the cut is not found */
#define BEFORE 100                     /* bytes shown before the match, where a line is too long to be shown */

/* A block under way: whole lines, or a piece of a long one. */
struct block {
    const char *text;
    size_t len;
    size_t at;     /* where to look on: the begin of a line */
    int64_t start; /* of the block in the log */
};

/* The first byte behind the line that holds byte `at`. */
static size_t line_end(const struct block *b, size_t at)
{
    const char *end = memchr(b->text + at, '\n', b->len - at);
    return end ? (size_t)(end - b->text) + 1 : b->len;
}

static void show(struct log_hit *hit, const char *line, size_t len, size_t match)
{
    size_t from = len < LOG_HIT_TEXT || match < BEFORE ? 0 : match - BEFORE, n = 0;

    for (size_t i = from; i < len && n + 1 < LOG_HIT_TEXT && line[i] != '\n'; i++)
        hit->text[n++] = (unsigned char)line[i] < ' ' || line[i] == 127 ? ' ' : line[i];
    hit->text[n] = '\0';
}

/* Moves the search behind the line of byte `match`, and tells of that line. What s->fn said. */
static int tell(struct log_search *s, struct block *b, size_t match)
{
    const char *before = match > b->at ? memrchr(b->text + b->at, '\n', match - b->at) : NULL;
    size_t line = before ? (size_t)(before - b->text) + 1 : b->at, end = line_end(b, match);
    struct log_hit hit = {.offset = b->start + (int64_t)line};

    s->line += logs_count_lines(b->text + b->at, line - b->at);
    hit.line = s->line;
    show(&hit, b->text + line, end - line, match - line);
    s->line += b->text[end - 1] == '\n';
    b->at = end;
    return s->fn(s->ctx, &hit);
}

/* One line at a time, for a block that takes too long as a whole. */
static int by_line(struct log_search *s, struct block *b)
{
    while (b->at < b->len) {
        size_t end = line_end(b, b->at);
        const struct pattern_text line = {b->text + b->at, end - b->at, 0};
        struct pattern_span span;
        int found = pattern_find(s->pattern, s->scratch, &line, &span);

        s->given_up += found < 0;
        if (found > 0 && tell(s, b, b->at))
            return 1;
        if (found <= 0) {
            s->line += b->text[end - 1] == '\n';
            b->at = end;
        }
        if (clock_read().mono >= s->till_mono)
            return 1;
    }
    return 0;
}

/* 1 when the search is to stop; b->at is then where to go on. */
static int whole(struct log_search *s, struct block *b)
{
    while (b->at < b->len) {
        const struct pattern_text text = {b->text, b->len, b->at};
        struct pattern_span span;
        int found = pattern_find(s->pattern, s->scratch, &text, &span);

        if (found < 0)
            return by_line(s, b);
        if (found == 0 || span.start >= b->len) {
            s->line += logs_count_lines(b->text + b->at, b->len - b->at);
            b->at = b->len;
            return 0;
        }
        if (tell(s, b, span.start))
            return 1;
    }
    return 0;
}

/* The bytes of the next block: up to its last end of line; a line that does not fit is cut. 0 when only the begin of a
 * line is there, which is to be left. */
static size_t block_length(const char *text, size_t len, bool all)
{
    size_t most = len < BLOCK_BYTES ? len : BLOCK_BYTES;
    const char *end = memrchr(text, '\n', most);

    if (end)
        return (size_t)(end - text) + 1;
    return most == BLOCK_BYTES || all ? most : 0;
}

/* Looks through what was read. 1 when the search is to stop. */
static int look(struct log_search *s, const char *text, size_t len, bool all)
{
    size_t n;

    for (size_t at = 0; at < len && (n = block_length(text + at, len - at, all)) > 0; at += n) {
        struct block b = {.text = text + at, .len = n, .start = s->offset};
        int stop = whole(s, &b);

        s->offset += (int64_t)b.at;
        if (stop)
            return 1;
    }
    return 0;
}

int log_search_run(struct log_search *s, struct logs *f, struct err *e)
{
    char *text = malloc(READ_BYTES);
    int rc = 0;

    if (!text)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    while (!rc) {
        int64_t size, before = s->offset;
        bool complete;
        /* The mark of the end first: what comes behind the size that is read then is looked at the next time. */
        if (logs_size(f, &size, &complete, e)) {
            rc = -1;
            break;
        }
        int64_t got = logs_read(f, s->offset, text, READ_BYTES, e);
        if (got <= 0) {
            rc = got < 0 ? -1 : 1;
            break;
        }
        if (look(s, text, (size_t)got, complete && before + got >= size))
            break;
        if (s->offset == before) { /* half a line */
            rc = 1;
            break;
        }
        if (clock_read().mono >= s->till_mono && s->offset < size)
            break;
    }
    free(text);
    return rc;
}
