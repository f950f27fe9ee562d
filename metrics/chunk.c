/* SPDX-License-Identifier: MIT */
/* A reader believes nothing: every number is held against the bounds, and what a column says of itself against it. */
#include "metrics/chunk.h"

#include <stdbool.h>

#include "base/buf.h"

enum { VERSION = 1, ALL = 1, SOME = 0 };

static bool grows(const int64_t *times, int count)
{
    for (int i = 1; i < count; i++)
        if (times[i] <= times[i - 1])
            return false;
    return times[0] != CHUNK_NONE;
}

/* Appends a column. */
static void seal_column(struct buf *out, const int64_t *cells, int rows)
{
    unsigned char known[CHUNK_ROWS_MAX / 8] = {0};
    int64_t values[CHUNK_ROWS_MAX];
    struct buf packed;
    int count = 0;

    for (int i = 0; i < rows; i++)
        if (cells[i] != CHUNK_NONE) {
            known[i / 8] |= (unsigned char)(1u << i % 8);
            values[count++] = cells[i];
        }
    buf_init(&packed, 0);
    buf_addc(&packed, count == rows ? ALL : SOME);
    if (count < rows)
        buf_add(&packed, known, (size_t)(rows + 7) / 8);
    pack_write(&packed, values, count);
    pack_put(out, packed.len);
    buf_add(out, packed.data, packed.len);
    out->bad |= packed.bad;
    buf_fini(&packed);
}

int chunk_seal(struct buf *out, const int64_t *cells, int rows, int columns)
{
    if (rows < 1 || rows > CHUNK_ROWS_MAX || columns < 1 || columns > CHUNK_COLUMNS_MAX || !grows(cells, rows))
        return -1;
    buf_addc(out, VERSION);
    pack_put(out, (uint64_t)rows);
    pack_put(out, (uint64_t)columns);
    for (int c = 0; c < columns; c++)
        seal_column(out, cells + (size_t)c * (size_t)rows, rows);
    return out->bad ? -1 : 0;
}

static bool is_known(const unsigned char *bits, int row)
{
    return !bits || (bits[row / 8] >> row % 8 & 1) != 0;
}

/* Whether the numbers may be cells. */
static bool is_sound(const struct pack_sum *s, int count)
{
    return count == 0 || s->min != CHUNK_NONE;
}

/* Reads which rows the column has, NULL = all; how many these are, -1 = damaged. */
static int read_known(struct pack_reader *r, int rows, const unsigned char **bits)
{
    const size_t bytes = (size_t)(rows + 7) / 8;
    int count = 0;

    *bits = NULL;
    if (r->at >= r->len || r->data[r->at] > ALL)
        return -1;
    if (r->data[r->at++] == ALL)
        return rows;
    if (r->len - r->at < bytes)
        return -1;
    *bits = r->data + r->at;
    r->at += bytes;
    for (int i = 0; i < rows; i++)
        count += is_known(*bits, i);
    return count;
}

/* Reads what is known of the next column and goes behind it. */
static int open_column(struct chunk *c, int i, struct pack_reader *r)
{
    const uint64_t size = pack_get(r);
    const unsigned char *bits;

    if (r->bad || size > r->len - r->at)
        return -1;
    struct pack_reader column = {.data = r->data + r->at, .len = (size_t)size};
    c->column[i].at = r->at;
    c->column[i].len = (size_t)size;
    c->column[i].count = read_known(&column, c->rows, &bits);
    r->at += (size_t)size;
    if (c->column[i].count < 0 || pack_read_sum(&column, &c->column[i].sum))
        return -1;
    return is_sound(&c->column[i].sum, c->column[i].count) ? 0 : -1;
}

int chunk_open(struct chunk *c, const void *data, size_t len)
{
    struct pack_reader r = {.data = data, .len = len};

    if (len < 1 || r.data[r.at++] != VERSION)
        return -1;
    const uint64_t rows = pack_get(&r), columns = pack_get(&r);
    if (r.bad || rows < 1 || rows > CHUNK_ROWS_MAX || columns < 1 || columns > CHUNK_COLUMNS_MAX)
        return -1;
    *c = (struct chunk){.rows = (int)rows, .columns = (int)columns, .data = data};
    for (int i = 0; i < c->columns; i++)
        if (open_column(c, i, &r))
            return -1;
    return r.at == len && c->column[0].count == c->rows ? 0 : -1;
}

int chunk_column(const struct chunk *c, int column, int64_t *cells)
{
    struct pack_reader r = {.data = c->data + c->column[column].at, .len = c->column[column].len};
    int64_t values[CHUNK_ROWS_MAX];
    const unsigned char *bits;
    struct pack_sum sum;
    const int count = read_known(&r, c->rows, &bits);
    int next = 0;

    if (count < 0 || pack_read(&r, values, count, &sum) || r.at != r.len || !is_sound(&sum, count))
        return -1;
    for (int i = 0; i < c->rows; i++)
        cells[i] = is_known(bits, i) ? values[next++] : CHUNK_NONE;
    return column > 0 || grows(cells, c->rows) ? 0 : -1;
}
