/* SPDX-License-Identifier: MIT
 *
 * A sealed chunk: what was sampled together for a while, as one piece of bytes. A table of whole numbers whose first
 * column is the times, which the series of a GPU share; each column is a series and can be read alone. Pure.
 *
 * The bytes: version, rows, and columns; of each column its length, then which rows have it (1: all; 0: a bit each),
 * then the numbers (metrics/pack.h) with their least, largest and sum.
 */
#ifndef DROVER_METRICS_CHUNK_H
#define DROVER_METRICS_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "metrics/pack.h"

struct buf;

#define CHUNK_NONE INT64_MIN /* in a cell: nothing is known */

enum { CHUNK_ROWS_MAX = 4096, CHUNK_COLUMNS_MAX = 64 };

/* One that was sealed; borrowed bytes. */
struct chunk {
    int rows, columns;
    struct {
        size_t at, len; /* in the bytes */
        int count;      /* of the cells that are known */
        struct pack_sum sum;
    } column[CHUNK_COLUMNS_MAX];
    const unsigned char *data;
};

/* Appends the chunk of `rows` rows: `cells` column after column, the times first, which grow from row to row. At least
 * one row. 0, or -1: times do not grow, there are too many cells, or the buffer is bad. */
int chunk_seal(struct buf *out, const int64_t *cells, int rows, int columns);
/* Reads what is known of the columns (first and last time: the least and the largest of column 0). 0, or -1 for bytes
 * that are damaged. */
int chunk_open(struct chunk *c, const void *data, size_t len);
/* Reads one column, `c->rows` cells. 0, or -1 for one that is damaged. */
int chunk_column(const struct chunk *c, int column, int64_t *cells);

#endif
