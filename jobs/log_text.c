/* SPDX-License-Identifier: MIT
 *
 * One pass over the bytes; lines are written one behind the other, each ended by "\n".
 */
#include "jobs/log_text.h"

#include <stdlib.h>
#include <string.h>

/* The bytes of an escape sequence at raw[i] (ESC [ ... letter, ESC ] ... BEL, ESC and one more), at least 1. */
static size_t escape_length(const char *raw, size_t len, size_t i)
{
    size_t n = i + 1;

    if (n >= len)
        return 1;
    if (raw[n] == '[') {
        for (n++; n < len && n < i + 32; n++)
            if (raw[n] >= '@' && raw[n] <= '~')
                return n - i + 1;
        return 2;
    }
    if (raw[n] == ']') {
        for (n++; n < len && n < i + 256; n++)
            if (raw[n] == '\a')
                return n - i + 1;
    }
    return 2;
}

struct cutting {
    struct log_text *t;
    size_t start;   /* in text: of the line that is being written */
    int64_t offset; /* of it in the log */
};

static void end_line(struct cutting *c, int64_t next_offset)
{
    struct log_text *t = c->t;
    size_t from = c->start;

    while (from < t->len && (t->text[from] == ' ' || t->text[from] == '\t'))
        from++;
    if (from == t->len) {
        t->len = c->start; /* blank */
    } else {
        t->lines[t->count++] = (struct log_line){.at = c->start, .len = t->len - c->start, .offset = c->offset};
        t->text[t->len++] = '\n';
    }
    c->start = t->len;
    c->offset = next_offset;
}

/* How many lines there will be at most. */
static size_t count_lines(const char *raw, size_t len)
{
    size_t n = 1 + len / LOG_TEXT_LINE;

    for (size_t i = 0; i < len; i++)
        n += raw[i] == '\n' || raw[i] == '\r';
    return n;
}

int log_text_init(struct log_text *t, const char *raw, size_t len, int64_t offset)
{
    size_t lines = count_lines(raw, len), from = 0;
    struct cutting c = {.t = t};

    *t = (struct log_text){0};
    if (offset > 0) {
        const char *first = memchr(raw, '\n', len);
        from = first ? (size_t)(first - raw) + 1 : 0;
    }
    t->text = calloc(1, len + lines + 1);
    t->lines = calloc(lines, sizeof *t->lines);
    if (!t->text || !t->lines) {
        log_text_fini(t);
        return -1;
    }
    c.offset = offset + (int64_t)from;
    for (size_t i = from; i < len; i++) {
        if (raw[i] == '\n' || raw[i] == '\r') {
            end_line(&c, offset + (int64_t)i + 1);
        } else if (raw[i] == '\033') {
            i += escape_length(raw, len, i) - 1;
        } else {
            if (t->len - c.start == LOG_TEXT_LINE)
                end_line(&c, offset + (int64_t)i);
            t->text[t->len++] = raw[i];
        }
    }
    end_line(&c, offset + (int64_t)len);
    if (t->count > LOG_TEXT_LINES) {
        size_t drop = t->count - LOG_TEXT_LINES;
        memmove(t->lines, t->lines + drop, LOG_TEXT_LINES * sizeof *t->lines);
        t->count = LOG_TEXT_LINES;
    }
    return 0;
}

void log_text_fini(struct log_text *t)
{
    free(t->text);
    free(t->lines);
    *t = (struct log_text){0};
}

size_t log_text_line(const struct log_text *t, size_t at)
{
    size_t low = 0, high = t->count - 1;

    while (low < high) {
        size_t middle = (low + high + 1) / 2;
        if (t->lines[middle].at <= at)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}
