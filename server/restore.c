/* SPDX-License-Identifier: MIT
 *
 * Rows to the core: nodes, then every live job with the current attempt of each of its tasks (DESIGN 1.4).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "core/core.h"
#include "inventory/node_store.h"
#include "jobs/exits.h"
#include "jobs/jobs_store.h"
#include "server/persist.h"

struct loading {
    struct store *store;
    struct core *core;
    struct clock_now now;
    struct err *e;
    struct job *job; /* whose tasks are being read */
};

static int out_of_memory(struct loading *l)
{
    return err_set(l->e, ERR_INTERNAL, "Out of memory while loading.");
}

static int load_node(void *ctx, const struct node *n)
{
    struct loading *l = ctx;
    return core_load_node(l->core, n) ? out_of_memory(l) : 0;
}

/* ---- tasks ---- */

static void read_gpus(struct task *t, const char *json)
{
    cJSON *list = json_parse(json, strlen(json), 0, NULL);
    int64_t i = 0;
    for (const cJSON *g = list ? list->child : NULL; g && i < t->role->per_task.gpus; g = g->next)
        t->gpus[i++] = g->valueint;
    while (i < t->role->per_task.gpus)
        t->gpus[i++] = -1;
    cJSON_Delete(list);
}

static void read_ports(struct task *t, const char *json)
{
    cJSON *map = json_parse(json, strlen(json), 0, NULL);
    int i = 0;
    for (size_t k = 0; map && k < t->role->port_kinds; k++) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(map, t->role->ports[k].label);
        for (const cJSON *p = list ? list->child : NULL; p && i < t->role->port_total; p = p->next)
            t->ports[i++] = p->valueint;
    }
    cJSON_Delete(map);
}

static void read_task_detail(struct task *t, const char *json)
{
    cJSON *o = json_parse(json, strlen(json), 0, NULL);
    const char *message = NULL;
    int64_t signal = 0;
    json_get_string(o, "message", &message, NULL);
    json_get_int(o, "signal", &signal, NULL);
    json_get_bool(o, "onHost", &t->on_host, NULL);
    snprintf(t->exit.message, sizeof t->exit.message, "%s", message ? message : "");
    t->exit.signal = (int)signal;
    cJSON_Delete(o);
}

static struct task *find_task(struct job *j, const char *role, int index)
{
    for (int i = 0; i < j->spec->total_tasks; i++)
        if (j->tasks[i].index == index && !strcmp(j->tasks[i].role->name, role))
            return &j->tasks[i];
    return NULL;
}

static int load_task(void *ctx, const struct task_attempt_row *row)
{
    struct loading *l = ctx;
    struct task *t = find_task(l->job, row->role, row->task_index);
    if (!t)
        return err_set(l->e, ERR_INTERNAL, "Job %s has a row for task %s-%d, which its config does not have.",
                       l->job->full_name, row->role, row->task_index);
    t->attempt = row->attempt;
    t->retries = row->retries;
    t->accountable_retries = row->accountable_retries;
    t->state = row->state;
    t->claim = row->claim;
    t->epoch = row->engine_epoch;
    t->last_seq = row->last_seq;
    t->created_ms = row->created_ms;
    t->launched_ms = row->launched_ms;
    t->completed_ms = row->completed_ms;
    t->exit.known = row->ended;
    t->exit.code = row->exit_code;
    t->node = arena_strdup(l->job->arena, row->node);
    snprintf(t->id, sizeof t->id, "%s", row->id);
    snprintf(t->nonce, sizeof t->nonce, "%s", row->nonce);
    read_gpus(t, row->gpus);
    read_ports(t, row->ports);
    read_task_detail(t, row->detail);
    return row->node && !t->node ? out_of_memory(l) : 0;
}

/* ---- jobs ---- */

