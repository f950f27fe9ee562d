/* SPDX-License-Identifier: MIT
 *
 * GET /api/v2/jobs: OpenPAI's filters, orders and fields. Rows go from the database into the reply one by one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "jobs/jobs_store_list.h"
#include "server/api/api.h"
#include "server/api/job_json.h"
#include "server/api/wait_reason.h"
#include "server/readers.h"

enum { LIMIT_DEFAULT = 5000, LIMIT_MAX = 50000 };

static const struct {
    const char *name;
    enum job_order order;
} orders[] = {
    {"submissionTime", JOB_ORDER_SUBMITTED},
    {"jobName", JOB_ORDER_NAME},
    {"username", JOB_ORDER_USER},
    {"vc", JOB_ORDER_VC},
    {"retries", JOB_ORDER_RETRIES},
    {"totalTaskNumber", JOB_ORDER_TASKS},
    {"totalGpuNumber", JOB_ORDER_GPUS},
    {"state", JOB_ORDER_STATE},
    {"completionTime", JOB_ORDER_COMPLETED},
    {"jobPriority", JOB_ORDER_PRIORITY},
};

/* Splits a comma list into the arena; empty items are dropped. 0 or -1. */
static int split(struct request *r, const char *name, struct job_values *out, struct err *e)
{
    struct arena *a = request_arena(r);
    const char *text = NULL;
    if (request_query(r, name, &text, e))
        return -1;
    if (!text)
        return 0;
    size_t commas = 0;
    for (const char *p = text; *p; p++)
        commas += *p == ',';
    const char **list = arena_calloc(a, commas + 1, sizeof(char *));
    if (!list)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    out->list = list;
    for (const char *p = text; p;) {
        const char *comma = strchr(p, ',');
        size_t n = comma ? (size_t)(comma - p) : strlen(p);
        if (n && !(list[out->count] = arena_strndup(a, p, n)))
            return err_set(e, ERR_INTERNAL, "Out of memory.");
        out->count += n > 0;
        p = comma ? comma + 1 : NULL;
    }
    return 0;
}

static int read_states(struct request *r, struct job_filter *f, struct err *e)
{
    struct job_values words = {0};
    if (split(r, "state", &words, e))
        return -1;
    for (size_t i = 0; i < words.count; i++) {
        unsigned mask = state_mask_from_wire(words.list[i]);
        if (!mask)
            return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" is no state of a job.", words.list[i]);
        f->states |= mask;
    }
    return 0;
}

/* "default" stands for jobs that gave no class. */
static int read_priorities(struct request *r, struct job_filter *f, struct err *e)
{
    struct job_values words = {0};
    if (split(r, "jobPriority", &words, e))
        return -1;
    const char **kept = arena_calloc(request_arena(r), words.count + 1, sizeof(char *));
    if (!kept)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    for (size_t i = 0; i < words.count; i++) {
        if (!strcmp(words.list[i], "default"))
            f->priority_default = true;
        else
            kept[f->priorities.count++] = words.list[i];
    }
    f->priorities.list = kept;
    return 0;
}

/* "field,ASC"; an unknown order is ignored, as OpenPAI does. */
static int read_order(struct request *r, struct job_filter *f, struct err *e)
{
    const char *text = NULL;
    f->order = JOB_ORDER_SUBMITTED;
    f->descending = true;
    if (request_query(r, "order", &text, e))
        return -1;
    const char *comma = text ? strchr(text, ',') : NULL;
    for (size_t i = 0; comma && i < sizeof orders / sizeof *orders; i++)
        if (strlen(orders[i].name) == (size_t)(comma - text) &&
            !strncmp(orders[i].name, text, (size_t)(comma - text))) {
            f->order = orders[i].order;
            f->descending = strcmp(comma + 1, "ASC") != 0;
        }
    return 0;
}

/* The name of the last job of a page, from its reply. Only orders that a job cannot move in can be walked so. */
static int read_cursor(struct request *r, struct job_filter *f, struct err *e)
{
    if (request_query_int(r, "cursor", (int64_t[]){1, INT64_MAX}, &f->after, e))
        return -1;
    if (f->after && f->offset)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"cursor\" and \"offset\" cannot be given together.");
    if (f->after && !jobs_store_order_is_fixed(f->order))
        return err_set(e, ERR_INVALID_PARAMETERS, "A list in this order changes while it is read; it takes no cursor.");
    return 0;
}

