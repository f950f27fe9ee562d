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

static void write_numbers(struct json_out *j, const struct explanation *x)
{
    const struct {
        const char *key;
        int value;
    } numbers[] = {
        {"asked", x->asked},      {"idle", x->idle},          {"guaranteed", x->use.guaranteed},
        {"held", x->use.held},    {"borrow", x->borrow},      {"borrowed", x->use.borrowed},
        {"userCap", x->user_cap}, {"userHeld", x->user_held},
    };
    json_out_key(j, "gpus");
    json_out_object(j);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_out_kint(j, numbers[i].key, numbers[i].value);
    json_out_object_end(j);
}

/* Nodes that are, or will be before it ends, in maintenance, where that is why it waits. */
static void write_maintenance(struct json_out *j, const struct explanation *x)
{
    json_out_key(j, "maintenance");
    if (x->then != EXPLAIN_MAINTENANCE) {
        json_out_null(j);
        return;
    }
    json_out_object(j);
    json_out_kint(j, "nodes", x->closed);
    json_out_ktime(j, "start", x->closes_ms);
    json_out_ktime(j, "end", x->opens_ms);
    json_out_object_end(j);
}

static void write_blockers(struct json_out *j, const struct core_view *v, const struct explain_help *x)
{
    json_out_key(j, "blockedBy");
    json_out_array(j);
    for (size_t i = 0; i < x->blocker_count; i++)
        json_out_string(j, core_explain_job(v, x->blockers[i]));
    json_out_array_end(j);
    json_out_kint(j, "blockers", (int64_t)x->blockers_in_all);
}

/* One way to start now: a kind, how much (0: says nothing), and where or of what ("": says nothing). */
static void write_help(struct json_out *j, const char *kind, int amount, const char *name)
{
    if (!amount && !*name)
        return;
    json_out_object(j);
    json_out_kstring(j, "kind", kind);
    if (*name)
        json_out_kstring(j, "name", name);
    if (amount)
        json_out_kint(j, "amount", amount);
    json_out_object_end(j);
}

static void write_helps(struct json_out *j, const struct core_question *q, const struct explanation *whole)
{
    const struct explain_help *x = &whole->help;
    json_out_key(j, "help");
    json_out_array(j);
    if (whole->then == EXPLAIN_STARTS && q->held_by)
        write_help(j, "release", 0, q->held_by);
    if (whole->then == EXPLAIN_STARTS && q->backoff_ms)
        write_help(j, "retry", (int)((q->backoff_ms + 999) / 1000), "");
    write_help(j, "endOfBlockers", (int)x->blockers_in_all, "");
    for (size_t i = 0; i < x->node_count; i++)
        write_help(j, "nodeReturns", 0, x->nodes[i]);
    write_help(j, "moreQuota", x->quota_more, x->quota_sku);
    write_help(j, "moreBorrow", x->borrow_more, "");
    write_help(j, "moreUserCap", x->cap_more, "");
    write_help(j, "moreNodes", x->nodes_more, x->nodes_sku);
    write_help(j, "fewerTasks", x->fewer_pods, "");
    write_help(j, "fewerGpusPerTask", x->fewer_gpus, "");
    write_help(j, "fewerCpusPerTask", x->fewer_cpus, "");
    write_help(j, "shorterTimeLimit", (int)(x->shorter_ms / 1000), "");
    write_help(j, "anyNode", x->any_node, "");
    write_help(j, "otherSku", 0, x->sku);
    write_help(j, "otherVirtualCluster", 0, x->vc);
    write_help(j, "priorityClass", 0, x->opportunistic ? "oppo" : "");
    json_out_array_end(j);
    json_out_kbool(j, "helpTogether", x->together || x->nodes_in_all > 1 || x->fewer_both);
}

static void write_answer(struct json_out *j, const struct core_question *q, const struct core_view *view,
                         const struct explanation *x)
{
    struct buf text;
    buf_init(&text, 4096);
    wait_reason_sentence(x, q, &text);
    json_out_kstring(j, "reason", explain_name(x->reason));
    if (x->then != x->reason)
        json_out_kstring(j, "then", explain_name(x->then));
    json_out_kstring(j, "message", buf_str(&text));
    write_numbers(j, x);
    write_maintenance(j, x);
    write_blockers(j, view, &x->help);
    write_helps(j, q, x);
    buf_fini(&text);
}

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
