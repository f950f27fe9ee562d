/* SPDX-License-Identifier: MIT
 *
 * The effect list: an array in the batch's order, with snapshots in an arena that lives as long as the batch.
 */
#include "core/effect.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "jobs/exits.h"

enum { BATCH_ARENA_MAX = 256 << 20, LIST_KEPT = 1 << 16 };

int effects_init(struct effects *fx)
{
    *fx = (struct effects){.arena = arena_create(BATCH_ARENA_MAX)};
    return fx->arena ? 0 : -1;
}

void effects_fini(struct effects *fx)
{
    arena_destroy(fx->arena);
    free(fx->list);
    *fx = (struct effects){0};
}

void effects_reset(struct effects *fx)
{
    arena_reset(fx->arena);
    fx->count = 0;
    fx->failed = false;
    if (fx->cap > LIST_KEPT) { /* a batch of the rare size does not hold its memory for ever */
        free(fx->list);
        fx->list = NULL;
        fx->cap = 0;
    }
}

void effects_add(struct effects *fx, const struct effect *f)
{
    if (fx->count == fx->cap) {
        size_t cap = fx->cap ? fx->cap * 2 : 256;
        struct effect *grown = realloc(fx->list, cap * sizeof *grown);
        if (!grown) {
            fx->failed = true;
            return;
        }
        fx->list = grown;
        fx->cap = cap;
    }
    fx->list[fx->count++] = *f;
}

/* A copy in the batch's arena; NULL (and fx->failed) on out of memory. */
static void *keep(struct effects *fx, const void *data, size_t size)
{
    void *copy = arena_alloc(fx->arena, size ? size : 1);
    if (copy)
        memcpy(copy, data, size);
    else
        fx->failed = true;
    return copy;
}

static const char *keep_text(struct effects *fx, const char *text)
{
    return keep(fx, text, strlen(text) + 1);
}

bool effects_shown_at_once(const struct effects *fx)
{
    for (size_t i = 0; i < fx->count; i++)
        if (fx->list[i].kind == EFFECT_VC_ROW || fx->list[i].kind == EFFECT_NODE_ROW ||
            fx->list[i].kind == EFFECT_MAINTENANCE_ROW)
            return true;
    return false;
}

void effects_maintenance(struct effects *fx, const struct maintenance *m)
{
    struct effect f = {.kind = EFFECT_MAINTENANCE_ROW, .maintenance = maintenance_dup(fx->arena, m)};
    if (f.maintenance)
        effects_add(fx, &f);
    else
        fx->failed = true;
}

void effects_node_event(struct effects *fx, const struct node_event *ev)
{
    struct node_event *copy = keep(fx, ev, sizeof *ev);
    if (!copy)
        return;
    copy->node = keep_text(fx, ev->node);
    copy->user = keep_text(fx, ev->user);
    copy->reason = keep_text(fx, ev->reason);
    if (!fx->failed)
        effects_add(fx, &(struct effect){.kind = EFFECT_NODE_EVENT_ROW, .node_event = copy});
}

void effects_job(struct effects *fx, struct job *j)
{
    if (j->row_pending)
        return;
    j->row_pending = true;
    effects_add(fx, &(struct effect){.kind = EFFECT_JOB_UPDATE, .job = {.job = j}});
}

void effects_attempt(struct effects *fx, const struct job *j, enum run_state state)
{
    struct effect_attempt a = {.attempt = j->attempt,
                               .state = state,
                               .created_ms = j->created_ms,
                               .launched_ms = j->launched_ms,
                               .completed_ms = state & STATE_FINAL ? j->completed_ms : 0,
                               .ended = (state & STATE_FINAL) != 0,
                               .exit_code = j->exit_code,
                               .exit_phrase = j->exit.phrase[0] ? keep_text(fx, j->exit.phrase) : NULL,
                               .trigger = j->trigger};
    memcpy(a.job_id, j->id, ID_SIZE);
    struct effect f = {.kind = EFFECT_ATTEMPT_ROW, .attempt = keep(fx, &a, sizeof a)};
    if (f.attempt)
        effects_add(fx, &f);
}

