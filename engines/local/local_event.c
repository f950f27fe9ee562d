/* SPDX-License-Identifier: MIT
 *
 * What the engine tells the core.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "engines/local/local_impl.h"

static void local_event_send(struct local *l, struct engine_event *ev)
{
    ev->seq = ++l->seq;
    if (ev->wall_ms == 0)
        ev->wall_ms = clock_read().wall;
    l->sink(l->sink_ctx, ev);
}

static struct engine_event local_event_of(const struct local_attempt *a, enum engine_event_kind kind)
{
    struct engine_event ev = {.kind = kind, .epoch = a->epoch};

    memcpy(ev.attempt_id, a->id, sizeof(ev.attempt_id));
    memcpy(ev.nonce, a->nonce, sizeof(ev.nonce));
    return ev;
}

void local_event_node(struct local *l)
{
    struct engine_event ev = {.kind = ENGINE_NODE, .node = l->node};

    local_event_send(l, &ev);
}

void local_event_ready(struct local *l)
{
    struct engine_event ev = {.kind = ENGINE_READY};

    local_event_send(l, &ev);
}

static void local_event_adopted(struct local *l, struct local_attempt *a)
{
    if (a->adopt)
        l->adopts--;
    a->adopt = false;
}

void local_event_running(struct local *l, struct local_attempt *a, bool repeat)
{
    struct engine_event ev = local_event_of(a, ENGINE_CONFIRMED);

    if (a->confirmed && !repeat)
        return;
    a->confirmed = true;
    ev.on_host = a->record.on_host;
    ev.gpu_count = a->gpu_count;
    memcpy(ev.gpus, a->gpus, sizeof(ev.gpus));
    local_event_send(l, &ev);
    local_event_adopted(l, a);
    if (a->record.started_ms == 0)
        return;
    ev = local_event_of(a, ENGINE_STARTED);
    ev.wall_ms = a->record.started_ms;
    local_event_send(l, &ev);
}

void local_event_repeat(struct local *l, struct local_attempt *a)
{
    struct engine_event ev = local_event_of(a, a->end.kind);

    ev.wall_ms = a->end.wall_ms;
    ev.exit_code = a->end.code;
    ev.signal = a->end.signal;
    ev.busy_port = a->end.busy_port;
    ev.never_started = a->end.never_started;
    ev.held = a->end.held;
    (void)snprintf(ev.message, sizeof(ev.message), "%s", a->end.message);
    local_event_send(l, &ev);
    local_event_adopted(l, a);
}

void local_event_end(struct local *l, struct local_attempt *a)
{
    a->state = LOCAL_DONE;
    a->look_at = a->kill_shim_at = 0;
    local_attempt_timed(l, a);
    if (a->end.wall_ms == 0)
        a->end.wall_ms = clock_read().wall;
    engine_order_destroy(a->order);
    a->order = NULL;
    (void)FAILPOINT(ENGINE_BEFORE_END);
    local_event_repeat(l, a);
}
