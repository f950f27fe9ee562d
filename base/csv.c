/* SPDX-License-Identifier: MIT
 *
 * One pass, one state a field:
 *
 *   start ─ " ─► quoted ─ " ─► closed ─ separator, line end
 *     └── else ─► plain ── separator, line end
 */
#include "base/csv.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"

struct reader {
    const char *at, *end;
    const char *line_start;
    int line;
    char separator;
    struct arena *arena;
    struct buf field; /* the one being read */
    const char *fields[CSV_MAX_FIELDS];
    size_t count;
    bool quoted; /* one of the row's fields was: then even one empty field is a row */
    struct err *e;
};

static int fail_at(const struct reader *r, const char *at, const char *what)
{
    err_set(r->e, ERR_INVALID_PARAMETERS, "%s", what);
    return err_at(r->e, r->line, (int)(at - r->line_start) + 1);
}

/* The separator that the first line has more of. */
static char find_separator(const char *text, const char *end)
{
    size_t commas = 0, semicolons = 0;
    bool quoted = false;

    for (; text < end && (quoted || (*text != '\n' && *text != '\r')); text++) {
        if (*text == '"')
            quoted = !quoted;
        commas += !quoted && *text == ',';
        semicolons += !quoted && *text == ';';
    }
    return semicolons > commas ? ';' : ',';
}

/* Passes a line end (LF or CRLF) at r->at. */
static void next_line(struct reader *r)
{
    r->at += *r->at == '\r' ? 2 : 1;
    r->line++;
    r->line_start = r->at;
}

static bool at_line_end(const struct reader *r)
{
    return *r->at == '\n' || (*r->at == '\r' && r->at + 1 < r->end && r->at[1] == '\n');
}

static int add_byte(struct reader *r)
{
    if (r->field.len >= CSV_MAX_FIELD)
        return fail_at(r, r->at, "A field may have at most 4096 bytes.");
    return buf_addc(&r->field, *r->at++) ? fail_at(r, r->at, "Out of memory.") : 0;
}

static int read_quoted(struct reader *r)
{
    const char *begin = r->at;
    const char *begin_line = r->line_start;
    int line = r->line;

    r->quoted = true;
    r->at++;
    while (r->at < r->end) {
        if (*r->at == '"' && r->at + 1 < r->end && r->at[1] == '"')
            r->at++; /* "" stands for " */
        else if (*r->at == '"')
            break;
        bool newline = *r->at == '\n';
        if (add_byte(r))
            return -1;
        if (newline) {
            r->line++;
            r->line_start = r->at;
        }
    }
    if (r->at == r->end) {
        err_set(r->e, ERR_INVALID_PARAMETERS, "The quote that is opened here is never closed.");
        return err_at(r->e, line, (int)(begin - begin_line) + 1);
    }
    r->at++;
    if (r->at < r->end && *r->at != r->separator && !at_line_end(r))
        return fail_at(r, r->at, "After a closing quote the field must end.");
    return 0;
}

static int read_plain(struct reader *r)
{
    while (r->at < r->end && *r->at != r->separator && !at_line_end(r)) {
        if (*r->at == '"')
            return fail_at(r, r->at, "A field with a quote in it must be quoted as a whole.");
        if (*r->at == '\r')
            return fail_at(r, r->at, "A return without a line feed.");
        if (add_byte(r))
            return -1;
    }
    return 0;
}

static int read_field(struct reader *r)
{
    if (r->count == CSV_MAX_FIELDS)
        return fail_at(r, r->at, "A row may have at most 64 fields.");
    buf_reset(&r->field);
    if (r->at < r->end && *r->at == '"' ? read_quoted(r) : read_plain(r))
        return -1;
    r->fields[r->count] = arena_strndup(r->arena, buf_str(&r->field), r->field.len);
    return r->fields[r->count++] ? 0 : fail_at(r, r->at, "The text has more in it than there is room for.");
}

/* One row with its line end; r->count is 0 for a blank line. */
static int read_row(struct reader *r)
{
    r->count = 0;
    r->quoted = false;
    for (;;) {
        if (read_field(r))
            return -1;
        if (r->at == r->end || *r->at != r->separator)
            break;
        r->at++;
    }
    if (r->count == 1 && !r->fields[0][0] && !r->quoted)
        r->count = 0;
    if (r->at < r->end)
        next_line(r);
    return 0;
}

/* What must hold for every byte, with the place of the first that does not. */
static int check_text(struct reader *r)
{
    for (const char *s = r->at; s < r->end;) {
        uint32_t cp;
        size_t n = utf8_decode(s, (size_t)(r->end - s), &cp);

        if (n == 0)
            return fail_at(r, s, "The text is not UTF-8 here.");
        if (cp == 0)
            return fail_at(r, s, "The text has a NUL byte here.");
        s += n;
        if (cp == '\n') {
            r->line++;
            r->line_start = s;
        }
    }
    r->line = 1;
    r->line_start = r->at;
    return 0;
}

int csv_read(struct arena *a, const char *text, size_t len, const struct csv_sink *sink, struct err *e)
{
    struct reader r = {.at = text, .end = text + len, .line_start = text, .line = 1, .arena = a, .e = e};
    int rc;

    if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
        r.at = r.line_start = text + 3;
    if (check_text(&r))
        return -1;
    r.separator = find_separator(r.at, r.end);
    buf_init(&r.field, 0);
    rc = 0;
    while (!rc && r.at < r.end) {
        struct csv_row out = {.line = r.line};

        rc = read_row(&r);
        if (rc || !r.count)
            continue;
        out.count = r.count;
        out.fields = r.fields;
        rc = sink->row(sink->ctx, &out);
    }
    buf_fini(&r.field);
    return rc;
}

void csv_put(struct buf *out, const char *field)
{
    bool formula = *field && strchr("=+-@\t\r", *field);

    if (!formula && !strpbrk(field, ",;\"\r\n")) {
        buf_adds(out, field);
        return;
    }
    buf_addc(out, '"');
    if (formula)
        buf_addc(out, '\'');
    for (; *field; field++) {
        if (*field == '"')
            buf_addc(out, '"');
        buf_addc(out, *field);
    }
    buf_addc(out, '"');
}
