/* SPDX-License-Identifier: MIT */
/* What they are, and samples as the rows of a chunk. */
#include "metrics/series.h"

#include <stdlib.h>

#include "metrics/chunk.h"

const enum source_field series_field[SERIES_COUNT] = {
    SOURCE_BUSY,          SOURCE_MEMORY_BUSY,     SOURCE_MEMORY_USED,  SOURCE_POWER,
    SOURCE_TEMPERATURE,   SOURCE_CLOCK,           SOURCE_CLOCK_MEMORY, SOURCE_ENERGY,
    SOURCE_ECC_CORRECTED, SOURCE_ECC_UNCORRECTED, SOURCE_THROTTLE,     SOURCE_PROCESSES};

int series_seal(struct buf *out, const struct source_sample *samples, int count)
{
    int64_t *cells = calloc((size_t)count * (SERIES_COUNT + 1) + 1, sizeof *cells);

    if (!cells)
        return -1;
    for (int i = 0; i < count; i++) {
        cells[i] = samples[i].wall_ms;
        for (int f = 0; f < SERIES_COUNT; f++)
            cells[(f + 1) * count + i] =
                source_has(&samples[i], series_field[f]) ? samples[i].value[series_field[f]] : CHUNK_NONE;
    }
    int rc = chunk_seal(out, cells, count, SERIES_COUNT + 1);
    free(cells);
    return rc;
}
