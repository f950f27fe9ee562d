/* SPDX-License-Identifier: MIT
 *
 * What a verb prints on standard output: a table, CSV (RFC 4180), names, the server's JSON, or the same as YAML.
 * Foreign text is made harmless for a terminal on the way (utf8_safe).
 */
#ifndef DROVER_TUI_OUTPUT_H
#define DROVER_TUI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tui/table.h"
#include "tui/words.h"

struct arena;
struct buf;
struct cJSON;
struct err;
struct term;

enum output_format { OUTPUT_TABLE, OUTPUT_WIDE, OUTPUT_JSON, OUTPUT_YAML, OUTPUT_NAME, OUTPUT_CSV };

/* A table being filled. Opaque; lives in the arena. */
struct output;

/* The format of a word ("json"); -1 when it is none. */
int output_format_parse(const char *word, enum output_format *out);
/* A table of `rows` empty rows. `columns` is borrowed; column 0 is the name. NULL on out of memory. */
struct output *output_create(struct arena *a, const struct table_column *columns, size_t count, size_t rows);
/* Sets a cell; `text` is borrowed, NULL shows as "-" in tables and as nothing in CSV. */
void output_cell(struct output *o, size_t row, size_t column, const char *text, enum word_colour colour);
/* Keeps only the columns of a comma list of keys, in that order. -1 names the unknown one. */
int output_choose(struct output *o, const char *keys, struct err *e);
/* Renders into `out` as table, wide table, names or CSV for a terminal `t`. 0, or -1 when out of memory. */
int output_render(const struct output *o, enum output_format format, const struct term *t, struct buf *out);
/* Appends a JSON value as YAML. 0 or -1. */
int output_yaml(const struct cJSON *value, struct buf *out);
/* Appends text in colour when the terminal has it. `text` is made harmless. */
void output_coloured(const struct term *t, enum word_colour colour, const char *text, struct buf *out);
/* Writes bytes to `f` as they are, or, on a terminal, made harmless but for newlines and tabs. 0, or -1 on a write
 * error. */
int output_foreign(const struct term *t, const char *bytes, size_t len, FILE *f);

#endif
