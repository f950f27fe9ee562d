/* SPDX-License-Identifier: MIT
 *
 * One attempt: orders of the core, looks at its job and at its place, its stop. See the diagram in slurm_impl.h.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "engines/slurm/slurm_impl.h"
#include "engines/slurm/states.h"
#include "jobs/exits.h"

enum {
    WAIT_FIRST_MS = 250,
    WAIT_MAX_MS = 5000,
    LOOKS_A_SECOND = 40, /* at slurmrestd, of all attempts together */
    PULL_FIRST_MS = 250,
    PULL_MAX_MS = 3000,
    KILL_AGAIN_MS = 5000,
    STALE_MS = 20 * 1000,
    LATE_MS = 60 * 1000
};

/* ---- life ---- */

static struct slurm_attempt *create(struct slurm *s, const struct engine_order *o)
{
    struct slurm_attempt *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->slurm = s;
    memcpy(a->id, o->attempt_id, sizeof a->id);
    memcpy(a->nonce, o->nonce, sizeof a->nonce);
    a->epoch = o->epoch;
    if (o->launch) {
        snprintf(a->node, sizeof a->node, "%s", o->launch->node ? o->launch->node : "");
        a->limits = o->launch->limits;
    }
    if (!hash_put(s->attempts, a->id, a))
        return a;
    free(a);
    return NULL;
}

void slurm_attempt_drop(struct slurm_attempt *a)
{
    slurm_event_adopted(a);
    (void)hash_remove(a->slurm->attempts, a->id);
    engine_order_destroy(a->order);
    free(a);
}

bool slurm_attempt_doubtful(const struct slurm_attempt *a)
{
    return !a->busy && (a->state == SLURM_DOUBT || (a->state == SLURM_DONE && a->sweep && !a->job_id));
}

/* ---- looks at its job ---- */

/* More slowly the longer nothing changes, and the more of them there are. */
static void look_later(struct slurm_attempt *a, int64_t now)
{
    const int64_t crowd = (int64_t)hash_count(a->slurm->attempts) * 1000 / LOOKS_A_SECOND;
    a->wait_ms = a->wait_ms ? a->wait_ms * 3 / 2 : WAIT_FIRST_MS;
    if (a->wait_ms > WAIT_MAX_MS)
        a->wait_ms = WAIT_MAX_MS;
    a->due = now + (a->wait_ms > crowd ? a->wait_ms : crowd);
}

static void doubt(struct slurm_attempt *a, int64_t now)
{
    a->state = SLURM_DOUBT;
    a->doubt_at = now;
}

/* Slurm's reason, where it is another than the one last told. */
static void tell_reason(struct slurm_attempt *a, const struct shape_job *j)
{
    char text[200];
    const char *known = states_reason(j->reason);
    if (!strcmp(a->reason, j->reason) || !strcmp(j->reason, "None"))
        return;
    snprintf(a->reason, sizeof a->reason, "%s", j->reason);
    snprintf(text, sizeof text, "Waits in Slurm as job %lld: %s (%s).", (long long)j->id,
             known ? known : "Slurm gives a reason of its own", j->reason);
    slurm_event_note(a, text);
}

static void on_runs(struct slurm_attempt *a, const struct shape_job *j)
{
    if (a->confirmed)
        return;
    a->record.gpu_count = j->gpu_count;
    memcpy(a->record.gpus, j->gpus, sizeof a->record.gpus);
    slurm_event_running(a);
    a->pull_due = 0;
    a->pull_ms = 0;
    a->runs_at = clock_read().mono;
}

static void apply(struct slurm_attempt *a, const struct shape_job *j, int64_t now)
{
    const enum states_phase phase = states_find(j->state)->phase;
    a->job = *j;
    a->gone_at = 0;
    look_later(a, now);
    if (a->state == SLURM_DONE) {
        a->sweep = phase != STATES_ENDED;
        return;
    }
    if (phase == STATES_WAITS && !a->started) {
        tell_reason(a, j);
        slurm_event_adopted(a); /* as it was: there is nothing to tell */
    } else if (phase == STATES_RUNS) {
        on_runs(a, j);
    } else if (phase == STATES_ENDS) {
        on_runs(a, j);
        a->due = now + WAIT_FIRST_MS;
    } else if (phase == STATES_ENDED) {
        if (j->gpu_count && !a->confirmed)
            on_runs(a, j);
        slurm_end_ended(a, j, now);
    }
}

static void on_looked(void *ctx, const struct rest_answer *answer)
{
    struct slurm_attempt *a = ctx;
    const int64_t now = clock_read().mono;
    struct shape_reply r;
    struct shape_job j;
    char name[64];
    a->busy = false;
    look_later(a, now);
    if (!answer->status || answer->down)
        return;
    shape_v38_reply(answer->text, answer->len, &r);
    if (r.valid && r.error == SHAPE_NO_JOB) {
        slurm_end_absent(a, now);
        return;
    }
    snprintf(name, sizeof name, SLURM_NAME "%s", a->id);
    if (answer->status != 200 || shape_v38_job(answer->text, answer->len, &j)) {
        log_warn("slurm_unreadable", "job %lld of %s cannot be read from an answer; its last state is kept",
                 (long long)a->job_id, a->id);
    } else if (j.id != a->job_id || strcmp(j.name, name) != 0) {
        log_warn("slurm_id_reused", "job %lld of Slurm is another's now, not that of %s", (long long)a->job_id, a->id);
        a->ours = 0;
        slurm_end_absent(a, now);
    } else {
        a->ours = j.id;
        apply(a, &j, now);
    }
}

