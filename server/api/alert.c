/* SPDX-License-Identifier: MIT
 *
 * Alerts in the shape of OpenPAI's alert manager: what the core's snapshot shows to be wrong now of nodes,
 * for admins, and jobs whose GPUs are not used, for admins and their owners.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "metrics/idle_store.h"
#include "scheduler/cluster.h"
#include "server/api/api.h"
#include "server/snapshot.h"

struct alert {
    const char *name, *severity, *node, *summary;
    const char *gpu;                    /* its index; NULL = of the whole node */
    const char *job, *user, *vc, *rule; /* of a job, instead of the node */
};

static void write_alert(struct json_out *j, const struct alert *a, int64_t seen_ms)
{
    char time[CLOCK_ISO_SIZE];
    clock_iso(seen_ms, time);
    json_out_object(j);
    json_out_key(j, "labels");
    json_out_object(j);
    json_out_kstring(j, "alertname", a->name);
    json_out_kstring(j, "severity", a->severity);
    if (a->node)
        json_out_kstring(j, "node_name", a->node);
    if (a->job) {
        json_out_kstring(j, "job_name", a->job);
        json_out_kstring(j, "username", a->user);
        json_out_kstring(j, "virtual_cluster", a->vc);
        json_out_kstring(j, "rule", a->rule);
    }
    if (a->gpu)
        json_out_kstring(j, "gpu", a->gpu);
    json_out_object_end(j);
    json_out_key(j, "annotations");
    json_out_object(j);
    json_out_kstring(j, "summary", a->summary);
    json_out_object_end(j);
    json_out_kstring(j, "startsAt", time);
    json_out_kstring(j, "status", "active");
    json_out_object_end(j);
}

static void write_gpu(struct json_out *j, struct arena *arena, const struct cluster_node *n, const struct gpu *g,
                      int64_t seen_ms)
{
    const struct gpu_cause_info *what = gpu_cause_info(g->health.cause);
    char text[128];
    if (!what->alert)
        return;
    gpu_mark_text(&g->health, text, sizeof text);
    write_alert(j,
                &(struct alert){.name = what->alert,
                                .severity = what->state == GPU_STATE_DEGRADED ? "warn" : "error",
                                .node = n->info.name,
                                .gpu = arena_printf(arena, "%d", g->index),
                                .summary = arena_printf(arena, "GPU %d of node %s: %s", g->index, n->info.name, text)},
                seen_ms);
}

static void write_node(struct json_out *j, struct arena *arena, const struct cluster_node *n, int64_t seen_ms)
{
    const char *name = n->info.name;
    int quarantined = 0;
    for (int i = 0; i < n->info.gpu_count; i++)
        quarantined += n->info.gpus[i].quarantined;
    for (int i = 0; i < n->info.gpu_count; i++)
        write_gpu(j, arena, n, &n->info.gpus[i], seen_ms);
    if (!n->info.up)
        write_alert(j,
                    &(struct alert){.name = "NodeNotReady",
                                    .severity = "error",
                                    .node = name,
                                    .summary = arena_printf(arena, "Node %s is not reached.", name)},
                    seen_ms);
    if (quarantined)
        write_alert(
            j,
            &(struct alert){.name = "GpuQuarantined",
                            .severity = "error",
                            .node = name,
                            .summary = arena_printf(arena,
                                                    "%d GPUs of node %s are not given out: the processes that had "
                                                    "them could not be proven gone.",
                                                    quarantined, name)},
            seen_ms);
}

/* ---- jobs ---- */

static int write_idle(void *ctx, const struct idle_told_row *row)
{
    const struct api_reading *x = ctx;
    const struct identity *who = request_identity(x->request);
    const bool own = !strcmp(who->user, row->user);
    struct arena *a = request_arena(x->request);
    const char *text = arena_printf(a, "%s~%s: %s", row->user, row->name, row->text);
    if (who->admin || (own && !row->dry_run))
        write_alert(x->out,
                    &(struct alert){.name = "JobGpusNotUsed",
                                    .severity = row->told.acted ? "error" : "warn",
                                    .job = arena_printf(a, "%s~%s", row->user, row->name),
                                    .user = row->user,
                                    .vc = row->vc,
                                    .rule = row->rule,
                                    .summary = text ? text : ""},
                    row->time_ms);
    return 0;
}

static int write_alerts(struct api_reading *x, struct err *e)
{
    struct snapshot *s = api_snapshot(x->context, e);
    if (!s)
        return -1;
    json_out_array(x->out);
    for (size_t i = 0; request_identity(x->request)->admin && i < cluster_count(s->cluster); i++)
        write_node(x->out, request_arena(x->request), cluster_at(s->cluster, (int)i), s->wall_ms);
    snapshots_put(((struct api *)x->context)->snapshots, s);
    int rc = idle_store_each_told(x->store, write_idle, x, e);
    json_out_array_end(x->out);
    return rc;
}

int api_alerts(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_alerts, context, e);
}
