/* SPDX-License-Identifier: MIT
 *
 * How an attempt ends. Its own exit status tells, unless Slurm says that something else ended it; the latch tells
 * whether it ever started. An end is told when Slurm says that nothing is left of the job and the logs are copied.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "engines/slurm/slurm_impl.h"
#include "engines/slurm/states.h"
#include "jobs/exits.h"

enum {
    ABSENT_MS = 3 * 1000,
    GONE_MS = 60 * 1000, /* slurmctld, restarted, ends on the nodes what it does not know */
    AGAIN_MS = 1000,
    SIGNALLED = 128
};

static void end(struct slurm_attempt *a, const struct slurm_end *e)
{
    struct record *r = &a->record;
    a->end = *e;
    a->end.wall_ms = clock_read().wall;
    a->state = SLURM_DONE;
    engine_order_destroy(a->order);
    a->order = NULL;
    r->ended = true;
    r->code = e->code;
    r->signal = e->signal;
    r->ended_ms = a->end.wall_ms;
    snprintf(r->message, sizeof r->message, "%s", e->message);
    if (r->attempt[0] && place_end(&a->slurm->places, r))
        log_error("slurm_mirror_failed", "the end of the logs of %s is not marked", a->id);
    slurm_event_end(a);
}

void slurm_end_refuse(struct slurm_attempt *a, int code, const char *why)
{
    struct slurm_end e = {.kind = ENGINE_REFUSED, .code = code};
    snprintf(e.message, sizeof e.message, "%s", why);
    end(a, &e);
}

static void lost(struct slurm_attempt *a, bool never_started, const char *why)
{
    struct slurm_end e = {.kind = ENGINE_LOST, .never_started = never_started};
    snprintf(e.message, sizeof e.message, "%s", why);
    end(a, &e);
}

bool slurm_end_never(struct slurm_attempt *a, const char *why)
{
    const struct place at = {a->id, a->nonce};
    int64_t holder = 0;
    if (place_take(&a->slurm->places, &at, &holder) != PLACE_ENGINE)
        return false;
    lost(a, true, why);
    return true;
}

/* All of the logs, as much as this turn may take. Whether that was all. */
static bool pull_all(struct slurm_attempt *a, int64_t now)
{
    const struct place at = {a->id, a->nonce};
    for (int i = 0; i < 8; i++)
        if (place_pull(&a->slurm->places, &at) <= 0)
            return true;
    a->due = now; /* look again: then go on with them */
    a->wait_ms = 0;
    return false;
}

/* From wait(2) as Slurm has it, where the script could not note its own. */
static void decode(int64_t status, struct slurm_end *e)
{
    const int s = (int)status;
    if (WIFSIGNALED(s)) {
        e->signal = WTERMSIG(s);
        e->code = SIGNALLED + e->signal;
    } else {
        e->code = WEXITSTATUS(s);
        e->signal = e->code > SIGNALLED && e->code <= SIGNALLED + 64 ? e->code - SIGNALLED : 0;
    }
}

/* Whether Slurm's word counts for more than the status that the script noted: a command that went its own way to its
 * end before the node failed, or of which a child alone ran out of memory, ended so. */
static bool overrules(enum states_end how, bool noted, const struct slurm_end *own)
{
    if (how == STATES_END_NODE)
        return !noted || own->signal;
    return how != STATES_END_EXIT && !(how == STATES_END_OOM && noted && !own->code);
}

/* Slurm says that nothing of it is left, and how it came; what that means. */
static void exited(struct slurm_attempt *a, const struct shape_job *j, enum states_end how)
{
    const struct place at = {a->id, a->nonce};
    struct slurm_end e = {.kind = ENGINE_EXITED};
    int status = 0;
    const bool noted = !place_exit(&a->slurm->places, &at, &status);
    if (how == STATES_END_CANCELLED && a->stop)
        how = STATES_END_EXIT;
    decode(noted ? (int64_t)status << 8 : j->exit_status, &e);
    if (!noted && a->stop && !e.code) /* cancelled before it could note anything */
        e = (struct slurm_end){.kind = ENGINE_EXITED, .code = SIGNALLED + SIGKILL, .signal = SIGKILL};
    if (overrules(how, noted, &e)) {
        if (how == STATES_END_NODE)
            e = (struct slurm_end){.kind = ENGINE_LOST};
        else
            e.code = states_exit_code(how);
        snprintf(e.message, sizeof e.message, "%s (job %lld of Slurm: %s, %s)", states_end_text(how), (long long)j->id,
                 j->state, j->reason);
    }
    end(a, &e);
}

/* Started once and told so, in case the two came together. */
static void tell_started(struct slurm_attempt *a)
{
    if (!a->confirmed)
        slurm_event_running(a);
    if (!a->started)
        slurm_event_started(a);
}

