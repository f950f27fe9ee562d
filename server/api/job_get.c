/* SPDX-License-Identifier: MIT
 *
 * A job in full: OpenPAI's detail, with what it never told: GPU indices, the node's kind, why it waits.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "core/core.h"
#include "core/explain.h"
#include "engines/local/local.h"
#include "jobs/lease_store.h"
#include "scheduler/cluster.h"
#include "server/api/api.h"
#include "server/api/app.h"
#include "server/api/job_json.h"
#include "server/api/job_view.h"
#include "server/api/lease_json.h"
#include "server/api/wait_reason.h"
#include "server/readers.h"
#include "server/snapshot.h"

/* ---- one task ---- */

/* {"ssh":[1,2]} -> {"ssh":"1,2"} */
static void write_ports(struct json_out *j, const char *json)
{
    cJSON *map = json ? json_parse(json, strlen(json), 0, NULL) : NULL;
    struct buf list;
    buf_init(&list, 4096);
    json_out_key(j, "containerPorts");
    json_out_object(j);
    for (const cJSON *label = map ? map->child : NULL; label; label = label->next) {
        buf_reset(&list);
        for (const cJSON *p = label->child; p; p = p->next)
            buf_addf(&list, "%s%d", p->prev && p != label->child ? "," : "", p->valueint);
        json_out_kstring(j, label->string, buf_str(&list));
    }
    json_out_object_end(j);
    buf_fini(&list);
    cJSON_Delete(map);
}

static void write_detail(struct json_out *j, const struct task_attempt_row *t)
{
    cJSON *o = t->detail ? json_parse(t->detail, strlen(t->detail), 0, NULL) : NULL;
    const char *message = NULL;
    int64_t signal = 0;
    bool on_host = false;
    if (o) {
        json_get_string(o, "message", &message, NULL);
        json_get_int(o, "signal", &signal, NULL);
        json_get_bool(o, "onHost", &on_host, NULL);
    }
    json_out_kstring(j, "containerExitDiagnostics", message);
    json_out_key(j, "containerExitSignal");
    if (signal)
        json_out_int(j, signal);
    else
        json_out_null(j);
    json_out_kbool(j, "onHost", on_host);
    json_out_key(j, "gpuUuids");
    json_out_array(j);
    const cJSON *uuid, *uuids = o ? cJSON_GetObjectItemCaseSensitive(o, "gpuUuids") : NULL;
    cJSON_ArrayForEach(uuid, uuids) json_out_string(j, cJSON_IsString(uuid) ? uuid->valuestring : "");
    json_out_array_end(j);
    cJSON_Delete(o);
}

/* What the cluster says of the task's node. */
static void write_node(struct json_out *j, const struct cluster *c, const struct task_attempt_row *t)
{
    const char *node = t->node;
    bool has_gpus = t->gpus && strcmp(t->gpus, "[]") != 0;
    int index = c && node ? cluster_find(c, node) : -1;
    const struct node *n = index < 0 ? NULL : &cluster_at(c, index)->info;
    json_out_kstring(j, "containerIp", n ? n->address : NULL);
    json_out_kstring(j, "containerNodeName", node);
    json_out_kstring(j, "node", node);
    json_out_kstring(j, "isolation", n ? n->isolation : NULL);
    json_out_kbool(j, "simulatedGpus", has_gpus && n && n->gpu_count && n->gpus[0].simulated);
}

/* The members that a task in a job's detail and an attempt in a task's history share. */
static void write_task_attempt(struct json_out *j, const struct cluster *c, const char *log_path,
                               const struct task_attempt_row *t)
{
    static const struct job_json_exit_keys keys = {.spec = "containerExitSpec", .diagnosis = "containerExitDiagnosis"};
    enum run_state state = t->id ? t->state : STATE_WAITING;
    json_out_kint(j, "attemptId", t->attempt);
    json_out_kstring(j, "attemptState", state_wire(state));
    json_out_ktime(j, "currentAttemptCreatedTime", t->created_ms);
    json_out_ktime(j, "currentAttemptLaunchedTime", t->launched_ms);
    json_out_ktime(j, "currentAttemptCompletedTime", t->completed_ms);
    json_out_kstring(j, "containerId", t->id);
    write_node(j, c, t);
    write_ports(j, t->ports);
    json_out_key(j, "containerGpus");
    json_out_raw(j, t->gpus ? t->gpus : "[]");
    json_out_kstring(j, "containerLog", t->id ? log_path : NULL);
    json_out_key(j, "containerExitCode");
    if (t->ended)
        json_out_int(j, t->exit_code);
    else
        json_out_null(j);
    job_json_exit(j, &keys, &(struct job_json_end){.ended = t->ended, .code = t->exit_code, .detail = t->detail});
    write_detail(j, t);
}