static void read_trigger(struct job *j, const cJSON *o)
{
    const char *message = NULL, *role = NULL;
    int64_t index = 0;
    json_get_string(o, "message", &message, NULL);
    json_get_string(o, "role", &role, NULL);
    json_get_int(o, "index", &index, NULL);
    snprintf(j->trigger.message, sizeof j->trigger.message, "%s", message ? message : "");
    const struct task *t = role ? find_task(j, role, (int)index) : NULL;
    j->trigger.role = t ? t->role->name : NULL;
    j->trigger.task_index = (int)index;
}

static void read_job_detail(struct job *j, const char *json)
{
    cJSON *o = json_parse(json, strlen(json), 0, NULL);
    const char *outcome = NULL, *by = NULL;
    int64_t code = 0;
    json_get_string(o, "outcome", &outcome, NULL);
    json_get_string(o, "stoppedBy", &by, NULL);
    json_get_int(o, "exitCode", &code, NULL);
    read_trigger(j, cJSON_GetObjectItemCaseSensitive(o, "trigger"));
    snprintf(j->stopped_by, sizeof j->stopped_by, "%s", by ? by : "");
    if (outcome) {
        j->outcome = state_from_name(outcome);
        j->exit_code = (int)code;
        j->exit = exits_find((int)code);
    }
    cJSON_Delete(o);
}

static struct job *make_job(struct loading *l, const struct job_row *row)
{
    struct arena *a = arena_create(JOB_ARENA_BYTES);
    struct spec *spec = a ? spec_load(a, row->config, strlen(row->config), l->e) : NULL;
    struct job *j = spec ? job_create(a, spec, row->user, row->id) : NULL;
    if (j && row->secrets) {
        unsigned char *sealed = arena_alloc(a, row->secrets_len);
        if (sealed)
            memcpy(sealed, row->secrets, row->secrets_len);
        j->sealed_secrets = sealed;
        j->sealed_len = sealed ? row->secrets_len : 0;
    }
    if (!j) {
        arena_destroy(a);
        if (!spec)
            err_wrap(l->e, "job %s~%s", row->user, row->name);
        else
            out_of_memory(l);
    }
    return j;
}

static int load_job(void *ctx, const struct job_row *row)
{
    struct loading *l = ctx;
    struct job *j = make_job(l, row);
    if (!j)
        return -1;
    j->seq = row->seq;
    j->state = row->state;
    j->stop_requested = row->stop_requested;
    j->attempt = row->attempt;
    j->retries_user = row->retries_user;
    j->retries_platform = row->retries_platform;
    j->retries_resource = row->retries_resource;
    j->submitted_ms = row->submitted_ms;
    j->launched_ms = row->launched_ms;
    l->job = j;
    if (j->state != STATE_WAITING &&
        jobs_store_each_task(l->store, &(struct jobs_store_attempt){j->id, j->attempt}, load_task, l, l->e)) {
        job_destroy(j);
        return -1;
    }
    j->created_ms = j->tasks[0].created_ms; /* all tasks of an attempt are placed at once */
    read_job_detail(j, row->detail);
    if (core_load_job(l->core, j, l->now))
        return out_of_memory(l); /* the core may hold the job: core_destroy frees it */
    return 0;
}

struct core *persist_load_core(struct store *s, int64_t epoch, const unsigned char *seed, struct clock_now now,
                               struct err *e)
{
    struct core_config config = {.epoch = epoch};
    int64_t event_id = 0, seq = 0;
    if (jobs_store_max_ids(s, &event_id, &seq, e))
        return NULL;
    config.next_event_id = event_id + 1;
    config.next_seq = seq + 1;
    memcpy(config.seed, seed, sizeof config.seed);
    struct loading l = {.store = s, .core = core_create(&config), .now = now, .e = e};
    if (!l.core) {
        out_of_memory(&l);
        return NULL;
    }
    if (node_store_each(s, load_node, &l, e) || jobs_store_each_live(s, load_job, &l, e)) {
        core_destroy(l.core);
        return NULL;
    }
    return l.core;
}
