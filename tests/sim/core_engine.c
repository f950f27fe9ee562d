/* SPDX-License-Identifier: MIT
 *
 * An engine for 32 nodes. It keeps what it was told until it is to forget it, and tells the same more than once.
 *
 *   ordered ─► confirmed ─► started ─► ended ─► (forget) gone
 *      └─ refused, lost ──────┴─ lost ──┘
 *
 * What fails and is to be held has ended by what is told of it (`held`), but stays where it is until it is stopped.
 */
#include <stdio.h>
#include <string.h>

#include "jobs/exits.h"
#include "tests/sim/core_windows.h"

struct attempt *engine_find(struct world *w, const char *id)
{
    for (int i = 0; i < w->attempt_count; i++)
        if (!strcmp(w->attempts[i].id, id))
            return &w->attempts[i];
    return NULL;
}

/* ---- orders ---- */

static struct attempt *take_in(struct world *w, const struct task *t)
{
    if (w->attempt_count == ATTEMPTS)
        return NULL;
    struct attempt *a = &w->attempts[w->attempt_count++];
    const struct row_job *r = world_find(w, t->job->id);
    if (t->job->lease) { /* of one that it has never heard of: what it held is gone */
        *a = (struct attempt){.job = -1, .node = world_node(t->node)};
        memcpy(a->id, t->id, ID_SIZE);
        memcpy(a->nonce, t->nonce, sizeof a->nonce);
        return a;
    }
    *a = (struct attempt){.job = (int)(r - w->jobs),
                          .task = (t->role_index ? r->wish.instances[0] : 0) + t->index,
                          .node = world_node(t->node),
                          .gpus = r->wish.gpus[t->role_index],
                          .how = t->hold,
                          .hold = t->hold != SPEC_HOLD_NOTHING};
    memcpy(a->id, t->id, ID_SIZE);
    memcpy(a->nonce, t->nonce, sizeof a->nonce);
    return a;
}

static int gpus_in_use(const struct world *w, int node)
{
    int n = 0;
    for (int i = 0; i < w->attempt_count; i++)
        if (w->attempts[i].node == node && w->attempts[i].doing != DOING_ENDED && !w->attempts[i].absent &&
            !(w->attempts[i].held && w->attempts[i].how == SPEC_HOLD_SANDBOX))
            n += w->attempts[i].gpus;
    return n;
}

/* A fresh placement: the node takes work, and is one that the job allows. */
static bool may_be_there(const struct world *w, const struct row_job *r, int node)
{
    const struct node *n = &w->nodes[node].n;
    const struct wish *wish = &r->wish;
    if (!n->up || n->cordoned)
        return wrong("I4: placed on a node that takes nothing");
    if ((wish->only >= 0 && wish->only != node) || wish->never == node)
        return wrong("I4: placed on a node that the job excludes");
    if (avoid_has(&r->avoid, n->name))
        return wrong("I4: placed on a node that the job avoids");
    if (wish->sku >= 0 && wish_gpus(wish) && n->gpu_count && strcmp(n->gpus[0].model, world_sku(wish->sku)) != 0 &&
        w->plain)
        return wrong("I4: placed on a model that the job excludes");
    return windows_allow(w, r, node);
}

static bool launch(struct world *w, const struct task *t)
{
    struct row_job *r = world_find(w, t->job->id);
    if (engine_find(w, t->id))
        return wrong("I2: an attempt is ordered twice");
    const struct attempt *a = r ? take_in(w, t) : NULL;
    if (!a)
        return wrong(r ? "the engine is full" : "I3: an order for a job that has ended");
    const struct row_node *n = &w->nodes[a->node];
    if (t->attempt == 0) {
        r->launches++;
        if (!may_be_there(w, r, a->node))
            return false;
    }
    if (!n->shrunk && gpus_in_use(w, a->node) > n->n.gpu_count)
        return wrong("I4: a GPU has two users");
    return true;
}

