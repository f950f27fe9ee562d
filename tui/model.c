/* SPDX-License-Identifier: MIT
 *
 * Decoding of replies. Names of members are OpenPAI's (docs/COMPAT.md).
 */
#include "tui/model.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/format.h"

const cJSON *model_get(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

const char *model_text(struct arena *a, const cJSON *o, const char *key)
{
    const char *text = cJSON_GetStringValue(model_get(o, key));
    const char *copy = text ? arena_strdup(a, text) : NULL;

    return copy ? copy : "";
}

int64_t model_number(const cJSON *o, const char *key)
{
    const cJSON *n = model_get(o, key);

    if (!cJSON_IsNumber(n) || n->valuedouble < -9e15 || n->valuedouble > 9e15)
        return 0;
    return (int64_t)n->valuedouble;
}

static int model_int(const cJSON *o, const char *key)
{
    int64_t n = model_number(o, key);

    return n < -1000000000 ? -1000000000 : n > 1000000000 ? 1000000000 : (int)n;
}

static bool model_has(const cJSON *o, const char *key)
{
    return cJSON_IsNumber(model_get(o, key));
}

/* Strings or numbers of a list, joined. */
static const char *model_join(struct arena *a, const cJSON *list, const char *gap)
{
    const char *all = "";
    const cJSON *item;

    cJSON_ArrayForEach(item, list)
    {
        const char *text = cJSON_GetStringValue(item);

        if (cJSON_IsNumber(item))
            text = arena_printf(a, "%d", item->valueint);
        if (text)
            all = arena_printf(a, "%s%s%s", all, *all ? gap : "", text);
        if (!all)
            return "";
    }
    return all;
}

/* "user~name" taken apart; OpenPAI's summary has the name alone, its detail both together. */
static void model_names(struct arena *a, struct model_job *j)
{
    const char *tilde = strchr(j->name, '~');
    const char *full;

    if (tilde) {
        full = j->name;
        j->user = arena_strndup(a, full, (size_t)(tilde - full));
        j->name = tilde + 1;
    } else {
        full = arena_printf(a, "%s~%s", j->user, j->name);
    }
    j->full = full ? full : "";
    j->user = j->user ? j->user : "";
}

static void model_common(struct arena *a, const cJSON *o, struct model_job *j)
{
    const char *state = cJSON_GetStringValue(model_get(o, "state"));
    const char *sub = cJSON_GetStringValue(model_get(o, "subState"));

    j->state = words_from_wire(state, sub, cJSON_GetStringValue(model_get(o, "executionType")));
    j->user = model_text(a, o, "username");
    j->vc = model_text(a, o, "virtualCluster");
    j->wait_reason = model_text(a, o, "waitReason");
    j->retries = model_int(o, "retries");
    j->submitted = model_number(o, "submissionTime");
    j->launched = model_number(o, "launchedTime");
    j->completed = model_number(o, "completedTime");
    j->has_exit = model_has(o, "appExitCode");
    j->exit_code = model_int(o, "appExitCode");
}

static void model_job(struct arena *a, const cJSON *o, struct model_job *j)
{
    model_common(a, o, j);
    j->name = model_text(a, o, "name");
    j->id = model_text(a, o, "jobId");
    j->priority = model_text(a, o, "jobPriority");
    j->exit_phrase = model_text(a, o, "exitPhrase");
    j->tags = model_join(a, model_get(o, "tags"), " ");
    j->gpus = model_int(o, "totalGpuNumber");
    j->tasks = model_int(o, "totalTaskNumber");
    model_names(a, j);
}

static int model_wrong(struct err *e, const char *what)
{
    return err_set(e, ERR_INTERNAL, "The server's reply is not %s; is the address that of a Drover server?", what);
}

static int model_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "The reply is too large to hold.");
}