static void look(struct slurm_attempt *a, int64_t now)
{
    char path[64];
    snprintf(path, sizeof path, SHAPE_V38_PATH "/job/%lld", (long long)a->job_id);
    const struct rest_call call = {.method = "GET", .path = path, .done = on_looked, .ctx = a};
    if (rest_send(a->slurm->rest, &call))
        a->due = now + WAIT_MAX_MS;
    else
        a->busy = true;
}

void slurm_attempt_found(struct slurm_attempt *a, int64_t now)
{
    a->job_id = a->ours = a->found_id;
    a->due = now;
    a->wait_ms = 0;
    a->gone_at = 0;
    if (a->state != SLURM_DOUBT)
        return;
    a->state = SLURM_KNOWN;
    const struct place at = {a->id, a->nonce};
    (void)place_note_job(&a->slurm->places, &at, a->job_id);
}

/* ---- its place ---- */

/* A slurmd that was killed when it was told to start the script leaves a job that runs without one, which slurmctld
 * sees after minutes. The latch proves that it never will. */
static void late_step(struct slurm_attempt *a, int64_t now)
{
    if (!a->confirmed || now - a->runs_at < LATE_MS || !strcmp(a->job.reason, "Prolog"))
        return;
    a->runs_at = now;
    a->sweep = slurm_end_never(a, "Slurm says that it runs, but its script did not begin within a minute");
}

/* The latch tells of the start, the file `exit` of the end, both sooner than Slurm; the logs grow meanwhile. */
static void look_at_place(struct slurm_attempt *a, int64_t now)
{
    const struct place at = {a->id, a->nonce};
    int64_t holder = 0;
    int status;
    a->pull_ms = a->pull_ms ? a->pull_ms * 5 / 4 : PULL_FIRST_MS;
    if (a->pull_ms > PULL_MAX_MS)
        a->pull_ms = PULL_MAX_MS;
    a->pull_due = now + a->pull_ms;
    if (!a->started && place_look(&a->slurm->places, &at, &holder) == PLACE_JOB && a->confirmed &&
        holder == a->job_id) {
        a->record.started_ms = clock_read().wall;
        slurm_event_started(a);
        engine_order_destroy(a->order);
        a->order = NULL;
    }
    if (!a->started) {
        late_step(a, now);
        return;
    }
    if (place_pull(&a->slurm->places, &at) > 0)
        a->pull_ms = PULL_FIRST_MS;
    if (!place_exit(&a->slurm->places, &at, &status) && a->wait_ms > WAIT_FIRST_MS) {
        a->due = now;
        a->wait_ms = WAIT_FIRST_MS;
    }
}

/* ---- its stop ---- */

static void on_signalled(void *ctx, const struct rest_answer *answer)
{
    struct slurm_attempt *a = ctx;
    const int64_t now = clock_read().mono;
    struct shape_reply r;
    a->busy = false;
    shape_v38_reply(answer->text, answer->len, &r);
    if (!answer->status || answer->down)
        return;
    a->terms++;
    a->due = now;
    a->wait_ms = 0;
    if (a->state == SLURM_DONE && answer->status == 200)
        a->sweep = false;
    if (r.valid && r.error == SHAPE_NO_JOB)
        slurm_end_absent(a, now);
}

/* With a signal for the command; without one Slurm ends the job by its own rules (TERM, KillWait, KILL). */
static bool cancel(struct slurm_attempt *a, int signal_number, int64_t now)
{
    char path[96];
    int n = snprintf(path, sizeof path, SHAPE_V38_PATH "/job/%lld", (long long)a->job_id);
    if (signal_number)
        snprintf(path + n, sizeof path - (size_t)n, "?signal=%d", signal_number);
    const struct rest_call call = {.method = "DELETE", .path = path, .done = on_signalled, .ctx = a};
    if (rest_send(a->slurm->rest, &call))
        return false;
    a->busy = true;
    a->kill_at = now + (signal_number ? a->grace_ms : KILL_AGAIN_MS);
    return true;
}

/* What has not started never will: the latch says so at once, whatever Slurm knows. What has is told to end. */
static void stop_step(struct slurm_attempt *a, int64_t now)
{
    if (!a->started && slurm_end_never(a, "it was stopped before it started")) {
        a->sweep = true;
        return;
    }
    /* An id out of the latch may be anybody's: the job's user can write it. The next look tells. */
    if (a->state != SLURM_KNOWN || a->ours != a->job_id)
        return;
    if (!a->terms)
        (void)cancel(a, a->signal ? a->signal : SIGTERM, now);
    else if (now >= a->kill_at)
        (void)cancel(a, 0, now);
}

