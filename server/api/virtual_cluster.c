/* SPDX-License-Identifier: MIT
 *
 * Virtual clusters: OpenPAI's routes and figures, and beside them what Drover's have (guarantees, borrowing, caps).
 * Figures come from the core's published snapshot.
 */
#include <stdio.h>
#include <string.h>

#include "auth/access.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "core/core.h"
#include "scheduler/cluster.h"
#include "server/api/api.h"
#include "server/api/vc_figures.h"
#include "server/mailbox.h"
#include "server/snapshot.h"

/* ---- figures ---- */

/* Units of a SKU: the smallest share of CPU and memory that a GPU of it has anywhere, and how many GPUs there are. */
struct sku_stock {
    struct resources unit;
    int gpus;
};

static struct sku_stock stock_of(const struct cluster *c, const char *sku)
{
    struct sku_stock s = {{0}, 0};
    char name[SKU_NAME_MAX];
    for (size_t i = 0; i < cluster_count(c); i++) {
        const struct node *n = &cluster_at(c, (int)i)->info;
        struct resources unit = sku_unit(n);
        sku_of_node(n, name);
        if (strcmp(name, sku) != 0 || !n->gpu_count)
            continue;
        if (!s.gpus || unit.cpus < s.unit.cpus)
            s.unit.cpus = unit.cpus;
        if (!s.gpus || unit.memory_mb < s.unit.memory_mb)
            s.unit.memory_mb = unit.memory_mb;
        s.gpus += n->gpu_count;
    }
    return s;
}

/* What a virtual cluster is promised, in GPUs with their share of CPU and memory. */
static struct resources promised(const struct cluster *c, const struct vc *vc)
{
    struct resources sum = {0};
    for (size_t i = 0; i < vc->guarantee_count; i++) {
        struct sku_stock s = stock_of(c, vc->guarantee[i].sku);
        int gpus = core_guarantee_gpus(c, &vc->guarantee[i]);
        sum.gpus += gpus;
        sum.cpus += gpus * s.unit.cpus;
        sum.memory_mb += gpus * s.unit.memory_mb;
    }
    return sum;
}

static int64_t less(int64_t a, int64_t b)
{
    return a > b ? a - b : 0;
}

/* The same for any: "default" has what is left of the usable nodes. */
static struct resources guaranteed(const struct core_view *v, const struct core_view_vc *vc)
{
    struct resources sum = promised(v->cluster, &vc->spec);
    if (strcmp(vc->spec.name, VC_DEFAULT) != 0)
        return sum;
    sum = cluster_total(v->cluster);
    for (size_t i = 0; i < v->vc_count; i++) {
        struct resources r = v->vcs[i].spec.parent[0] ? (struct resources){0} : promised(v->cluster, &v->vcs[i].spec);
        sum.gpus = less(sum.gpus, r.gpus);
        sum.cpus = less(sum.cpus, r.cpus);
        sum.memory_mb = less(sum.memory_mb, r.memory_mb);
    }
    return sum;
}

static void write_amounts(struct json_out *j, const char *key, const struct resources *r)
{
    json_out_key(j, key);
    json_out_object(j);
    json_out_kint(j, "cpu", r->cpus);
    json_out_kint(j, "memory", r->memory_mb);
    json_out_kint(j, "gpu", r->gpus);
    json_out_kint(j, "vCores", r->cpus);
    json_out_kint(j, "GPUs", r->gpus);
    json_out_object_end(j);
}

static void write_percent(struct json_out *j, const char *key, int64_t part, int64_t whole)
{
    json_out_key(j, key);
    json_out_double(j, whole > 0 ? 100.0 * (double)part / (double)whole : 0.0);
}

/* With so many of its own. */
static struct vc_gpus count_gpus(const struct core_view_vc *vc, int64_t own)
{
    return (struct vc_gpus){.guaranteed = own,
                            .used = vc->held < own ? vc->held : own,
                            .borrowed = less(vc->held, own),
                            .opportunistic = less(vc->used.gpus, vc->held),
                            .free = less(own, vc->held)};
}