/* It ended without the latch: it was cancelled in the queue, or its node could not start it, or not see the folder. */
static void never(struct slurm_attempt *a, const struct shape_job *j, int64_t now)
{
    char why[160];
    const bool folder = WIFEXITED((int)j->exit_status) && WEXITSTATUS((int)j->exit_status) == SCRIPT_NO_FOLDER;
    snprintf(why, sizeof why, "job %lld of Slurm ended before its start (%s, %s)%s", (long long)j->id, j->state,
             j->reason, folder ? ": its node does not see the shared folder" : "");
    if (!slurm_end_never(a, why)) {
        a->due = now + AGAIN_MS;
        return;
    }
    log_warn("slurm_not_started", "%s: %s", a->id, why);
}

/* It started, and Slurm has no job of it: what it noted tells, or, after a while, that nobody will. */
static void gone(struct slurm_attempt *a, int64_t now)
{
    const struct place at = {a->id, a->nonce};
    struct slurm_end e = {.kind = ENGINE_EXITED};
    int status;
    if (!pull_all(a, now))
        return;
    if (!place_exit(&a->slurm->places, &at, &status)) {
        tell_started(a);
        decode((int64_t)status << 8, &e);
        end(a, &e);
    } else if (!a->gone_at) {
        a->gone_at = now;
        a->due = now + AGAIN_MS;
    } else if (now - a->gone_at >= GONE_MS) {
        lost(a, false, "Slurm has lost its job, which had started");
    } else {
        a->due = now + AGAIN_MS;
    }
}

void slurm_end_ended(struct slurm_attempt *a, const struct shape_job *j, int64_t now)
{
    const struct place at = {a->id, a->nonce};
    int64_t holder = 0;
    switch (place_look(&a->slurm->places, &at, &holder)) {
    case PLACE_NONE:
        never(a, j, now);
        return;
    case PLACE_ENGINE:
        lost(a, true, "it was stopped before it started");
        return;
    case PLACE_FAILED:
        a->due = now + AGAIN_MS; /* the file system does not tell now */
        return;
    case PLACE_JOB:
        break;
    }
    if (holder != j->id) {
        log_warn("slurm_twice", "job %lld of %s found the latch taken by job %lld: it did nothing", (long long)j->id,
                 a->id, (long long)holder);
        a->job_id = holder;
        a->due = now;
        return;
    }
    if (!pull_all(a, now))
        return;
    /* Started twice under one id: this is the end of the one that did nothing. */
    if (WIFEXITED((int)j->exit_status) && WEXITSTATUS((int)j->exit_status) == SCRIPT_LATCHED) {
        gone(a, now);
        return;
    }
    tell_started(a);
    exited(a, j, states_find(j->state)->end);
}

/* Only after two looks at all jobs without it, apart in time: what was hidden for a moment is not submitted again. */
static void absent_unstarted(struct slurm_attempt *a, bool looked, int64_t now)
{
    a->state = SLURM_DOUBT;
    if (!a->gone_at)
        a->gone_at = now;
    if (!looked || now - a->gone_at < ABSENT_MS) {
        a->doubt_at = looked ? now + ABSENT_MS : now;
    } else if (a->order && a->submits < SLURM_SUBMITS && !a->stop) {
        log_warn("slurm_again", "Slurm has no job of %s: it is submitted again", a->id);
        a->state = SLURM_SUBMIT;
        a->job_id = a->gone_at = 0;
        a->due = now;
    } else if (!slurm_end_never(a, "Slurm has no job of it, and it had not started")) {
        a->doubt_at = now + ABSENT_MS;
    }
}

/* It may be shown again, or end and note it; where it is not in a look after that while, it is lost. */
static void absent_started(struct slurm_attempt *a, int64_t holder, bool looked, int64_t now)
{
    const struct place at = {a->id, a->nonce};
    const bool first = !a->gone_at;
    int status;
    if (!looked && place_exit(&a->slurm->places, &at, &status) &&
        (first || now - a->gone_at >= GONE_MS)) { /* by its name it may be there */
        a->gone_at = first ? now : a->gone_at;
        a->state = SLURM_DOUBT;
        a->doubt_at = now;
        return;
    }
    a->job_id = holder;
    a->state = SLURM_KNOWN;
    gone(a, now);
}

void slurm_end_absent(struct slurm_attempt *a, int64_t now)
{
    const struct place at = {a->id, a->nonce};
    const bool looked = a->state == SLURM_DOUBT; /* at all jobs, just now */
    int64_t holder = 0;
    if (a->state == SLURM_DONE) {
        /* Slurm does not know its id any more; or twice, with a while between, none of its name. */
        const bool again = a->gone_at && now - a->gone_at >= ABSENT_MS;
        a->sweep = !a->job_id && !again;
        a->gone_at = a->gone_at ? a->gone_at : now;
        a->doubt_at = now + ABSENT_MS;
        return;
    }
    switch (place_look(&a->slurm->places, &at, &holder)) {
    case PLACE_JOB:
        absent_started(a, holder, looked, now);
        break;
    case PLACE_NONE:
        absent_unstarted(a, looked, now);
        break;
    case PLACE_ENGINE:
        lost(a, true, "it was stopped before it started");
        break;
    case PLACE_FAILED:
        a->due = now + AGAIN_MS;
        break;
    }
}
