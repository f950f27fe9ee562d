/* SPDX-License-Identifier: MIT
 *
 * The replay. A job's way:
 *
 *   arrives ─► waits ─► placed ─────────────────────► runs ─► ends
 *                ▲        └─► prepares (victims leave)─┘  │
 *                └─────────────── told to stop ◄──────────┘   (it has lost what it did not save)
 *
 * At each moment at which something happens: ends first, then reservations that have become clear, arrivals, and one
 * pass of the line.
 */
#include "sim/replay.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "scheduler/line.h"
#include "sim/ends.h"
#include "sim/policy.h"
#include "sim/setup.h"
#include "sim/trace_read.h"

enum { CLASS_OPPO = 0 };

/* One job while it is alive. `end` is its first member: the heap gives back what it is in. */
struct live {
    struct end end;
    struct line_entry entry;
    const struct trace_job *job;
    int64_t began_ms, left_ms; /* of this run: its start, and what there is to do */
    int64_t reserved_ms;       /* when it was placed */
    int64_t pace_ms;           /* how long it must wait then, to keep pace with another run */
    int gang;
    int delay;    /* of this reservation, in result->delays */
    int paced;    /* of the next reservation, in plan->paced; -1 = none */
    bool leaving; /* told to stop */
};

struct replay {
    const struct replay_plan *plan;
    struct replay_result *result;
    struct grid *grid;
    struct line *line;
    struct live *lives; /* by job */
    struct live **fifo; /* where nobody passes */
    size_t fifo_head, fifo_tail;
    struct live **preparing;
    size_t preparing_count;
    struct ends ends;
    struct grid_place *at; /* room for one gang */
    int *victims;
    int64_t now_ms;
    bool failed; /* out of memory */
};

/* ---- delays ---- */

static int delays_init(struct replay_delays *d, size_t jobs)
{
    d->first = malloc((jobs + 1) * sizeof *d->first);
    d->last = malloc((jobs + 1) * sizeof *d->last);
    for (size_t i = 0; d->first && d->last && i < jobs; i++)
        d->first[i] = d->last[i] = -1;
    return d->first && d->last ? 0 : -1;
}

/* A new reservation of a job: as long as it takes until somebody says less. Its place, or -1 on out of memory. */
static int delays_add(struct replay_delays *d, size_t job)
{
    if (d->count == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : 4096;
        void *grown = realloc(d->list, cap * sizeof *d->list);
        if (!grown)
            return -1;
        d->list = grown;
        d->cap = cap;
    }
    int n = (int)d->count++;
    d->list[n].ms = INT64_MAX;
    d->list[n].next = -1;
    *(d->last[job] < 0 ? &d->first[job] : &d->list[d->last[job]].next) = n;
    d->last[job] = n;
    return n;
}

/* ---- looking ---- */

static size_t number(const struct replay *r, const struct live *v)
{
    return (size_t)(v - r->lives);
}

static bool guaranteed(const struct live *v)
{
    return v->job->job_class != CLASS_OPPO;
}

static void demand(struct replay *r, const struct live *v, int want, int hold)
{
    if (guaranteed(v))
        measure_demand(&r->result->measure, r->now_ms, v->job->vc, want * v->job->gpus, hold * v->job->gpus);
}

static void count_gpus(struct replay *r, const struct live *v, int sign)
{
    size_t n = grid_places(r->grid, v->gang, r->at, (size_t)v->job->gpus);
    measure_gpus(&r->result->measure, r->now_ms, r->at, n, sign);
    demand(r, v, 0, sign);
}

/* ---- into the line ---- */

/* How long its next reservation is to wait at least: as long as the same one did in the other run, up to the grace. */
static int64_t next_pace(struct replay *r, struct live *v)
{
    const struct replay_plan *p = r->plan;
    if (!p->paced || v->paced < 0)
        return 0;
    int64_t ms = p->paced->list[v->paced].ms;
    v->paced = p->paced->list[v->paced].next;
    return ms < p->policy->grace_ms ? ms : p->policy->grace_ms;
}

