/* SPDX-License-Identifier: MIT
 *
 * What a node has is kept as one JSON object (column spec), read back through the JSON gate.
 */
#include "inventory/node_store.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "store/store.h"

static const struct store_sql sql_put = {
    "INSERT INTO node(name, spec, state, cordoned, updated_ms, draining, labels) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT(name) DO UPDATE SET spec = excluded.spec, state = excluded.state, cordoned = excluded.cordoned, "
    "updated_ms = excluded.updated_ms, draining = excluded.draining, labels = excluded.labels"};
static const struct store_sql sql_each = {
    "SELECT name, spec, cordoned, draining, labels, state FROM node ORDER BY name"};

static void write_gpu(struct json_out *j, const struct gpu *g)
{
    json_out_object(j);
    json_out_kint(j, "index", g->index);
    json_out_kstring(j, "uuid", g->uuid);
    json_out_kstring(j, "model", g->model);
    json_out_kint(j, "memoryMB", g->memory_mb);
    json_out_kbool(j, "simulated", g->simulated);
    json_out_kbool(j, "quarantined", g->quarantined);
    json_out_kstring(j, "health", gpu_cause_info(g->health.cause)->word);
    json_out_kint(j, "xid", g->health.xid);
    json_out_kstring(j, "action", gpu_action_word(g->health.action));
    json_out_object_end(j);
}

static void write_spec(struct buf *out, const struct node *n)
{
    struct json_out j;
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_kstring(&j, "address", n->address);
    json_out_kstring(&j, "bootId", n->boot_id);
    json_out_kstring(&j, "isolation", n->isolation);
    json_out_kint(&j, "cpus", n->cpus);
    json_out_kint(&j, "memoryMB", n->memory_mb);
    json_out_kint(&j, "portFirst", n->port_first);
    json_out_kint(&j, "portLast", n->port_last);
    json_out_kstring(&j, "cordonReason", n->cordon_reason);
    json_out_key(&j, "gpus");
    json_out_array(&j);
    for (int i = 0; i < n->gpu_count; i++)
        write_gpu(&j, &n->gpus[i]);
    json_out_array_end(&j);
    json_out_object_end(&j);
}

int node_store_put(struct store *s, const struct node *n, int64_t now_ms, struct err *e)
{
    struct buf spec;
    buf_init(&spec, 0);
    write_spec(&spec, n);
    struct stmt *st = store_stmt(s, &sql_put, e);
    stmt_text(st, 1, n->name);
    stmt_text(st, 2, buf_str(&spec));
    stmt_text(st, 3, n->up || n->was_up ? "up" : "down");
    stmt_int(st, 4, n->cordoned);
    stmt_int(st, 5, now_ms);
    stmt_int(st, 6, n->draining);
    stmt_text(st, 7, n->labels[0] ? n->labels : "{}");
    int rc = stmt_exec(st, e);
    buf_fini(&spec);
    return rc;
}

static int get_text(const cJSON *o, const char *key, char *out, size_t size, struct err *e)
{
    const char *s = "";
    if (json_get_string(o, key, &s, e))
        return -1;
    snprintf(out, size, "%s", s);
    return 0;
}

static int get_int(const cJSON *o, const char *key, int *out, struct err *e)
{
    int64_t v = 0;
    if (json_get_int(o, key, &v, e))
        return -1;
    *out = (int)v;
    return 0;
}

/* Rows of a version that knew of other causes, or of none, say that nothing is wrong. */
static int read_health(const cJSON *o, struct gpu_mark *m, struct err *e)
{
    const char *cause = "", *action = "";
    if (json_get_string(o, "health", &cause, e) || json_get_string(o, "action", &action, e) ||
        get_int(o, "xid", &m->xid, e))
        return -1;
    m->cause = gpu_cause_find(cause);
    m->action = gpu_action_find(action);
    if (m->cause == GPU_CAUSES || m->action == GPU_ACTIONS)
        *m = (struct gpu_mark){0};
    return 0;
}

static int read_gpu(const cJSON *o, struct gpu *g, struct err *e)
{
    return get_int(o, "index", &g->index, e) || get_text(o, "uuid", g->uuid, sizeof g->uuid, e) ||
                   get_text(o, "model", g->model, sizeof g->model, e) ||
                   json_get_int(o, "memoryMB", &g->memory_mb, e) || json_get_bool(o, "simulated", &g->simulated, e) ||
                   json_get_bool(o, "quarantined", &g->quarantined, e) || read_health(o, &g->health, e)
               ? -1
               : 0;
}

static int read_spec(const char *text, struct node *n, struct err *e)
{
    cJSON *o = json_parse(text, strlen(text), 0, e);
    if (!o)
        return -1;
    int rc = get_text(o, "address", n->address, sizeof n->address, e) ||
             get_text(o, "bootId", n->boot_id, sizeof n->boot_id, e) ||
             get_text(o, "isolation", n->isolation, sizeof n->isolation, e) || get_int(o, "cpus", &n->cpus, e) ||
             json_get_int(o, "memoryMB", &n->memory_mb, e) || get_int(o, "portFirst", &n->port_first, e) ||
             get_int(o, "portLast", &n->port_last, e) ||
             get_text(o, "cordonReason", n->cordon_reason, sizeof n->cordon_reason, e);
    const cJSON *gpus = cJSON_GetObjectItemCaseSensitive(o, "gpus");
    for (const cJSON *g = gpus ? gpus->child : NULL; g && !rc && n->gpu_count < NODE_GPU_MAX; g = g->next)
        rc = read_gpu(g, &n->gpus[n->gpu_count++], e);
    cJSON_Delete(o);
    return rc ? -1 : 0;
}

int node_store_each(struct store *s, node_store_fn *fn, void *ctx, struct err *e)
{
    int rc;
    struct stmt *st = store_stmt(s, &sql_each, e);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct node n = {.cordoned = stmt_col_int(st, 2) != 0, .draining = stmt_col_int(st, 3) != 0};
        n.was_up = !strcmp(stmt_col_string(st, 5), "up");
        snprintf(n.labels, sizeof n.labels, "%s", stmt_col_string(st, 4));
        snprintf(n.name, sizeof n.name, "%s", stmt_col_string(st, 0));
        rc = read_spec(stmt_col_string(st, 1), &n, e);
        if (rc)
            err_wrap(e, "node %s", n.name);
        else
            rc = fn(ctx, &n);
        if (rc) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}
