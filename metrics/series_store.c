/* SPDX-License-Identifier: MIT
 *
 * A row of rollups is read, added to and written anew whenever samples of its time are stored: few rows instead of one
 * for each span, and a restart in the middle of a span costs nothing. Samples and rollups are of one transaction, so
 * that every sample is in both or in none.
 */
#include "metrics/series_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "store/store.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS (24 * 60 * MINUTE_MS)

const int64_t series_width_ms[SERIES_RESOLUTIONS] = {0, MINUTE_MS, 15 * MINUTE_MS, 60 * MINUTE_MS};

/* What one row is of, at most. */
static const int64_t row_ms[SERIES_RESOLUTIONS] = {60 * MINUTE_MS, 60 * MINUTE_MS, DAY_MS, 7 * DAY_MS};

int series_batch_init(struct series_batch *b, const char *uuid, const struct source_sample *samples, int count)
{
    *b = (struct series_batch){.begin_ms = samples[0].wall_ms, .end_ms = samples[count - 1].wall_ms};
    (void)snprintf(b->uuid, sizeof b->uuid, "%s", uuid);
    buf_init(&b->sealed, 0);
    rollup_init(&b->minutes, MINUTE_MS);
    for (int i = 0; i < count; i++)
        if (rollup_add(&b->minutes, &samples[i]))
            return -1;
    return series_seal(&b->sealed, samples, count);
}

void series_batch_fini(struct series_batch *b)
{
    buf_fini(&b->sealed);
    rollup_fini(&b->minutes);
}

/* ---- writing ---- */

/* Plain data of a row. */
struct series_row {
    const char *uuid;
    enum series_resolution resolution;
    int64_t begin_ms, end_ms;
    const void *data;
    size_t len;
};

static int put(struct store *s, const struct series_row *row, struct err *e)
{
    static const struct store_sql sql = {
        "INSERT INTO gpu_series(uuid, width_ms, begin_ms, end_ms, data) VALUES(?, ?, ?, ?, ?)"
        " ON CONFLICT(uuid, width_ms, begin_ms) DO UPDATE SET end_ms = excluded.end_ms, data = excluded.data"};
    struct stmt *st = store_stmt(s, &sql, e);

    stmt_text(st, 1, row->uuid);
    stmt_int(st, 2, series_width_ms[row->resolution]);
    stmt_int(st, 3, row->begin_ms);
    stmt_int(st, 4, row->end_ms);
    stmt_blob(st, 5, row->data, row->len);
    return stmt_exec(st, e);
}

/* Adds what the row has of the range. 0 or -1. */
static int take(const struct series_row *row, const struct series_range *range, struct rollup *out, struct err *e)
{
    const int rc = row->resolution == SERIES_SAMPLES
                       ? rollup_unseal_samples(out, row->data, row->len, range->from_ms, range->to_ms)
                       : rollup_unseal(out, row->data, row->len, range->from_ms, range->to_ms);

    if (rc > 0)
        log_error("gpu_series_damaged", "series of GPU %s from %lld on: left out", row->uuid, (long long)row->begin_ms);
    return rc < 0 ? err_set(e, ERR_INTERNAL, "Out of memory.") : 0;
}

/* Adds what a row of that resolution has of the batch. */
static int add_to_row(struct store *s, const struct series_batch *b, struct series_row *row, struct err *e)
{
    const struct series_range range = {b->uuid, row->begin_ms, row->end_ms};
    struct rollup all;
    struct buf out;

    rollup_init(&all, series_width_ms[row->resolution]);
    buf_init(&out, 0);
    int rc = series_store_read(s, &range, row->resolution, &all, e);
    for (int i = 0; !rc && i < b->minutes.count; i++)
        if (b->minutes.rows[i].begin_ms >= row->begin_ms && b->minutes.rows[i].begin_ms < row->end_ms)
            rc = rollup_add_row(&all, &b->minutes.rows[i]);
    rc = rc || (all.count && rollup_seal(&all, &out));
    row->data = out.data;
    row->len = out.len;
    rc = rc || (all.count && put(s, row, e));
    buf_fini(&out);
    rollup_fini(&all);
    if (rc && !e->code)
        err_set(e, ERR_INTERNAL, "Out of memory.");
    return rc ? -1 : 0;
}

