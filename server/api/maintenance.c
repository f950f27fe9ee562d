/* SPDX-License-Identifier: MIT
 *
 * Maintenance windows and the history of nodes: both are read from the rows; windows are changed by the core.
 */
#include "server/api/maintenance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "core/effect.h"
#include "inventory/maintenance.h"
#include "inventory/node_event.h"
#include "scheduler/cluster.h"
#include "server/api/api.h"
#include "server/mailbox.h"
#include "server/snapshot.h"

enum { OVER_SHOWN = 100, EVENTS_SHOWN = 100 };

#define MOMENT_MAX (INT64_C(1) << 52) /* ms: some 140,000 years; whole in every reader of JSON */
#define LENGTH_MAX (INT64_C(366) * 24 * 3600 * 1000)

/* ---- reading ---- */

static int write_window(void *ctx, const struct maintenance *m)
{
    struct json_out *j = ctx;
    json_out_object(j);
    json_out_kint(j, "id", m->id);
    json_out_kstring(j, "state", maintenance_word(m));
    json_out_kbool(j, "all", !m->node_count);
    json_out_key(j, "nodes");
    json_out_array(j);
    for (size_t i = 0; i < m->node_count; i++)
        json_out_string(j, m->nodes[i]);
    json_out_array_end(j);
    json_out_kint(j, "start", m->start_ms);
    json_out_kint(j, "end", m->end_ms);
    json_out_kstring(j, "onStart", m->stop ? "stop" : "wait");
    json_out_kstring(j, "reason", m->reason);
    json_out_kstring(j, "username", m->user);
    json_out_ktime(j, "createdTime", m->created_ms);
    json_out_ktime(j, "begunTime", m->begun_ms);
    json_out_ktime(j, "overTime", m->over_ms);
    json_out_object_end(j);
    return 0;
}

static int write_windows(struct api_reading *x, struct err *e)
{
    const char *state = NULL;
    if (request_query(x->request, "state", &state, e))
        return -1;
    if (state && strcmp(state, "all") != 0 && strcmp(state, "live") != 0)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"state\" must be \"live\" or \"all\".");
    json_out_array(x->out);
    int rc = maintenance_store_each(x->store, state && !strcmp(state, "all") ? OVER_SHOWN : 0, write_window, x->out, e);
    json_out_array_end(x->out);
    return rc;
}

int api_maintenance_list(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_windows, NULL, e);
}

static int write_event(void *ctx, const struct node_event *ev)
{
    struct json_out *j = ctx;
    json_out_object(j);
    json_out_kint(j, "id", ev->id);
    json_out_kint(j, "time", ev->time_ms);
    json_out_kstring(j, "kind", node_event_word(ev->kind));
    json_out_kstring(j, "username", ev->user[0] ? ev->user : NULL);
    json_out_kstring(j, "reason", ev->reason);
    json_out_object_end(j);
    return 0;
}

/* A whole number above 0. */
static bool read_number(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && !errno && *out > 0;
}

static int write_events(struct api_reading *x, struct err *e)
{
    struct node_event_which which = {.node = x->context, .limit = EVENTS_SHOWN};
    const char *before = NULL;
    if (request_query(x->request, "before", &before, e))
        return -1;
    if (before && !read_number(before, &which.before))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"before\" must be the id of an event.");
    json_out_array(x->out);
    int rc = node_event_store_each(x->store, &which, write_event, x->out, e);
    json_out_array_end(x->out);
    return rc;
}

int api_node_events(struct request *r, void *context, struct err *e)
{
    const char *name = request_param(r, "node");
    struct api *a = context;
    struct snapshot *s = api_snapshot(a, e);
    bool found = s && cluster_find(s->cluster, name) >= 0;
    snapshots_put(a->snapshots, s);
    if (!found)
        return e->code ? -1 : err_set(e, ERR_NO_NODE, "Node %.100s is not found.", name);
    return api_read(a, r, write_events, arena_strdup(request_arena(r), name), e);
}

/* ---- changing ---- */

/* One change under way; in the request's arena. */
struct change {
    struct api_message message; /* first: what api_done_message looks at */
    struct maintenance window;
    int64_t made;
};

