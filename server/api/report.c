/* SPDX-License-Identifier: MIT
 *
 * GET /reports/gpu: where the GPU hours went (metrics/report.h), as JSON, CSV or a page to print. Admins see
 * everybody's, VC admins those of their virtual clusters, others their own.
 */
#include "metrics/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/csv.h"
#include "base/err.h"
#include "base/json.h"
#include "metrics/report_figures.h"
#include "metrics/report_page.h"
#include "metrics/report_store.h"
#include "server/api/api.h"
#include "server/readers.h"
#include "store/store.h"

enum { DAYS_DEFAULT = 7, PAGE_ROWS = 500, REPLY_MAX = 64 << 20 };
enum format { FORMAT_JSON, FORMAT_CSV, FORMAT_HTML, FORMATS };

static const char *const format_names[FORMATS] = {[FORMAT_JSON] = "json", [FORMAT_CSV] = "csv", [FORMAT_HTML] = "html"};

struct reporting {
    struct report_range range;
    struct report_whose whose;
    enum format format;
    enum report_figure sort; /* REPORT_FIGURES: by keys */
    int64_t top;             /* 0: all rows */
    const char *whose_text;
};

static double hours(double ms)
{
    return ms / 3.6e6;
}

static void write_wait(struct json_out *j, const char *key, int64_t started, int64_t ms)
{
    json_out_key(j, key);
    if (started)
        json_out_int(j, ms);
    else
        json_out_null(j);
}

/* null where it is not known. */
static void write_figure(struct json_out *j, const char *key, const struct report_row *row, enum report_figure f)
{
    json_out_key(j, key);
    json_out_double(j, report_figure(row, f));
}

static void write_counts(struct json_out *j, const struct report_row *row)
{
    int64_t all = 0;
    json_out_key(j, "gpuHours");
    json_out_object(j);
    for (enum report_outcome o = 0; o < REPORT_OUTCOMES; o++) {
        json_out_key(j, report_outcome_name(o));
        json_out_double(j, hours((double)row->gpu_ms[o]));
        all += row->gpu_ms[o];
    }
    json_out_key(j, "all");
    json_out_double(j, hours((double)all));
    write_figure(j, "unused", row, REPORT_FIGURE_UNUSED);
    write_figure(j, "wasted", row, REPORT_FIGURE_WASTED);
    json_out_object_end(j);
    write_figure(j, "goodput", row, REPORT_FIGURE_GOODPUT);
    json_out_key(j, "sampled");
    json_out_object(j);
    json_out_key(j, "gpuHours");
    json_out_double(j, hours(row->sampled_ms));
    json_out_key(j, "busy");
    json_out_double(j, hours(row->busy_ms));
    json_out_key(j, "idle");
    json_out_double(j, hours(row->idle_ms));
    write_figure(j, "utilization", row, REPORT_FIGURE_UTILIZATION);
    write_figure(j, "memoryGiB", row, REPORT_FIGURE_MEMORY);
    write_figure(j, "energyKWh", row, REPORT_FIGURE_ENERGY);
    json_out_object_end(j);
    json_out_key(j, "freed");
    json_out_object(j);
    json_out_kint(j, "times", row->freed);
    json_out_key(j, "idle");
    json_out_double(j, hours((double)row->freed_idle_ms));
    json_out_key(j, "left");
    json_out_double(j, hours((double)row->freed_left_ms));
    json_out_kint(j, "withoutLimit", row->freed_open);
    json_out_object_end(j);
    json_out_key(j, "taskHours");
    json_out_double(j, hours((double)row->task_ms));
    json_out_key(j, "jobs");
    json_out_object(j);
    json_out_kint(j, "ended", row->ended);
    json_out_kint(j, "succeeded", row->succeeded);
    json_out_kint(j, "started", row->started);
    json_out_kint(j, "preempted", row->preempted);
    write_figure(j, "success", row, REPORT_FIGURE_SUCCESS);
    json_out_object_end(j);
    json_out_key(j, "waitMs");
    json_out_object(j);
    write_wait(j, "p50", row->started, row->wait_p50);
    write_wait(j, "p95", row->started, row->wait_p95);
    json_out_object_end(j);
}

