/* SPDX-License-Identifier: MIT
 *
 * Events: one typed row per transition. The type is "job.", "task." or "lease." and the state entered, so that folding
 * a job's events gives its states.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "core/internal.h"

static void put_type(char out[32], const char *prefix, const char *state)
{
    int n = snprintf(out, 32, "%s.%s", prefix, state);
    for (int i = 0; i < n && i < 31; i++)
        if (out[i] >= 'A' && out[i] <= 'Z')
            out[i] = (char)(out[i] - 'A' + 'a');
}

static bool is_warning(enum run_state state)
{
    return state == STATE_FAILED;
}

/* A new event about a job with id, time and name filled; NULL when memory is out (the batch has then failed). */
static struct effect_event *make(struct step *s, const struct job *j)
{
    struct effect_event *ev = arena_alloc(s->fx->arena, sizeof *ev);
    if (!ev) {
        s->fx->failed = true;
        return NULL;
    }
    ev->id = s->core->next_event_id++;
    ev->time_ms = s->now.wall;
    ev->submitted_ms = j->submitted_ms;
    ev->job_attempt = j->attempt;
    ev->state = j->state;
    memcpy(ev->job_id, j->id, ID_SIZE);
    snprintf(ev->full_name, sizeof ev->full_name, "%s", j->full_name);
    snprintf(ev->vc, sizeof ev->vc, "%s", j->spec->vc);
    return ev;
}

__attribute__((format(printf, 4, 0))) static void add(struct step *s, struct effect_event *ev, const char *reason,
                                                      const char *fmt, va_list ap)
{
    struct buf text;
    buf_init(&text, 4096); /* far more than the names and messages that are put in */
    buf_vaddf(&text, fmt, ap);
    ev->reason = reason;
    ev->message = text.bad ? NULL : arena_strdup(s->fx->arena, buf_str(&text));
    if (!ev->message)
        s->fx->failed = true;
    buf_fini(&text);
    effects_add(s->fx, &(struct effect){.kind = EFFECT_EVENT_ROW, .event = ev});
}

void core_event_job(struct step *s, const struct job *j, const char *reason, const char *fmt, ...)
{
    struct effect_event *ev = make(s, j);
    if (!ev)
        return;
    put_type(ev->type, "job", state_name(j->state));
    ev->warning = is_warning(j->state);
    va_list ap;
    va_start(ap, fmt);
    add(s, ev, reason, fmt, ap);
    va_end(ap);
}

/* Fills in whose it is. The name is a copy: events are told to live streams after the job may have been freed. */
static void of_task(struct step *s, struct effect_event *ev, const struct task *t)
{
    ev->role = arena_strdup(s->fx->arena, t->role->name);
    if (!ev->role)
        s->fx->failed = true;
    ev->task_index = t->index;
    ev->task_attempt = t->attempt;
}

void core_event_task(struct step *s, const struct task *t, const char *reason, const char *fmt, ...)
{
    struct effect_event *ev = make(s, t->job);
    if (!ev)
        return;
    put_type(ev->type, "task", state_name(t->state));
    ev->warning = is_warning(t->state);
    of_task(s, ev, t);
    va_list ap;
    va_start(ap, fmt);
    add(s, ev, reason, fmt, ap);
    va_end(ap);
}

void core_event_lease(struct step *s, const struct job *stand, const char *reason, const char *fmt, ...)
{
    struct effect_event *ev = make(s, stand);
    if (!ev)
        return;
    put_type(ev->type, "lease", lease_state_name(stand->lease->state));
    ev->warning = stand->lease->state == LEASE_LOST;
    of_task(s, ev, stand->tasks);
    va_list ap;
    va_start(ap, fmt);
    add(s, ev, reason, fmt, ap);
    va_end(ap);
}

void core_move_job(struct step *s, struct job *j, enum run_state to, const char *reason, const char *message)
{
    state_move(STATE_OF_JOB, &j->state, to);
    effects_job(s->fx, j);
    core_event_job(s, j, reason, "%s", message);
}

void core_move_task(struct step *s, struct task *t, enum run_state to, const char *reason, const char *message)
{
    state_move(STATE_OF_TASK_ATTEMPT, &t->state, to);
    core_event_task(s, t, reason, "%s", message);
}
