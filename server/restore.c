/* SPDX-License-Identifier: MIT
 *
 * Rows to the core: nodes, then every live job with the current attempt of each of its tasks (DESIGN 1.4), and
 * what leases hold.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "core/core.h"
#include "inventory/node_store.h"
#include "inventory/vc_store.h"
#include "jobs/exits.h"
#include "jobs/jobs_store.h"
#include "jobs/lease_store.h"
#include "server/persist.h"
#include "store/store.h"

/* A job whose rows cannot be made into one. */
struct broken {
    struct broken *next;
    char id[ID_SIZE];
    int attempt;
    char name[JOB_FULL_NAME_SIZE];
    char why[256];
};

struct loading {
    struct store *store;
    struct core *core;
    struct clock_now now;
    struct err *e;
    struct job *job;       /* whose tasks are being read */
    struct broken *broken; /* found so far */
    bool unreadable;       /* the error is one of the job's own rows */
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

static int load_vc(void *ctx, const struct vc *vc)
{
    struct loading *l = ctx;
    return core_load_vc(l->core, vc) ? out_of_memory(l) : 0;
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

/* The verdict about an end; by its code where none is stored. */
static void read_verdict(const cJSON *o, int code, struct exit_verdict *out)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, "verdict");
    const char *phrase = NULL, *type = "", *category = "", *reaction = "";
    exits_verdict(code, NULL, out);
    if (!v || json_get_string(v, "phrase", &phrase, NULL) || json_get_string(v, "type", &type, NULL) ||
        json_get_string(v, "category", &category, NULL) || json_get_string(v, "reaction", &reaction, NULL))
        return;
    int t = exits_word(exits_type_words(), type), c = exits_word(exits_category_words(), category);
    int r = exits_word(exits_reaction_words(), reaction);
    if (!phrase || t < 0 || c < 0 || r < 0)
        return;
    *out = (struct exit_verdict){
        .type = (enum exit_type)t, .category = (enum exit_category)c, .reaction = (enum exit_reaction)r};
    snprintf(out->phrase, sizeof out->phrase, "%s", phrase);
    json_get_bool(v, "fromLog", &out->from_log, NULL);
}

/* 0, or -1 on out of memory. */
static int read_uuids(struct task *t, const cJSON *list)
{
    size_t n = (size_t)t->role->per_task.gpus, i = 0;
    if (!list || !n)
        return 0;
    t->gpu_uuids = arena_calloc(t->job->arena, n, sizeof *t->gpu_uuids);
    for (const cJSON *u = list->child; t->gpu_uuids && u && i < n; u = u->next)
        snprintf(t->gpu_uuids[i++], GPU_UUID_SIZE, "%s", cJSON_IsString(u) ? u->valuestring : "");
    return t->gpu_uuids ? 0 : -1;
}

/* 0, or -1 on out of memory. */
static int read_task_detail(struct task *t, const char *json)
{
    cJSON *o = json_parse(json, strlen(json), 0, NULL);
    const char *message = NULL;
    int64_t signal = 0;
    json_get_string(o, "message", &message, NULL);
    json_get_int(o, "signal", &signal, NULL);
    json_get_bool(o, "onHost", &t->on_host, NULL);
    snprintf(t->exit.message, sizeof t->exit.message, "%s", message ? message : "");
    t->exit.signal = (int)signal;
    if (t->exit.known)
        read_verdict(o, t->exit.code, &t->exit.verdict);
    int rc = read_uuids(t, cJSON_GetObjectItemCaseSensitive(o, "gpuUuids"));
    cJSON_Delete(o);
    return rc;
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
    if (!t) {
        l->unreadable = true;
        return err_set(l->e, ERR_INTERNAL, "Job %s has a row for task %s-%d, which its config does not have.",
                       l->job->full_name, row->role, row->task_index);
    }
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
    bool failed = read_task_detail(t, row->detail) || (row->node && !t->node);
    return failed ? out_of_memory(l) : 0;
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
    int64_t code = 0, stop_code = 0;
    json_get_string(o, "outcome", &outcome, NULL);
    json_get_string(o, "stoppedBy", &by, NULL);
    json_get_int(o, "exitCode", &code, NULL);
    json_get_int(o, "stopCode", &stop_code, NULL);
    j->stop_code = (int)stop_code;
    read_trigger(j, cJSON_GetObjectItemCaseSensitive(o, "trigger"));
    snprintf(j->stopped_by, sizeof j->stopped_by, "%s", by ? by : "");
    if (outcome) {
        j->outcome = state_from_name(outcome);
        j->exit_code = (int)code;
        read_verdict(o, (int)code, &j->exit);
    }
    cJSON_Delete(o);
}

/* 0, or -1 on out of memory. */
static int read_avoids(struct job *j, const char *json)
{
    j->avoid = json ? arena_alloc(j->arena, sizeof *j->avoid) : NULL;
    if (j->avoid)
        avoid_read(j->avoid, json);
    return json && !j->avoid ? -1 : 0;
}

/* A job from its row, its tasks not yet filled. NULL with l->e on error. */
static struct job *make_job(struct loading *l, const struct job_row *row)
{
    struct arena *a = arena_create(JOB_ARENA_BYTES);
    struct spec *spec = a ? spec_load(a, row->config, strlen(row->config), l->e) : NULL;
    struct job *j = spec ? job_create(spec, row->user, row->id) : NULL;
    arena_destroy(a);
    l->unreadable = a && !spec;
    if (j && row->secrets && job_seal(j, row->secrets, row->secrets_len)) {
        job_destroy(j);
        j = NULL;
    }
    if (!j && !l->unreadable)
        out_of_memory(l);
    return j;
}