void effects_task(struct effects *fx, const struct task *t)
{
    struct task *copy = keep(fx, t, sizeof *t);
    if (!copy)
        return;
    if (t->exit.diagnosis)
        copy->exit.diagnosis = keep_text(fx, t->exit.diagnosis);
    copy->gpus = keep(fx, t->gpus, (size_t)t->role->per_task.gpus * sizeof *t->gpus);
    copy->ports = keep(fx, t->ports, (size_t)t->role->port_total * sizeof *t->ports);
    if (!fx->failed)
        effects_add(fx,
                    &(struct effect){.kind = EFFECT_TASK_ROW, .row = {.task = copy, .job_attempt = t->job->attempt}});
}

void effects_lease(struct effects *fx, const struct lease *l)
{
    struct effect f = {.kind = EFFECT_LEASE_ROW, .lease = keep(fx, l, sizeof *l)};
    if (f.lease)
        effects_add(fx, &f);
}

static void attempt_order(struct effects *fx, enum effect_kind kind, const struct effect_stop *order)
{
    struct effect f = {.kind = kind, .stop = keep(fx, order, sizeof *order)};
    if (f.stop)
        effects_add(fx, &f);
}

void effects_stop(struct effects *fx, const struct task *t, int grace_ms, int signal)
{
    struct effect_stop order = {.grace_ms = grace_ms, .signal = signal};
    memcpy(order.attempt_id, t->id, ID_SIZE);
    memcpy(order.nonce, t->nonce, sizeof order.nonce);
    attempt_order(fx, EFFECT_STOP, &order);
}

void effects_order_stop(struct effects *fx, const struct effect_stop *order)
{
    attempt_order(fx, EFFECT_STOP, order);
}

void effects_forget(struct effects *fx, const char *attempt_id, const char *nonce)
{
    struct effect_stop order = {0};
    memcpy(order.attempt_id, attempt_id, ID_SIZE);
    memcpy(order.nonce, nonce, sizeof order.nonce);
    attempt_order(fx, EFFECT_FORGET, &order);
}

/* The reply in the list, which may still be filled in; NULL when none is wanted, or (fx->failed) there is no memory. */
static struct effect_reply *add_reply(struct effects *fx, void *to)
{
    struct effect_reply r = {.to = to};
    struct effect f = {.kind = EFFECT_REPLY};
    struct effect_reply *copy = to ? keep(fx, &r, sizeof r) : NULL;
    f.reply = copy;
    if (copy)
        effects_add(fx, &f);
    return copy;
}

void effects_reply(struct effects *fx, void *to, const struct err *e, const struct job *j)
{
    struct effect_reply *r = add_reply(fx, to);
    if (!r)
        return;
    if (e)
        r->err = *e;
    if (j) {
        memcpy(r->job_id, j->id, ID_SIZE);
        r->full_name = keep_text(fx, j->full_name);
    }
}

void effects_reply_warned(struct effects *fx, void *to, const struct job *j, const char *warning)
{
    struct effect_reply *r = add_reply(fx, to);
    if (!r)
        return;
    memcpy(r->job_id, j->id, ID_SIZE);
    r->full_name = keep_text(fx, j->full_name);
    r->warning = warning;
}

void effects_reply_again(struct effects *fx, void *to, const char *id, const char *full_name)
{
    struct effect_reply *r = add_reply(fx, to);
    if (!r)
        return;
    memcpy(r->job_id, id, ID_SIZE);
    r->full_name = keep_text(fx, full_name);
}

void effects_key(struct effects *fx, const struct submit_key *key, const struct job *j)
{
    struct effect_key k = {.key = key, .full_name = keep_text(fx, j->full_name)};
    memcpy(k.job_id, j->id, ID_SIZE);
    struct effect f = {.kind = EFFECT_KEY_ROW, .key = keep(fx, &k, sizeof k)};
    if (f.key)
        effects_add(fx, &f);
}

void effects_write(struct effects *fx, const struct command *cmd)
{
    effects_save(fx, cmd->reply_to, &cmd->write);
}

void effects_save(struct effects *fx, void *reply_to, const struct command_write *call)
{
    struct effect_write w = {.call = call, .reply = add_reply(fx, reply_to)};
    struct effect f = {.kind = EFFECT_WRITE, .write = keep(fx, &w, sizeof w)};
    if (f.write)
        effects_add(fx, &f);
}
