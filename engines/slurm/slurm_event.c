/* SPDX-License-Identifier: MIT
 *
 * What the core is told.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engines/slurm/slurm_impl.h"

static void tell(struct slurm_attempt *a, struct engine_event *ev)
{
    struct slurm *s = a->slurm;
    memcpy(ev->attempt_id, a->id, sizeof ev->attempt_id);
    memcpy(ev->nonce, a->nonce, sizeof ev->nonce);
    ev->epoch = a->epoch;
    ev->seq = ++s->seq;
    if (!ev->wall_ms)
        ev->wall_ms = clock_read().wall;
    s->sink(s->ctx, ev);
}

void slurm_event_node(struct slurm *s, const struct node *n)
{
    const struct engine_event ev = {.kind = ENGINE_NODE, .seq = ++s->seq, .wall_ms = clock_read().wall, .node = *n};
    s->sink(s->ctx, &ev);
}

void slurm_event_adopted(struct slurm_attempt *a)
{
    if (!a->adopt)
        return;
    a->adopt = false;
    a->slurm->adopts--;
}

void slurm_event_running(struct slurm_attempt *a)
{
    struct engine_event ev = {.kind = ENGINE_CONFIRMED, .on_host = true, .gpu_count = a->record.gpu_count};
    memcpy(ev.gpus, a->record.gpus, sizeof ev.gpus);
    a->confirmed = true;
    tell(a, &ev);
}

void slurm_event_started(struct slurm_attempt *a)
{
    struct engine_event ev = {.kind = ENGINE_STARTED, .wall_ms = a->record.started_ms};
    a->started = true;
    tell(a, &ev);
    slurm_event_adopted(a);
}

void slurm_event_note(struct slurm_attempt *a, const char *text)
{
    struct engine_event ev = {.kind = ENGINE_NOTE};
    snprintf(ev.message, sizeof ev.message, "%s", text);
    tell(a, &ev);
}

void slurm_event_end(struct slurm_attempt *a)
{
    struct engine_event ev = {.kind = a->end.kind,
                              .exit_code = a->end.code,
                              .signal = a->end.signal,
                              .never_started = a->end.never_started,
                              .wall_ms = a->end.wall_ms};
    snprintf(ev.message, sizeof ev.message, "%s", a->end.message);
    tell(a, &ev);
    slurm_event_adopted(a);
}