static char *log_path(const struct job_view *v, const char *role, int index, int attempt)
{
    return arena_printf(v->arena, "/api/v2/jobs/%s/attempts/%d/taskRoles/%s/taskIndex/%d/attempts/%d/logs",
                        v->full_name, v->attempt, role, index, attempt);
}

/* The members of a task behind its index; `path` is where its logs are. */
static void write_task(struct json_out *j, const struct job_view *v, const struct cluster *c, const char *path,
                       const struct task_attempt_row *t)
{
    enum run_state state = t->id ? t->state : STATE_WAITING;
    if (!t->id && (v->job.state & STATE_FINAL))
        state = STATE_STOPPED; /* never placed, and will not be */
    json_out_kstring(j, "taskUid", t->id);
    json_out_kstring(j, "taskState", state_wire(state));
    json_out_kint(j, "retries", t->retries);
    json_out_kint(j, "accountableRetries", t->accountable_retries);
    json_out_ktime(j, "createdTime", t->created_ms);
    json_out_ktime(j, "launchedTime", t->launched_ms);
    json_out_ktime(j, "completedTime", t->completed_ms);
    write_task_attempt(j, c, path, t);
}

/* What each task of a role gets, and may not go beyond. */
static void write_resources(struct json_out *j, const struct spec_role *role)
{
    json_out_key(j, "resources");
    json_out_object(j);
    json_out_kint(j, "cpu", role->per_task.cpus);
    json_out_kint(j, "memoryMB", role->per_task.memory_mb);
    json_out_kint(j, "gpu", role->per_task.gpus);
    json_out_kint(j, "shmMB", role->shm_mb);
    json_out_object_end(j);
}

void job_view_write_roles(struct json_out *j, const struct job_view *v, const struct cluster *c)
{
    const struct task_attempt_row *t = v->tasks;
    json_out_key(j, "taskRoles");
    json_out_object(j);
    for (size_t i = 0; i < v->spec->role_count; i++) {
        const struct spec_role *role = &v->spec->roles[i];
        json_out_key(j, role->name);
        json_out_object(j);
        json_out_key(j, "taskRoleStatus");
        json_out_object(j);
        json_out_kstring(j, "name", role->name);
        json_out_object_end(j);
        write_resources(j, role);
        json_out_key(j, "taskStatuses");
        json_out_array(j);
        for (int n = 0; n < role->instances; n++, t++) {
            json_out_object(j);
            json_out_kint(j, "taskIndex", n);
            write_task(j, v, c, log_path(v, role->name, n, t->attempt), t);
            json_out_object_end(j);
        }
        json_out_array_end(j);
        json_out_object_end(j);
    }
    json_out_object_end(j);
}

/* ---- the job ---- */

static void write_wait_reason(struct json_out *j, const struct job_view *v, struct api *a)
{
    struct buf text;
    buf_init(&text, 4096);
    if (v->job.state == STATE_WAITING) {
        struct wait_reason *w = wait_reason_begin(a);
        struct core_question q = wait_reason_ask(&v->job, v->full_name, v->spec);
        wait_reason_say(w, &q, &text);
        wait_reason_end(w);
    }
    json_out_kstring(j, "waitReason", text.len ? buf_str(&text) : NULL);
    buf_fini(&text);
}

void job_view_end(const struct job_view *v, struct job_json_end *out)
{
    bool final = (v->job.state & STATE_FINAL) && v->attempt == v->job.attempt;
    const struct task_attempt_row *t = v->tasks;
    *out = (struct job_json_end){.ended = v->has_attempt ? v->row.ended : final,
                                 .code = v->has_attempt ? v->row.exit_code : v->job.exit_code};
    /* The task that decided knows more, where it is its end that counts. */
    for (size_t i = 0; v->trigger.role && i < v->spec->role_count; t += v->spec->roles[i++].instances)
        if (!strcmp(v->spec->roles[i].name, v->trigger.role) && v->trigger.index >= 0 &&
            v->trigger.index < v->spec->roles[i].instances && t[v->trigger.index].ended &&
            t[v->trigger.index].exit_code == out->code)
            out->detail = t[v->trigger.index].detail;
}

