/* SPDX-License-Identifier: MIT
 *
 * Nodes: what they have and what runs there, from the core's published snapshot and the rows of placed tasks; and an
 * admin's marks on them.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "inventory/maintenance.h"
#include "jobs/jobs_store.h"
#include "scheduler/cluster.h"
#include "server/api/api.h"
#include "server/gpu_watch.h"
#include "server/mailbox.h"
#include "server/snapshot.h"

/* ---- reading ---- */

static void write_use(struct json_out *j, const char *key, int64_t total, int64_t used)
{
    json_out_key(j, key);
    json_out_object(j);
    json_out_kint(j, "total", total);
    json_out_kint(j, "used", used);
    json_out_object_end(j);
}

static void write_gpus(struct json_out *j, const struct cluster_node *n)
{
    bool simulated = n->info.gpu_count > 0 && n->info.gpus[0].simulated;
    json_out_key(j, "gpus");
    json_out_object(j);
    json_out_kint(j, "total", n->total.gpus);
    json_out_kint(j, "used", n->used.gpus);
    json_out_kint(j, "quarantined", n->info.gpu_count - n->total.gpus);
    json_out_kbool(j, "simulated", simulated);
    json_out_kstring(j, "model", n->info.gpu_count ? n->info.gpus[0].model : NULL);
    json_out_object_end(j);
}

/* The window that it is in, or that comes next. */
static void write_maintenance(struct json_out *j, const struct cluster_node *n)
{
    json_out_key(j, "maintenance");
    if (!n->info.maintenance && !n->closes_ms) {
        json_out_null(j);
        return;
    }
    json_out_object(j);
    json_out_ktime(j, "start", n->info.maintenance ? 0 : n->closes_ms);
    json_out_ktime(j, "end", n->opens_ms);
    json_out_object_end(j);
}

static void write_members(struct json_out *j, const struct cluster_node *n)
{
    json_out_kstring(j, "name", n->info.name);
    json_out_kstring(j, "address", n->info.address);
    json_out_kstring(j, "state", node_word(&n->info));
    json_out_kstring(j, "cordonReason", n->info.cordon_reason[0] ? n->info.cordon_reason : NULL);
    json_out_kstring(j, "isolation", n->info.isolation);
    json_out_key(j, "labels");
    json_out_raw(j, n->info.labels[0] ? n->info.labels : "{}");
    write_maintenance(j, n);
    write_use(j, "cpus", n->total.cpus, n->used.cpus);
    write_use(j, "memoryMB", n->total.memory_mb, n->used.memory_mb);
    write_gpus(j, n);
}

int api_nodes(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct snapshot *s = api_snapshot(a, e);
    if (!s)
        return -1;
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    json_out_array(j);
    for (size_t i = 0; i < cluster_count(s->cluster); i++) {
        json_out_object(j);
        write_members(j, cluster_at(s->cluster, (int)i));
        json_out_object_end(j);
    }
    json_out_array_end(j);
    snapshots_put(a->snapshots, s);
    api_json_send(&out, r, 200);
    return 0;
}

static void write_devices(struct json_out *j, const struct node *n)
{
    json_out_key(j, "devices");
    json_out_array(j);
    for (int i = 0; i < n->gpu_count; i++) {
        const struct gpu *g = &n->gpus[i];
        json_out_object(j);
        json_out_kint(j, "index", g->index);
        json_out_kstring(j, "uuid", g->uuid[0] ? g->uuid : NULL);
        json_out_kstring(j, "model", g->model);
        json_out_kint(j, "memoryMB", g->memory_mb);
        json_out_kbool(j, "simulated", g->simulated);
        json_out_kbool(j, "quarantined", g->quarantined);
        json_out_object_end(j);
    }
    json_out_array_end(j);
}

static int no_node(const struct request *r, struct err *e)
{
    return err_set(e, ERR_NO_NODE, "Node %.100s is not found.", request_param(r, "node"));
}

int api_node(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct snapshot *s = api_snapshot(a, e);
    if (!s)
        return -1;
    int index = cluster_find(s->cluster, request_param(r, "node"));
    if (index >= 0) {
        const struct cluster_node *n = cluster_at(s->cluster, index);
        struct api_json out;
        struct json_out *j = api_json_begin(&out);
        json_out_object(j);
        write_members(j, n);
        write_devices(j, &n->info);
        json_out_key(j, "ports");
        json_out_object(j);
        json_out_kint(j, "first", n->info.port_first);
        json_out_kint(j, "last", n->info.port_last);
        json_out_kint(j, "free", n->port_free);
        json_out_object_end(j);
        json_out_object_end(j);
        api_json_send(&out, r, 200);
    }
    snapshots_put(a->snapshots, s);
    return index >= 0 ? 0 : no_node(r, e);
}

static int write_task(void *ctx, const struct jobs_store_placed *t)
{
    struct json_out *j = ctx;
    json_out_object(j);
    json_out_kstring(j, "username", t->user);
    json_out_kstring(j, "name", t->name);
    json_out_kstring(j, "jobId", t->job_id);
    json_out_kstring(j, "virtualCluster", t->vc);
    json_out_kstring(j, "taskRoleName", t->role);
    json_out_kint(j, "taskIndex", t->task_index);
    json_out_kstring(j, "taskState", state_wire(t->state));
    json_out_key(j, "gpus");
    json_out_raw(j, t->gpus);
    json_out_ktime(j, "launchedTime", t->launched_ms);
    json_out_object_end(j);
    return 0;
}

