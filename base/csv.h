/* SPDX-License-Identifier: MIT
 *
 * The CSV gate: RFC 4180, and what spreadsheets make of it (a byte order mark, ';' between fields, CRLF or LF).
 * Everything is checked before a row is believed: UTF-8, no NUL, quotes where they belong, caps on all sizes.
 */
#ifndef DROVER_BASE_CSV_H
#define DROVER_BASE_CSV_H

#include <stddef.h>

struct arena;
struct buf;
struct err;

#define CSV_MAX_FIELDS 64  /* in a row */
#define CSV_MAX_FIELD 4096 /* bytes of a field */

/* One row. Strings are NUL-terminated, in the arena that csv_read was given. */
struct csv_row {
    int line; /* where it begins, from 1 */
    size_t count;
    const char *const *fields;
};

/* Takes the rows; a non-zero answer ends the reading and is returned by csv_read. */
struct csv_sink {
    int (*row)(void *ctx, const struct csv_row *row);
    void *ctx;
};

/* Reads a whole text; blank lines are left out. Fields are separated by what the first line has more of, ',' or ';'
 * (outside quotes). The text as a whole is checked for UTF-8 and NUL before the first row is given. 0, what `row`
 * returned, or -1 with ERR_INVALID_PARAMETERS and the place. Linear time. */
int csv_read(struct arena *a, const char *text, size_t len, const struct csv_sink *sink, struct err *e);

/* Appends a field, quoted where needed. A text that a spreadsheet would take for a formula (it begins with = + - @, a
 * tab or a return) gets a ' before it (reliability.md S17). */
void csv_put(struct buf *out, const char *field);

#endif
