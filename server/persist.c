/* SPDX-License-Identifier: MIT
 *
 * Effects to rows. One transaction a batch; its first statement checks that this server's life is still the newest
 * (DESIGN 1.11), so that a server that was replaced cannot write.
 */
#include "server/persist.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "core/core.h"
#include "core/effect.h"
#include "inventory/node_store.h"
#include "inventory/vc_store.h"
#include "jobs/decision_store.h"
#include "jobs/exits.h"
#include "jobs/jobs_store.h"
#include "jobs/lease_store.h"
#include "server/audit.h"
#include "store/store.h"

static const struct store_sql sql_epoch = {"SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'epoch'"};
static const struct store_sql sql_put_epoch = {
    "INSERT INTO meta(key, value) VALUES ('epoch', CAST(? AS TEXT)) ON CONFLICT(key) DO UPDATE SET value = "
    "excluded.value"};

/* Scratch of one batch: buffers for the JSON columns, reused row after row. */
struct writer {
    struct store *store;
    struct buf detail, gpus, ports, avoids;
    struct clock_now now;
};

bool persist_needed(const struct effects *fx)
{
    for (size_t i = 0; i < fx->count; i++)
        if (fx->list[i].kind <= EFFECT_WRITE)
            return true;
    return false;
}

/* ---- JSON columns ---- */

static void write_trigger(struct json_out *j, const struct exit_trigger *t)
{
    json_out_key(j, "trigger");
    json_out_object(j);
    json_out_kstring(j, "message", t->message[0] ? t->message : NULL);
    json_out_kstring(j, "role", t->role);
    if (t->role)
        json_out_kint(j, "index", t->task_index);
    json_out_object_end(j);
}

/* For the core, when it begins again. */
static void write_verdict(struct json_out *j, const struct exit_verdict *v)
{
    json_out_key(j, "verdict");
    json_out_object(j);
    json_out_kstring(j, "phrase", v->phrase);
    json_out_kstring(j, "type", exits_type_wire(v->type));
    json_out_kstring(j, "category", exits_category_name(v->category));
    json_out_kstring(j, "reaction", exits_reaction_wire(v->reaction));
    json_out_kbool(j, "fromLog", v->from_log);
    json_out_object_end(j);
}

static const char *job_detail(struct writer *w, const struct job *job)
{
    struct json_out j;
    buf_reset(&w->detail);
    json_out_init(&j, &w->detail);
    json_out_object(&j);
    write_trigger(&j, &job->trigger);
    if (job->outcome) {
        json_out_kstring(&j, "outcome", state_name(job->outcome));
        json_out_kint(&j, "exitCode", job->exit_code);
        write_verdict(&j, &job->exit);
    }
    if (job->stopped_by[0])
        json_out_kstring(&j, "stoppedBy", job->stopped_by);
    if (job->stop_code)
        json_out_kint(&j, "stopCode", job->stop_code);
    json_out_object_end(&j);
    return buf_str(&w->detail);
}

static const char *attempt_detail(struct writer *w, const struct effect_attempt *a)
{
    struct json_out j;
    buf_reset(&w->detail);
    json_out_init(&j, &w->detail);
    json_out_object(&j);
    write_trigger(&j, &a->trigger);
    json_out_object_end(&j);
    return buf_str(&w->detail);
}

static const char *task_detail(struct writer *w, const struct task *t)
{
    struct json_out j;
    buf_reset(&w->detail);
    json_out_init(&j, &w->detail);
    json_out_object(&j);
    if (t->exit.signal)
        json_out_kint(&j, "signal", t->exit.signal);
    if (t->exit.message[0])
        json_out_kstring(&j, "message", t->exit.message);
    if (t->on_host)
        json_out_kbool(&j, "onHost", true);
    if (t->exit.diagnosis) {
        write_verdict(&j, &t->exit.verdict);
        json_out_key(&j, "diagnosis");
        json_out_raw(&j, t->exit.diagnosis);
    }
    if (t->gpu_uuids) {
        json_out_key(&j, "gpuUuids");
        json_out_array(&j);
        for (int64_t g = 0; g < t->role->per_task.gpus; g++)
            json_out_string(&j, t->gpu_uuids[g]);
        json_out_array_end(&j);
    }
    json_out_object_end(&j);
    return buf_str(&w->detail);
}