static bool adopt(struct world *w, const struct task *t)
{
    struct attempt *known = engine_find(w, t->id), *a = known ? known : take_in(w, t);
    if (!a)
        return wrong("the engine is full");
    a->absent = a->absent || !known;
    a->again = true;
    return true;
}

static void forget(struct world *w, const char *id)
{
    struct attempt *a = engine_find(w, id);
    if (a)
        *a = w->attempts[--w->attempt_count];
}

static bool obey(struct world *w, const struct effect *f)
{
    struct attempt *a;
    switch (f->kind) {
    case EFFECT_LAUNCH:
        return launch(w, f->task);
    case EFFECT_ADOPT:
        return adopt(w, f->task);
    case EFFECT_STOP:
        a = engine_find(w, f->stop->attempt_id);
        if (a)
            a->stop = true;
        return true;
    case EFFECT_FORGET:
        forget(w, f->stop->attempt_id);
        return true;
    default:
        return true;
    }
}

bool engine_perform(struct world *w)
{
    for (int i = 0; i < JOBS; i++)
        w->jobs[i].launches = 0;
    for (size_t i = 0; i < w->fx.count; i++)
        if (!obey(w, &w->fx.list[i]))
            return false;
    for (int i = 0; i < JOBS; i++)
        if (w->jobs[i].launches && w->jobs[i].launches != wish_tasks(&w->jobs[i].wish))
            return wrong("I4: a gang is started in part");
    return true;
}

/* ---- events ---- */

static void tell(struct world *w, const struct attempt *a, enum engine_event_kind kind)
{
    struct engine_event ev = {.kind = kind, .seq = ++w->engine_seq, .wall_ms = w->now.wall};
    memcpy(ev.attempt_id, a->id, ID_SIZE);
    memcpy(ev.nonce, a->nonce, sizeof a->nonce);
    if (kind == ENGINE_EXITED || kind == ENGINE_REFUSED)
        ev.exit_code = a->code;
    ev.never_started = kind == ENGINE_LOST && a->never_started;
    if (kind == ENGINE_CONFIRMED)
        for (ev.gpu_count = 0; ev.gpu_count < a->gpus; ev.gpu_count++)
            ev.gpus[ev.gpu_count] = ev.gpu_count;
    ev.held = kind == ENGINE_EXITED && a->held;
    if (w->tell && a->job >= 0)
        printf("  engine: %s-%d on n%d: event %d, code %d\n", w->jobs[a->job].row.full_name, a->task, a->node,
               (int)kind, ev.exit_code);
    core_step(w->core, &(struct command){.kind = COMMAND_ENGINE, .engine = &ev}, w->now, &w->fx);
}

static void end(struct world *w, struct attempt *a, enum engine_event_kind how, int code)
{
    a->doing = DOING_ENDED;
    a->held = false;
    a->end = how;
    a->code = code;
    tell(w, a, how);
}

/* Its command has failed; the rest stays, if it is to. */
static void command_ends(struct world *w, struct attempt *a, int code)
{
    if (!a->hold || a->stop || !code) {
        end(w, a, ENGINE_EXITED, code);
        return;
    }
    a->held = a->kept = true;
    a->end = ENGINE_EXITED;
    a->code = code;
    tell(w, a, ENGINE_EXITED);
}

/* It waits for its stop; now and then its node is lost, or its last process is gone. */
static void on_held(struct world *w, struct attempt *a)
{
    int dice = random_below(&w->seed, 40);
    if (!w->nodes[a->node].n.up && dice < 10)
        end(w, a, ENGINE_LOST, a->code);
    else if (a->stop || dice == 0)
        end(w, a, ENGINE_EXITED, a->code);
    else if (a->again) {
        a->again = false;
        tell(w, a, ENGINE_EXITED);
    }
}