/* ---- what is due ---- */

static void done_step(struct slurm_attempt *a, int64_t now)
{
    if (a->sweep && a->job_id && a->ours != a->job_id) {
        a->job_id = 0; /* looked for by its name */
        a->doubt_at = now;
    } else if (a->sweep && a->job_id && now >= a->due) {
        a->due = now + WAIT_MAX_MS;
        (void)cancel(a, 0, now);
    } else if (!a->sweep && a->forgotten) {
        slurm_attempt_drop(a);
    }
}

/* Once, and of what Slurm does know: "stale since" for people. */
static void stale_step(struct slurm_attempt *a)
{
    const int64_t since = rest_down_since(a->slurm->rest), now = clock_read().wall;
    char text[160], iso[CLOCK_ISO_SIZE];
    if (!since) {
        if (a->told_stale && a->state != SLURM_DONE)
            slurm_event_note(a, "Slurm answers again.");
        a->told_stale = false;
    } else if (!a->told_stale && now - since >= STALE_MS && a->state != SLURM_DONE) {
        a->told_stale = true;
        clock_iso(since, iso);
        snprintf(text, sizeof text, "Stale since %s: Slurm does not answer; this is its last known state.", iso);
        slurm_event_note(a, text);
    }
}

void slurm_attempt_step(struct slurm_attempt *a, int64_t now)
{
    stale_step(a);
    if (a->state == SLURM_KNOWN && now >= a->pull_due)
        look_at_place(a, now);
    if (a->busy)
        return;
    if (a->state == SLURM_DONE) {
        done_step(a, now);
        return;
    }
    if (a->stop)
        stop_step(a, now);
    if (a->busy || now < a->due)
        return;
    if (a->state == SLURM_SUBMIT && a->slurm->version)
        (void)slurm_submit(a, now);
    else if (a->state == SLURM_KNOWN)
        look(a, now);
}

/* ---- orders ---- */

/* What stands at its place is all that we know of it. */
static void adopt(struct slurm_attempt *a, int64_t now)
{
    const struct place at = {a->id, a->nonce};
    struct record *r = &a->record;
    int64_t holder = 0;
    memcpy(r->attempt, a->id, sizeof r->attempt);
    memcpy(r->nonce, a->nonce, sizeof r->nonce);
    snprintf(r->boot, sizeof r->boot, "slurm");
    r->on_host = true;
    (void)place_mirror(&a->slurm->places, r);
    const enum place_latch latch = place_look(&a->slurm->places, &at, &holder);
    a->job_id = latch == PLACE_JOB ? holder : place_job(&a->slurm->places, &at);
    a->due = now;
    if (a->job_id)
        a->state = SLURM_KNOWN;
    else
        doubt(a, now);
}

static void begin(struct slurm *s, struct engine_order *o, int64_t now)
{
    struct slurm_attempt *a = create(s, o);
    if (!a) {
        log_error("order_dropped", "no memory for attempt %s", o->attempt_id);
        engine_order_destroy(o);
        return;
    }
    if (o->kind == ENGINE_LAUNCH && o->launch) {
        a->order = o;
        a->state = SLURM_SUBMIT;
        a->due = now;
        return;
    }
    if (o->kind == ENGINE_ADOPT) {
        a->adopt = true;
        s->adopts++;
        s->ready = false;
    }
    adopt(a, now);
    engine_order_destroy(o);
}

/* The core asks again about an attempt that we know. */
static void again(struct slurm_attempt *a, const struct engine_order *o)
{
    a->epoch = o->epoch;
    if (a->state == SLURM_DONE) {
        slurm_event_end(a);
        return;
    }
    if (o->kind == ENGINE_ADOPT && !a->adopt && !a->started) {
        a->adopt = true;
        a->slurm->adopts++;
        a->slurm->ready = false;
    }
    if (a->confirmed)
        slurm_event_running(a);
    if (a->started)
        slurm_event_started(a);
}

static void stop(struct slurm_attempt *a, const struct engine_order *o)
{
    a->epoch = o->epoch;
    if (a->state == SLURM_DONE) {
        slurm_event_end(a);
        return;
    }
    a->stop = true;
    a->grace_ms = o->grace_ms;
    a->signal = o->signal;
}

void slurm_attempt_order(struct slurm *s, struct engine_order *o)
{
    struct slurm_attempt *a = hash_get(s->attempts, o->attempt_id);
    const int64_t now = clock_read().mono;
    if (o->kind == ENGINE_MARK || (!a && o->kind == ENGINE_FORGET)) {
        engine_order_destroy(o);
        return;
    }
    if (!a) {
        const struct engine_order copy = *o;
        begin(s, o, now);
        a = copy.kind == ENGINE_STOP ? hash_get(s->attempts, copy.attempt_id) : NULL;
        if (a)
            stop(a, &copy);
        return;
    }
    if (o->kind == ENGINE_STOP)
        stop(a, o);
    else if (o->kind == ENGINE_FORGET)
        a->forgotten = a->state == SLURM_DONE;
    else
        again(a, o);
    engine_order_destroy(o);
}
