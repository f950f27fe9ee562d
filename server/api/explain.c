/* SPDX-License-Identifier: MIT
 *
 * GET /jobs/{job}/explain: why a job waits, the numbers, who is in the way, and what would let it start now; and what
 * was decided about it until now.
 */
#include "core/explain.h"

#include "base/err.h"
#include "base/json.h"
#include "core/core.h"
#include "jobs/decision_store.h"
#include "server/api/api.h"
#include "server/api/explain_json.h"
#include "server/api/job_view.h"
#include "server/api/wait_reason.h"
#include "server/readers.h"
#include "server/snapshot.h"

enum { DECISIONS_MAX = 50 };

/* ---- what was decided ---- */

static int write_decision(void *ctx, const struct decision_row *row)
{
    struct json_out *j = ctx;
    json_out_object(j);
    json_out_kint(j, "attempt", row->job_attempt);
    json_out_kstring(j, "kind", row->kind);
    json_out_kint(j, "time", row->time_ms);
    json_out_key(j, "record");
    json_out_raw(j, row->record);
    json_out_object_end(j);
    return 0;
}

/* The job's history of placements and preemptions, newest first. */
static int write_decisions(struct json_out *j, struct api *a, const struct job_view *v, struct err *e)
{
    const struct decision_store_which which = {.job_id = v->job.id, .limit = DECISIONS_MAX};
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    json_out_key(j, "decisions");
    json_out_array(j);
    int rc = decision_store_each(s, &which, write_decision, j, e);
    json_out_array_end(j);
    readers_put(a->readers, s);
    return rc;
}

/* Why it waits; a job that does not wait says by its state what there is to say. */
static int write_reason(struct json_out *j, struct api *a, const struct job_view *v, struct err *e)
{
    struct explanation x;
    if (v->job.state != STATE_WAITING) {
        json_out_kstring(j, "reason", NULL);
        json_out_kstring(j, "message", "The job does not wait.");
        return 0;
    }
    const char *const *vcs = explain_json_vcs(a, v->arena, v->job.user, e);
    struct snapshot *s = vcs ? api_snapshot(a, e) : NULL;
    if (!s)
        return -1;
    struct core_question q = wait_reason_ask(&v->job, v->full_name, v->spec);
    q.vcs = vcs;
    struct core_explainer *one = core_explainer_create(s->view);
    int rc = one ? core_explain_whole(one, &q, &x) : -1;
    if (rc) {
        err_set(e, ERR_BUSY, "The reason cannot be told just now; ask again in a moment.");
    } else {
        wait_reason_date(&x, &q, s->wall_ms);
        explain_json_answer(j, &q, s->view, &x);
    }
    core_explainer_destroy(one);
    snapshots_put(a->snapshots, s);
    return rc;
}

int api_job_explain(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct job_view v;
    struct api_json out;
    if (job_view_read(&v, a, r, -1, e))
        return -1;
    struct json_out *j = api_json_begin(&out);
    json_out_object(j);
    json_out_kstring(j, "name", v.full_name);
    json_out_kstring(j, "state", state_wire(v.job.state));
    if (write_reason(j, a, &v, e) || write_decisions(j, a, &v, e)) {
        api_json_drop(&out);
        return -1;
    }
    json_out_object_end(j);
    api_json_send(&out, r, 200);
    return 0;
}
