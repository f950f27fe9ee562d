/* SPDX-License-Identifier: MIT */
/* Points begin at multiples of their width since 1970, so that two neighbours make one whole point, also after a
 * restart. */
#include "metrics/curve.h"

#include <stdbool.h>
#include <stdlib.h>

#include "metrics/chunk.h"
#include "metrics/source.h"

#define WIDTH_FIRST_MS 1000
#define WIDTH_MAX_MS (INT64_C(1) << 40)

/* Columns of the chunk. */
enum { BEGIN, WIDTH, BUSY, PERCENT, BUSY_MAX, MEMORY_MAX, COLUMNS };

static void merge(struct curve_point *into, const struct curve_point *p)
{
    into->busy_ms += p->busy_ms;
    into->percent_ms += p->percent_ms;
    if (p->busy_max > into->busy_max)
        into->busy_max = p->busy_max;
    if (p->memory_max > into->memory_max)
        into->memory_max = p->memory_max;
}

static void widen(struct curve *c)
{
    int kept = 0;

    c->width_ms *= 2;
    for (int i = 0; i < c->count; i++) {
        struct curve_point p = c->points[i];

        p.slot /= 2;
        if (kept && c->points[kept - 1].slot == p.slot)
            merge(&c->points[kept - 1], &p);
        else
            c->points[kept++] = p;
    }
    c->count = kept;
}

void curve_shrink(struct curve *c, int points)
{
    while (c->count > points && c->width_ms < WIDTH_MAX_MS)
        widen(c);
}

/* What is known of a sample; false: nothing. */
static bool read_sample(const struct source_sample *s, int64_t ms, struct curve_point *p)
{
    *p = (struct curve_point){.memory_max = -1};
    if (s->lost || ms <= 0 || s->wall_ms < 0)
        return false;
    if (source_has(s, SOURCE_BUSY) && s->value[SOURCE_BUSY] >= 0 && s->value[SOURCE_BUSY] <= 100) {
        p->busy_ms = ms;
        p->busy_max = s->value[SOURCE_BUSY];
        p->percent_ms = p->busy_max * ms;
    }
    if (source_has(s, SOURCE_MEMORY_USED) && s->value[SOURCE_MEMORY_USED] >= 0)
        p->memory_max = s->value[SOURCE_MEMORY_USED];
    return p->busy_ms || p->memory_max >= 0;
}

/* Whether the last point is of that time, or a later one. */
static bool is_last(const struct curve *c, int64_t at_ms)
{
    return c->count && c->points[c->count - 1].slot >= at_ms / c->width_ms;
}

void curve_add(struct curve *c, const struct source_sample *s, int64_t ms)
{
    struct curve_point p;

    if (!read_sample(s, ms, &p))
        return;
    if (!c->width_ms)
        c->width_ms = WIDTH_FIRST_MS;
    if (!is_last(c, s->wall_ms))
        curve_shrink(c, CURVE_POINTS_MAX - 1);
    p.slot = s->wall_ms / c->width_ms;
    if (is_last(c, s->wall_ms))
        merge(&c->points[c->count - 1], &p);
    else
        c->points[c->count++] = p;
}

/* ---- as bytes ---- */

int curve_seal(const struct curve *c, struct buf *out)
{
    const size_t rows = (size_t)c->count;
    int64_t *cells = calloc(rows * COLUMNS + 1, sizeof *cells);

    if (!cells)
        return -1;
    for (size_t i = 0; i < rows; i++) {
        const struct curve_point *p = &c->points[i];

        cells[BEGIN * rows + i] = p->slot * c->width_ms;
        cells[WIDTH * rows + i] = c->width_ms;
        cells[BUSY * rows + i] = p->busy_ms;
        cells[PERCENT * rows + i] = p->percent_ms;
        cells[BUSY_MAX * rows + i] = p->busy_max;
        cells[MEMORY_MAX * rows + i] = p->memory_max;
    }
    int rc = rows ? chunk_seal(out, cells, c->count, COLUMNS) : 0;
    free(cells);
    return rc;
}

/* Whether a curve may have that point. */
static bool is_point(const struct curve_point *p, int64_t begin_ms, int64_t width_ms)
{
    return begin_ms >= 0 && begin_ms % width_ms == 0 && p->busy_ms >= 0 &&
           p->busy_ms <= INT64_MAX / 200 / CURVE_POINTS_MAX && p->busy_max >= 0 && p->busy_max <= 100 &&
           p->percent_ms >= 0 && p->percent_ms <= p->busy_ms * p->busy_max && p->memory_max >= -1;
}

static int take(struct curve *c, const int64_t *cells, size_t rows)
{
    c->width_ms = cells[WIDTH * rows];
    if (c->width_ms < WIDTH_FIRST_MS || c->width_ms > WIDTH_MAX_MS)
        return -1;
    for (size_t i = 0; i < rows; i++) {
        const int64_t begin = cells[BEGIN * rows + i];
        const struct curve_point p = {begin / c->width_ms, cells[BUSY * rows + i], cells[PERCENT * rows + i],
                                      cells[BUSY_MAX * rows + i], cells[MEMORY_MAX * rows + i]};

        if (!is_point(&p, begin, c->width_ms))
            return -1;
        c->points[c->count++] = p;
    }
    return 0;
}

int curve_open(struct curve *c, const void *data, size_t len)
{
    struct chunk chunk;
    int rc = 0;

    c->width_ms = c->count = 0;
    if (!len)
        return 0;
    if (chunk_open(&chunk, data, len) || chunk.columns != COLUMNS || chunk.rows > CURVE_POINTS_MAX)
        return -1;
    int64_t *cells = calloc((size_t)chunk.rows * COLUMNS, sizeof *cells);
    for (int i = 0; cells && i < COLUMNS && !rc; i++)
        rc = chunk_column(&chunk, i, cells + (size_t)i * (size_t)chunk.rows);
    rc = !cells || rc ? -1 : take(c, cells, (size_t)chunk.rows);
    free(cells);
    if (rc)
        c->width_ms = c->count = 0;
    return rc;
}