void job_view_write_exit(struct json_out *j, const struct job_view *v)
{
    static const struct job_json_exit_keys keys = {
        .spec = "appExitSpec", .diagnosis = "appExitDiagnosis", .type = "appExitType"};
    struct job_json_end end;
    job_view_end(v, &end);
    job_json_exit(j, &keys, &end);
    json_out_kstring(j, "appExitDiagnostics", end.ended ? v->trigger.message : NULL);
    json_out_key(j, "appExitMessages");
    json_out_null(j);
    json_out_kstring(j, "appExitTriggerMessage", v->trigger.message);
    json_out_kstring(j, "appExitTriggerTaskRoleName", v->trigger.role);
    json_out_key(j, "appExitTriggerTaskIndex");
    if (v->trigger.role)
        json_out_int(j, v->trigger.index);
    else
        json_out_null(j);
}

static void write_status(struct json_out *j, const struct job_view *v, struct api *a)
{
    enum run_state state = v->has_attempt ? v->row.state : v->job.state;
    json_out_key(j, "jobStatus");
    json_out_object(j);
    job_json_status(j, &v->job);
    json_out_kint(j, "attemptId", v->attempt);
    json_out_kstring(j, "attemptState", state_wire(state));
    json_out_kstring(j, "appId", v->job.id);
    json_out_kint(j, "appProgress", v->job.state & STATE_FINAL ? 1 : 0);
    json_out_kstring(j, "appTrackingUrl", "");
    json_out_ktime(j, "appCreatedTime", v->row.created_ms);
    json_out_ktime(j, "appLaunchedTime", v->row.launched_ms);
    json_out_ktime(j, "appCompletedTime", v->row.completed_ms);
    job_view_write_exit(j, v);
    json_out_kstring(j, "virtualCluster", v->job.vc);
    json_out_key(j, "avoidedNodes");
    json_out_raw(j, v->job.avoids ? v->job.avoids : "[]");
    write_wait_reason(j, v, a);
    json_out_object_end(j);
}

static void write_int_or_null(struct json_out *j, const char *key, int64_t n)
{
    json_out_key(j, key);
    if (n)
        json_out_int(j, n);
    else
        json_out_null(j);
}

/* The limits that are the same for all tasks. The time is the one that counts now: the virtual cluster's may change. */
static void write_limits(struct json_out *j, const struct job_view *v, const struct api *a, const struct snapshot *snap)
{
    const struct core_view_vc *vc = snap ? core_view_vc(snap->view, v->job.vc) : NULL;
    json_out_key(j, "limits");
    json_out_object(j);
    write_int_or_null(j, "timeSeconds", vc_time_limit_ms(vc ? &vc->spec : NULL, v->spec->time_limit_ms) / 1000);
    json_out_kint(j, "processes", LOCAL_TASK_PROCESSES);
    write_int_or_null(j, "diskMB", a->disk_max_mb);
    json_out_object_end(j);
}

/* Its debug reservations, live or ended; a job has one at most. 0 or -1. */
static int write_leases(struct json_out *j, const struct job_view *v, struct api *a, struct err *e)
{
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    json_out_key(j, "debugReservations");
    int rc = lease_json_list(j, s, &(struct lease_store_which){.job_id = v->job.id}, e);
    readers_put(a->readers, s);
    return rc;
}

static int reply_job(struct request *r, struct api *a, int attempt, struct err *e)
{
    struct job_view v;
    char debug_id[33];
    if (job_view_read(&v, a, r, attempt, e))
        return -1;
    struct snapshot *snap = snapshots_get(a->snapshots);
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    job_json_debug_id(v.job.user, v.job.name, debug_id);
    json_out_object(j);
    json_out_kstring(j, "debugId", debug_id);
    json_out_kstring(j, "jobId", v.job.id);
    json_out_kstring(j, "name", v.job.name);
    json_out_key(j, "tags");
    json_out_raw(j, v.job.tags ? v.job.tags : "[]");
    json_out_kstring(j, "jobPriority", v.job.priority_class);
    json_out_kbool(j, "archived", v.job.archived);
    json_out_kstring(j, "code", v.spec->code);
    write_limits(j, &v, a, snap);
    write_status(j, &v, a);
    job_view_write_roles(j, &v, snap ? snap->cluster : NULL);
    snapshots_put(a->snapshots, snap);
    app_write_list(j, &v, a);
    if (write_leases(j, &v, a, e)) {
        api_json_drop(&out);
        return -1;
    }
    json_out_object_end(j);
    api_json_send(&out, r, 200);
    return 0;
}