struct vc_gpus vc_gpus_of(const struct core_view *v, const struct core_view_vc *vc)
{
    return count_gpus(vc, strcmp(vc->spec.name, VC_DEFAULT) ? vc->guaranteed : guaranteed(v, vc).gpus);
}

static void write_gpus(struct json_out *j, const struct vc_gpus *g)
{
    json_out_key(j, "gpus");
    json_out_object(j);
    json_out_kint(j, "guaranteed", g->guaranteed);
    json_out_kint(j, "used", g->used);
    json_out_kint(j, "borrowed", g->borrowed);
    json_out_kint(j, "opportunistic", g->opportunistic);
    json_out_kint(j, "free", g->free);
    json_out_object_end(j);
}

static void write_vc(struct json_out *j, const struct core_view *v, const struct core_view_vc *vc)
{
    struct resources all = cluster_total(v->cluster), own = guaranteed(v, vc), max = own;
    struct vc_gpus held = count_gpus(vc, strcmp(vc->spec.name, VC_DEFAULT) ? vc->guaranteed : own.gpus);
    bool gpus = all.gpus > 0;
    max.gpus += vc->spec.borrow;
    json_out_object(j);
    write_percent(j, "capacity", gpus ? own.gpus : own.cpus, gpus ? all.gpus : all.cpus);
    write_percent(j, "usedCapacity", gpus ? vc->used.gpus : vc->used.cpus, gpus ? own.gpus : own.cpus);
    write_percent(j, "maxCapacity", gpus ? max.gpus : max.cpus, gpus ? all.gpus : all.cpus);
    json_out_kbool(j, "dedicated", false);
    write_amounts(j, "resourcesUsed", &vc->used);
    write_amounts(j, "resourcesGuaranteed", &own);
    write_amounts(j, "resourcesTotal", &own);
    json_out_kstring(j, "status", vc->spec.stopped ? "Stopped" : "Running");
    write_gpus(j, &held);
    json_out_kint(j, "unfinishedJobs", (int64_t)vc->live_jobs);
    json_out_kint(j, "liveReservations", (int64_t)vc->leases);
    vc_write(j, &vc->spec);
    json_out_object_end(j);
}

static void write_node_gpus(struct json_out *j, const struct cluster *c)
{
    json_out_object(j);
    for (size_t i = 0; i < cluster_count(c); i++) {
        const struct cluster_node *n = cluster_at(c, (int)i);
        json_out_key(j, n->info.name);
        json_out_object(j);
        json_out_kint(j, "gpuUsed", n->used.gpus);
        json_out_kint(j, "gpuAvailable", n->total.gpus - n->used.gpus);
        json_out_kint(j, "gpuTotal", n->total.gpus);
        json_out_object_end(j);
    }
    json_out_object_end(j);
}

/* ---- reading ---- */

int api_vcs(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    const char *nodes = NULL;
    if (request_query(r, "nodes", &nodes, e))
        return -1;
    struct snapshot *s = api_snapshot(a, e);
    if (!s)
        return -1;
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    if (nodes) {
        write_node_gpus(j, s->cluster);
    } else {
        json_out_object(j);
        for (size_t i = 0; i < s->view->vc_count; i++) {
            json_out_key(j, s->view->vcs[i].spec.name);
            write_vc(j, s->view, &s->view->vcs[i]);
        }
        json_out_object_end(j);
    }
    snapshots_put(a->snapshots, s);
    api_json_send(&out, r, 200);
    return 0;
}

int api_vc(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    const char *name = request_param(r, "vc");
    struct snapshot *s = api_snapshot(a, e);
    if (!s)
        return -1;
    const struct core_view_vc *vc = core_view_vc(s->view, name);
    if (vc) {
        struct api_json out;
        write_vc(api_json_begin(&out), s->view, vc);
        api_json_send(&out, r, 200);
    } else {
        err_set(e, ERR_NO_VC, "Virtual cluster %s is not found.", name);
    }
    snapshots_put(a->snapshots, s);
    return vc ? 0 : -1;
}

/* ---- changing ---- */

