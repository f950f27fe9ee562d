/* SPDX-License-Identifier: MIT
 *
 * The replay: arrivals by time, ends in a heap, one pass of the line at each moment at which something happened. A
 * private run gives each virtual cluster its quota alone; what its jobs wait longer in the shared run than there is the
 * sharing cost.
 */
#include "sim/trace.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "sim/trace_read.h"

enum { NODE_GPUS = 8, AGE_MS = 3600 * 1000 /* a gang that waited for an hour reserves */ };

enum policy { POLICY_FIFO, POLICY_COUNT, POLICY_SHAPE, POLICY_PRIVATE };

static const char *const policy_names[] = {
    [POLICY_FIFO] = "fifo", [POLICY_COUNT] = "count", [POLICY_SHAPE] = "shape", [POLICY_PRIVATE] = "private"};

/* One replay. */
struct replay {
    const struct trace *trace;
    struct topology topology;
    struct topology_chain chain;
    struct grid *grid;
    struct line *line;
    struct trace_job **ends; /* heap by end */
    size_t end_count;
    int64_t now_ms, busy_gpu_ms;
    struct trace_job **preparing; /* have reserved, and wait for what drains */
    size_t preparing_count;
    size_t skipped; /* larger than their quota */
    bool failed;
};

/* ---- the cluster ---- */

static int describe(struct replay *r, int nodes, struct err *e)
{
    static const char *const names[] = {"gpu", "pair", "quad", "node"};
    r->chain.levels = 4;
    r->chain.node_level = 3;
    for (int l = 0; l < 4; l++) {
        snprintf(r->chain.level[l].name, TOPOLOGY_NAME_MAX, "%s", names[l]);
        r->chain.level[l].fanout = 2;
    }
    topology_chain_size(&r->chain);
    r->topology.chains = &r->chain;
    r->topology.chain_count = 1;
    r->topology.roots = calloc((size_t)nodes, sizeof *r->topology.roots);
    for (int n = 0; r->topology.roots && n < nodes; n++) {
        struct topology_root *root = &r->topology.roots[n];
        root->nodes = calloc(1, sizeof *root->nodes);
        if (!root->nodes)
            return err_set(e, ERR_INTERNAL, "out of memory");
        snprintf(root->nodes[0], TOPOLOGY_NAME_MAX, "n%d", n);
        root->node_count = 1;
        r->topology.root_count++;
    }
    return r->topology.roots ? 0 : err_set(e, ERR_INTERNAL, "out of memory");
}

/* What one virtual cluster owns under a policy. */
static struct vcluster_quota quota_of(const struct replay *r, enum policy policy, size_t vc, int only)
{
    int nodes = only >= 0 && (int)vc != only ? 0 : r->trace->vcs[vc].nodes;
    if (policy == POLICY_FIFO)
        nodes = vc ? 0 : (int)r->topology.root_count;
    if (policy == POLICY_FIFO || policy == POLICY_COUNT)
        return (struct vcluster_quota){.level = 0, .count = nodes * NODE_GPUS};
    return (struct vcluster_quota){.level = 3, .count = nodes};
}

/* The virtual clusters of a policy: one for all, or the trace's own; `only` >= 0 leaves the others without quota. */
static int make_grid(struct replay *r, enum policy policy, int only, struct err *e)
{
    const struct trace *t = r->trace;
    struct vcluster *vcs = calloc(t->vc_count, sizeof *vcs);
    struct vcluster_quota *quotas = calloc(t->vc_count, sizeof *quotas);
    for (size_t i = 0; vcs && quotas && i < t->vc_count; i++) {
        quotas[i] = quota_of(r, policy, i, only);
        vcs[i] = (struct vcluster){.quotas = &quotas[i], .quota_count = 1};
        memcpy(vcs[i].name, t->vcs[i].name, sizeof vcs[i].name);
    }
    r->grid = vcs && quotas ? grid_create(&r->topology, vcs, t->vc_count, e) : NULL;
    r->line = r->grid ? line_create(r->grid, AGE_MS) : NULL;
    r->ends = calloc(t->job_count + 1, sizeof(struct trace_job *));
    r->preparing = calloc(t->job_count + 1, sizeof(struct trace_job *));
    free(vcs);
    free(quotas);
    return r->line && r->ends && r->preparing ? 0 : -1;
}

static void replay_fini(struct replay *r)
{
    line_destroy(r->line);
    grid_destroy(r->grid);
    free(r->ends);
    free(r->preparing);
    for (size_t i = 0; i < r->topology.root_count; i++)
        free(r->topology.roots[i].nodes);
    free(r->topology.roots);
}

/* ---- the heap of ends ---- */

static int64_t end_of(const struct trace_job *j)
{
    assert(j);
    return j->start_ms + j->duration_ms;
}

/* Ties are broken by submission, so that a virtual cluster's jobs end in the same order here and alone. */
static bool ends_before(const struct trace_job *a, const struct trace_job *b)
{
    return end_of(a) != end_of(b) ? end_of(a) < end_of(b) : a->entry.seq < b->entry.seq;
}