/* The rows asked for: by keys, or in falling order of a figure; an array to be freed. NULL: out of memory, or none. */
static const struct report_row **rows_of(const struct reporting *asked, struct report *r, size_t *count)
{
    if (asked->sort != REPORT_FIGURES)
        return report_ranked(r, asked->sort, (size_t)asked->top, count);
    const struct report_row *const *all = report_rows(r, count);
    if (asked->top && (size_t)asked->top < *count)
        *count = (size_t)asked->top;
    const struct report_row **out = *count ? calloc(*count, sizeof *out) : NULL;
    for (size_t i = 0; out && i < *count; i++)
        out[i] = all[i];
    return out;
}

/* A report of what is asked for; NULL with `e`. */
static struct report *read_report(struct store *s, const struct reporting *asked, struct err *e)
{
    struct report *r = report_create(&asked->range, e);
    if (r && !report_store_read(s, &asked->range, &asked->whose, r, e))
        return r;
    report_destroy(r);
    return NULL;
}

static int write_report(struct api_reading *x, struct err *e)
{
    const struct reporting *asked = x->context;
    const struct report_range *range = &asked->range;
    struct report *r = read_report(x->store, asked, e);
    size_t count = 0;
    if (!r)
        return -1;
    struct json_out *j = x->out;
    const struct report_row **rows = rows_of(asked, r, &count);
    if (!rows && count) {
        report_destroy(r);
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    json_out_object(j);
    json_out_ktime(j, "from", range->from_ms);
    json_out_ktime(j, "to", range->to_ms);
    json_out_key(j, "rows");
    json_out_array(j);
    for (size_t i = 0; i < count; i++) {
        json_out_object(j);
        for (enum report_key k = 0; k < REPORT_KEYS; k++)
            if (range->by & 1u << k)
                json_out_kstring(j, report_key_name(k), rows[i]->key[k]);
        write_counts(j, rows[i]);
        json_out_object_end(j);
    }
    json_out_array_end(j);
    json_out_key(j, "total");
    json_out_object(j);
    write_counts(j, report_total(r));
    json_out_object_end(j);
    json_out_object_end(j);
    free((void *)rows);
    report_destroy(r);
    return 0;
}

/* ---- CSV and the page ---- */

static void csv_row(struct buf *out, const struct reporting *asked, const struct report_row *row)
{
    const char *between = "";
    for (enum report_key k = 0; k < REPORT_KEYS; k++)
        if (asked->range.by & 1u << k) {
            buf_adds(out, between);
            csv_put(out, row->key[k] ? row->key[k] : "");
            between = ",";
        }
    for (enum report_figure f = 0; f < REPORT_FIGURES; f++) {
        double value = report_figure(row, f);
        buf_adds(out, between);
        if (!isnan(value))
            buf_addf(out, "%.*f", report_figure_info(f)->unit == REPORT_COUNT ? 0 : 3, value);
        between = ",";
    }
    buf_adds(out, "\r\n");
}

static int write_csv(struct store *s, const struct reporting *asked, struct buf *out, struct err *e)
{
    struct report *r = read_report(s, asked, e);
    size_t count = 0;
    if (!r)
        return -1;
    const char *between = "";
    for (enum report_key k = 0; k < REPORT_KEYS; k++)
        if (asked->range.by & 1u << k) {
            buf_addf(out, "%s%s", between, report_key_name(k));
            between = ",";
        }
    for (enum report_figure f = 0; f < REPORT_FIGURES; f++) {
        buf_addf(out, "%s%s", between, report_figure_info(f)->name);
        between = ",";
    }
    buf_adds(out, "\r\n");
    const struct report_row **rows = rows_of(asked, r, &count);
    out->bad = out->bad || (!rows && count);
    for (size_t i = 0; rows && i < count; i++)
        csv_row(out, asked, rows[i]);
    free((void *)rows);
    report_destroy(r);
    return out->bad ? err_set(e, ERR_INTERNAL, "The report is too large.") : 0;
}

static int write_page(struct store *s, const struct reporting *asked, struct buf *out, struct err *e)
{
    const struct report_page_asked page = {.range = &asked->range,
                                           .whose = &asked->whose,
                                           .whose_text = asked->whose_text,
                                           .rows_max = asked->top ? (size_t)asked->top : PAGE_ROWS};
    struct report_page *p = report_page_read(s, &page, e);
    if (!p)
        return -1;
    int rc = report_page_html(p, out);
    report_page_destroy(p);
    return rc ? err_set(e, ERR_INTERNAL, "The report is too large.") : 0;
}

/* Answers with bytes out of one snapshot of the database. */
static int send_bytes(struct api *a, struct request *r, const struct reporting *asked, struct err *e)
{
    bool csv = asked->format == FORMAT_CSV;
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    struct buf out;
    buf_init(&out, REPLY_MAX);
    int rc = store_begin(s, e);
    if (!rc) {
        rc = csv ? write_csv(s, asked, &out, e) : write_page(s, asked, &out, e);
        store_rollback(s); /* the end of the snapshot */
    }
    readers_put(a->readers, s);
    if (!rc && !csv) {
        char policy[REPORT_PAGE_POLICY_SIZE];
        report_page_policy(policy);
        reply_header(r, "Content-Security-Policy", policy);
    }
    if (!rc && csv)
        reply_header(r, "Content-Disposition", "attachment; filename=\"gpu-report.csv\"");
    if (!rc)
        reply_bytes(r, 200, csv ? "text/csv; charset=utf-8" : "text/html; charset=utf-8", out.data, out.len);
    buf_fini(&out);
    return rc;
}

/* ---- asking ---- */

static int read_shape(struct request *r, struct reporting *asked, struct err *e)
{
    int64_t most[2] = {1, REPORT_ROWS_MAX};
    const char *format = NULL, *sort = NULL;
    int f = FORMAT_JSON;
    if (request_query(r, "format", &format, e) || request_query(r, "sort", &sort, e) ||
        request_query_int(r, "top", most, &asked->top, e))
        return -1;
    while (format && f < FORMATS && strcmp(format, format_names[f]) != 0)
        f++;
    if (f == FORMATS)
        return err_set(e, ERR_INVALID_PARAMETERS, "format is one of json, csv, html.");
    asked->format = (enum format)f;
    asked->sort = sort ? report_figure_parse(sort) : REPORT_FIGURES;
    if (sort && asked->sort == REPORT_FIGURES)
        return err_set(e, ERR_INVALID_PARAMETERS, "sort: %.40s is no figure; the first line of format=csv names them.",
                       sort);
    return 0;
}

int api_report_gpu(struct request *r, void *context, struct err *e)
{
    struct reporting asked = {0};
    struct report_range *range = &asked.range;
    int64_t any[2] = {0, INT64_C(1) << 50};
    const char *by = "vc";
    range->now_ms = range->to_ms = request_now(r).wall;
    range->from_ms = -1;
    if (request_query_int(r, "from", any, &range->from_ms, e) || request_query_int(r, "to", any, &range->to_ms, e) ||
        request_query(r, "by", &by, e) || report_keys_parse(by ? by : "vc", &range->by, e) || read_shape(r, &asked, e))
        return -1;
    if (range->from_ms < 0)
        range->from_ms = range->to_ms > DAYS_DEFAULT * REPORT_DAY_MS ? range->to_ms - DAYS_DEFAULT * REPORT_DAY_MS : 0;
    const struct identity *who = request_identity(r);
    if (!who->admin && api_managed(context, r, &asked.whose.vcs, e))
        return -1;
    asked.whose.user = who->admin ? NULL : who->user;
    asked.whose_text =
        who->admin ? "everybody's" : arena_printf(request_arena(r), "as far as %s may see it", who->user);
    if (!asked.whose_text)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (asked.format == FORMAT_JSON)
        return api_read(context, r, write_report, &asked, e);
    return send_bytes(context, r, &asked, e);
}