static void lose(struct world *w, struct attempt *a, bool never_started)
{
    a->never_started = never_started;
    end(w, a, ENGINE_LOST, 0);
}

static void go_on(struct world *w, struct attempt *a, enum doing to, enum engine_event_kind kind)
{
    a->doing = to;
    tell(w, a, kind);
}

/* What happens to one that was ordered and has not answered. On a node that is down nothing does. */
static void on_ordered(struct world *w, struct attempt *a)
{
    static const int refusals[] = {EXIT_CODE_ENGINE_REFUSED, EXIT_CODE_NO_IMAGE, EXIT_CODE_PORT_CONFLICT};
    int dice = random_below(&w->seed, 20);
    if (a->absent || a->stop)
        lose(w, a, true);
    else if (!w->nodes[a->node].n.up)
        return;
    else if (dice < 16)
        go_on(w, a, DOING_CONFIRMED, ENGINE_CONFIRMED);
    else if (dice < 18)
        end(w, a, ENGINE_REFUSED, refusals[random_below(&w->seed, 3)]);
    else if (dice < 19)
        lose(w, a, true);
}

static void on_running(struct world *w, struct attempt *a)
{
    static const int codes[] = {0, 0, 0, 0, 0, 0, 1, 7, 137, 253};
    int dice = random_below(&w->seed, 10);
    if (!w->nodes[a->node].n.up && dice < 4)
        lose(w, a, false);
    else if (a->stop && dice < 8)
        end(w, a, ENGINE_EXITED, dice < 2 ? 0 : 143);
    else if (a->doing == DOING_CONFIRMED)
        go_on(w, a, DOING_STARTED, ENGINE_STARTED);
    else if (dice < 3)
        command_ends(w, a, a->hold && random_below(&w->seed, 2) ? 1 : codes[random_below(&w->seed, 10)]);
    else
        a->again = dice < 4;
}

/* Everything that it was told before, once more. */
static void tell_again(struct world *w, struct attempt *a)
{
    a->again = false;
    if (a->doing == DOING_CONFIRMED || a->doing == DOING_STARTED)
        tell(w, a, ENGINE_CONFIRMED);
    if (a->doing == DOING_STARTED)
        tell(w, a, ENGINE_STARTED);
    if (a->doing == DOING_ENDED)
        tell(w, a, a->end);
}

/* One of those that are there, by the dice; sometimes rather one that has something to tell. */
static struct attempt *some_attempt(struct world *w)
{
    int n = random_below(&w->seed, w->attempt_count), from = random_below(&w->seed, 2) ? w->attempt_count : 0;
    for (int i = 0; i < from; i++) {
        const struct attempt *a = &w->attempts[(n + i) % w->attempt_count];
        if (a->held && !a->stop && !a->again && w->nodes[a->node].n.up)
            continue;
        if (a->stop || a->absent || a->again || a->doing == DOING_ENDED || !w->nodes[a->node].n.up) {
            n = (n + i) % w->attempt_count;
            break;
        }
    }
    return &w->attempts[n];
}

void engine_event(struct world *w)
{
    struct attempt *a = w->attempt_count ? some_attempt(w) : NULL;
    if (!a)
        return;
    if (a->held)
        on_held(w, a);
    else if (a->doing == DOING_ENDED || (a->again && a->doing != DOING_ORDERED)) /* it was not told to forget it */
        tell_again(w, a);
    else if (a->doing == DOING_ORDERED)
        on_ordered(w, a);
    else
        on_running(w, a);
}

void engine_end_all(struct world *w)
{
    for (int i = 0; i < w->attempt_count; i++) {
        struct attempt *a = &w->attempts[i];
        if (a->doing == DOING_ENDED)
            tell(w, a, a->end);
        else if (a->doing == DOING_ORDERED)
            lose(w, a, true);
        else if (a->held)
            end(w, a, ENGINE_EXITED, a->code);
        else
            end(w, a, ENGINE_EXITED, 143);
    }
}