enum { NO_PERCENT = -1 };

static int get_percent(cJSON *o, const char *key, double *out, struct err *e)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(o, key);
    if (!n)
        return 0;
    if (!cJSON_IsNumber(n) || n->valuedouble < 0 || n->valuedouble > 100)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" must be a number from 0 to 100.", key);
    *out = n->valuedouble;
    cJSON_DeleteItemFromObjectCaseSensitive(o, key);
    return 0;
}

static int part_of(int whole, double percent)
{
    return (int)((double)whole * percent / 100 + 0.5);
}

/* So many percent of the GPUs of each SKU, as the guarantee. Returns how many GPUs there are in all. */
static int promise_part(const struct cluster *c, double percent, struct vc *vc)
{
    char sku[SKU_NAME_MAX];
    int all = 0;
    vc->guarantee_count = 0;
    for (size_t i = 0; i < cluster_count(c); i++) {
        const struct node *n = &cluster_at(c, (int)i)->info;
        size_t k = 0;
        sku_of_node(n, sku);
        all += n->gpu_count;
        while (k < vc->guarantee_count && strcmp(vc->guarantee[k].sku, sku) != 0)
            k++;
        if (k < vc->guarantee_count || k == VC_GUARANTEES_MAX || !n->gpu_count)
            continue;
        struct vc_guarantee *g = &vc->guarantee[vc->guarantee_count];
        *g = (struct vc_guarantee){.gpus = part_of(stock_of(c, sku).gpus, percent)};
        memcpy(g->sku, sku, sizeof g->sku);
        vc->guarantee_count += g->gpus > 0;
    }
    return all;
}

/* OpenPAI's capacities, in percent of the cluster, as a guarantee of each SKU and a limit to borrow. */
static int take_capacity(const struct cluster *c, cJSON *o, struct vc *vc, struct err *e)
{
    double capacity = NO_PERCENT, max = NO_PERCENT;
    bool both = cJSON_GetObjectItemCaseSensitive(o, "guarantee") != NULL;
    if (get_percent(o, "vcCapacity", &capacity, e) || get_percent(o, "vcMaxCapacity", &max, e))
        return -1;
    if (capacity < 0 && max < 0)
        return 0;
    if (capacity < 0 || both)
        return err_set(e, ERR_INVALID_PARAMETERS, "Give \"vcCapacity\" (with \"vcMaxCapacity\") or \"guarantee\".");
    if (max >= 0 && max < capacity)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"vcMaxCapacity\" must be at least \"vcCapacity\".");
    int all = promise_part(c, capacity, vc);
    if (max >= 0)
        vc->borrow = part_of(all, max) - part_of(all, capacity);
    return 0;
}

/* The spec as it shall be, and what it is made of: what there is, changed by the body. What was published may be older
 * than the newest change: the core takes over what differs between the two. In the request's arena. 0 or -1. */
static int read_spec(struct request *r, const struct core_view *v, cJSON *body, struct command_vc *cmd, struct err *e)
{
    const char *name = request_param(r, "vc");
    const struct core_view_vc *now = core_view_vc(v, name);
    struct vc *specs = arena_calloc(request_arena(r), 2, sizeof *specs), *vc = specs + 1;
    if (!specs)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (!now && !vc_name_ok(name))
        return err_set(e, ERR_INVALID_PARAMETERS,
                       "A virtual cluster's name has letters, digits, \"_\" and \"-\", at most %d of them.",
                       VC_NAME_MAX - 1);
    if (now)
        *specs = now->spec;
    snprintf(specs->name, sizeof specs->name, "%s", name);
    *vc = *specs;
    *cmd = (struct command_vc){.op = COMMAND_VC_PUT, .vc = vc, .base = specs};
    return take_capacity(v->cluster, body, vc, e) || vc_parse(body, vc, e) ? -1 : 0;
}

/* Posts a command about the virtual cluster of the path. */
static int post(struct request *r, struct api *a, const struct command_vc *cmd, const char *message, struct err *e)
{
    struct mail *m = api_mail(r, COMMAND_VC, api_done_message);
    if (api_message(m, r, 201, message))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    m->cmd.vc = *cmd;
    m->cmd.vc.name = request_param(r, "vc");
    return api_post(a, r, m, e);
}

