/* SPDX-License-Identifier: MIT
 *
 * Explaining tries a placement out, so each reply has its own copy of the published plan. A list explains its first
 * waiting jobs for BUDGET_MS and no longer: the rest is told when it is asked for.
 */
#include "server/api/wait_reason.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "core/core.h"
#include "core/explain.h"
#include "jobs/jobs_store.h"
#include "jobs/spec.h"
#include "server/api/api.h"
#include "server/snapshot.h"

enum { BUDGET_MS = 20 };

struct wait_reason {
    struct snapshots *snapshots;
    struct snapshot *snap;
    struct core_explainer *explainer;
    int64_t until_mono;
};

struct wait_reason *wait_reason_begin(struct api *a)
{
    struct wait_reason *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->snapshots = a->snapshots;
    w->snap = snapshots_get(a->snapshots);
    w->explainer = w->snap ? core_explainer_create(w->snap->view) : NULL;
    w->until_mono = clock_read().mono + BUDGET_MS;
    if (w->explainer)
        return w;
    wait_reason_end(w);
    return NULL;
}

void wait_reason_end(struct wait_reason *w)
{
    if (!w)
        return;
    core_explainer_destroy(w->explainer);
    snapshots_put(w->snapshots, w->snap);
    free(w);
}

/* ---- sentences ---- */

static const char *plural(int n)
{
    return n == 1 ? "" : "s";
}

static void say_quota(const struct explanation *x, const struct core_question *q, struct buf *out)
{
    if (x->over_cpus) {
        buf_addf(out, "Virtual cluster %s has used up its CPUs for tasks without GPUs.", q->spec->vc);
        return;
    }
    buf_addf(out, "The job needs %d GPU%s; virtual cluster %s holds %d of the %d it is guaranteed", x->asked,
             plural(x->asked), q->spec->vc, x->use.held, x->use.guaranteed);
    if (x->borrow)
        buf_addf(out, " and %d of the %d it may borrow", x->use.borrowed, x->borrow);
    buf_adds(out, x->reason == EXPLAIN_PRIORITY ? ", for jobs of a higher priority." : ".");
}

static void say_user_cap(const struct explanation *x, const struct core_question *q, struct buf *out)
{
    buf_addf(out, "The job needs %d GPU%s; its user holds %d of the %d that one user may hold in virtual cluster %s.",
             x->asked, plural(x->asked), x->user_held, x->user_cap, q->spec->vc);
}

static void say_fragmented(const struct explanation *x, const struct core_question *q, struct buf *out)
{
    (void)q;
    buf_addf(out,
             "There are GPUs enough in total for the %d that the job needs (%d idle), but not together with the CPUs, "
             "memory and ports that its tasks need beside them.",
             x->asked, x->idle);
}

static void say_busy(const struct explanation *x, const struct core_question *q, struct buf *out)
{
    (void)q;
    if (x->asked)
        buf_addf(out, "The job needs %d GPU%s; %d %s idle.", x->asked, plural(x->asked), x->idle,
                 x->idle == 1 ? "is" : "are");
    else
        buf_adds(out, "No node has the CPUs, memory and ports that the job's tasks need free now.");
}

static void say_held(const struct explanation *x, const struct core_question *q, struct buf *out)
{
    (void)x;
    buf_addf(out, "Held by %s: it is not considered until it is released.", q->held_by);
}

static void say_backoff(const struct explanation *x, const struct core_question *q, struct buf *out)
{
    int64_t s = (q->backoff_ms + 999) / 1000;
    (void)x;
    buf_addf(out, "Its last attempt failed; it is tried again in %lld s.", (long long)s);
}

static void say_avoids(const struct explanation *x, const struct core_question *q, struct buf *out)
{
    (void)x;
    buf_adds(out, "It would start now on a node that it keeps away from after a fault of the platform there (");
    avoid_text(&q->avoid, ", ", out);
    buf_adds(out, "); it waits for another one.");
}

/* "2026-11-28 18:12 UTC". */
static void say_time(struct buf *out, int64_t wall_ms)
{
    char text[32];
    time_t at = (time_t)(wall_ms / 1000);
    struct tm tm;
    if (gmtime_r(&at, &tm) && strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm))
        buf_adds(out, text);
}