static int read_filter(struct request *r, struct job_filter *f, bool *with_total, struct err *e)
{
    *f = (struct job_filter){.limit = LIMIT_DEFAULT};
    if (split(r, "username", &f->users, e) || split(r, "vc", &f->vcs, e) || split(r, "tagsContain", &f->tags_any, e) ||
        split(r, "tagsNotContain", &f->tags_none, e) || read_states(r, f, e) || read_priorities(r, f, e) ||
        read_order(r, f, e))
        return -1;
    if (request_query(r, "keyword", &f->keyword, e) ||
        request_query_int(r, "offset", (int64_t[]){0, INT64_MAX}, &f->offset, e) ||
        request_query_int(r, "limit", (int64_t[]){0, LIMIT_MAX}, &f->limit, e))
        return -1;
    if (request_query_bool(r, "withTotalCount", with_total, e) || request_query_bool(r, "archived", &f->archived, e))
        return -1;
    return read_cursor(r, f, e);
}

/* What each row needs beside itself. */
struct page {
    struct json_out *out;
    struct store *store;
    struct api *api;
    struct wait_reason *reasons; /* made at the first waiting job */
    int64_t rows, last;          /* of this page: how many, and the seq of the last */
};

static void write_wait_reason(struct page *p, const struct job_row *row)
{
    struct buf text;
    buf_init(&text, 4096);
    if (row->state == STATE_WAITING) {
        if (!p->reasons)
            p->reasons = wait_reason_begin(p->api);
        wait_reason_say_row(p->reasons, p->store, row, &text);
    }
    json_out_kstring(p->out, "waitReason", text.len ? buf_str(&text) : NULL);
    buf_fini(&text);
}

static int write_item(void *ctx, const struct job_row *row)
{
    struct page *p = ctx;
    struct json_out *j = p->out;
    char debug_id[33];
    p->rows++;
    p->last = row->seq;
    job_json_debug_id(row->user, row->name, debug_id);
    json_out_object(j);
    json_out_kstring(j, "debugId", debug_id);
    json_out_kstring(j, "jobId", row->id);
    json_out_kstring(j, "name", row->name);
    json_out_key(j, "tags");
    json_out_raw(j, row->tags ? row->tags : "[]");
    job_json_status(j, row);
    json_out_kstring(j, "virtualCluster", row->vc);
    json_out_kint(j, "totalGpuNumber", row->total_gpus);
    json_out_kint(j, "totalTaskNumber", row->total_tasks);
    json_out_kint(j, "totalTaskRoleNumber", row->total_roles);
    json_out_kstring(j, "jobPriority", row->priority_class);
    json_out_kstring(j, "exitPhrase", row->exit_phrase);
    write_wait_reason(p, row);
    json_out_object_end(j);
    return 0;
}

/* Where the next page begins, when this one is full: a header, because OpenPAI's body is a bare list. */
static void say_next(struct request *r, struct page *p, const struct job_filter *f, bool with_total)
{
    bool more = f->limit && p->rows == f->limit && jobs_store_order_is_fixed(f->order);
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)p->last);
    if (more)
        reply_header(r, "X-Next-Cursor", text);
    if (with_total)
        json_out_kstring(p->out, "nextCursor", more ? text : NULL);
}

int api_jobs_list(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct job_filter f;
    bool with_total = false;
    int64_t total = 0;
    if (read_filter(r, &f, &with_total, e))
        return -1;
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    if (with_total) {
        json_out_object(j);
        json_out_key(j, "data");
    }
    json_out_array(j);
    f.total = with_total ? &total : NULL;
    struct page page = {.out = j, .store = s, .api = a};
    f.reader = request_identity(r)->admin ? NULL : request_identity(r)->user;
    int rc = jobs_store_list(s, &f, write_item, &page, e);
    wait_reason_end(page.reasons);
    readers_put(a->readers, s);
    json_out_array_end(j);
    say_next(r, &page, &f, with_total);
    if (with_total) {
        json_out_kint(j, "totalCount", total);
        json_out_object_end(j);
    }
    if (rc) {
        api_json_drop(&out);
        return -1;
    }
    api_json_send(&out, r, 200);
    return 0;
}
