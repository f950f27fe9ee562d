/* SPDX-License-Identifier: MIT
 *
 * Sealed chunks, as a damaged database may hold them: tables, rollups, samples and curves. What is read without an
 * error and sealed again is read as the same.
 */
// link: drover_metrics
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "metrics/chunk.h"
#include "metrics/curve.h"
#include "metrics/rollup.h"

/* All of it, column after column; NULL when it is damaged. */
static int64_t *read_all(struct chunk *c, const void *data, size_t size)
{
    if (chunk_open(c, data, size))
        return NULL;
    int64_t *cells = calloc((size_t)c->rows * (size_t)c->columns, sizeof *cells);
    int bad = !cells;

    for (int i = 0; i < c->columns && !bad; i++)
        bad = chunk_column(c, i, cells + (size_t)i * (size_t)c->rows);
    if (!bad)
        return cells;
    free(cells);
    return NULL;
}

/* As what a chunk may be. */
static void read_as_both(const void *data, size_t size)
{
    static struct curve curve;
    struct rollup r;

    if (!curve_open(&curve, data, size))
        curve_shrink(&curve, 1);
    rollup_init(&r, 60000);
    (void)rollup_unseal(&r, data, size, INT64_MIN, INT64_MAX);
    (void)rollup_unseal_samples(&r, data, size, INT64_MIN, INT64_MAX);
    rollup_fini(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct chunk c, again;
    struct buf out;
    int64_t *cells = read_all(&c, data, size);

    read_as_both(data, size);
    if (!cells)
        return 0;
    buf_init(&out, 0);
    assert(!chunk_seal(&out, cells, c.rows, c.columns));
    int64_t *back = read_all(&again, out.data, out.len);
    assert(back && again.rows == c.rows && again.columns == c.columns);
    assert(!memcmp(back, cells, (size_t)c.rows * (size_t)c.columns * sizeof *cells));
    free(back);
    free(cells);
    buf_fini(&out);
    return 0;
}
