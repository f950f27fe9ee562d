/* SPDX-License-Identifier: MIT
 *
 * Virtual tasks in a binary heap by the time of their next event.
 */
#include "engines/simulated/simulated.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "jobs/exits.h"

enum simulated_step { STEP_START, STEP_RUN, STEP_HELD, STEP_DONE };

struct simulated_task {
    char id[ID_SIZE];
    char nonce[33];
    int64_t epoch;
    struct simulated_plan plan;
    enum simulated_step step;
    int64_t due;   /* of the next event; INT64_MAX = none */
    int64_t order; /* of equal times: first come, first served */
    size_t at;     /* place in the heap */
    int code, signal;
    bool lost, never_started, refused, on_host, stopped;
    enum engine_hold hold;
    size_t node;
    int gpu_count;
    int gpus[NODE_GPU_MAX];
};

struct simulated_node {
    struct node node;
    bool told;
    bool used[NODE_GPU_MAX];
};

struct simulated {
    struct simulated_node *nodes;
    size_t node_count;
    simulated_plan_fn *plan;
    void *ctx;
    struct hash *tasks;
    struct simulated_task **heap;
    size_t heap_count, heap_room;
    int64_t seq, orders;
    bool ready;
};

static struct simulated_plan simulated_second(void *ctx, const struct engine_order *launch)
{
    (void)ctx;
    (void)launch;
    return (struct simulated_plan){.run_ms = 1000};
}

struct simulated *simulated_create(const struct node *nodes, size_t count, simulated_plan_fn *plan, void *ctx)
{
    struct simulated *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->plan = plan ? plan : simulated_second;
    s->ctx = ctx;
    s->tasks = hash_create();
    s->nodes = calloc(count > 0 ? count : 1, sizeof(*s->nodes));
    if (!s->tasks || !s->nodes) {
        simulated_destroy(s);
        return NULL;
    }
    s->node_count = count;
    for (size_t i = 0; i < count; i++)
        s->nodes[i].node = nodes[i];
    return s;
}

void simulated_destroy(struct simulated *s)
{
    struct simulated_task *t;
    size_t pos = 0;

    if (!s)
        return;
    while (s->tasks && (t = hash_next(s->tasks, &pos)))
        free(t);
    hash_destroy(s->tasks);
    free(s->heap);
    free(s->nodes);
    free(s);
}