static void push_end(struct replay *r, struct trace_job *j)
{
    size_t i = r->end_count++;
    for (; i && ends_before(j, r->ends[(i - 1) / 2]); i = (i - 1) / 2)
        r->ends[i] = r->ends[(i - 1) / 2];
    r->ends[i] = j;
}

static struct trace_job *pop_end(struct replay *r)
{
    struct trace_job *top = r->ends[0], *last = r->ends[--r->end_count];
    size_t i = 0;
    for (;;) {
        size_t c = 2 * i + 1;
        if (c >= r->end_count)
            break;
        if (c + 1 < r->end_count && ends_before(r->ends[c + 1], r->ends[c]))
            c++;
        if (!ends_before(r->ends[c], last))
            break;
        r->ends[i] = r->ends[c];
        i = c;
    }
    r->ends[i] = last;
    return top;
}

/* ---- the run ---- */

static void start(struct replay *r, struct trace_job *j)
{
    j->start_ms = r->now_ms;
    r->busy_gpu_ms += j->gpus * j->duration_ms;
    push_end(r, j);
}

static void placed(void *ctx, struct line_entry *en, enum grid_state state)
{
    struct replay *r = ctx;
    if (state == GRID_ALLOCATED)
        start(r, en->owner);
    else
        r->preparing[r->preparing_count++] = en->owner;
}

/* Starts what was reserved and has drained. */
static void start_prepared(struct replay *r)
{
    for (size_t i = 0; i < r->preparing_count;) {
        struct trace_job *j = r->preparing[i];
        assert(j);
        if (grid_try(r->grid, j->gang) != GRID_ALLOCATED) {
            i++;
            continue;
        }
        r->preparing[i] = r->preparing[--r->preparing_count];
        start(r, j);
    }
}

static void arrive(struct replay *r, struct trace_job *j, int64_t seq, bool one_pool)
{
    const struct trace_vc *vc = &r->trace->vcs[one_pool ? 0 : j->vc];
    struct grid_pods pods[2] = {{j->gpus / NODE_GPUS, NODE_GPUS}, {1, j->gpus % NODE_GPUS}};
    struct grid_request ask = {.vc = vc->name, .seq = seq, .pods = pods, .pod_kinds = 2};
    struct err e = {0};
    j->start_ms = -1;
    if (j->gpus > r->trace->vcs[j->vc].nodes * NODE_GPUS) {
        r->skipped++;
        return;
    }
    if (!pods[1].gpus)
        ask.pod_kinds = 1;
    if (!pods[0].count) {
        ask.pods = &pods[1];
        ask.pod_kinds = 1;
    }
    j->gang = grid_submit(r->grid, &ask, &e);
    j->entry = (struct line_entry){.gang = j->gang, .seq = seq, .since_ms = r->now_ms, .owner = j};
    if (j->gang < 0 || line_add(r->line, &j->entry, &ask))
        r->failed = true;
}

/* Runs the trace, or one virtual cluster's part of it. */
static void run(struct replay *r, enum policy policy, int only)
{
    const struct trace *t = r->trace;
    size_t next = 0;
    while (!r->failed && (next < t->job_count || r->end_count)) {
        int64_t arrival = next < t->job_count ? t->jobs[next].submit_ms : INT64_MAX;
        int64_t end = r->end_count ? end_of(r->ends[0]) : INT64_MAX;
        int64_t old = line_deadline(r->line, r->now_ms);
        r->now_ms = arrival < end ? arrival : end;
        if (old < r->now_ms)
            r->now_ms = old;
        while (r->end_count && end_of(r->ends[0]) <= r->now_ms)
            grid_remove(r->grid, pop_end(r)->gang);
        start_prepared(r);
        for (; next < t->job_count && t->jobs[next].submit_ms <= r->now_ms; next++)
            if (only < 0 || t->jobs[next].vc == only)
                arrive(r, &t->jobs[next], (int64_t)next, policy == POLICY_FIFO);
        if (line_pass(r->line, r->now_ms, placed, r) < 0)
            r->failed = true;
    }
}

/* ---- figures ---- */

/* Where figures go, and room for one of each job. */
struct report {
    FILE *out;
    int64_t *scratch;
};

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static double seconds(int64_t ms)
{
    return (double)ms / 1000;
}

/* Mean and percentiles of sorted values, in seconds. */
static void print_spread(FILE *out, int64_t *v, size_t n)
{
    double sum = 0;
    if (!n) {
        fputs("         -         -         -         -", out);
        return;
    }
    qsort(v, n, sizeof *v, by_value);
    for (size_t i = 0; i < n; i++)
        sum += (double)v[i] / 1000;
    fprintf(out, " %9.0f %9.0f %9.0f %9.0f", sum / (double)n, seconds(v[n / 2]), seconds(v[n * 95 / 100]),
            seconds(v[n * 99 / 100]));
}

