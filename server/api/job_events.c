/* SPDX-License-Identifier: MIT
 *
 * What happened to a job, newest first, in OpenPAI's shape.
 */
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "jobs/jobs_store.h"
#include "server/api/api.h"
#include "server/api/job_view.h"

enum { EVENTS_MAX = 10000 };

struct writing {
    struct json_out *j;
    const char *full_name;
    int64_t count;
};

static int write_event(void *ctx, const struct event_row *row)
{
    struct writing *w = ctx;
    struct json_out *j = w->j;
    char time[CLOCK_ISO_SIZE];
    clock_iso(row->time_ms, time);
    json_out_object(j);
    json_out_kint(j, "uid", row->id);
    json_out_kstring(j, "frameworkName", w->full_name);
    json_out_kstring(j, "podUid", NULL);
    json_out_kint(j, "jobAttempt", row->job_attempt);
    json_out_kstring(j, "taskroleName", row->role);
    json_out_kstring(j, "taskName", row->role);
    json_out_key(j, "taskIndex");
    if (row->role)
        json_out_int(j, row->task_index);
    else
        json_out_null(j);
    json_out_kstring(j, "type", row->severity);
    json_out_kstring(j, "event", row->type);
    json_out_kstring(j, "reason", row->reason);
    json_out_kstring(j, "message", row->message);
    json_out_kstring(j, "firstTimestamp", time);
    json_out_kstring(j, "lastTimestamp", time);
    json_out_kint(j, "count", 1);
    json_out_kstring(j, "sourceComponent", "drover");
    json_out_kstring(j, "sourceHost", NULL);
    json_out_object_end(j);
    w->count++;
    return 0;
}

static int read_type(struct request *r, const char **type, struct err *e)
{
    *type = NULL;
    if (request_query(r, "type", type, e))
        return -1;
    if (*type && strcmp(*type, "Normal") != 0 && strcmp(*type, "Warning") != 0)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"type\" must be Normal or Warning.");
    return 0;
}

static int write_events(struct api_reading *x, struct err *e)
{
    struct jobs_store_events *which = x->context;
    struct job_view v;
    if (job_view_row(&v, x->store, x->request, e))
        return -1;
    struct writing w = {.j = x->out, .full_name = v.full_name};
    which->job_id = v.job.id;
    json_out_object(x->out);
    json_out_key(x->out, "data");
    json_out_array(x->out);
    int rc = jobs_store_read_events(x->store, which, write_event, &w, e);
    json_out_array_end(x->out);
    json_out_kint(x->out, "totalCount", w.count);
    json_out_object_end(x->out);
    return rc;
}

int api_job_events(struct request *r, void *context, struct err *e)
{
    struct jobs_store_events which = {.limit = EVENTS_MAX};
    return read_type(r, &which.severity, e) ? -1 : api_read(context, r, write_events, &which, e);
}