int model_read_jobs(struct arena *a, const cJSON *reply, struct model_jobs *out, struct err *e)
{
    const cJSON *list = cJSON_IsArray(reply) ? reply : model_get(reply, "data");
    const cJSON *item;

    *out = (struct model_jobs){.total = -1};
    if (!cJSON_IsArray(list))
        return model_wrong(e, "a list of jobs");
    if (model_has(reply, "totalCount"))
        out->total = model_number(reply, "totalCount");
    out->items = arena_calloc(a, (size_t)cJSON_GetArraySize(list) + 1, sizeof *out->items);
    if (!out->items)
        return model_memory(e);
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsObject(item))
            return model_wrong(e, "a list of jobs");
        model_job(a, item, &out->items[out->count++]);
    }
    return 0;
}

static const char *model_ports(struct arena *a, const cJSON *ports)
{
    const char *all = "";
    const cJSON *p;

    cJSON_ArrayForEach(p, ports)
    {
        const char *text = cJSON_GetStringValue(p);

        if (text && p->string)
            all = arena_printf(a, "%s%s%s:%s", all, *all ? " " : "", p->string, text);
        if (!all)
            return "";
    }
    return all;
}

/* `of` is the task's role in the reply. */
static void model_task(struct arena *a, const cJSON *of, const cJSON *o, struct model_task *t)
{
    const cJSON *resources = model_get(of, "resources");
    const char *node = cJSON_GetStringValue(model_get(o, "node"));

    t->role = arena_strdup(a, of->string ? of->string : "");
    t->role = t->role ? t->role : "";
    t->index = model_int(o, "taskIndex");
    t->attempt = model_int(o, "attemptId");
    t->state = words_from_wire(cJSON_GetStringValue(model_get(o, "taskState")), NULL, NULL);
    t->node = node ? model_text(a, o, "node") : model_text(a, o, "containerNodeName");
    t->ip = model_text(a, o, "containerIp");
    t->gpus = model_join(a, model_get(o, "containerGpus"), ",");
    t->uuids = model_join(a, model_get(o, "gpuUuids"), ",");
    t->ports = model_ports(a, model_get(o, "containerPorts"));
    t->simulated = cJSON_IsTrue(model_get(o, "simulatedGpus"));
    t->on_host = cJSON_IsTrue(model_get(o, "onHost"));
    t->isolation = model_text(a, o, "isolation");
    t->cpus = model_number(resources, "cpu");
    t->memory_mb = model_number(resources, "memoryMB");
    t->shm_mb = model_number(resources, "shmMB");
    t->has_exit = model_has(o, "containerExitCode");
    t->exit_code = model_int(o, "containerExitCode");
    t->exit_phrase = model_text(a, model_get(o, "containerExitSpec"), "phrase");
    t->retries = model_int(o, "retries");
    t->launched = model_number(o, "launchedTime");
    t->completed = model_number(o, "completedTime");
}

static int model_tasks(struct arena *a, const cJSON *roles, struct model_detail *out, struct err *e)
{
    const cJSON *role;
    const cJSON *item;
    size_t total = 0;

    cJSON_ArrayForEach(role, roles) total += (size_t)cJSON_GetArraySize(model_get(role, "taskStatuses"));
    out->tasks = arena_calloc(a, total + 1, sizeof *out->tasks);
    if (!out->tasks)
        return model_memory(e);
    cJSON_ArrayForEach(role, roles)
    {
        cJSON_ArrayForEach(item, model_get(role, "taskStatuses"))
            model_task(a, role, item, &out->tasks[out->task_count++]);
    }
    return 0;
}

/* What was found out about the end. */
static void model_diagnosis(struct arena *a, const cJSON *o, struct model_detail *out)
{
    const cJSON *proof = model_get(o, "proof");
    const char *text;

    out->category = model_text(a, o, "category");
    out->confidence = model_int(o, "confidence");
    out->proof = "";
    if (!cJSON_IsObject(proof))
        return;
    if (model_has(proof, "line"))
        text = arena_printf(a, "%s, line %d: %s", model_text(a, proof, "stream"), model_int(proof, "line"),
                            model_text(a, proof, "text"));
    else
        text = arena_printf(a, "%s: %s", model_text(a, proof, "stream"), model_text(a, proof, "text"));
    if (text)
        out->proof = text;
}