/* In OpenPAI's words, which name the capacity. */
static const char *put_message(struct request *r, const struct core_view *v, const cJSON *body)
{
    const char *name = request_param(r, "vc"), *verb = core_view_vc(v, name) ? "update" : "create";
    const cJSON *capacity = cJSON_GetObjectItemCaseSensitive(body, "vcCapacity");
    if (!cJSON_IsNumber(capacity))
        return arena_printf(request_arena(r), "%s vc: %s successfully", verb, name);
    return arena_printf(request_arena(r), "%s vc: %s to capacity: %g successfully", verb, name, capacity->valuedouble);
}

/* A VC admin may set the cap of each user, within what the virtual cluster is promised; everything else is an admin's.
 */
static int check_vc_admin(const struct core_view *v, const char *name, const cJSON *body, struct err *e)
{
    const struct core_view_vc *vc = core_view_vc(v, name);
    int64_t cap = 0;
    for (const cJSON *m = body->child; m; m = m->next)
        if (strcmp(m->string, "userCap") != 0)
            return err_set(e, ERR_FORBIDDEN, "A VC admin may change \"userCap\"; \"%.50s\" is for admins.", m->string);
    if (json_get_int(body, "userCap", &cap, e))
        return -1;
    if (vc && cap <= vc->guaranteed)
        return 0;
    return err_set(e, ERR_FORBIDDEN, "A VC admin may set \"userCap\" up to %d, what %s is promised.",
                   vc ? vc->guaranteed : 0, name);
}

/* Admins, and VC admins of that virtual cluster. 0 or -1. */
static int check_put(struct request *r, struct api *a, struct err *e)
{
    const char *name = request_param(r, "vc"), *const * managed;
    struct access_object o = {.what = name};
    if (api_managed(a, r, &managed, e))
        return -1;
    for (; managed && *managed; managed++)
        o.managed = o.managed || !strcmp(*managed, name);
    return access_check_object(ACCESS_VC_MANAGE, request_identity(r), &o, e);
}

int api_vc_put(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    cJSON *body = check_put(r, a, e) ? NULL : api_body_object(r, e);
    struct snapshot *s = body ? api_snapshot(a, e) : NULL;
    if (s && !request_identity(r)->admin && check_vc_admin(s->view, request_param(r, "vc"), body, e)) {
        snapshots_put(a->snapshots, s);
        s = NULL;
    }
    const char *message = s ? put_message(r, s->view, body) : NULL;
    struct command_vc cmd;
    int rc = s ? read_spec(r, s->view, body, &cmd, e) : -1;
    cJSON_Delete(body);
    if (s)
        snapshots_put(a->snapshots, s);
    return rc ? -1 : post(r, a, &cmd, message, e);
}

int api_vc_status(struct request *r, void *context, struct err *e)
{
    static const char *const keys[] = {"vcStatus", NULL};
    const char *word = NULL;
    cJSON *body = api_body_object(r, e);
    if (!body)
        return -1;
    int rc = json_only_keys(body, keys, e) || json_get_string(body, "vcStatus", &word, e) ? -1 : 0;
    bool stop = word && !strcmp(word, "stopped"), start = word && !strcmp(word, "running");
    cJSON_Delete(body);
    if (rc)
        return -1;
    if (!stop && !start)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"vcStatus\" must be \"stopped\" or \"running\".");
    return post(
        r, context, &(struct command_vc){.op = stop ? COMMAND_VC_STOP : COMMAND_VC_START},
        arena_printf(request_arena(r), "%s vc %s successfully", stop ? "stop" : "activate", request_param(r, "vc")), e);
}

int api_vc_remove(struct request *r, void *context, struct err *e)
{
    return post(r, context, &(struct command_vc){.op = COMMAND_VC_REMOVE},
                arena_printf(request_arena(r), "remove vc %s successfully", request_param(r, "vc")), e);
}