static void print_waits(const struct report *report, const struct replay *r, enum policy policy, double cpu_s)
{
    FILE *out = report->out;
    int64_t *scratch = report->scratch;
    const struct trace *t = r->trace;
    size_t n = 0;
    for (size_t i = 0; i < t->job_count; i++)
        if (t->jobs[i].start_ms >= 0)
            scratch[n++] = t->jobs[i].start_ms - t->jobs[i].submit_ms;
    fprintf(out, "%-8s %7zu %7zu", policy_names[policy], n, r->skipped);
    print_spread(out, scratch, n);
    double span = (double)r->now_ms - (double)t->jobs[0].submit_ms;
    fprintf(out, " %6.1f %8.2f\n", span > 0 ? 100.0 * (double)r->busy_gpu_ms / span / grid_total(r->grid) : 0.0, cpu_s);
}

/* One policy from nothing. `only` >= 0: one virtual cluster alone. Prints its line unless report is NULL. */
static int run_policy(const struct trace *t, enum policy policy, int only, const struct report *report, struct err *e)
{
    struct replay r = {.trace = t};
    int nodes = 0;
    clock_t begin = clock();
    for (size_t i = 0; i < t->vc_count; i++)
        nodes += only < 0 || (int)i == only ? t->vcs[i].nodes : 0;
    int rc = describe(&r, nodes, e) || make_grid(&r, policy, only, e) ? -1 : 0;
    if (!rc)
        run(&r, policy, only);
    if (!rc && r.failed)
        rc = err_set(e, ERR_INTERNAL, "out of memory");
    if (!rc && report)
        print_waits(report, &r, policy, (double)(clock() - begin) / CLOCKS_PER_SEC);
    replay_fini(&r);
    return rc;
}

/* What each virtual cluster's jobs wait longer than alone. */
static void print_costs(const struct report *report, const struct trace *t, const int64_t *alone, enum policy policy)
{
    FILE *out = report->out;
    int64_t *scratch = report->scratch;
    fprintf(out, "\nsharing cost under %s: wait here minus wait alone, s\n%-8s %5s %7s %9s %9s %9s %9s %9s\n",
            policy_names[policy], "vc", "nodes", "jobs", "mean", "p50", "p95", "p99", "worst");
    for (size_t v = 0; v < t->vc_count; v++) {
        size_t n = 0;
        for (size_t i = 0; i < t->job_count; i++)
            if (t->jobs[i].vc == (int)v && t->jobs[i].start_ms >= 0 && alone[i] >= 0)
                scratch[n++] = t->jobs[i].start_ms - alone[i];
        fprintf(out, "%-8.8s %5d %7zu", t->vcs[v].name, t->vcs[v].nodes, n);
        print_spread(out, scratch, n);
        fprintf(out, " %9.0f\n", n ? (double)scratch[n - 1] / 1000 : 0.0);
    }
}

static int run_all(const struct trace *t, FILE *out, struct err *e)
{
    static const enum policy shared[] = {POLICY_FIFO, POLICY_COUNT, POLICY_SHAPE};
    int64_t *alone = calloc(t->job_count + 1, sizeof *alone), *scratch = calloc(t->job_count + 1, sizeof *scratch);
    const struct report report = {.out = out, .scratch = scratch};
    int rc = -1;
    if (!alone || !scratch) {
        err_set(e, ERR_INTERNAL, "out of memory");
        goto out;
    }
    rc = 0;
    for (size_t v = 0; !rc && v < t->vc_count; v++)
        rc = run_policy(t, POLICY_PRIVATE, (int)v, NULL, e);
    for (size_t i = 0; !rc && i < t->job_count; i++)
        alone[i] = t->jobs[i].start_ms;
    for (size_t p = 0; !rc && p < sizeof shared / sizeof shared[0]; p++) {
        fprintf(out, "%s%-8s %7s %7s %9s %9s %9s %9s %6s %8s\n", p ? "\n" : "", "policy", "ran", "skipped", "mean s",
                "p50 s", "p95 s", "p99 s", "use %", "cpu s");
        rc = run_policy(t, shared[p], -1, &report, e);
        if (!rc)
            print_costs(&report, t, alone, shared[p]);
    }
out:
    free(alone);
    free(scratch);
    return rc;
}

int trace_run(const char *path, int gpus, FILE *out, struct err *e)
{
    struct trace t = {0};
    int rc = trace_read_file(path, &t, e);
    if (!rc && (gpus < NODE_GPUS || gpus % NODE_GPUS))
        rc = err_set(e, ERR_INVALID_PARAMETERS, "--gpus must be a multiple of %d", NODE_GPUS);
    if (!rc && !t.job_count)
        rc = err_set(e, ERR_INVALID_PARAMETERS, "%s has no jobs", path);
    if (!rc)
        rc = trace_read_quota(&t, gpus / NODE_GPUS, e);
    if (!rc)
        rc = run_all(&t, out, e);
    trace_read_fini(&t);
    return rc;
}