/* Of its debug reservations the one that is live. */
static void model_kept(struct arena *a, const cJSON *list, struct model_detail *out)
{
    const cJSON *one;

    out->kept_on = "";
    cJSON_ArrayForEach(one, list)
    {
        if (strcmp(model_text(a, one, "state"), "HELD") != 0)
            continue;
        out->kept_on = model_text(a, one, "node");
        out->kept_until = model_number(one, "expiresTime");
    }
}

int model_read_detail(struct arena *a, const cJSON *reply, struct model_detail *out, struct err *e)
{
    const cJSON *status = model_get(reply, "jobStatus");
    const cJSON *spec = model_get(status, "appExitSpec");
    const cJSON *limits = model_get(reply, "limits");
    const cJSON *solution;
    size_t n = 0;

    *out = (struct model_detail){.task_count = 0};
    if (!cJSON_IsObject(status))
        return model_wrong(e, "a job");
    model_common(a, status, &out->job);
    out->job.name = model_text(a, reply, "name");
    out->job.id = model_text(a, reply, "jobId");
    out->job.priority = model_text(a, reply, "jobPriority");
    out->job.tags = model_join(a, model_get(reply, "tags"), " ");
    out->job.gpus = model_int(reply, "totalGpuNumber");
    out->job.exit_phrase = model_text(a, spec, "phrase");
    model_names(a, &out->job);
    out->attempt = model_int(status, "attemptId");
    out->exit_type = model_text(a, status, "appExitType");
    out->exit_reason = model_text(a, spec, "reason");
    model_diagnosis(a, model_get(status, "appExitDiagnosis"), out);
    out->diagnostics = model_text(a, status, "appExitDiagnostics");
    out->trigger = model_text(a, status, "appExitTriggerMessage");
    out->avoids = model_join(a, model_get(status, "avoidedNodes"), ", ");
    model_kept(a, model_get(reply, "debugReservations"), out);
    out->code = model_text(a, reply, "code");
    out->time_limit_s = model_number(limits, "timeSeconds");
    out->processes = model_number(limits, "processes");
    out->disk_mb = model_number(limits, "diskMB");
    cJSON_ArrayForEach(solution, model_get(spec, "solution"))
    {
        const char *text = cJSON_GetStringValue(solution);

        if (text && n < 3)
            out->solutions[n++] = arena_strdup(a, text);
    }
    if (model_tasks(a, model_get(reply, "taskRoles"), out, e))
        return -1;
    out->job.tasks = (int)out->task_count;
    return 0;
}

static void model_node(struct arena *a, const cJSON *o, struct model_node *n)
{
    const cJSON *cpus = model_get(o, "cpus");
    const cJSON *memory = model_get(o, "memoryMB");
    const cJSON *gpus = model_get(o, "gpus");

    *n = (struct model_node){
        .name = model_text(a, o, "name"),
        .state = model_text(a, o, "state"),
        .isolation = model_text(a, o, "isolation"),
        .gpu_model = model_text(a, gpus, "model"),
        .simulated = cJSON_IsTrue(model_get(gpus, "simulated")),
        .cpus = model_number(cpus, "total"),
        .cpus_used = model_number(cpus, "used"),
        .memory_mb = model_number(memory, "total"),
        .memory_used_mb = model_number(memory, "used"),
        .gpus = model_number(gpus, "total"),
        .gpus_used = model_number(gpus, "used"),
        .quarantined = model_number(gpus, "quarantined"),
    };
}