int series_store_add(struct store *s, const struct series_batch *b, struct err *e)
{
    const struct series_row sealed = {b->uuid,       SERIES_SAMPLES, b->begin_ms,
                                      b->end_ms + 1, b->sealed.data, b->sealed.len};

    if (put(s, &sealed, e))
        return -1;
    for (enum series_resolution r = SERIES_MINUTES; r < SERIES_RESOLUTIONS; r++)
        for (int64_t at = b->begin_ms / row_ms[r] * row_ms[r]; at <= b->end_ms; at += row_ms[r]) {
            struct series_row row = {b->uuid, r, at, at + row_ms[r], NULL, 0};

            if (add_to_row(s, b, &row, e))
                return -1;
        }
    return 0;
}

int series_store_forget(struct store *s, const struct series_keep *keep, int64_t now_ms, struct err *e)
{
    static const struct store_sql sql = {"DELETE FROM gpu_series WHERE width_ms = ? AND end_ms <= ?"};

    for (enum series_resolution r = SERIES_SAMPLES; r < SERIES_RESOLUTIONS; r++) {
        struct stmt *st = keep->days[r] ? store_stmt(s, &sql, e) : NULL;

        if (!keep->days[r])
            continue;
        stmt_int(st, 1, series_width_ms[r]);
        stmt_int(st, 2, now_ms - keep->days[r] * DAY_MS);
        if (stmt_exec(st, e))
            return -1;
    }
    return 0;
}

/* ---- reading ---- */

enum series_resolution series_resolve(const struct series_keep *keep, int64_t from_ms, int64_t now_ms, int64_t *step_ms)
{
    int r = SERIES_HOURS;

    while (r > SERIES_SAMPLES && *step_ms < series_width_ms[r])
        r--;
    while (r < SERIES_HOURS && keep->days[r] && from_ms < now_ms - keep->days[r] * DAY_MS)
        r++;
    if (series_width_ms[r])
        *step_ms = (*step_ms + series_width_ms[r] - 1) / series_width_ms[r] * series_width_ms[r];
    return (enum series_resolution)r;
}

int series_store_read(struct store *s, const struct series_range *range, enum series_resolution resolution,
                      struct rollup *out, struct err *e)
{
    static const struct store_sql sql = {
        "SELECT begin_ms, data FROM gpu_series WHERE uuid = ? AND width_ms = ? AND begin_ms > ? AND begin_ms < ?"
        " AND end_ms > ? ORDER BY begin_ms"};
    struct stmt *st = store_stmt(s, &sql, e);
    int rc;

    stmt_text(st, 1, range->uuid);
    stmt_int(st, 2, series_width_ms[resolution]);
    stmt_int(st, 3, range->from_ms - row_ms[resolution]);
    stmt_int(st, 4, range->to_ms);
    stmt_int(st, 5, range->from_ms);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct series_row row = {range->uuid, resolution, stmt_col_int(st, 0), 0, NULL, 0};

        row.data = stmt_col_blob(st, 1, &row.len);
        if (take(&row, range, out, e)) {
            stmt_reset(st);
            return -1;
        }
    }
    return rc;
}

int series_store_last(struct store *s, const char *uuid, int64_t *at_ms, struct err *e)
{
    static const struct store_sql sql = {
        "SELECT end_ms - 1 FROM gpu_series WHERE uuid = ? AND width_ms = 0 ORDER BY begin_ms DESC LIMIT 1"};
    struct stmt *st = store_stmt(s, &sql, e);

    *at_ms = 0;
    stmt_text(st, 1, uuid);
    const int rc = stmt_step(st, e);
    if (rc != STMT_ROW)
        return rc;
    *at_ms = stmt_col_int(st, 0);
    stmt_reset(st);
    return 0;
}