static const char *task_gpus(struct writer *w, const struct task *t)
{
    struct json_out j;
    buf_reset(&w->gpus);
    json_out_init(&j, &w->gpus);
    json_out_array(&j);
    for (int64_t g = 0; g < t->role->per_task.gpus; g++)
        if (t->gpus[g] >= 0)
            json_out_int(&j, t->gpus[g]);
    json_out_array_end(&j);
    return buf_str(&w->gpus);
}

static const char *task_ports(struct writer *w, const struct task *t)
{
    struct json_out j;
    const int *port = t->ports;
    buf_reset(&w->ports);
    json_out_init(&j, &w->ports);
    json_out_object(&j);
    for (size_t i = 0; i < t->role->port_kinds; i++) {
        json_out_key(&j, t->role->ports[i].label);
        json_out_array(&j);
        for (int n = 0; n < t->role->ports[i].count; n++)
            json_out_int(&j, *port++);
        json_out_array_end(&j);
    }
    json_out_object_end(&j);
    return buf_str(&w->ports);
}

static const char *job_avoids(struct writer *w, const struct job *j)
{
    if (!j->avoid || !j->avoid->count)
        return NULL;
    buf_reset(&w->avoids);
    avoid_write(j->avoid, &w->avoids);
    return buf_str(&w->avoids);
}

/* ---- rows ---- */

static struct job_row job_row(struct writer *w, const struct job *j)
{
    const char *tilde = strchr(j->full_name, '~');
    bool ended = (j->state & STATE_FINAL) != 0;
    return (struct job_row){.seq = j->seq,
                            .id = j->id,
                            .user = j->user,
                            .name = tilde + 1,
                            .vc = j->spec->vc,
                            .priority = j->spec->priority,
                            .priority_class = j->spec->priority_class,
                            .state = j->state,
                            .stop_requested = j->stop_requested,
                            .submitted_ms = j->submitted_ms,
                            .created_ms = j->submitted_ms,
                            .launched_ms = j->launched_ms,
                            .completed_ms = ended ? j->completed_ms : 0,
                            .due_ms = j->due_ms,
                            .held_by = j->held_by[0] ? j->held_by : NULL,
                            .avoids = job_avoids(w, j),
                            .wait_reason = j->wait_reason[0] ? j->wait_reason : NULL,
                            .attempt = j->attempt,
                            .retries_user = j->retries_user,
                            .retries_platform = j->retries_platform,
                            .retries_resource = j->retries_resource,
                            .total_gpus = j->spec->total_gpus,
                            .total_tasks = j->spec->total_tasks,
                            .total_roles = (int)j->spec->role_count,
                            .ended = ended,
                            .exit_code = j->exit_code,
                            .exit_phrase = ended && j->exit.phrase[0] ? j->exit.phrase : NULL,
                            .detail = job_detail(w, j),
                            .secrets = j->sealed_secrets,
                            .secrets_len = j->sealed_len};
}

static int put_job_insert(struct writer *w, const struct effect *f, struct err *e)
{
    struct job_row row = job_row(w, f->job.job);
    row.config = f->job.config;
    return jobs_store_insert_job(w->store, &row, e);
}

static int put_job_update(struct writer *w, const struct effect *f, struct err *e)
{
    struct job_row row = job_row(w, f->job.job);
    return jobs_store_update_job(w->store, &row, e);
}

static int put_attempt(struct writer *w, const struct effect *f, struct err *e)
{
    const struct effect_attempt *a = f->attempt;
    struct job_attempt_row row = {.job_id = a->job_id,
                                  .attempt = a->attempt,
                                  .state = a->state,
                                  .created_ms = a->created_ms,
                                  .launched_ms = a->launched_ms,
                                  .completed_ms = a->completed_ms,
                                  .ended = a->ended,
                                  .exit_code = a->exit_code,
                                  .exit_phrase = a->ended ? a->exit_phrase : NULL,
                                  .detail = attempt_detail(w, a)};
    return jobs_store_put_job_attempt(w->store, &row, e);
}