int api_job_get(struct request *r, void *context, struct err *e)
{
    return reply_job(r, context, -1, e);
}

int api_job_attempt(struct request *r, void *context, struct err *e)
{
    int64_t attempt;
    if (request_param_int(r, "attempt", 0, &attempt, e))
        return -1;
    if (attempt > INT32_MAX)
        return err_set(e, ERR_NO_JOB, "There is no such attempt.");
    return reply_job(r, context, (int)attempt, e);
}

int api_job_config(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct job_view v;
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    int rc = job_view_row(&v, s, r, e);
    readers_put(a->readers, s);
    if (rc)
        return -1;
    if (!api_unchanged(r, v.job.config, strlen(v.job.config)))
        reply_text(r, 200, "text/yaml; charset=utf-8", v.job.config);
    return 0;
}

int api_job_ssh(struct request *r, void *context, struct err *e)
{
    (void)context;
    return err_set(e, ERR_NO_JOB_SSH,
                   "SSH info of job %s is not found: no task listens for ssh on a port of its own; drover ssh-config "
                   "tells how to reach it.",
                   api_job_param(r));
}

/* ---- a task's history ---- */

struct history {
    struct json_out *j;
    struct job_view view;
    const struct cluster *cluster;
    struct task_attempt_row *rows; /* oldest first */
    size_t count, cap;
};

static int take_history(void *ctx, const struct task_attempt_row *row)
{
    struct history *h = ctx;
    if (h->count == h->cap) {
        size_t cap = h->cap ? h->cap * 2 : 8;
        struct task_attempt_row *grown = arena_calloc(h->view.arena, cap, sizeof *grown);
        if (!grown)
            return 1;
        if (h->count)
            memcpy(grown, h->rows, h->count * sizeof *grown);
        h->rows = grown;
        h->cap = cap;
    }
    return job_view_copy_task(h->view.arena, &h->rows[h->count++], row) ? 1 : 0;
}

static void write_history(struct json_out *j, const struct history *h, const struct jobs_store_task_key *key)
{
    const struct task_attempt_row *last = &h->rows[h->count - 1];
    json_out_object(j);
    json_out_kstring(j, "username", h->view.job.user);
    json_out_kstring(j, "jobName", h->view.job.name);
    json_out_kint(j, "jobAttemptId", key->job_attempt);
    json_out_kstring(j, "taskRoleName", key->role);
    json_out_kint(j, "taskIndex", key->task_index);
    json_out_kstring(j, "taskUid", last->id);
    json_out_kstring(j, "taskState", state_wire(last->state));
    json_out_kint(j, "retries", last->retries);
    json_out_kint(j, "accountableRetries", last->accountable_retries);
    json_out_ktime(j, "createdTime", h->rows[0].created_ms);
    json_out_ktime(j, "launchedTime", h->rows[0].launched_ms);
    json_out_ktime(j, "completedTime", last->completed_ms);
    json_out_key(j, "attempts");
    json_out_array(j);
    for (size_t i = h->count; i-- > 0;) {
        const struct task_attempt_row *t = &h->rows[i];
        json_out_object(j);
        write_task_attempt(j, h->cluster, log_path(&h->view, key->role, key->task_index, t->attempt), t);
        json_out_object_end(j);
    }
    json_out_array_end(j);
    json_out_object_end(j);
}

int api_task_attempts(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct history h = {0};
    int64_t attempt, index;
    if (request_param_int(r, "attempt", 0, &attempt, e) || request_param_int(r, "index", 0, &index, e))
        return -1;
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    int rc = job_view_row(&h.view, s, r, e);
    h.view.attempt = (int)attempt;
    struct jobs_store_task_key key = {.job_id = h.view.job.id,
                                      .job_attempt = (int)attempt,
                                      .role = request_param(r, "role"),
                                      .task_index = (int)index};
    if (!rc)
        rc = jobs_store_read_history(s, &key, take_history, &h, e);
    readers_put(a->readers, s);
    if (rc)
        return e->code ? -1 : err_set(e, ERR_INTERNAL, "Out of memory.");
    if (!h.count)
        return err_set(e, ERR_NO_JOB, "Task %s-%lld of job %s has no attempt yet.", key.role, (long long)index,
                       api_job_param(r));
    struct snapshot *snap = snapshots_get(a->snapshots);
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    h.cluster = snap ? snap->cluster : NULL;
    write_history(j, &h, &key);
    snapshots_put(a->snapshots, snap);
    api_json_send(&out, r, 200);
    return 0;
}
