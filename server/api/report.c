/* SPDX-License-Identifier: MIT
 *
 * GET /reports/gpu: where the GPU hours went (metrics/report.h). Admins see everybody's, VC admins those of their
 * virtual clusters, others their own.
 */
#include "metrics/report.h"

#include "base/err.h"
#include "base/json.h"
#include "metrics/report_store.h"
#include "server/api/api.h"

enum { DAYS_DEFAULT = 7 };

struct reporting {
    struct report_range range;
    struct report_whose whose;
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
    json_out_object_end(j);
    json_out_key(j, "sampled");
    json_out_object(j);
    json_out_key(j, "gpuHours");
    json_out_double(j, hours(row->sampled_ms));
    json_out_key(j, "busy");
    json_out_double(j, hours(row->busy_ms));
    json_out_key(j, "idle");
    json_out_double(j, hours(row->idle_ms));
    json_out_key(j, "utilization");
    if (row->sampled_ms > 0)
        json_out_double(j, 100 * row->busy_ms / row->sampled_ms);
    else
        json_out_null(j);
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
    json_out_object_end(j);
    json_out_key(j, "waitMs");
    json_out_object(j);
    write_wait(j, "p50", row->started, row->wait_p50);
    write_wait(j, "p95", row->started, row->wait_p95);
    json_out_object_end(j);
}

static int write_report(struct api_reading *x, struct err *e)
{
    const struct reporting *asked = x->context;
    const struct report_range *range = &asked->range;
    struct report *r = report_create(range, e);
    size_t count = 0;
    if (!r || report_store_read(x->store, range, &asked->whose, r, e)) {
        report_destroy(r);
        return -1;
    }
    struct json_out *j = x->out;
    const struct report_row *const *rows = report_rows(r, &count);
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
    report_destroy(r);
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
        request_query(r, "by", &by, e) || report_keys_parse(by ? by : "vc", &range->by, e))
        return -1;
    if (range->from_ms < 0)
        range->from_ms = range->to_ms > DAYS_DEFAULT * REPORT_DAY_MS ? range->to_ms - DAYS_DEFAULT * REPORT_DAY_MS : 0;
    const struct identity *who = request_identity(r);
    if (!who->admin && api_managed(context, r, &asked.whose.vcs, e))
        return -1;
    asked.whose.user = who->admin ? NULL : who->user;
    return api_read(context, r, write_report, &asked, e);
}
