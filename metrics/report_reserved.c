/* SPDX-License-Identifier: MIT */
/* Page by page of what one rollup holds. */
#include "metrics/report_reserved.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "metrics/report.h"
#include "metrics/report_nodes.h"
#include "metrics/series_store.h"

struct asking {
    struct store *s;
    const struct report_reserved *lease;
    struct report *r;
    const char *uuid;
};

/* The column of utilisation. */
static int busy_column(void)
{
    int column = 0;

    while (column < SERIES_COUNT - 1 && series_field[column] != SOURCE_BUSY)
        column++;
    return column;
}

/* Adds the spans in which the GPU did nothing. 0 or -1. */
static int add_rows(const struct asking *a, const struct rollup *found, struct err *e)
{
    const int column = busy_column();

    for (int i = 0; i < found->count; i++) {
        const struct rollup_row *row = &found->rows[i];
        const struct rollup_cell *busy = &row->cells[column];
        struct report_unused u = {.gpus = 1, .begin_ms = row->begin_ms, .end_ms = row->begin_ms + found->width_ms};

        if (!busy->count || busy->max)
            continue;
        memcpy(u.key, a->lease->key, sizeof(u.key));
        if (u.begin_ms < a->lease->begin_ms)
            u.begin_ms = a->lease->begin_ms;
        if (u.end_ms > a->lease->end_ms)
            u.end_ms = a->lease->end_ms;
        if (report_add_unused(a->r, &u, e))
            return -1;
    }
    return 0;
}

/* 1: there was something in that resolution; 0: nothing; -1. */
static int add_resolution(const struct asking *a, enum series_resolution resolution, struct err *e)
{
    const int64_t width = series_width_ms[resolution];
    int64_t at = a->lease->begin_ms / width * width, next;
    int rc = 0, any = 0;

    for (; !rc && at < a->lease->end_ms; at = next) {
        struct series_range range = {.uuid = a->uuid, .from_ms = at};
        struct rollup found;

        next = at + ROLLUP_ROWS_MAX * width;
        range.to_ms = next < a->lease->end_ms ? next : a->lease->end_ms;
        rollup_init(&found, width);
        rc = series_store_read(a->s, &range, resolution, &found, e) || add_rows(a, &found, e) ? -1 : 0;
        any |= found.count > 0;
        rollup_fini(&found);
    }
    return rc ? rc : any;
}

int report_reserved_add(struct store *s, const struct report_nodes *nodes, const struct report_reserved *l,
                        struct report *r, struct err *e)
{
    cJSON *list = json_parse(l->gpus, strlen(l->gpus), 0, e);
    int rc = list ? 0 : -1;

    for (const cJSON *g = list ? list->child : NULL; g && rc >= 0; g = g->next) {
        const struct asking a = {s, l, r, report_nodes_uuid(nodes, l->key[REPORT_NODE], g->valueint)};

        rc = a.uuid ? add_resolution(&a, SERIES_MINUTES, e) : 1;
        rc = rc ? rc : add_resolution(&a, SERIES_QUARTERS, e);
    }
    cJSON_Delete(list);
    return rc < 0 ? -1 : 0;
}
