/* SPDX-License-Identifier: MIT
 *
 * Effects become rows. Each is held against the rows before it: what was accepted is stored (I1), no attempt is ordered
 * twice (I2), states move along the allowed edges and ends are recorded as the engine told them (I5).
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "jobs/exits.h"
#include "tests/sim/core_windows.h"

/* ---- states ---- */

/* Edges of jobs and of task attempts, stated anew. A task's second attempt begins at STARTING again. */
static bool may_move(bool job, enum run_state from, enum run_state to)
{
    static const struct {
        unsigned from, job, task;
    } edges[] = {
        {0, STATE_WAITING, STATE_STARTING},
        {STATE_WAITING, STATE_STARTING | STATE_STOPPED, STATE_STARTING},
        {STATE_STARTING, STATE_RUNNING | STATE_COMPLETING | STATE_STOPPING, STATE_RUNNING | STATE_FINAL},
        {STATE_RUNNING, STATE_COMPLETING | STATE_STOPPING, STATE_FINAL},
        {STATE_COMPLETING, STATE_WAITING | STATE_STOPPING | STATE_SUCCEEDED | STATE_FAILED, 0},
        {STATE_STOPPING, STATE_STOPPED, 0},
        {STATE_SUCCEEDED, 0, 0},
        {STATE_FAILED, 0, STATE_STARTING},
        {STATE_STOPPED, 0, 0},
    };
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        if (edges[i].from == (unsigned)from)
            return from == to || ((job ? edges[i].job : edges[i].task) & (unsigned)to);
    return false;
}

static int task_number(const struct row_job *r, bool side, int index)
{
    int first = side ? r->wish.instances[0] : 0, n = side ? r->wish.instances[1] : r->wish.instances[0];
    return index < 0 || index >= n || (side && r->wish.roles < 2) ? -1 : first + index;
}

static int retries(const struct job *j)
{
    return j->retries_user + j->retries_platform + j->retries_resource;
}

/* A job's state as an event tells it. One that was sent away for others does not end otherwise, nor does one that is to
 * wait. */
static bool job_event(struct row_job *r, const struct effect_event *ev)
{
    bool again = ev->state == STATE_WAITING && r->told == STATE_COMPLETING;
    if (!may_move(true, r->told, ev->state))
        return wrong("I5: a job moves along no edge");
    if (ev->state == STATE_WAITING && ev->state != r->told) {
        r->wait_ms = ev->time_ms;
        for (int i = 0; again && i < TASKS; i++)
            r->tasks[i].told = 0;
    }
    if (again && r->sent == SENT_AWAY)
        return wrong("I5: it was to be stopped for others, and waits again");
    if ((ev->state & (STATE_FAILED | STATE_SUCCEEDED)) && r->sent)
        return wrong("I5: it was preempted, and ended by itself");
    if (!strcmp(ev->reason, "JobRequeued")) {
        if (r->sent != SENT_WAITING)
            return wrong("I5: it waits again, and nobody has sent it");
        r->sent = SENT_BACK;
    }
    r->told = ev->state;
    return true;
}

/* The state that a type like "task.starting" names; 0 when there is none. */
static enum run_state state_of_type(const char *type)
{
    char upper[32];
    const char *dot = strchr(type, '.');
    snprintf(upper, sizeof upper, "%s", dot ? dot + 1 : "");
    for (char *c = upper; *c; c++)
        *c = (char)toupper(*c);
    return state_from_name(upper);
}

static bool event_row(struct world *w, const struct effect_event *ev)
{
    if (!strncmp(ev->type, "lease.", 6))
        return lease_event(w, ev);
    struct row_job *r = world_find(w, ev->job_id);
    int n = r && ev->role ? task_number(r, !strcmp(ev->role, "side"), ev->task_index) : -1;
    enum run_state to = state_of_type(ev->type);
    if (!r || !to || (!ev->role && to != ev->state))
        return wrong("an event about nothing");
    if (w->tell)
        printf("    %s %s %s[%d] %s\n", r->row.full_name, ev->type, ev->role ? ev->role : "", ev->task_index,
               ev->reason);
    if (!ev->role)
        return job_event(r, ev);
    if (n < 0 || !may_move(false, r->tasks[n].told, to))
        return wrong("I5: a task moves along no edge");
    r->tasks[n].told = to;
    return true;
}

/* ---- jobs and tasks ---- */

static bool job_row(struct world *w, const struct job *j, bool insert)
{
    struct row_job *r = world_find(w, j->id);
    if (!r || r->there == insert)
        return wrong(insert ? "I1: a job is stored twice" : "I1: a row of a job that nobody has submitted");
    if (r->there && j->exit_code == EXIT_CODE_TIME_LIMIT && r->row.exit_code != EXIT_CODE_TIME_LIMIT &&
        (!r->wish.limit_ms || j->launched_ms + r->wish.limit_ms > w->now.wall))
        return wrong("I5: its time limit was not reached");
    r->row = *j;
    r->avoid = j->avoid ? *j->avoid : (struct avoid){.count = 0};
    r->there = true;
    if (j->seq > w->last_seq)
        w->last_seq = j->seq;
    return true;
}