static struct job *fill_job(struct loading *l, const struct job_row *row)
{
    struct job *j = make_job(l, row);
    if (!j)
        return NULL;
    j->seq = row->seq;
    j->state = row->state;
    j->stop_requested = row->stop_requested;
    j->attempt = row->attempt;
    j->retries_user = row->retries_user;
    j->retries_platform = row->retries_platform;
    j->retries_resource = row->retries_resource;
    j->submitted_ms = row->submitted_ms;
    j->launched_ms = row->launched_ms;
    j->due_ms = row->due_ms;
    snprintf(j->wait_reason, sizeof j->wait_reason, "%s", row->wait_reason ? row->wait_reason : "");
    snprintf(j->held_by, sizeof j->held_by, "%s", row->held_by ? row->held_by : "");
    l->job = j;
    int rc = read_avoids(j, row->avoids) ? out_of_memory(l) : 0;
    if (!rc && j->state != STATE_WAITING)
        rc = jobs_store_each_task(l->store, &(struct jobs_store_attempt){j->id, j->attempt}, load_task, l, l->e);
    if (rc) {
        job_destroy(j);
        return NULL;
    }
    j->created_ms = j->tasks[0].created_ms; /* all tasks of an attempt are placed at once */
    read_job_detail(j, row->detail);
    return j;
}

/* One job that cannot be loaded is no reason to keep all others waiting: it is noted, and ends as FAILED. An error of
 * the database is another matter. */
static int note_broken(struct loading *l, const struct job_row *row)
{
    struct broken *b = l->unreadable ? calloc(1, sizeof *b) : NULL;
    if (!b)
        return -1;
    snprintf(b->id, sizeof b->id, "%s", row->id);
    snprintf(b->name, sizeof b->name, "%s~%s", row->user, row->name);
    snprintf(b->why, sizeof b->why, "The job cannot be read any more: %.180s", l->e->text);
    b->attempt = row->attempt;
    b->next = l->broken;
    l->broken = b;
    l->unreadable = false;
    *l->e = (struct err){0};
    return 0;
}

static int load_job(void *ctx, const struct job_row *row)
{
    struct loading *l = ctx;
    struct job *j = fill_job(l, row);
    if (!j)
        return note_broken(l, row);
    if (core_load_job(l->core, j, l->now))
        return out_of_memory(l); /* the core may hold the job: core_destroy frees it */
    return 0;
}

static int load_lease(void *ctx, const struct lease *lease)
{
    struct loading *l = ctx;
    return core_load_lease(l->core, lease, l->now) ? out_of_memory(l) : 0;
}

static int load_maintenance(void *ctx, const struct maintenance *m)
{
    struct loading *l = ctx;
    return core_load_maintenance(l->core, m) ? out_of_memory(l) : 0;
}

/* ---- jobs that cannot be loaded ---- */

static int load_orphan(void *ctx, const struct task_attempt_row *row)
{
    struct loading *l = ctx;
    char id[ID_SIZE], nonce[33];
    snprintf(id, sizeof id, "%s", row->id);
    snprintf(nonce, sizeof nonce, "%s", row->nonce);
    if (row->ended)
        return 0;
    return core_load_orphan(l->core, id, nonce) ? out_of_memory(l) : 0;
}

static int end_one(struct loading *l, const struct broken *b)
{
    struct buf detail;
    struct json_out j;
    buf_init(&detail, 4096);
    json_out_init(&j, &detail);
    json_out_object(&j);
    json_out_key(&j, "trigger");
    json_out_object(&j);
    json_out_kstring(&j, "message", b->why);
    json_out_object_end(&j);
    json_out_object_end(&j);
    struct jobs_store_failure f = {.job_id = b->id,
                                   .now_ms = l->now.wall,
                                   .exit_code = EXIT_CODE_BAD_CONFIG,
                                   .exit_phrase = exits_find(EXIT_CODE_BAD_CONFIG)->phrase,
                                   .detail = buf_str(&detail)};
    struct event_row ev = {.id = core_take_event_id(l->core),
                           .job_id = b->id,
                           .job_attempt = b->attempt,
                           .task_index = -1,
                           .task_attempt = -1,
                           .type = "job.failed",
                           .severity = "Warning",
                           .reason = "JobFailed",
                           .message = b->why,
                           .time_ms = l->now.wall};
    int rc = jobs_store_each_task(l->store, &(struct jobs_store_attempt){b->id, b->attempt}, load_orphan, l, l->e);
    if (!rc)
        rc = jobs_store_fail_job(l->store, &f, l->e);
    if (!rc)
        rc = jobs_store_add_event(l->store, &ev, l->e);
    buf_fini(&detail);
    if (!rc)
        log_error("job_broken", "%s: %s", b->name, b->why);
    return rc;
}

/* Ends them all in one transaction. */
static int end_broken(struct loading *l)
{
    if (!l->broken)
        return 0;
    int rc = store_begin(l->store, l->e);
    for (const struct broken *b = l->broken; !rc && b; b = b->next)
        rc = end_one(l, b);
    if (!rc)
        rc = store_commit(l->store, l->e);
    if (rc)
        store_rollback(l->store);
    return rc;
}

static void free_broken(struct broken *b)
{
    while (b) {
        struct broken *next = b->next;
        free(b);
        b = next;
    }
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
    int rc = node_store_each(s, load_node, &l, e) || maintenance_store_each(s, 0, load_maintenance, &l, e) ||
             vc_store_each(s, load_vc, &l, e) || jobs_store_each_live(s, load_job, &l, e) || end_broken(&l) ||
             lease_store_each(s, &(struct lease_store_which){.limit = 0}, load_lease, &l, e);
    free_broken(l.broken);
    if (rc) {
        core_destroy(l.core);
        return NULL;
    }
    return l.core;
}