/* "nodes": names, or "all": true, and not both. 0 or -1. */
static int read_nodes(struct arena *a, const cJSON *o, struct maintenance *m, struct err *e)
{
    bool all = false;
    const char *const *names = NULL;
    if (json_get_bool(o, "all", &all, e) || api_json_names(a, o, "nodes", &names, e))
        return -1;
    while (names && names[m->node_count])
        m->node_count++;
    m->nodes = names;
    if (all == (m->node_count > 0))
        return err_set(e, ERR_INVALID_PARAMETERS, "Name the \"nodes\", or say \"all\": true.");
    return 0;
}

static int read_text(struct arena *a, const cJSON *o, struct maintenance *m, struct err *e)
{
    const char *on_start = "wait", *reason = "";
    if (json_get_string(o, "onStart", &on_start, e) || json_get_string(o, "reason", &reason, e))
        return -1;
    if (strcmp(on_start, "wait") != 0 && strcmp(on_start, "stop") != 0)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"onStart\" must be \"wait\" or \"stop\".");
    if (strlen(reason) > MAINTENANCE_REASON_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"reason\" has at most %d bytes.", MAINTENANCE_REASON_MAX);
    m->stop = !strcmp(on_start, "stop");
    m->reason = arena_strdup(a, reason);
    m->user = "";
    return m->reason ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
}

static int read_window(struct arena *a, const cJSON *o, struct maintenance *m, struct err *e)
{
    static const char *const keys[] = {"nodes", "all", "start", "end", "reason", "onStart", NULL};
    if (json_only_keys(o, keys, e) || read_nodes(a, o, m, e) || json_get_int(o, "start", &m->start_ms, e) ||
        json_get_int(o, "end", &m->end_ms, e) || read_text(a, o, m, e))
        return -1;
    if (m->start_ms <= 0 || m->end_ms <= m->start_ms || m->end_ms > MOMENT_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS,
                       "\"start\" and \"end\" must be ms since 1970, the end after the start.");
    if (m->end_ms - m->start_ms > LENGTH_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "A maintenance window lasts at most 366 days.");
    return 0;
}

static void added(struct mail *m, const struct effect_reply *reply)
{
    const struct change *c = m->ctx;
    struct request *r = c->message.request;
    if (reply->err.code) {
        reply_error(r, &reply->err);
    } else {
        struct api_json out;
        struct json_out *j = api_json_begin(&out);
        json_out_object(j);
        json_out_kint(j, "status", 201);
        json_out_kstring(j, "message",
                         arena_printf(request_arena(r), "Maintenance window %lld is made.", (long long)c->made));
        json_out_kint(j, "id", c->made);
        json_out_object_end(j);
        api_json_send(&out, r, 201);
    }
    request_resume(r);
}

static int post(struct request *r, struct api *a, struct command_maintenance what, struct err *e)
{
    struct change *c = arena_alloc(request_arena(r), sizeof *c);
    bool adds = what.op == COMMAND_MAINTENANCE_ADD, removes = what.op == COMMAND_MAINTENANCE_REMOVE;
    struct mail *m = c ? api_mail(r, COMMAND_MAINTENANCE, adds ? added : api_done_message) : NULL;
    if (!m)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    *c = (struct change){
        .message = {.request = r,
                    .status = 200,
                    .message = removes ? "The maintenance window is removed." : "The maintenance window is changed."}};
    if (!removes) {
        cJSON *o = api_body_object(r, e);
        int rc = o ? read_window(request_arena(r), o, &c->window, e) : -1;
        cJSON_Delete(o);
        if (rc)
            return -1;
    }
    what.window = &c->window;
    what.made = &c->made;
    m->cmd.maintenance = what;
    m->ctx = c;
    return api_post(a, r, m, e);
}

int api_maintenance_add(struct request *r, void *context, struct err *e)
{
    return post(r, context, (struct command_maintenance){.op = COMMAND_MAINTENANCE_ADD}, e);
}

static int post_to(struct request *r, void *context, enum command_maintenance_op op, struct err *e)
{
    struct command_maintenance what = {.op = op};
    const char *id = request_param(r, "maintenance");
    if (!read_number(id, &what.id))
        return err_set(e, ERR_NO_MAINTENANCE, "There is no maintenance window %.40s.", id);
    return post(r, context, what, e);
}

int api_maintenance_put(struct request *r, void *context, struct err *e)
{
    return post_to(r, context, COMMAND_MAINTENANCE_CHANGE, e);
}

int api_maintenance_remove(struct request *r, void *context, struct err *e)
{
    return post_to(r, context, COMMAND_MAINTENANCE_REMOVE, e);
}