/* Whether it was told to stop, if only in this batch. */
static bool was_to_stop(const struct world *w, const struct attempt *a)
{
    bool told = a->stop;
    for (size_t i = 0; i < w->fx.count && !told; i++)
        told = w->fx.list[i].kind == EFFECT_STOP && !strcmp(w->fx.list[i].stop->attempt_id, a->id);
    return told;
}

/* Whether an end is recorded with the code that it must be. */
static bool right_code(const struct world *w, const struct attempt *a, const struct task *t)
{
    if (t->state == STATE_STOPPED)
        return was_to_stop(w, a) && (t->exit.code == EXIT_CODE_STOPPED || t->exit.code == EXIT_CODE_ATTEMPT_COMPLETED);
    if (t->state == STATE_SUCCEEDED)
        return a->end == ENGINE_EXITED && !a->code && t->claim != CLAIM_EXPIRED && !t->exit.code;
    if (a->end == ENGINE_LOST)
        return t->exit.code == (a->never_started ? EXIT_CODE_LAUNCH_LOST : EXIT_CODE_NODE_LOST);
    return t->exit.code == (t->claim == CLAIM_EXPIRED ? EXIT_CODE_LAUNCH_LOST : a->code);
}

/* Whether a row is of the same attempt as the one before it, or of a later one. */
static bool in_order(const struct row_task *row, const struct task *t, int job_attempt)
{
    if (!row->there || job_attempt > row->job_attempt)
        return t->attempt == 0;
    if (job_attempt < row->job_attempt)
        return false;
    if (t->attempt == row->t.attempt)
        return !strcmp(t->id, row->t.id) && !(row->t.state & STATE_FINAL);
    return t->attempt == row->t.attempt + 1 && row->t.state == STATE_FAILED && row->t.claim == CLAIM_CONFIRMED;
}

static bool task_row(struct world *w, const struct task *t, int job_attempt)
{
    struct row_job *r = world_find(w, t->job->id);
    int n = r ? task_number(r, t->role_index == 1, t->index) : -1;
    if (n < 0)
        return wrong("I1: a row of a task that nobody has submitted");
    struct row_task *row = &r->tasks[n];
    if (!in_order(row, t, job_attempt))
        return wrong("I2: a task's attempts are out of order");
    const struct attempt *a = t->state & STATE_FINAL ? engine_find(w, t->id) : NULL;
    if (t->state & STATE_FINAL && (!a || (a->doing != DOING_ENDED && !a->held) || !right_code(w, a, t)))
        return wrong("I5: an end is not recorded as it was told");
    row->there = true;
    row->job_attempt = job_attempt;
    row->t = *t;
    row->node = world_node(t->node);
    memcpy(row->ports, t->ports, sizeof row->ports);
    memcpy(row->gpus, t->gpus, (size_t)r->wish.gpus[t->role_index] * sizeof *t->gpus);
    return true;
}

/* ---- decisions ---- */

/* Who runs within a guarantee is safe from others, but one that is lazy may have lost it at any time. */
static bool may_preempt(const struct world *w, const struct row_job *by, const struct row_job *victim)
{
    if (by->wish.priority < 0)
        return false;
    if (victim->right != 'g' || (victim->wish.lazy && w->vcs[victim->wish.vc].lazy))
        return true;
    return victim->wish.vc == by->wish.vc && victim->wish.priority < by->wish.priority &&
           victim->wish.preemption != SPEC_PREEMPTION_NEVER;
}

static bool preempted(struct world *w, struct row_job *victim, const cJSON *record)
{
    const char *name = NULL, *then = NULL;
    json_get_string(record, "by", &name, NULL);
    json_get_string(record, "then", &then, NULL);
    const struct row_job *by = name ? world_named(w, name) : NULL;
    bool waits = victim->wish.preemption == SPEC_PREEMPTION_REQUEUE;
    if (!by || !then || !may_preempt(w, by, victim))
        return wrong("I9: somebody was preempted who may not be");
    if (strcmp(then, waits ? "waits again" : "stops") != 0)
        return wrong("I5: its wish for the case of preemption is not followed");
    victim->sent = waits ? SENT_WAITING : SENT_AWAY;
    victim->retries_then = retries(&victim->row);
    return true;
}