static void queue_up(struct replay *r, struct live *v)
{
    const struct replay_plan *p = r->plan;
    const struct vcluster *vc = &p->setup->vcs[p->policy->quota == POLICY_POOL && p->only < 0 ? 0 : v->job->vc];
    int size = p->setup->node_gpus;
    struct grid_pods pods[2] = {{v->job->gpus / size, size}, {1, v->job->gpus % size}};
    struct grid_request ask = {.vc = vc->name, .pods = pods, .pod_kinds = 2, .seq = v->end.seq, .owner = v};
    struct err e = {0};
    if (p->policy->classes)
        ask.priority = trace_classes[v->job->job_class].priority;
    if (vc->user_cap)
        ask.user = v->job->user + 1;
    if (!pods[1].gpus)
        ask.pod_kinds = 1;
    if (!pods[0].count) {
        ask.pods = &pods[1];
        ask.pod_kinds = 1;
    }
    v->gang = grid_submit(r->grid, &ask, &e);
    v->entry = (struct line_entry){.gang = v->gang, .seq = v->end.seq, .since_ms = r->now_ms, .owner = v};
    v->leaving = false;
    v->pace_ms = next_pace(r, v);
    if (v->gang >= 0 && v->pace_ms)
        grid_delay(r->grid, v->gang, true);
    if (v->gang < 0)
        r->failed = true;
    else if (!p->policy->passing)
        r->fifo[r->fifo_tail++] = v;
    else if (line_add(r->line, &v->entry, &ask))
        r->failed = true;
}

static void arrive(struct replay *r, struct live *v)
{
    const struct replay_plan *p = r->plan;
    struct replay_job *out = &r->result->jobs[number(r, v)];
    if (p->only >= 0 && (v->job->vc != p->only || !guaranteed(v)))
        return;
    if (v->job->gpus > (guaranteed(v) ? p->setup->vc_gpus[v->job->vc] : p->setup->gpus)) {
        out->fate = REPLAY_SKIPPED;
        r->result->skipped++;
        return;
    }
    out->fate = REPLAY_UNSTARTED;
    out->start_ms = -1;
    v->left_ms = v->job->duration_ms;
    v->paced = p->paced ? p->paced->first[number(r, v)] : -1;
    demand(r, v, 1, 0);
    queue_up(r, v);
}

/* ---- starting and stopping ---- */

static void begin(struct replay *r, struct live *v)
{
    struct replay_job *out = &r->result->jobs[number(r, v)];
    v->began_ms = r->now_ms;
    r->result->delays.list[v->delay].ms = v->began_ms - v->reserved_ms;
    if (out->fate == REPLAY_UNSTARTED) {
        out->fate = REPLAY_ENDED;
        out->start_ms = v->began_ms;
        r->result->ran++;
    }
    count_gpus(r, v, 1);
    ends_set(&r->ends, &v->end, v->began_ms + v->left_ms);
}

/* Tells whoever is in the way to stop. */
static void stop_victims(struct replay *r, const struct live *v)
{
    size_t n = grid_victims(r->grid, v->gang, r->victims, (size_t)r->plan->setup->gpus);
    for (size_t i = 0; i < n; i++) {
        struct live *victim = grid_owner(r->grid, r->victims[i]);
        int64_t by = r->now_ms + r->plan->policy->grace_ms;
        if (victim->leaving)
            continue;
        victim->leaving = true;
        if (by < victim->end.at_ms)
            ends_set(&r->ends, &victim->end, by);
    }
}

static void placed(void *ctx, struct line_entry *en, enum grid_state state)
{
    struct replay *r = ctx;
    struct live *v = en->owner;
    v->reserved_ms = r->now_ms;
    v->delay = delays_add(&r->result->delays, number(r, v));
    if (v->delay < 0) {
        r->failed = true;
    } else if (state == GRID_ALLOCATED) {
        begin(r, v);
    } else {
        r->preparing[r->preparing_count++] = v;
        stop_victims(r, v);
        if (v->pace_ms)
            ends_set(&r->ends, &v->end, v->reserved_ms + v->pace_ms);
    }
}

/* Starts what was reserved and is clear; what has lost its reservation to a higher gang waits again. */
static void sweep_preparing(struct replay *r)
{
    for (size_t i = 0; i < r->preparing_count;) {
        struct live *v = r->preparing[i];
        bool lost = grid_state_of(r->grid, v->gang) == GRID_WAITING;
        if (!lost && grid_try(r->grid, v->gang) != GRID_ALLOCATED) {
            i++;
            continue;
        }
        r->preparing[i] = r->preparing[--r->preparing_count];
        if (lost) {
            grid_remove(r->grid, v->gang);
            queue_up(r, v);
        } else {
            begin(r, v);
        }
    }
}

/* A job leaves: it has ended, or it has stopped for others and waits again with what it has not saved. */
static void leave(struct replay *r, struct live *v)
{
    int64_t ran_ms = r->now_ms - v->began_ms, saved_ms = 0, every = r->plan->checkpoint_ms;
    count_gpus(r, v, -1);
    grid_remove(r->grid, v->gang);
    if (ran_ms >= v->left_ms) {
        r->result->jobs[number(r, v)].end_ms = r->now_ms;
        demand(r, v, -1, 0);
        return;
    }
    if (every)
        saved_ms = ran_ms / every * every;
    r->result->preemptions++;
    r->result->lost_gpu_ms += (ran_ms - saved_ms) * v->job->gpus;
    v->left_ms -= saved_ms;
    queue_up(r, v);
}

