/* SPDX-License-Identifier: MIT
 *
 * A task attempt's logs: where they are (OpenPAI), and their bytes (ours): a range, the tail, or followed to the end.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "engines/local/logs.h"
#include "server/api/api.h"
#include "server/api/job_view.h"
#include "server/http/tail.h"

enum { TAIL_BYTES = 16384 };

static const char *const streams[] = {"stdout", "stderr", "all"};

int api_log_list(struct request *r, void *context, struct err *e)
{
    struct task_attempt_row row;
    if (job_view_task_attempt(context, r, &row, ERR_NO_TASK_LOG, e))
        return -1;
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    json_out_object(j);
    json_out_key(j, "locations");
    json_out_array(j);
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        json_out_object(j);
        json_out_kstring(j, "name", streams[i]);
        json_out_kstring(j, "uri", arena_printf(request_arena(r), "%s/%s", request_path(r), streams[i]));
        json_out_object_end(j);
    }
    json_out_array_end(j);
    json_out_object_end(j);
    api_json_send(&out, r, 200);
    return 0;
}

/* ---- the bytes ---- */

static int64_t source_size(void *ctx)
{
    int64_t size;
    bool complete;
    return logs_size(ctx, &size, &complete, NULL) ? -1 : size;
}

static bool source_complete(void *ctx)
{
    int64_t size;
    bool complete = true;
    return logs_size(ctx, &size, &complete, NULL) || complete;
}

static ssize_t source_read(void *ctx, void *out, size_t n, uint64_t at)
{
    struct err e = {0};
    int64_t got = logs_read(ctx, (int64_t)at, out, n, &e);
    if (got < 0) /* the reply, which has begun, is cut */
        log_error("log_unreadable", "at byte %llu: %s", (unsigned long long)at, e.text);
    return (ssize_t)got;
}

static void source_close(void *ctx)
{
    logs_close(ctx);
    free(ctx);
}

/* offset, limit, follow; tail-mode (as OpenPAI's server) or tailMode (as its documents) start near the end. */
static int read_range(struct request *r, int64_t size, struct tail_range *range, struct err *e)
{
    bool tail = false, tail2 = false;
    int64_t offset = -1, limit = -1;
    if (request_query_bool(r, "tail-mode", &tail, e) || request_query_bool(r, "tailMode", &tail2, e) ||
        request_query_bool(r, "follow", &range->follow, e) ||
        request_query_int(r, "offset", (int64_t[]){0, INT64_MAX}, &offset, e) ||
        request_query_int(r, "limit", (int64_t[]){0, INT64_MAX}, &limit, e))
        return -1;
    if (offset < 0)
        offset = (tail || tail2) && size > TAIL_BYTES ? size - TAIL_BYTES : 0;
    range->offset = (uint64_t)offset;
    range->limit = limit;
    return 0;
}

int api_log_read(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct task_attempt_row row;
    struct tail_range range = {0};
    const char *stream = NULL;
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        if (!strcmp(streams[i], request_param(r, "log")))
            stream = streams[i];
    if (!stream)
        return err_set(e, ERR_NO_TASK_LOG, "There is no log \"%s\"; there are stdout, stderr and all.",
                       request_param(r, "log"));
    if (job_view_task_attempt(a, r, &row, ERR_NO_TASK_LOG, e))
        return -1;
    struct logs *f = calloc(1, sizeof *f);
    if (!f)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (logs_open(f, a->shelf, row.id, stream, e)) {
        free(f);
        return -1;
    }
    struct tail_source src = {
        .ctx = f, .size = source_size, .pread = source_read, .complete = source_complete, .close = source_close};
    if (read_range(r, source_size(f), &range, e)) {
        source_close(f);
        return -1;
    }
    return tail_reply(a->tail, r, &src, &range, e);
}