static bool known(struct api *a, const char *name, struct err *e)
{
    struct snapshot *s = api_snapshot(a, e);
    bool found = s && cluster_find(s->cluster, name) >= 0;
    snapshots_put(a->snapshots, s);
    return found;
}

static int write_tasks(struct api_reading *x, struct err *e)
{
    json_out_array(x->out);
    int rc = jobs_store_each_placed(x->store, x->context, write_task, x->out, e);
    json_out_array_end(x->out);
    return rc;
}

int api_node_tasks(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    const struct identity *who = request_identity(r);
    struct jobs_store_on_node where = {.node = request_param(r, "node"), .reader = who->admin ? NULL : who->user};
    if (!known(a, where.node, e))
        return e->code ? -1 : no_node(r, e);
    return api_read(a, r, write_tasks, &where, e);
}

/* ---- marks ---- */

static int post(struct request *r, struct api *a, const struct command_node *what, struct err *e)
{
    struct mail *m = api_mail(r, COMMAND_NODE, api_done_message);
    if (api_message(m, r, 200, arena_printf(request_arena(r), "Node %s is updated successfully.", what->name)))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    m->cmd.node = *what;
    return api_post(a, r, m, e);
}

/* An admin who opens a node also says that its GPUs are well. */
static void forgive(struct api *a, const char *name)
{
    struct err e = {0};
    struct snapshot *s = api_snapshot(a, &e);
    int index = s ? cluster_find(s->cluster, name) : -1;
    if (index >= 0)
        gpu_watch_forgive(a->watch, &cluster_at(s->cluster, index)->info);
    snapshots_put(a->snapshots, s);
}

/* {"value": "cordon" | "drain" | "uncordon", "reason": "..."}, in the request's arena. 0 or -1. */
static int read_mark(struct request *r, const char **value, const char **reason, struct err *e)
{
    static const char *const only[] = {"value", "reason", NULL};
    cJSON *o = api_body_object(r, e);
    if (!o)
        return -1;
    int rc =
        json_only_keys(o, only, e) || json_get_string(o, "value", value, e) || json_get_string(o, "reason", reason, e);
    if (!rc && strlen(*reason) > MAINTENANCE_REASON_MAX)
        rc = err_set(e, ERR_INVALID_PARAMETERS, "\"reason\" has at most %d bytes.", MAINTENANCE_REASON_MAX);
    *value = rc ? NULL : arena_strdup(request_arena(r), *value);
    *reason = rc ? NULL : arena_strdup(request_arena(r), *reason);
    cJSON_Delete(o);
    if (rc)
        return -1;
    return *value && *reason ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
}

int api_node_state(struct request *r, void *context, struct err *e)
{
    static const struct {
        const char *word;
        enum command_node_op op;
    } words[] = {{"cordon", COMMAND_NODE_CORDON}, {"drain", COMMAND_NODE_DRAIN}, {"uncordon", COMMAND_NODE_UNCORDON}};
    const char *value = "", *reason = "";
    if (read_mark(r, &value, &reason, e))
        return -1;
    struct command_node what = {.name = request_param(r, "node"), .reason = reason};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(value, words[i].word)) {
            if (words[i].op == COMMAND_NODE_UNCORDON)
                forgive(context, request_param(r, "node"));
            what.op = words[i].op;
            return post(r, context, &what, e);
        }
    return err_set(e, ERR_INVALID_PARAMETERS, "\"value\" must be cordon, drain or uncordon.");
}

/* Letters, digits, '.', '_', '-' and '/', at most 63, as elsewhere in the field; a value may be empty. */
static bool is_label_word(const char *s, size_t min)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/");
    return n >= min && n <= 63 && !s[n];
}

static int check_labels(const cJSON *labels, struct err *e)
{
    if (!cJSON_IsObject(labels))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"labels\" must be an object.");
    for (const cJSON *l = labels->child; l; l = l->next)
        if (!cJSON_IsString(l) || !is_label_word(l->string, 1) || !is_label_word(l->valuestring, 0))
            return err_set(e, ERR_INVALID_PARAMETERS,
                           "Label \"%.63s\": names and values are of up to 63 letters, digits and \"._-/\".",
                           l->string);
    return 0;
}

/* {"labels": {...}}: all of them. */
int api_node_labels(struct request *r, void *context, struct err *e)
{
    static const char *const only[] = {"labels", NULL};
    cJSON *o = api_body_object(r, e);
    if (!o)
        return -1;
    const cJSON *labels = cJSON_GetObjectItemCaseSensitive(o, "labels");
    struct command_node what = {.op = COMMAND_NODE_LABELS, .name = request_param(r, "node")};
    int rc = json_only_keys(o, only, e) || check_labels(labels, e) ? -1 : 0;
    char *text = rc ? NULL : cJSON_PrintUnformatted(labels);
    if (text && strlen(text) >= NODE_LABELS_MAX)
        rc = err_set(e, ERR_INVALID_PARAMETERS, "A node's labels have at most %d bytes.", NODE_LABELS_MAX - 1);
    what.labels = text ? arena_strdup(request_arena(r), text) : NULL;
    cJSON_free(text);
    cJSON_Delete(o);
    if (rc)
        return -1;
    return what.labels ? post(r, context, &what, e) : err_set(e, ERR_INTERNAL, "Out of memory.");
}