/* ---- the run ---- */

/* What a job's moment in the heap was for: it has run for as long as it was to, or has kept pace for as long. One that
 * has lost its place meanwhile keeps pace anew where it gets the next. */
static void moment(struct replay *r, struct live *v)
{
    enum grid_state state = grid_state_of(r->grid, v->gang);
    if (state == GRID_ALLOCATED)
        leave(r, v);
    else if (state == GRID_PREEMPTING)
        grid_delay(r->grid, v->gang, false);
}

static void pass(struct replay *r)
{
    if (r->plan->policy->passing) {
        do {
            if (line_pass(r->line, r->now_ms, placed, r) < 0)
                r->failed = true;
            size_t before = line_count(r->line);
            sweep_preparing(r);
            if (line_count(r->line) == before)
                break;
        } while (!r->failed);
        return;
    }
    while (r->fifo_head < r->fifo_tail && grid_try(r->grid, r->fifo[r->fifo_head]->gang) == GRID_ALLOCATED)
        placed(r, &r->fifo[r->fifo_head++]->entry, GRID_ALLOCATED);
}

static void run(struct replay *r)
{
    const struct trace *t = r->plan->trace;
    size_t next = 0;
    while (!r->failed && (next < t->job_count || ends_next(&r->ends))) {
        int64_t arrival = next < t->job_count ? t->jobs[next].submit_ms : INT64_MAX;
        int64_t end = ends_next(&r->ends) ? ends_next(&r->ends)->at_ms : INT64_MAX;
        int64_t old = line_deadline(r->line, r->now_ms);
        r->now_ms = arrival < end ? arrival : end;
        if (old < r->now_ms)
            r->now_ms = old;
        while (ends_next(&r->ends) && ends_next(&r->ends)->at_ms <= r->now_ms)
            moment(r, (struct live *)ends_pop(&r->ends));
        sweep_preparing(r);
        for (; next < t->job_count && t->jobs[next].submit_ms <= r->now_ms; next++)
            arrive(r, &r->lives[next]);
        pass(r);
    }
    measure_until(&r->result->measure, r->now_ms);
}

static int make(struct replay *r, struct err *e)
{
    const struct replay_plan *p = r->plan;
    size_t jobs = p->trace->job_count, gpus = (size_t)p->setup->gpus;
    r->result->jobs = calloc(jobs + 1, sizeof *r->result->jobs);
    r->lives = calloc(jobs + 1, sizeof *r->lives);
    r->preparing = calloc(jobs + 1, sizeof(struct live *));
    r->fifo = p->policy->passing ? NULL : calloc(jobs + 1, sizeof(struct live *));
    r->at = calloc(gpus + 1, sizeof *r->at);
    r->victims = calloc(gpus + 1, sizeof *r->victims);
    if (!r->result->jobs || !r->lives || !r->preparing || (!r->fifo && !p->policy->passing) || !r->at || !r->victims ||
        ends_init(&r->ends, jobs) || delays_init(&r->result->delays, jobs) ||
        measure_init(&r->result->measure, p->setup, p->trace, r->now_ms))
        return err_set(e, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; i < jobs; i++) {
        r->lives[i].job = &p->trace->jobs[i];
        r->lives[i].end.seq = (int64_t)i;
    }
    r->grid = setup_grid(p->setup, p->policy, p->only, e);
    if (!r->grid)
        return -1;
    r->line = line_create(r->grid, p->policy->age_ms);
    return r->line ? 0 : err_set(e, ERR_INTERNAL, "out of memory");
}

int replay_run(const struct replay_plan *p, struct replay_result *result, struct err *e)
{
    int64_t first = p->trace->job_count ? p->trace->jobs[0].submit_ms : 0;
    struct replay r = {.plan = p, .result = result, .now_ms = first};
    clock_t begun = clock();
    int rc = make(&r, e);
    if (!rc)
        run(&r);
    if (!rc && r.failed)
        rc = err_set(e, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; !rc && i < p->trace->job_count; i++)
        result->unstarted += result->jobs[i].fate == REPLAY_UNSTARTED;
    result->span_ms = r.now_ms - first;
    line_destroy(r.line);
    grid_destroy(r.grid);
    ends_fini(&r.ends);
    free(r.lives);
    free(r.fifo);
    free(r.preparing);
    free(r.at);
    free(r.victims);
    result->cpu_s = (double)(clock() - begun) / CLOCKS_PER_SEC;
    return rc;
}

void replay_result_fini(struct replay_result *r)
{
    if (!r)
        return;
    free(r->jobs);
    measure_fini(&r->measure);
    free(r->delays.list);
    free(r->delays.first);
    free(r->delays.last);
    *r = (struct replay_result){0};
}
