/* SPDX-License-Identifier: MIT
 *
 * OpenPAI's older routes for the attempts of a job, which its portal still asks: the same rows in another shape.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "server/api/api.h"
#include "server/api/job_json.h"
#include "server/api/job_view.h"
#include "server/snapshot.h"

enum { ATTEMPTS_MAX = 100 };

int api_job_attempts_healthz(struct request *r, void *context, struct err *e)
{
    (void)context;
    (void)e;
    reply_text(r, 200, "text/plain; charset=utf-8", "ok\n");
    return 0;
}

static void write_end(struct json_out *j, const struct job_view *v)
{
    static const struct job_json_exit_keys keys = {.type = "exitType"};
    struct job_json_end end;
    job_view_end(v, &end);
    json_out_key(j, "exitCode");
    if (end.ended)
        json_out_int(j, end.code);
    else
        json_out_null(j);
    json_out_kstring(j, "exitPhrase", end.ended ? (v->has_attempt ? v->row.exit_phrase : v->job.exit_phrase) : NULL);
    job_json_exit(j, &keys, &end);
    json_out_key(j, "exitDiagnostics");
    json_out_null(j);
    job_view_write_exit(j, v);
}

static void write_attempt(struct json_out *j, const struct job_view *v, const struct cluster *c)
{
    json_out_object(j);
    json_out_kstring(j, "jobName", v->job.name);
    json_out_kstring(j, "frameworkName", v->full_name);
    json_out_kstring(j, "uid", v->job.id);
    json_out_kstring(j, "userName", v->job.user);
    json_out_kstring(j, "state", state_wire(v->has_attempt ? v->row.state : v->job.state));
    json_out_kstring(j, "originState", NULL);
    json_out_kint(j, "attemptIndex", v->attempt);
    json_out_kint(j, "jobStartedTime", v->job.created_ms);
    json_out_ktime(j, "attemptStartedTime", v->row.launched_ms);
    json_out_ktime(j, "attemptCompletedTime", v->row.completed_ms);
    write_end(j, v);
    json_out_kint(j, "totalGpuNumber", v->job.total_gpus);
    json_out_kint(j, "totalTaskNumber", v->job.total_tasks);
    json_out_kint(j, "totalTaskRoleNumber", v->job.total_roles);
    json_out_kstring(j, "jobPriority", v->job.priority_class);
    job_view_write_roles(j, v, c);
    json_out_kbool(j, "isLatest", v->attempt == v->job.attempt);
    json_out_object_end(j);
}

int api_job_attempts(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct job_view v;
    if (job_view_read(&v, a, r, -1, e))
        return -1;
    struct snapshot *snap = snapshots_get(a->snapshots);
    const struct cluster *c = snap ? snap->cluster : NULL;
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    int last = v.attempt, rc = 0;
    json_out_array(j);
    write_attempt(j, &v, c); /* the latest first, then from the oldest */
    for (int n = last > ATTEMPTS_MAX ? last - ATTEMPTS_MAX : 0; n < last && !rc; n++) {
        rc = job_view_read(&v, a, r, n, e);
        if (!rc)
            write_attempt(j, &v, c);
    }
    json_out_array_end(j);
    snapshots_put(a->snapshots, snap);
    if (rc) {
        api_json_drop(&out);
        return -1;
    }
    api_json_send(&out, r, 200);
    return 0;
}

int api_job_attempts_one(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct job_view v;
    int64_t attempt;
    if (request_param_int(r, "attempt", 0, &attempt, e))
        return -1;
    if (attempt > INT32_MAX)
        return err_set(e, ERR_NO_JOB, "There is no such attempt.");
    if (job_view_read(&v, a, r, (int)attempt, e))
        return -1;
    struct snapshot *snap = snapshots_get(a->snapshots);
    struct api_json out;
    write_attempt(api_json_begin(&out), &v, snap ? snap->cluster : NULL);
    snapshots_put(a->snapshots, snap);
    api_json_send(&out, r, 200);
    return 0;
}
