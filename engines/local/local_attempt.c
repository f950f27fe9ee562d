/* SPDX-License-Identifier: MIT
 *
 * One attempt: orders of the core, words of its shim, its timers. See the diagram in local_impl.h.
 *
 * The end of a control socket is the one sign that its holder is gone, be it the shim or a spawner that was killed
 * before it could pass the socket on. What that means is then read from the attempt's folder (local_find.c).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/hash.h"
#include "base/log.h"
#include "engines/local/local_env.h"
#include "engines/local/local_gpu.h"
#include "engines/local/local_hold.h"
#include "engines/local/local_impl.h"
#include "engines/local/proto.h"
#include "engines/local/task.h"
#include "jobs/exits.h"

#define LOCAL_STOP_MS 15000 /* beyond the grace: a shim that is not done by then is killed */

int64_t local_attempt_due(const struct local_attempt *a)
{
    if (a->look_at && a->kill_shim_at)
        return a->look_at < a->kill_shim_at ? a->look_at : a->kill_shim_at;
    return a->look_at ? a->look_at : a->kill_shim_at;
}

void local_attempt_timed(struct local *l, struct local_attempt *a)
{
    bool want = local_attempt_due(a) != 0;

    if (want == a->timed)
        return;
    a->timed = want;
    if (want) {
        a->prev_timed = NULL;
        a->next_timed = l->timed;
        if (l->timed)
            l->timed->prev_timed = a;
        l->timed = a;
        return;
    }
    if (a->prev_timed)
        a->prev_timed->next_timed = a->next_timed;
    else
        l->timed = a->next_timed;
    if (a->next_timed)
        a->next_timed->prev_timed = a->prev_timed;
}

static struct local_attempt *local_attempt_create(struct local *l, const struct engine_order *o)
{
    struct local_attempt *a = calloc(1, sizeof(*a));

    if (!a)
        return NULL;
    memcpy(a->id, o->attempt_id, sizeof(a->id));
    memcpy(a->nonce, o->nonce, sizeof(a->nonce));
    a->epoch = o->epoch;
    a->ctl = -1;
    a->source = (struct local_source){.kind = LOCAL_SHIM, .attempt = a};
    if (hash_put(l->attempts, a->id, a)) {
        free(a);
        return NULL;
    }
    return a;
}

static void local_attempt_close(struct local_attempt *a)
{
    if (a->ctl >= 0)
        (void)close(a->ctl); /* leaves the epoll set by itself: nobody else holds it */
    a->ctl = -1;
}

void local_attempt_free(struct local_attempt *a)
{
    local_attempt_close(a);
    engine_order_destroy(a->order);
    free(a);
}

void local_attempt_drop(struct local *l, struct local_attempt *a)
{
    a->look_at = a->kill_shim_at = 0;
    local_attempt_timed(l, a);
    local_spawner_unqueue(l, a);
    local_gpu_release(l, a);
    (void)hash_remove(l->attempts, a->id);
    if (a->adopt)
        l->adopts--;
    local_attempt_close(a);
    a->next_dead = l->dead;
    l->dead = a;
}

void local_attempt_watch(struct local *l, struct local_attempt *a, int fd)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &a->source};

    a->ctl = fd;
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev))
        log_error("epoll_failed", "cannot watch the shim of %s: %s", a->id, strerrordesc_np(errno));
}

void local_attempt_refuse(struct local *l, struct local_attempt *a, int code, const char *message)
{
    a->end = (struct local_end){.kind = ENGINE_REFUSED, .code = code};
    (void)snprintf(a->end.message, sizeof(a->end.message), "%s", message);
    local_event_end(l, a);
}

/* Whether the node can run it: GPUs, ports (local_guard.c asks for the rest). Otherwise it is refused. */
static bool local_attempt_fits(struct local *l, struct local_attempt *a)
{
    const struct engine_launch *launch = a->order->launch;
    int port;

    if (local_gpu_take(l, a, launch->gpus, launch->gpu_count)) {
        local_attempt_refuse(l, a, EXIT_CODE_ENGINE_REFUSED, "the node has fewer free GPUs than the task needs");
        return false;
    }
    port = local_env_busy_port(launch);
    if (port > 0) {
        a->end = (struct local_end){.kind = ENGINE_REFUSED, .code = EXIT_CODE_PORT_CONFLICT, .busy_port = port};
        (void)snprintf(a->end.message, sizeof(a->end.message), "port %d is in use on the node", port);
        local_event_end(l, a);
        return false;
    }
    return true;
}

static void local_attempt_launch(struct local *l, struct engine_order *o)
{
    struct local_attempt *a = local_attempt_create(l, o);

    if (!a || !o->launch) {
        log_error("launch_dropped", "no memory or no launch for attempt %s", o->attempt_id);
        engine_order_destroy(o);
        if (a)
            local_attempt_drop(l, a);
        return;
    }
    a->order = o;
    if (local_attempt_fits(l, a))
        local_spawner_start(l, a);
}