static void say_maintenance(const struct explanation *x, const struct core_question *q, struct buf *out)
{
    if (x->closed_others)
        buf_addf(out, "%d other node%s %s in maintenance, and what it would take is promised to others meanwhile",
                 x->closed, plural(x->closed), x->closed == 1 ? "is" : "are");
    else
        buf_addf(out, "%d node%s that it could use %s in maintenance", x->closed, plural(x->closed),
                 x->closes_ms     ? "will be"
                 : x->closed == 1 ? "is"
                                  : "are");
    if (x->closes_ms) {
        buf_adds(out, " from ");
        say_time(out, x->closes_ms);
        buf_adds(out,
                 q->spec->time_limit_ms ? " on, before its time limit is over" : " on, and the job has no time limit");
    }
    if (x->opens_ms) {
        buf_adds(out, "; the first returns at ");
        say_time(out, x->opens_ms);
    }
    buf_adds(out, ".");
}

/* The role whose tasks ask for the most, by GPUs, then by CPUs. */
static const struct spec_role *largest_role(const struct spec *spec)
{
    const struct spec_role *most = &spec->roles[0];
    for (size_t i = 1; i < spec->role_count; i++) {
        const struct resources *a = &spec->roles[i].per_task, *b = &most->per_task;
        if (a->gpus > b->gpus || (a->gpus == b->gpus && a->cpus > b->cpus))
            most = &spec->roles[i];
    }
    return most;
}

static void say_never(const struct explanation *x, const struct core_question *q, struct buf *out)
{
    const struct spec_role *role = largest_role(q->spec);
    const struct resources *want = &role->per_task;
    if (q->spec->priority >= 0 && x->asked > x->use.guaranteed + x->borrow) {
        buf_addf(out,
                 "The job needs %d GPU%s; virtual cluster %s is guaranteed %d and may borrow %d, so that it can never "
                 "start there as things are.",
                 x->asked, plural(x->asked), q->spec->vc, x->use.guaranteed, x->borrow);
        return;
    }
    buf_addf(
        out,
        "Even with nobody else there and all nodes up, no nodes have room for its %d task%s%s%s%s; the largest ask "
        "for %lld GPU%s, %lld CPU%s and %lld MB each.",
        q->spec->total_tasks, plural(q->spec->total_tasks),
        q->spec->nodes || q->spec->not_nodes ? " on the nodes that it names" : "",
        q->spec->skus ? " on GPUs of the SKUs that it names" : "",
        q->spec->priority >= 0 && x->asked ? " within what its virtual cluster owns" : "", (long long)want->gpus,
        plural((int)want->gpus), (long long)want->cpus, plural((int)want->cpus), (long long)want->memory_mb);
}

typedef void say_fn(const struct explanation *x, const struct core_question *q, struct buf *out);

static const struct {
    const char *text; /* NULL: `say` */
    say_fn *say;
} sentences[] = {
    [EXPLAIN_STARTS] = {"Enough is free; the job starts in the next pass.", NULL},
    [EXPLAIN_NEW] = {"It has not been considered yet: its place is being looked for.", NULL},
    [EXPLAIN_HELD] = {NULL, say_held},
    [EXPLAIN_BACKOFF] = {NULL, say_backoff},
    [EXPLAIN_VICTIMS] = {"What it needs is reserved for it; the job starts when those have left that make room.", NULL},
    [EXPLAIN_AGED] =
        {"It has waited for long: what it needs is reserved, and it starts when those have ended that use it.", NULL},
    [EXPLAIN_AVOIDS] = {NULL, say_avoids},
    [EXPLAIN_USER_CAP] = {NULL, say_user_cap},
    [EXPLAIN_MAINTENANCE] = {NULL, say_maintenance},
    [EXPLAIN_UNHEALTHY] = {"Nodes that it needs are down or cordoned. The job starts when they return.", NULL},
    [EXPLAIN_NEVER] = {NULL, say_never},
    [EXPLAIN_RESERVED] = {"What it needs is reserved for jobs before it.", NULL},
    [EXPLAIN_QUOTA] = {NULL, say_quota},
    [EXPLAIN_PRIORITY] = {NULL, say_quota},
    [EXPLAIN_FRAGMENTED] = {NULL, say_fragmented},
    [EXPLAIN_BUSY] = {NULL, say_busy},
};