static int put_task(struct writer *w, const struct effect *f, struct err *e)
{
    const struct task *t = f->row.task;
    bool ended = (t->state & STATE_FINAL) != 0;
    struct task_attempt_row row = {.id = t->id,
                                   .job_id = t->job->id,
                                   .job_attempt = f->row.job_attempt,
                                   .role = t->role->name,
                                   .task_index = t->index,
                                   .attempt = t->attempt,
                                   .state = t->state,
                                   .node = t->node,
                                   .gpus = task_gpus(w, t),
                                   .ports = task_ports(w, t),
                                   .nonce = t->nonce,
                                   .engine_epoch = t->epoch,
                                   .last_seq = t->last_seq,
                                   .claim = t->claim,
                                   .retries = t->retries,
                                   .accountable_retries = t->accountable_retries,
                                   .created_ms = t->created_ms,
                                   .launched_ms = t->launched_ms,
                                   .completed_ms = ended ? t->completed_ms : 0,
                                   .ended = ended,
                                   .exit_code = t->exit.code,
                                   .exit_phrase = ended ? t->exit.verdict.phrase : NULL,
                                   .detail = task_detail(w, t)};
    return jobs_store_put_task_attempt(w->store, &row, e);
}

static int put_event(struct writer *w, const struct effect *f, struct err *e)
{
    const struct effect_event *ev = f->event;
    struct event_row row = {.id = ev->id,
                            .job_id = ev->job_id,
                            .job_attempt = ev->job_attempt,
                            .role = ev->role,
                            .task_index = ev->role ? ev->task_index : -1,
                            .task_attempt = ev->role ? ev->task_attempt : -1,
                            .type = ev->type,
                            .severity = ev->warning ? "Warning" : "Normal",
                            .reason = ev->reason,
                            .message = ev->message ? ev->message : "",
                            .time_ms = ev->time_ms};
    return jobs_store_add_event(w->store, &row, e);
}

static int put_node(struct writer *w, const struct effect *f, struct err *e)
{
    return node_store_put(w->store, f->node, w->now.wall, e);
}

static int put_decision(struct writer *w, const struct effect *f, struct err *e)
{
    const struct effect_decision *d = f->decision;
    struct decision_row row = {.id = d->id,
                               .job_id = d->job_id,
                               .job_attempt = d->job_attempt,
                               .kind = d->kind,
                               .time_ms = d->time_ms,
                               .record = d->record};
    return decision_store_add(w->store, &row, e);
}

static int put_vc(struct writer *w, const struct effect *f, struct err *e)
{
    return f->vc->drop ? vc_store_drop(w->store, f->vc->vc.name, e) : vc_store_put(w->store, &f->vc->vc, e);
}

static int put_lease(struct writer *w, const struct effect *f, struct err *e)
{
    return lease_store_put(w->store, f->lease, e);
}

static int put_maintenance(struct writer *w, const struct effect *f, struct err *e)
{
    return maintenance_store_put(w->store, f->maintenance, e);
}

static int put_node_event(struct writer *w, const struct effect *f, struct err *e)
{
    return node_event_store_add(w->store, f->node_event, e);
}

static int put_tag(struct writer *w, const struct effect *f, struct err *e)
{
    return jobs_store_tag(w->store, f->tag->job_id, f->tag->tag, f->tag->drop, e);
}

static int put_key(struct writer *w, const struct effect *f, struct err *e)
{
    return submit_key_put(w->store, f->key->key, f->key->job_id, w->now.wall, e);
}

/* A refusal takes back only what this call wrote and goes to its sender; the batch fails where the transaction does. */
static int put_write(struct writer *w, const struct effect *f, struct err *e)
{
    const struct command_write *call = f->write->call;
    struct err why = {0};
    if (store_savepoint(w->store, e))
        return -1;
    if (!call->run(w->store, call->what, w->now, &why))
        return store_release(w->store, e);
    if (why.code == ERR_NONE)
        err_set(&why, ERR_INTERNAL, "A write failed and did not say why.");
    if (f->write->reply)
        f->write->reply->err = why;
    else
        log_warn("write_refused", "%s", why.text);
    return store_undo(w->store, e);
}

typedef int put_fn(struct writer *w, const struct effect *f, struct err *e);