static void local_attempt_adopt(struct local *l, struct engine_order *o)
{
    struct local_attempt *a = local_attempt_create(l, o);

    if (!a) {
        log_error("adopt_dropped", "no memory for attempt %s", o->attempt_id);
    } else {
        a->state = LOCAL_FINDING;
        a->adopt = true;
        l->adopts++;
        l->ready = false;
        /* As the core knows them; what its shim says replaces that. */
        if (o->launch && o->launch->gpus)
            local_gpu_reserve(l, a, o->launch->gpus, o->launch->gpu_count);
        local_find_look(l, a);
    }
    engine_order_destroy(o);
}

/* The core asks again about an attempt that we know. */
static void local_attempt_again(struct local *l, struct local_attempt *a, const struct engine_order *o)
{
    a->epoch = o->epoch;
    if (o->kind == ENGINE_ADOPT && !a->adopt && a->state != LOCAL_DONE && !a->confirmed) {
        a->adopt = true;
        l->adopts++;
        l->ready = false;
    }
    if (a->confirmed && a->state != LOCAL_DONE)
        local_event_running(l, a, true);
    if (a->state == LOCAL_DONE || (a->state == LOCAL_HELD && a->end.held))
        local_event_repeat(l, a);
}

static void local_attempt_send_stop(struct local_attempt *a)
{
    struct proto_msg m = {.type = PROTO_STOP, .number = a->grace_ms, .pid = a->stop_signal};

    memcpy(m.attempt, a->id, sizeof(m.attempt));
    if (a->shim > 0)
        (void)procs_signal(a->shim, a->shim_ticks, SIGCONT); /* its task may have stopped it */
    if (a->ctl >= 0 && (FAILPOINT(ENGINE_BEFORE_STOP) || proto_send(a->ctl, &m, NULL, 0)))
        log_warn("stop_failed", "cannot tell the shim of %s to stop: %s", a->id, strerrordesc_np(errno));
}

void local_attempt_end_now(struct local *l, struct local_attempt *a)
{
    local_attempt_send_stop(a);
    a->kill_shim_at = clock_read().mono + a->grace_ms + LOCAL_STOP_MS;
    local_attempt_timed(l, a);
}

static void local_attempt_stop(struct local *l, struct local_attempt *a, const struct engine_order *o)
{
    a->epoch = o->epoch;
    if (a->state == LOCAL_DONE) {
        local_event_repeat(l, a);
        return;
    }
    a->stop = true;
    a->grace_ms = o->grace_ms;
    a->stop_signal = o->signal;
    if (a->state == LOCAL_WAITING) {
        /* Not given to the spawner yet: the look finds no folder, takes the latch itself and tells LOST. */
        local_spawner_unqueue(l, a);
        engine_order_destroy(a->order);
        a->order = NULL;
        a->state = LOCAL_FINDING;
        local_find_look(l, a);
        return;
    }
    local_attempt_end_now(l, a);
}

/* STOP of an attempt that we do not know: find it first. */
static void local_attempt_stop_unknown(struct local *l, const struct engine_order *o)
{
    struct local_attempt *a = local_attempt_create(l, o);

    if (!a)
        return;
    a->state = LOCAL_FINDING;
    a->stop = true;
    a->grace_ms = o->grace_ms;
    a->stop_signal = o->signal;
    local_find_look(l, a);
}

static void local_attempt_forget(struct local *l, struct local_attempt *a, const struct engine_order *o)
{
    if (a->state == LOCAL_HELD)
        local_attempt_stop(l, a, o); /* nobody knows of its sandbox: it does not stay; its end is told, and forgotten */
    else
        local_attempt_drop(l, a);
}

void local_attempt_order(struct local *l, struct engine_order *o)
{
    struct local_attempt *a = hash_get(l->attempts, o->attempt_id);

    if (!a && o->kind == ENGINE_LAUNCH) {
        local_attempt_launch(l, o);
        return;
    }
    if (!a && o->kind == ENGINE_ADOPT) {
        local_attempt_adopt(l, o);
        return;
    }
    if (a && (o->kind == ENGINE_LAUNCH || o->kind == ENGINE_ADOPT))
        local_attempt_again(l, a, o);
    else if (a && o->kind == ENGINE_STOP)
        local_attempt_stop(l, a, o);
    else if (a && o->kind == ENGINE_FORGET)
        local_attempt_forget(l, a, o);
    else if (o->kind == ENGINE_STOP)
        local_attempt_stop_unknown(l, o);
    else if (o->kind == ENGINE_MARK)
        local_gpu_mark(l, o->marks, o->mark_count);
    engine_order_destroy(o);
}

