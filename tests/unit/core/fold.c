/* SPDX-License-Identifier: MIT
 *
 * Two tellings of each thing (a job, one of its attempts, a task attempt): by events, and by rows.
 */
#include "tests/unit/core/fold.h"

#include <stdlib.h>

#include "base/hash.h"
#include "tests/unit/core/harness.h"

struct telling {
    unsigned state; /* of a run, or of a lease */
    int attempt;    /* a job's: the current one */
    int64_t created, launched, completed;
};

/* A job ("ID"), a job attempt ("ID 0"), a task attempt ("ID 0 main 1 0") or its lease ("lease ID 0 main 1 0"). */
struct thing {
    char key[ID_SIZE + 128];
    bool job;
    struct telling told, stored;
    struct thing *next;
};

struct fold {
    struct hash *things;
    struct thing *first;
};

struct fold *fold_create(void)
{
    struct fold *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->things = hash_create();
    assert_non_null(f->things);
    return f;
}

void fold_destroy(struct fold *f)
{
    if (!f)
        return;
    while (f->first) {
        struct thing *t = f->first;
        f->first = t->next;
        free(t);
    }
    hash_destroy(f->things);
    free(f);
}

__attribute__((format(printf, 2, 3))) static struct thing *thing(struct fold *f, const char *fmt, ...)
{
    char key[sizeof((struct thing *)0)->key];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(key, sizeof key, fmt, ap);
    va_end(ap);
    struct thing *t = hash_get(f->things, key);
    if (t)
        return t;
    t = calloc(1, sizeof *t);
    assert_non_null(t);
    memcpy(t->key, key, sizeof key);
    t->next = f->first;
    f->first = t;
    assert_int_equal(hash_put(f->things, t->key, t), 0);
    return t;
}

/* The state that "task.starting" or "lease.held" names. */
static unsigned named(const char *type)
{
    char upper[32];
    bool lease = !strncmp(type, "lease.", 6);
    snprintf(upper, sizeof upper, "%s", strchr(type, '.') + 1);
    for (char *c = upper; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    return lease ? (unsigned)lease_state_from_name(upper) : (unsigned)state_from_name(upper);
}

/* ---- by events ---- */

/* An event in the state that was entered before tells something else (a claim that expired, a hold). */
static void enter(struct telling *t, unsigned state, int64_t time_ms)
{
    if (t->state == state)
        return;
    t->state = state;
    if (state == STATE_STARTING)
        t->created = time_ms;
    if (state == STATE_RUNNING)
        t->launched = time_ms;
    if (state & STATE_FINAL)
        t->completed = time_ms;
}

static void job_event(struct fold *f, const struct effect_event *ev)
{
    struct thing *j = thing(f, "%s", ev->job_id);
    unsigned state = named(ev->type), before = j->told.state;
    int64_t created = j->told.created;

    j->job = true;
    /* Back in the line: the attempt before has failed, and a new one begins. */
    if (state == STATE_WAITING && before && before != STATE_WAITING)
        enter(&thing(f, "%s %d", ev->job_id, j->told.attempt)->told, STATE_FAILED, ev->time_ms);
    j->told.attempt = ev->job_attempt;
    enter(&j->told, state, ev->time_ms);
    j->told.created = created ? created : ev->time_ms;
    if (state != STATE_WAITING && before != STATE_WAITING)
        enter(&thing(f, "%s %d", ev->job_id, ev->job_attempt)->told, state, ev->time_ms);
    if (state == STATE_STARTING)
        enter(&thing(f, "%s %d", ev->job_id, ev->job_attempt)->told, state, ev->time_ms);
}

static void lease_event(struct fold *f, const struct effect_event *ev)
{
    struct telling *t =
        &thing(f, "lease %s %d %s %d %d", ev->job_id, ev->job_attempt, ev->role, ev->task_index, ev->task_attempt)
             ->told;
    t->state = named(ev->type);
    if (!strcmp(ev->reason, "LeaseHeld"))
        t->created = ev->time_ms;
    if (t->state & (LEASE_ENDED | LEASE_LOST))
        t->completed = ev->time_ms;
}

static void event(struct fold *f, const struct effect_event *ev)
{
    if (!strncmp(ev->type, "lease.", 6))
        lease_event(f, ev);
    else if (!ev->role)
        job_event(f, ev);
    else
        enter(
            &thing(f, "%s %d %s %d %d", ev->job_id, ev->job_attempt, ev->role, ev->task_index, ev->task_attempt)->told,
            named(ev->type), ev->time_ms);
}

/* ---- by rows ---- */

static void job_row(struct fold *f, const struct job *j)
{
    struct telling *t = &thing(f, "%s", j->id)->stored;
    t->state = j->state;
    t->attempt = j->attempt;
    t->created = j->submitted_ms;
    t->completed = (unsigned)j->state & STATE_FINAL ? j->completed_ms : 0;
}

static void attempt_row(struct fold *f, const struct effect_attempt *a)
{
    thing(f, "%s %d", a->job_id, a->attempt)->stored = (struct telling){
        .state = a->state, .created = a->created_ms, .launched = a->launched_ms, .completed = a->completed_ms};
}

static void task_row(struct fold *f, const struct task *t, int job_attempt)
{
    thing(f, "%s %d %s %d %d", t->job->id, job_attempt, t->role->name, t->index, t->attempt)->stored =
        (struct telling){.state = t->state,
                         .created = t->created_ms,
                         .launched = t->launched_ms,
                         .completed = (unsigned)t->state & STATE_FINAL ? t->completed_ms : 0};
}

static void lease_row(struct fold *f, const struct lease *l)
{
    thing(f, "lease %s %d %s %d %d", l->job_id, l->job_attempt, l->role, l->task_index, l->task_attempt)->stored =
        (struct telling){.state = l->state, .created = l->created_ms, .completed = l->ended_ms};
}

void fold_take(void *ctx, const struct effect *fx)
{
    struct fold *f = ctx;
    switch (fx->kind) {
    case EFFECT_JOB_INSERT:
    case EFFECT_JOB_UPDATE:
        job_row(f, fx->job.job);
        break;
    case EFFECT_ATTEMPT_ROW:
        attempt_row(f, fx->attempt);
        break;
    case EFFECT_TASK_ROW:
        task_row(f, fx->row.task, fx->row.job_attempt);
        break;
    case EFFECT_LEASE_ROW:
        lease_row(f, fx->lease);
        break;
    case EFFECT_EVENT_ROW:
        event(f, fx->event);
        break;
    default:
        break;
    }
}

/* ---- both ---- */

size_t fold_compare(const struct fold *f)
{
    size_t jobs = 0;
    for (const struct thing *t = f->first; t; t = t->next) {
        const struct telling *a = &t->told, *b = &t->stored;
        jobs += t->job;
        /* A job's own row has no time of a start of its own: that is its attempt's. */
        bool launched = t->job || a->launched == b->launched;
        if (a->state != b->state || a->attempt != b->attempt || a->created != b->created || !launched ||
            a->completed != b->completed)
            fail_msg("%s: told state %u, %d (%lld %lld %lld), stored state %u, %d (%lld %lld %lld)", t->key, a->state,
                     a->attempt, (long long)a->created, (long long)a->launched, (long long)a->completed, b->state,
                     b->attempt, (long long)b->created, (long long)b->launched, (long long)b->completed);
    }
    return jobs;
}