/* Whether it has waited for long, or somebody who asks for the same as it does. */
static bool has_waited(const struct world *w, const struct row_job *r)
{
    bool yes = w->now.wall - r->wait_ms >= AGE_MS;
    for (int i = 0; i < JOBS && !yes; i++) {
        const struct row_job *o = &w->jobs[i];
        yes = o->used && o->told == STATE_WAITING && o->wish.vc == r->wish.vc && o->wish.roles == r->wish.roles &&
              o->wish.priority == r->wish.priority && !memcmp(o->wish.gpus, r->wish.gpus, sizeof o->wish.gpus) &&
              !memcmp(o->wish.instances, r->wish.instances, sizeof o->wish.instances) &&
              w->now.wall - o->wait_ms >= AGE_MS;
    }
    return yes;
}

static bool decision_row(struct world *w, const struct effect_decision *d)
{
    struct row_job *r = world_find(w, d->job_id);
    cJSON *record = json_parse(d->record, strlen(d->record), 0, NULL);
    const char *right = NULL;
    bool ok = r && record;
    if (w->tell && r)
        printf("    %s %s %s\n", r->row.full_name, d->kind, d->record);
    if (ok && !strcmp(d->kind, "preempted"))
        ok = preempted(w, r, record);
    if (ok && !strcmp(d->kind, "placed")) {
        json_get_string(record, "right", &right, NULL);
        ok = right != NULL;
        r->right = right ? right[0] : 0;
        r->reserves_aged = false;
    }
    if (ok && (!strcmp(d->kind, "preempts") || !strcmp(d->kind, "reserves")))
        r->reserves_aged = has_waited(w, r);
    cJSON_Delete(record);
    return ok || wrong("a decision without a record of it");
}

/* ---- nodes and virtual clusters ---- */

static bool node_row(struct world *w, const struct node *n)
{
    int i = world_node(n->name);
    struct row_node *row = &w->nodes[i];
    row->shrunk =
        row->shrunk ||
        (row->there && (n->cpus < row->n.cpus || n->gpu_count < row->n.gpu_count || n->memory_mb < row->n.memory_mb));
    row->there = true;
    row->n = *n;
    if (i >= w->node_count)
        w->node_count = i + 1;
    return true;
}

static bool vc_row(struct world *w, const struct effect_vc *vc)
{
    int v = world_vc(vc->vc.name);
    if (v < 0)
        return wrong("a row of a virtual cluster that nobody has made");
    w->vcs[v] = vc->vc;
    w->vc_there[v] = !vc->drop;
    return true;
}

/* Rights may be others once the plan is made anew. */
static void doubt_rights(struct world *w)
{
    bool other = w->replan;
    for (size_t i = 0; i < w->fx.count; i++) {
        const struct effect *f = &w->fx.list[i];
        const struct row_node *n = f->kind == EFFECT_NODE_ROW ? &w->nodes[world_node(f->node->name)] : NULL;
        other = other || f->kind == EFFECT_VC_ROW || (n && (!n->there || n->n.gpu_count != f->node->gpu_count));
    }
    for (int i = 0; i < JOBS; i++)
        if (other)
            w->jobs[i].right = 0;
}

static bool counted(struct world *w, int64_t id)
{
    if (id <= w->last_id)
        return wrong("an id of an event does not grow");
    w->last_id = id;
    return true;
}

static bool fold(struct world *w, const struct effect *f)
{
    switch (f->kind) {
    case EFFECT_JOB_INSERT:
    case EFFECT_JOB_UPDATE:
        return job_row(w, f->job.job, f->kind == EFFECT_JOB_INSERT);
    case EFFECT_TASK_ROW:
        return task_row(w, f->row.task, f->row.job_attempt);
    case EFFECT_EVENT_ROW:
        return counted(w, f->event->id) && event_row(w, f->event);
    case EFFECT_DECISION_ROW:
        return counted(w, f->decision->id) && decision_row(w, f->decision);
    case EFFECT_LEASE_ROW:
        return lease_row(w, f->lease);
    case EFFECT_MAINTENANCE_ROW:
        return window_row(w, f->maintenance);
    case EFFECT_NODE_EVENT_ROW:
        return counted(w, f->node_event->id);
    case EFFECT_NODE_ROW:
        return node_row(w, f->node);
    case EFFECT_VC_ROW:
        return vc_row(w, f->vc);
    default:
        return true;
    }
}

/* What the rows of a batch say together. */
static bool whole_job(struct row_job *r)
{
    if (!r->there)
        return wrong("I1: a job was accepted and not stored");
    if (r->row.state != r->told)
        return wrong("I5: a job's row and its events differ");
    if (r->sent != SENT_BACK)
        return true;
    r->sent = SENT_NOT;
    return retries(&r->row) == r->retries_then || wrong("I5: being preempted counted as a retry");
}

bool fold_batch(struct world *w)
{
    doubt_rights(w);
    for (size_t i = 0; i < w->fx.count; i++)
        if (!fold(w, &w->fx.list[i]))
            return false;
    for (int i = 0; i < JOBS; i++)
        if (w->jobs[i].used && !whole_job(&w->jobs[i]))
            return false;
    return true;
}