static put_fn *const puts_by_kind[] = {
    [EFFECT_JOB_INSERT] = put_job_insert,
    [EFFECT_JOB_UPDATE] = put_job_update,
    [EFFECT_ATTEMPT_ROW] = put_attempt,
    [EFFECT_TASK_ROW] = put_task,
    [EFFECT_EVENT_ROW] = put_event,
    [EFFECT_NODE_ROW] = put_node,
    [EFFECT_VC_ROW] = put_vc,
    [EFFECT_DECISION_ROW] = put_decision,
    [EFFECT_LEASE_ROW] = put_lease,
    [EFFECT_MAINTENANCE_ROW] = put_maintenance,
    [EFFECT_NODE_EVENT_ROW] = put_node_event,
    [EFFECT_TAG_ROW] = put_tag,
    [EFFECT_KEY_ROW] = put_key,
    [EFFECT_WRITE] = put_write,
};

/* ---- the transaction ---- */

/* The epoch in the rows, 0 when there is none, -1 on error. */
static int64_t read_epoch(struct store *s, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_epoch, e);
    int rc = stmt_step(st, e);
    int64_t epoch = rc == STMT_ROW ? stmt_col_int(st, 0) : rc;
    if (rc == STMT_ROW)
        stmt_reset(st);
    return epoch;
}

static int write_rows(struct writer *w, const struct effects *fx, struct err *e)
{
    for (size_t i = 0; i < fx->count; i++) {
        const struct effect *f = &fx->list[i];
        if (f->kind <= EFFECT_WRITE && puts_by_kind[f->kind](w, f, e))
            return -1;
    }
    return 0;
}

int persist_commit(struct store *s, const struct effects *fx, struct audit *audit, int64_t epoch, struct err *e)
{
    struct writer w = {.store = s, .now = clock_read()};
    int rc = -1;
    buf_init(&w.detail, 0);
    buf_init(&w.gpus, 0);
    buf_init(&w.ports, 0);
    buf_init(&w.avoids, 0);
    if (!store_in_transaction(s) && store_begin(s, e))
        goto out;
    int64_t newest = read_epoch(s, e);
    if (newest < 0)
        goto out;
    if (newest != epoch) {
        err_set(e, ERR_BUSY, "Another server has taken over this data folder.");
        goto out;
    }
    if (write_rows(&w, fx, e) || (audit && audit_write(audit, s, fx, w.now.wall, e)))
        goto out;
    rc = store_commit(s, e);
out:
    if (rc)
        store_rollback(s);
    if (audit)
        audit_end(audit, !rc);
    buf_fini(&w.detail);
    buf_fini(&w.gpus);
    buf_fini(&w.ports);
    buf_fini(&w.avoids);
    return rc;
}

int persist_probe(struct store *s, int64_t epoch, struct err *e)
{
    static const struct store_sql sql = {"UPDATE meta SET value = value WHERE key = 'epoch'"};
    int rc = -1;
    if (store_begin(s, e))
        return -1;
    int64_t newest = read_epoch(s, e);
    if (newest >= 0 && newest != epoch)
        err_set(e, ERR_BUSY, "Another server has taken over this data folder.");
    else if (newest >= 0 && !stmt_exec(store_stmt(s, &sql, e), e))
        rc = store_commit(s, e);
    if (rc)
        store_rollback(s);
    return rc;
}

int64_t persist_new_epoch(struct store *s, struct err *e)
{
    if (store_begin(s, e))
        return -1;
    int64_t epoch = read_epoch(s, e);
    if (epoch >= 0) {
        struct stmt *st = store_stmt(s, &sql_put_epoch, e);
        stmt_int(st, 1, ++epoch);
        if (stmt_exec(st, e) || store_commit(s, e))
            epoch = -1;
    }
    if (epoch < 0)
        store_rollback(s);
    return epoch;
}

int64_t persist_last_moment(struct store *s, struct err *e)
{
    static const struct store_sql sql = {"SELECT time_ms FROM event ORDER BY id DESC LIMIT 1"};
    struct stmt *st = store_stmt(s, &sql, e);
    int rc = stmt_step(st, e);
    int64_t at = rc == STMT_ROW ? stmt_col_int(st, 0) : rc;
    if (rc == STMT_ROW)
        stmt_reset(st);
    return at;
}
