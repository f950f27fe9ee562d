/* SPDX-License-Identifier: MIT */
/* Time mostly goes on, so that a row is looked for from the end. */
#include "metrics/rollup.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/chunk.h"

#define TIME_MAX_MS (INT64_C(1) << 56) /* what a chunk may say */

/* Columns of a chunk: the times, then of each series these. */
enum { PARTS = 4, COLUMNS = 1 + SERIES_COUNT * PARTS };
_Static_assert((int)COLUMNS <= (int)CHUNK_COLUMNS_MAX, "a rollup is a chunk");

void rollup_init(struct rollup *r, int64_t width_ms)
{
    *r = (struct rollup){.width_ms = width_ms};
}

void rollup_fini(struct rollup *r)
{
    free(r->rows);
    rollup_init(r, r->width_ms);
}

static int64_t begin_of(int64_t at_ms, int64_t width_ms)
{
    const int64_t over = at_ms % width_ms;

    return at_ms - (over < 0 ? over + width_ms : over);
}

/* The row of that time, made if need be; NULL when there is no memory or room for it. */
static struct rollup_row *row_at(struct rollup *r, int64_t at_ms)
{
    const int64_t begin = begin_of(at_ms, r->width_ms);
    int at = r->count;

    while (at > 0 && r->rows[at - 1].begin_ms > begin)
        at--;
    if (at > 0 && r->rows[at - 1].begin_ms == begin)
        return &r->rows[at - 1];
    if (r->count == ROLLUP_ROWS_MAX)
        return NULL;
    if (r->count == r->room) {
        const int room = r->room ? 2 * r->room : 16;
        struct rollup_row *rows = realloc(r->rows, (size_t)room * sizeof *rows);

        if (!rows)
            return NULL;
        r->rows = rows;
        r->room = room;
    }
    memmove(&r->rows[at + 1], &r->rows[at], (size_t)(r->count++ - at) * sizeof *r->rows);
    r->rows[at] = (struct rollup_row){.begin_ms = begin};
    return &r->rows[at];
}

static void merge(struct rollup_cell *into, const struct rollup_cell *c)
{
    if (!c->count)
        return;
    if (!into->count || c->min < into->min)
        into->min = c->min;
    if (!into->count || c->max > into->max)
        into->max = c->max;
    into->count += c->count;
    into->sum = (int64_t)((uint64_t)into->sum + (uint64_t)c->sum);
}

int rollup_add(struct rollup *r, const struct source_sample *s)
{
    struct rollup_row *row = NULL;

    for (int f = 0; f < SERIES_COUNT; f++) {
        const int64_t v = s->value[series_field[f]];

        if (!source_has(s, series_field[f]))
            continue;
        if (!row && !(row = row_at(r, s->wall_ms)))
            return -1;
        merge(&row->cells[f], &(struct rollup_cell){1, v, v, v});
    }
    return 0;
}

int rollup_add_row(struct rollup *r, const struct rollup_row *row)
{
    struct rollup_row *into = row_at(r, row->begin_ms);

    if (!into)
        return -1;
    for (int f = 0; f < SERIES_COUNT; f++)
        merge(&into->cells[f], &row->cells[f]);
    return 0;
}

int rollup_add_all(struct rollup *r, const struct rollup *finer)
{
    for (int i = 0; i < finer->count; i++)
        if (rollup_add_row(r, &finer->rows[i]))
            return -1;
    return 0;
}

double rollup_mean(const struct rollup_cell *c)
{
    return (double)c->sum / (double)c->count;
}

/* ---- as bytes ---- */

int rollup_seal(const struct rollup *r, struct buf *out)
{
    const size_t rows = (size_t)r->count;
    int64_t *cells = calloc(rows * COLUMNS + 1, sizeof *cells);

    if (!cells)
        return -1;
    for (size_t i = 0; i < rows; i++) {
        cells[i] = r->rows[i].begin_ms;
        for (size_t f = 0; f < SERIES_COUNT; f++) {
            const struct rollup_cell *c = &r->rows[i].cells[f];
            const int64_t parts[PARTS] = {c->count, c->sum, c->min, c->max};

            for (size_t p = 0; p < PARTS; p++)
                cells[(1 + f * PARTS + p) * rows + i] = c->count || p == 0 ? parts[p] : CHUNK_NONE;
        }
    }
    int rc = chunk_seal(out, cells, r->count, COLUMNS);
    free(cells);
    return rc;
}

/* All cells of a chunk that has so many columns (or more, of a later program) and times that may be. 0, -1 = no memory,
 * 1 = damaged. */
static int read_cells(struct chunk *c, const void *data, size_t len, int columns, int64_t **out)
{
    *out = NULL;
    if (chunk_open(c, data, len) || c->columns < columns || c->column[0].sum.min < 0 ||
        c->column[0].sum.max > TIME_MAX_MS)
        return 1;
    int64_t *cells = calloc((size_t)c->rows * (size_t)columns, sizeof *cells);
    if (!cells)
        return -1;
    for (int i = 0; i < columns; i++)
        if (chunk_column(c, i, cells + (size_t)i * (size_t)c->rows)) {
            free(cells);
            return 1;
        }
    *out = cells;
    return 0;
}

/* A row of the cells; false when they say what no rollup says. */
static bool take_row(const int64_t *cells, size_t rows, size_t i, struct rollup_row *out)
{
    *out = (struct rollup_row){.begin_ms = cells[i]};
    for (size_t f = 0; f < SERIES_COUNT; f++) {
        const int64_t *parts = cells + (1 + f * PARTS) * rows + i;

        if (parts[0] < 0 || parts[0] > INT32_MAX)
            return false;
        if (parts[0])
            out->cells[f] = (struct rollup_cell){parts[0], parts[rows], parts[2 * rows], parts[3 * rows]};
        if (out->cells[f].min > out->cells[f].max)
            return false;
    }
    return true;
}

int rollup_unseal(struct rollup *r, const void *data, size_t len, int64_t from_ms, int64_t to_ms)
{
    struct chunk c;
    int64_t *cells;
    int rc = read_cells(&c, data, len, COLUMNS, &cells);

    for (size_t i = 0; !rc && i < (size_t)c.rows; i++) {
        struct rollup_row row;

        if (!take_row(cells, (size_t)c.rows, i, &row))
            rc = 1;
        else if (row.begin_ms >= from_ms && row.begin_ms < to_ms)
            rc = rollup_add_row(r, &row);
    }
    free(cells);
    return rc;
}

int rollup_unseal_samples(struct rollup *r, const void *data, size_t len, int64_t from_ms, int64_t to_ms)
{
    struct chunk c;
    int64_t *cells;
    int rc = read_cells(&c, data, len, SERIES_COUNT + 1, &cells);

    for (int i = 0; !rc && i < c.rows; i++) {
        struct source_sample s = {.wall_ms = cells[i]};

        for (int f = 0; f < SERIES_COUNT; f++)
            if (cells[(f + 1) * c.rows + i] != CHUNK_NONE)
                source_set(&s, series_field[f], cells[(f + 1) * c.rows + i]);
        if (s.wall_ms >= from_ms && s.wall_ms < to_ms)
            rc = rollup_add(r, &s);
    }
    free(cells);
    return rc;
}
