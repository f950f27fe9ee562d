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
                               .exit_phrase = j->exit ? j->exit->phrase : NULL,
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
    copy->gpus = keep(fx, t->gpus, (size_t)t->role->per_task.gpus * sizeof *t->gpus);
    copy->ports = keep(fx, t->ports, (size_t)t->role->port_total * sizeof *t->ports);
    if (!fx->failed)
        effects_add(fx,
                    &(struct effect){.kind = EFFECT_TASK_ROW, .row = {.task = copy, .job_attempt = t->job->attempt}});
}

static void attempt_order(struct effects *fx, enum effect_kind kind, const struct effect_stop *order)
{
    struct effect f = {.kind = kind, .stop = keep(fx, order, sizeof *order)};
    if (f.stop)
        effects_add(fx, &f);
}

void effects_stop(struct effects *fx, const struct task *t, int grace_ms)
{
    struct effect_stop order = {.grace_ms = grace_ms};
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

void effects_reply(struct effects *fx, void *to, const struct err *e, const struct job *j)
{
    if (!to)
        return;
    struct effect_reply r = {.to = to};
    if (e)
        r.err = *e;
    if (j) {
        memcpy(r.job_id, j->id, ID_SIZE);
        r.full_name = keep(fx, j->full_name, strlen(j->full_name) + 1);
    }
    struct effect f = {.kind = EFFECT_REPLY, .reply = keep(fx, &r, sizeof r)};
    if (f.reply)
        effects_add(fx, &f);
}
