/* SPDX-License-Identifier: MIT
 *
 * Spreads, fairness and the sharing cost.
 */
#include "sim/figures.h"

#include <stdlib.h>

#include "sim/setup.h"

enum { SHORT_MS = 10 * 1000 /* slowdown counts shorter jobs as so long */ };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Sorts the values. A percentile is the smallest value that so many percent do not exceed. */
static struct figures_spread spread(double *v, size_t n)
{
    struct figures_spread s = {.count = n};
    double sum = 0;
    if (!n)
        return s;
    qsort(v, n, sizeof *v, by_value);
    for (size_t i = 0; i < n; i++)
        sum += v[i];
    s.mean = sum / (double)n;
    s.p50 = v[(n * 50 + 99) / 100 - 1];
    s.p95 = v[(n * 95 + 99) / 100 - 1];
    s.p99 = v[(n * 99 + 99) / 100 - 1];
    s.worst = v[n - 1];
    return s;
}

/* Jain's index: 1 = all alike, 1/n = one has it all. */
struct jain {
    double sum, squares;
    size_t count;
};

static void jain_add(struct jain *j, double x)
{
    j->sum += x;
    j->squares += x * x;
    j->count++;
}

static double jain_index(const struct jain *j)
{
    return j->squares > 0 ? j->sum * j->sum / ((double)j->count * j->squares) : 0;
}

/* One policy's run, and room for a value of each job. */
struct maker {
    struct figures *figures;
    const struct replay_plan *plan;
    const struct replay_result *result;
    double *room;
};

static double wait_ms(const struct maker *m, size_t i)
{
    return (double)(m->result->jobs[i].start_ms - m->plan->trace->jobs[i].submit_ms);
}

static double slowdown(const struct maker *m, size_t i)
{
    const struct trace_job *j = &m->plan->trace->jobs[i];
    double length = (double)(j->duration_ms > SHORT_MS ? j->duration_ms : SHORT_MS);
    double took = (double)(m->result->jobs[i].end_ms - j->submit_ms);
    return took > length ? took / length : 1;
}

/* Waits of the jobs that ran, of a class and of a virtual cluster (-1: any). */
static struct figures_spread waits(const struct maker *m, int job_class, int vc)
{
    const struct trace *t = m->plan->trace;
    size_t n = 0;
    for (size_t i = 0; i < t->job_count; i++)
        if (m->result->jobs[i].fate == REPLAY_ENDED && (job_class < 0 || t->jobs[i].job_class == job_class) &&
            (vc < 0 || t->jobs[i].vc == vc))
            m->room[n++] = wait_ms(m, i) / 1000;
    return spread(m->room, n);
}

static struct figures_spread slowdowns(const struct maker *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->plan->trace->job_count; i++)
        if (m->result->jobs[i].fate == REPLAY_ENDED)
            m->room[n++] = slowdown(m, i);
    return spread(m->room, n);
}

static int make_users(struct maker *m)
{
    const struct trace *t = m->plan->trace;
    double *sum = calloc(t->user_count + 1, sizeof *sum), *jobs = calloc(t->user_count + 1, sizeof *jobs);
    struct jain users = {0};
    for (size_t i = 0; sum && jobs && i < t->job_count; i++)
        if (t->jobs[i].user >= 0 && m->result->jobs[i].fate == REPLAY_ENDED) {
            sum[t->jobs[i].user] += slowdown(m, i);
            jobs[t->jobs[i].user]++;
        }
    for (size_t u = 0; sum && jobs && u < t->user_count; u++)
        if (jobs[u] > 0)
            jain_add(&users, sum[u] / jobs[u]);
    m->figures->fair_user = jain_index(&users);
    int rc = sum && jobs ? 0 : -1;
    free(sum);
    free(jobs);
    return rc;
}

static void make_cost(struct maker *m, int vc, const struct figures_reference *ref)
{
    const struct trace *t = m->plan->trace;
    struct figures_vc *v = &m->figures->vcs[vc];
    size_t n = 0;
    for (size_t i = 0; i < t->job_count; i++) {
        if (t->jobs[i].vc != vc || m->result->jobs[i].fate != REPLAY_ENDED || ref->alone[i] < 0)
            continue;
        double beyond = (wait_ms(m, i) - (double)ref->paced[i]) / 1000;
        m->room[n++] = (wait_ms(m, i) - (double)ref->alone[i]) / 1000;
        v->beyond += beyond > 0;
        if (beyond > v->beyond_worst_s)
            v->beyond_worst_s = beyond;
    }
    v->cost_s = spread(m->room, n);
}

static void make_vcs(struct maker *m, const struct figures_reference *ref)
{
    struct jain served = {0};
    for (size_t v = 0; v < m->plan->trace->vc_count; v++) {
        const struct measure_vc *got = &m->result->measure.vcs[v];
        struct figures_vc *f = &m->figures->vcs[v];
        double part = got->due_gpu_ms ? (double)got->got_gpu_ms / (double)got->due_gpu_ms : 1;
        f->wait_s = waits(m, -1, (int)v);
        f->served_percent = 100 * part;
        make_cost(m, (int)v, ref);
        if (got->due_gpu_ms)
            jain_add(&served, part);
    }
    m->figures->fair_vc = jain_index(&served);
}

int figures_make(struct figures *f, const struct replay_plan *p, const struct replay_result *r,
                 const struct figures_reference *ref)
{
    const struct measure *me = &r->measure;
    double gpu_ms = me->busy_gpu_ms + me->idle_gpu_ms;
    *f = (struct figures){.vcs = calloc(p->setup->vc_count + 1, sizeof *f->vcs)};
    struct maker m = {.figures = f, .plan = p, .result = r, .room = calloc(p->trace->job_count + 1, sizeof *m.room)};
    int rc = f->vcs && m.room ? make_users(&m) : -1;
    if (!rc) {
        make_vcs(&m, ref);
        f->wait_s = waits(&m, -1, -1);
        f->slowdown = slowdowns(&m);
        for (int c = 0; c < TRACE_CLASSES; c++)
            f->class_wait_s[c] = waits(&m, c, -1);
        f->use_percent = gpu_ms > 0 ? 100 * me->busy_gpu_ms / gpu_ms : 0;
        f->fragment_percent = me->idle_gpu_ms > 0 ? 100 * me->fragment_gpu_ms / me->idle_gpu_ms : 0;
        f->lost_gpu_h = (double)r->lost_gpu_ms / 3600000;
    }
    free(m.room);
    return rc;
}

void figures_fini(struct figures *f)
{
    if (f)
        free(f->vcs);
}