/* What a start that failed is: mostly something that should pass; what does not is not tried for ever. */
static int attempt_refusal(const struct proto_msg *m)
{
    if (strcmp(m->step, "code") == 0)
        return EXIT_CODE_NO_CODE;
    if (strcmp(m->step, TASK_STEP_PLACE) == 0)
        return EXIT_CODE_BAD_IMAGE;
    if (strcmp(m->step, "user") == 0 && (m->number == EACCES || m->number == ENOENT))
        return EXIT_CODE_START_FAILED; /* not in the map of users, or no such Unix user */
    return EXIT_CODE_ENGINE_REFUSED;
}

void local_attempt_answer(struct local *l, const struct proto_msg *m)
{
    struct local_attempt *a = hash_get(l->attempts, m->attempt);
    char text[160];

    if (!a || a->state != LOCAL_STARTING)
        return;
    if (m->type == PROTO_STARTED) {
        a->shim = (pid_t)m->pid;
        a->shim_ticks = m->ticks;
        return;
    }
    local_attempt_close(a);
    if (m->number == EEXIST) {
        /* The latch is taken: it was started before. Report what became of it. */
        local_gpu_release(l, a);
        a->state = LOCAL_FINDING;
        local_find_look(l, a);
        return;
    }
    (void)snprintf(text, sizeof(text), "the task could not be started (%s): %s", m->step,
                   strerrordesc_np((int)m->number));
    local_attempt_refuse(l, a, attempt_refusal(m), text);
}

void local_attempt_ended(struct local *l, struct local_attempt *a, const struct record *r)
{
    a->record = *r;
    local_gpu_linger(l, a, r->gpus, r->gpu_count);
    if (!a->confirmed && a->state != LOCAL_FINDING)
        local_event_running(l, a, false);
    a->end = (struct local_end){
        .kind = ENGINE_EXITED, .code = (int)r->code, .signal = (int)r->signal, .wall_ms = r->ended_ms};
    (void)snprintf(a->end.message, sizeof(a->end.message), "%s", r->message);
    local_attempt_close(a);
    local_event_end(l, a);
}

/* The shim's STATE: the command runs. */
static void local_attempt_running(struct local *l, struct local_attempt *a, const struct record *r)
{
    a->record = *r;
    a->shim = (pid_t)r->pid;
    a->shim_ticks = r->ticks;
    if (a->state != LOCAL_RUNNING) {
        local_gpu_release(l, a);
        local_gpu_reserve(l, a, r->gpus, r->gpu_count);
        a->state = LOCAL_RUNNING;
        a->look_at = 0;
        a->looks = 0;
        local_attempt_timed(l, a);
        engine_order_destroy(a->order);
        a->order = NULL;
        if (a->stop)
            local_attempt_end_now(l, a);
    }
    local_event_running(l, a, false);
}

static void local_attempt_message(struct local *l, struct local_attempt *a, const struct proto_msg *m)
{
    struct record r;

    if (m->type == PROTO_FAILED) {
        local_attempt_close(a);
        local_attempt_refuse(l, a, attempt_refusal(m), m->text);
        return;
    }
    if (record_parse(m->text, m->text_len, &r) || strcmp(r.attempt, a->id) != 0)
        return;
    if (m->type == PROTO_ENDED && r.ended && r.held)
        local_hold_begun(l, a, &r);
    else if (m->type == PROTO_ENDED && r.ended)
        local_attempt_ended(l, a, &r);
    else if (m->type == PROTO_STATE)
        local_attempt_running(l, a, &r);
}

void local_attempt_input(struct local *l, struct local_attempt *a)
{
    struct proto_msg m;
    int fds[PROTO_FDS];
    int rc = -1;

    while (a->ctl >= 0 && (rc = proto_recv(a->ctl, &m, fds)) > 0) {
        for (int i = 0; i < PROTO_FDS; i++)
            if (fds[i] >= 0)
                (void)close(fds[i]);
        local_attempt_message(l, a, &m);
    }
    if (a->ctl < 0 || (rc < 0 && (errno == EAGAIN || errno == EBADMSG)))
        return;
    local_attempt_close(a);
    /* The spawner's answer may wait in its socket: why it failed is better known from there. */
    if (a->state == LOCAL_STARTING)
        local_spawner_input(l, false);
    if (a->state == LOCAL_DONE || a->ctl >= 0)
        return;
    a->state = LOCAL_FINDING;
    local_find_look(l, a);
}

void local_attempt_timer(struct local *l, struct local_attempt *a, int64_t now)
{
    if (a->look_at && now >= a->look_at) {
        a->look_at = 0;
        if (a->state == LOCAL_HELD)
            local_hold_look(l, a);
        else
            local_find_look(l, a);
    }
    if (a->state != LOCAL_DONE && a->kill_shim_at && now >= a->kill_shim_at) {
        a->kill_shim_at = now + LOCAL_STOP_MS;
        if (a->shim > 0 && procs_signal(a->shim, a->shim_ticks, SIGKILL))
            log_warn("shim_killed", "the shim of %s did not stop its task in time", a->id);
    }
    local_attempt_timed(l, a);
}