static bool simulated_before(const struct simulated_task *a, const struct simulated_task *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void simulated_put(struct simulated *s, size_t at, struct simulated_task *t)
{
    s->heap[at] = t;
    t->at = at;
}

/* Restores the heap after the time of `t` changed. */
static void simulated_sift(struct simulated *s, struct simulated_task *t)
{
    size_t at = t->at;

    while (at > 0 && simulated_before(t, s->heap[(at - 1) / 2])) {
        simulated_put(s, at, s->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (;;) {
        size_t kid = 2 * at + 1;

        if (kid >= s->heap_count)
            break;
        if (kid + 1 < s->heap_count && simulated_before(s->heap[kid + 1], s->heap[kid]))
            kid++;
        if (!simulated_before(s->heap[kid], t))
            break;
        simulated_put(s, at, s->heap[kid]);
        at = kid;
    }
    simulated_put(s, at, t);
}

static void simulated_due(struct simulated *s, struct simulated_task *t, int64_t due)
{
    t->due = due;
    t->order = ++s->orders;
    simulated_sift(s, t);
}

static struct simulated_task *simulated_add(struct simulated *s, const struct engine_order *o)
{
    struct simulated_task *t;

    if (s->heap_count == s->heap_room) {
        size_t room = s->heap_room ? 2 * s->heap_room : 64;
        struct simulated_task **heap = realloc(s->heap, room * sizeof(struct simulated_task *));

        if (!heap)
            return NULL;
        s->heap = heap;
        s->heap_room = room;
    }
    t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    memcpy(t->id, o->attempt_id, sizeof(t->id));
    memcpy(t->nonce, o->nonce, sizeof(t->nonce));
    t->epoch = o->epoch;
    if (hash_put(s->tasks, t->id, t)) {
        free(t);
        return NULL;
    }
    t->due = INT64_MAX;
    simulated_put(s, s->heap_count++, t);
    return t;
}

static void simulated_release(struct simulated *s, struct simulated_task *t)
{
    for (int i = 0; i < t->gpu_count; i++)
        s->nodes[t->node].used[t->gpus[i]] = false;
    t->gpu_count = 0;
}

static void simulated_forget(struct simulated *s, struct simulated_task *t)
{
    struct simulated_task *last = s->heap[--s->heap_count];

    simulated_release(s, t);
    if (last != t) {
        simulated_put(s, t->at, last);
        simulated_sift(s, last);
    }
    (void)hash_remove(s->tasks, t->id);
    free(t);
}

/* Lowest free GPUs of the launch's node. False when there is no such node or not enough. */
static bool simulated_place(struct simulated *s, struct simulated_task *t, const struct engine_launch *launch)
{
    struct simulated_node *n;

    while (t->node < s->node_count && strcmp(s->nodes[t->node].node.name, launch->node ? launch->node : "") != 0)
        t->node++;
    if (t->node == s->node_count)
        return false;
    n = &s->nodes[t->node];
    for (int i = 0; i < n->node.gpu_count && t->gpu_count < launch->gpu_count; i++)
        if (!n->used[i])
            t->gpus[t->gpu_count++] = i;
    if (t->gpu_count < launch->gpu_count) {
        t->gpu_count = 0;
        return false;
    }
    for (int i = 0; i < t->gpu_count; i++)
        n->used[t->gpus[i]] = true;
    return true;
}

static void simulated_launch(struct simulated *s, const struct engine_order *o, int64_t now)
{
    struct simulated_task *t = simulated_add(s, o);

    if (!t)
        return;
    t->plan = s->plan(s->ctx, o);
    t->on_host = o->launch->image_on_host;
    t->hold = o->launch->hold;
    t->code = t->plan.refuse_code;
    if (t->code == 0 && !simulated_place(s, t, o->launch))
        t->code = EXIT_CODE_ENGINE_REFUSED;
    t->refused = t->code != 0;
    simulated_due(s, t, now + t->plan.start_ms);
}

static void simulated_stop(struct simulated *s, struct simulated_task *t, const struct engine_order *o, int64_t now)
{
    int64_t end = t->plan.ignores_stop ? now + o->grace_ms : now;

    t->stopped = true;
    if (t->step == STEP_START) {
        t->lost = t->never_started = true;
        t->step = STEP_RUN;
        simulated_due(s, t, now);
    } else if (t->step == STEP_RUN && (t->due > end)) {
        t->signal = t->plan.ignores_stop ? 9 : 15;
        t->code = 128 + t->signal;
        simulated_due(s, t, end);
    } else if (t->step == STEP_HELD) {
        simulated_due(s, t, now);
    }
}

void simulated_order(struct simulated *s, struct engine_order *o, int64_t now)
{
    struct simulated_task *t = hash_get(s->tasks, o->attempt_id);

    if (t)
        t->epoch = o->epoch;
    if (!t && o->kind == ENGINE_LAUNCH && o->launch) {
        simulated_launch(s, o, now);
    } else if (!t && o->kind == ENGINE_ADOPT) {
        t = simulated_add(s, o);
        if (t) {
            t->lost = t->never_started = true;
            t->step = STEP_RUN;
            simulated_due(s, t, now);
        }
    } else if (t && o->kind == ENGINE_ADOPT && t->step == STEP_HELD) {
        t->step = STEP_RUN; /* it is told again */
        simulated_due(s, t, now);
    } else if (t && o->kind == ENGINE_STOP) {
        simulated_stop(s, t, o, now);
    } else if (t && o->kind == ENGINE_FORGET) {
        simulated_forget(s, t);
    }
    engine_order_destroy(o);
}

static void simulated_tell(struct simulated *s, const struct simulated_task *t, struct engine_event *ev,
                           engine_sink_fn *sink, void *ctx)
{
    memcpy(ev->attempt_id, t->id, sizeof(ev->attempt_id));
    memcpy(ev->nonce, t->nonce, sizeof(ev->nonce));
    ev->epoch = t->epoch;
    ev->seq = ++s->seq;
    ev->wall_ms = t->due;
    sink(ctx, ev);
}

static void simulated_begin(struct simulated *s, struct simulated_task *t, engine_sink_fn *sink, void *ctx)
{
    struct engine_event ev = {.kind = t->refused ? ENGINE_REFUSED : ENGINE_CONFIRMED, .exit_code = t->code};

    ev.on_host = t->on_host;
    ev.gpu_count = t->gpu_count;
    memcpy(ev.gpus, t->gpus, sizeof(ev.gpus));
    simulated_tell(s, t, &ev, sink, ctx);
    if (t->refused) {
        t->step = STEP_DONE;
        simulated_release(s, t);
        simulated_due(s, t, INT64_MAX);
        return;
    }
    ev = (struct engine_event){.kind = ENGINE_STARTED};
    simulated_tell(s, t, &ev, sink, ctx);
    t->step = STEP_RUN;
    t->code = t->plan.exit_code;
    t->lost = t->plan.lost;
    simulated_due(s, t, t->plan.run_ms < 0 ? INT64_MAX : t->due + t->plan.run_ms);
}

static void simulated_end(struct simulated *s, struct simulated_task *t, engine_sink_fn *sink, void *ctx)
{
    struct engine_event ev = {.kind = t->lost ? ENGINE_LOST : ENGINE_EXITED, .never_started = t->never_started};

    if (!t->lost) {
        ev.exit_code = t->code;
        ev.signal = t->signal;
    }
    ev.held = t->hold != ENGINE_HOLD_NOTHING && !t->lost && t->code != 0 && !t->stopped;
    simulated_tell(s, t, &ev, sink, ctx);
    t->step = ev.held ? STEP_HELD : STEP_DONE;
    if (!ev.held || t->hold == ENGINE_HOLD_SANDBOX)
        simulated_release(s, t);
    simulated_due(s, t, INT64_MAX);
}

void simulated_advance(struct simulated *s, int64_t now, engine_sink_fn *sink, void *ctx)
{
    for (size_t i = 0; i < s->node_count; i++) {
        struct engine_event ev = {.kind = ENGINE_NODE, .wall_ms = now};

        if (s->nodes[i].told)
            continue;
        s->nodes[i].told = true;
        ev.node = s->nodes[i].node;
        ev.seq = ++s->seq;
        sink(ctx, &ev);
    }
    while (s->heap_count > 0 && s->heap[0]->due <= now) {
        if (s->heap[0]->step == STEP_START)
            simulated_begin(s, s->heap[0], sink, ctx);
        else
            simulated_end(s, s->heap[0], sink, ctx);
    }
    if (!s->ready) {
        struct engine_event ev = {.kind = ENGINE_READY, .seq = ++s->seq, .wall_ms = now};

        s->ready = true;
        sink(ctx, &ev);
    }
}

int64_t simulated_next(const struct simulated *s)
{
    return s->heap_count > 0 ? s->heap[0]->due : INT64_MAX;
}