static void say(enum explain_reason reason, const struct explanation *x, const struct core_question *q, struct buf *out)
{
    if (sentences[reason].text)
        buf_adds(out, sentences[reason].text);
    else
        sentences[reason].say(x, q, out);
}

void wait_reason_sentence(const struct explanation *x, const struct core_question *q, struct buf *out)
{
    say(x->reason, x, q, out);
    if (x->then == x->reason || x->then == EXPLAIN_STARTS)
        return;
    buf_adds(out, " Then: ");
    say(x->then, x, q, out);
}

int64_t wait_reason_backoff_ms(const struct job_row *row)
{
    int64_t left = row->state == STATE_WAITING ? row->due_ms - clock_read().wall : 0;
    return left > 0 ? left : 0;
}

struct core_question wait_reason_ask(const struct job_row *row, const char *full_name, const struct spec *spec)
{
    struct core_question q = {.spec = spec,
                              .user = row->user,
                              .full_name = full_name,
                              .held_by = row->held_by,
                              .since_ms = row->due_ms > row->submitted_ms ? row->due_ms : row->submitted_ms,
                              .backoff_ms = wait_reason_backoff_ms(row),
                              .now_ms = clock_read().wall};
    avoid_read(&q.avoid, row->avoids);
    return q;
}

void wait_reason_date(struct explanation *x, const struct core_question *q, int64_t wall_ms)
{
    if (x->reason == EXPLAIN_STARTS && wall_ms <= q->since_ms)
        x->reason = x->then = EXPLAIN_NEW;
}

/* 0, or -1: it cannot be told. */
static int explain(struct wait_reason *w, const struct core_question *q, struct explanation *x)
{
    if (!w || core_explain_brief(w->explainer, q, x))
        return -1;
    wait_reason_date(x, q, w->snap->wall_ms);
    return 0;
}

void wait_reason_say(struct wait_reason *w, const struct core_question *q, struct buf *out)
{
    struct explanation x;
    if (!explain(w, q, &x))
        wait_reason_sentence(&x, q, out);
}

struct row_spec {
    struct arena *arena;
    const struct spec *spec;
};

static int take_spec(void *ctx, const struct job_row *row)
{
    struct row_spec *x = ctx;
    struct err e = {0};
    x->spec = spec_load(x->arena, row->config, strlen(row->config), &e);
    return 0;
}

/* Reads the row's spec into `x` and makes the question. False: it cannot be read, which is no failure of the list. */
static bool ask_row(struct row_spec *x, struct store *s, const struct job_row *row, struct core_question *q)
{
    struct err e = {0};
    x->arena = arena_create(0);
    const char *name = x->arena ? arena_printf(x->arena, "%s~%s", row->user, row->name) : NULL;
    if (!name || jobs_store_read_job(s, row->id, take_spec, x, &e) || !x->spec)
        return false;
    *q = wait_reason_ask(row, name, x->spec);
    return true;
}

void wait_reason_say_row(struct wait_reason *w, struct store *s, const struct job_row *row, struct buf *out)
{
    struct row_spec x = {.spec = NULL};
    struct core_question q;
    if (!w || clock_read().mono >= w->until_mono)
        return;
    if (ask_row(&x, s, row, &q))
        wait_reason_say(w, &q, out);
    arena_destroy(x.arena);
}

const char *wait_reason_name_row(struct wait_reason *w, struct store *s, const struct job_row *row, struct buf *out)
{
    struct row_spec x = {.spec = NULL};
    struct core_question q;
    struct explanation why;
    const char *name = NULL;
    bool known = ask_row(&x, s, row, &q) && !explain(w, &q, &why);
    if (known && why.reason == why.then && why.reason != EXPLAIN_STARTS && why.reason != EXPLAIN_NEW) {
        name = explain_name(why.reason);
        wait_reason_sentence(&why, &q, out);
    }
    arena_destroy(x.arena);
    return name;
}
