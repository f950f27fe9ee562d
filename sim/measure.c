/* SPDX-License-Identifier: MIT
 *
 * Integrals over virtual time, each brought up to date when what it integrates changes.
 */
#include "sim/measure.h"

#include <stdlib.h>

#include "sim/setup.h"
#include "sim/trace_read.h"

/* The part of all pods that want more than k GPUs, times k. A gang's pods fill machines; the last takes the rest. */
static int count_fragments(struct measure *m, const struct trace *t)
{
    int size = m->setup->node_gpus;
    int64_t *pods = calloc((size_t)size + 1, sizeof *pods), all = 0, larger = 0;
    m->fragment = calloc((size_t)size + 1, sizeof *m->fragment);
    for (size_t i = 0; pods && i < t->job_count; i++) {
        pods[size] += t->jobs[i].gpus / size;
        pods[t->jobs[i].gpus % size]++;
    }
    for (int k = 1; pods && k <= size; k++)
        all += pods[k];
    for (int k = size; m->fragment && pods && k >= 0; k--) {
        m->fragment[k] = all ? (double)k * (double)larger / (double)all : 0;
        larger += pods[k];
    }
    free(pods);
    return pods && m->fragment ? 0 : -1;
}

int measure_init(struct measure *m, const struct setup *s, const struct trace *t, int64_t now_ms)
{
    size_t nodes = 0, n = 0;
    *m = (struct measure){.setup = s, .changed_ms = now_ms};
    for (size_t r = 0; r < s->topology.root_count; r++)
        nodes += s->topology.roots[r].node_count;
    m->node_free = calloc(nodes + 1, sizeof *m->node_free);
    m->vcs = calloc(s->vc_count + 1, sizeof *m->vcs);
    if (!m->node_free || !m->vcs || count_fragments(m, t))
        return -1;
    m->node_count = nodes;
    for (size_t r = 0; r < s->topology.root_count; r++) {
        const struct topology_chain *c = &s->topology.chains[s->topology.roots[r].chain];
        for (size_t i = 0; i < s->topology.roots[r].node_count; i++, n++) {
            m->node_free[n] = c->level[c->node_level].gpus;
            m->fragments += m->fragment[m->node_free[n]];
        }
    }
    for (size_t i = 0; i < s->vc_count; i++)
        m->vcs[i].changed_ms = now_ms;
    return 0;
}

void measure_fini(struct measure *m)
{
    if (!m)
        return;
    free(m->node_free);
    free(m->fragment);
    free(m->vcs);
    *m = (struct measure){0};
}

static void advance(struct measure *m, int64_t now_ms)
{
    double ms = (double)(now_ms - m->changed_ms);
    m->busy_gpu_ms += ms * (double)m->busy;
    m->idle_gpu_ms += ms * (double)(m->setup->gpus - m->busy);
    m->fragment_gpu_ms += ms * m->fragments;
    m->changed_ms = now_ms;
}

void measure_gpus(struct measure *m, int64_t now_ms, const struct grid_place *at, size_t count, int sign)
{
    advance(m, now_ms);
    for (size_t i = 0; i < count; i++) {
        int *left = &m->node_free[at[i].node];
        m->fragments -= m->fragment[*left];
        *left -= sign;
        m->fragments += m->fragment[*left];
        m->busy += sign;
    }
}

static void advance_vc(const struct measure *m, struct measure_vc *v, int64_t now_ms)
{
    int64_t quota = m->setup->vc_gpus[v - m->vcs], due = v->want < quota ? v->want : quota;
    int64_t ms = now_ms - v->changed_ms;
    v->due_gpu_ms += ms * due;
    v->got_gpu_ms += ms * (v->hold < due ? v->hold : due);
    v->changed_ms = now_ms;
}

void measure_demand(struct measure *m, int64_t now_ms, int vc, int want, int hold)
{
    struct measure_vc *v = &m->vcs[vc];
    advance_vc(m, v, now_ms);
    v->want += want;
    v->hold += hold;
}

void measure_until(struct measure *m, int64_t now_ms)
{
    advance(m, now_ms);
    for (size_t i = 0; i < m->setup->vc_count; i++)
        advance_vc(m, &m->vcs[i], now_ms);
}