int model_read_nodes(struct arena *a, const cJSON *reply, struct model_nodes *out, struct err *e)
{
    const cJSON *item;

    *out = (struct model_nodes){.count = 0};
    if (!cJSON_IsArray(reply))
        return model_wrong(e, "a list of nodes");
    out->items = arena_calloc(a, (size_t)cJSON_GetArraySize(reply) + 1, sizeof *out->items);
    if (!out->items)
        return model_memory(e);
    cJSON_ArrayForEach(item, reply)
    {
        if (!cJSON_IsObject(item))
            return model_wrong(e, "a list of nodes");
        model_node(a, item, &out->items[out->count++]);
    }
    return 0;
}

static void model_event(struct arena *a, const cJSON *o, struct model_event *ev)
{
    const char *role = cJSON_GetStringValue(model_get(o, "taskroleName"));
    const char *task = "";

    if (role && *role)
        task = arena_printf(a, "%s-%d", role, model_int(o, "taskIndex"));
    *ev = (struct model_event){
        .time = model_text(a, o, "lastTimestamp"),
        .type = model_text(a, o, "type"),
        .reason = model_text(a, o, "reason"),
        .message = model_text(a, o, "message"),
        .task = task ? task : "",
        .times = model_number(o, "count"),
    };
}

int model_read_events(struct arena *a, const cJSON *reply, struct model_events *out, struct err *e)
{
    const cJSON *list = model_get(reply, "data");
    const cJSON *item;

    *out = (struct model_events){.count = 0};
    if (!cJSON_IsArray(list))
        return model_wrong(e, "a list of events");
    out->items = arena_calloc(a, (size_t)cJSON_GetArraySize(list) + 1, sizeof *out->items);
    if (!out->items)
        return model_memory(e);
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsObject(item))
            return model_wrong(e, "a list of events");
        model_event(a, item, &out->items[out->count++]);
    }
    return 0;
}

const char *model_why(struct arena *a, const struct model_job *j)
{
    const char *why = "";

    if (j->state == WORD_WAITING || j->state == WORD_STARTING)
        return j->wait_reason;
    if (j->state == WORD_FAILED && j->has_exit && *j->exit_phrase)
        why = arena_printf(a, "exit %d: %s", j->exit_code, j->exit_phrase);
    else if (j->state == WORD_FAILED && j->has_exit)
        why = arena_printf(a, "exit %d", j->exit_code);
    return why ? why : "";
}

/* One part more of a line. */
static const char *model_part(struct arena *a, const char *all, const char *gap, const char *part)
{
    const char *longer = part ? arena_printf(a, "%s%s%s", all, *all ? gap : "", part) : NULL;

    return longer ? longer : all;
}

static const char *model_bytes(struct arena *a, int64_t mb, const char *of)
{
    char text[FORMAT_SIZE];

    return arena_printf(a, "%s%s", format_bytes(mb << 20, text), of);
}

const char *model_limits(struct arena *a, const struct model_detail *d, const struct model_task *t, const char *gap)
{
    const char *all = "";
    char text[FORMAT_SIZE];

    if (!d->processes) /* a server before this one */
        return all;
    all = model_part(a, all, gap,
                     d->time_limit_s ? arena_printf(a, "%s at most", format_duration(d->time_limit_s * 1000, text))
                                     : "no time limit");
    if (t && t->memory_mb) {
        all = model_part(a, all, gap, arena_printf(a, "%lld CPU%s", (long long)t->cpus, t->cpus == 1 ? "" : "s"));
        all = model_part(a, all, gap, model_bytes(a, t->memory_mb, " memory"));
    }
    all = model_part(a, all, gap, arena_printf(a, "%lld processes", (long long)d->processes));
    all = model_part(a, all, gap, d->disk_mb ? model_bytes(a, d->disk_mb, " disk") : "no disk limit");
    return t && *t->isolation ? model_part(a, all, gap, arena_printf(a, "isolation %s", t->isolation)) : all;
}

int64_t model_span(const struct model_job *j, int64_t now)
{
    int64_t from = j->launched ? j->launched : j->submitted;
    int64_t to = j->completed ? j->completed : now;

    return from && to > from ? to - from : 0;
}
