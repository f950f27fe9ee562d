/* SPDX-License-Identifier: MIT
 *
 * The scheduler under load: 8 virtual clusters that own all nodes (racks of 16 nodes of 8), a fifth opportunistic, held
 * at 90 %. Each decision is submit, place, record where, and at its end release. usage: sched NODES DECISIONS
 */
// link: drover_scheduler
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "scheduler/line.h"
#include "tests/bench/sched.h"

enum { VCS = 8, RACK = 16, GANGS_MAX = 65536, SAMPLES_MAX = 4000000, GPUS_MAX = 128 };

enum kind { KIND_PLACED, KIND_WAIT, KIND_PREEMPT, KINDS };

struct samples {
    float *us;
    long count;
};

struct bench {
    struct topology topology;
    struct topology_chain chain;
    struct vcluster vcs[VCS];
    struct vcluster_quota quotas[VCS];
    struct grid *grid;
    int *gangs;
    int *gang_gpus;
    int gang_count;
    long used, limit, gpus;
    struct grid_place record[GPUS_MAX];
    struct samples samples[KINDS];
    uint64_t seed;
    int64_t seq;
};

static const char *const vc_names[VCS] = {"v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7"};

static void describe(struct bench *b, int nodes)
{
    static const char *const names[] = {"gpu", "pair", "quad", "node", "rack"};
    static const int fanouts[] = {1, 2, 2, 2, RACK};
    b->chain.levels = 5;
    b->chain.node_level = 3;
    for (int l = 0; l < 5; l++) {
        snprintf(b->chain.level[l].name, TOPOLOGY_NAME_MAX, "%s", names[l]);
        b->chain.level[l].fanout = fanouts[l];
    }
    topology_chain_size(&b->chain);
    b->topology = (struct topology){.chains = &b->chain, .chain_count = 1};
    b->topology.roots = calloc((size_t)nodes / RACK, sizeof *b->topology.roots);
    for (int r = 0; b->topology.roots && r < nodes / RACK; r++) {
        struct topology_root *root = &b->topology.roots[r];
        root->nodes = calloc(RACK, sizeof *root->nodes);
        for (int n = 0; root->nodes && n < RACK; n++)
            snprintf(root->nodes[n], TOPOLOGY_NAME_MAX, "n%d", r * RACK + n);
        root->node_count = RACK;
        b->topology.root_count++;
    }
    for (int v = 0; v < VCS; v++) {
        b->quotas[v] = (struct vcluster_quota){.level = 3, .count = nodes / VCS};
        b->vcs[v] = (struct vcluster){.quotas = &b->quotas[v], .quota_count = 1};
        snprintf(b->vcs[v].name, TOPOLOGY_NAME_MAX, "%s", vc_names[v]);
    }
}

static void drop(struct bench *b, int i)
{
    b->used -= b->gang_gpus[i];
    grid_remove(b->grid, b->gangs[i]);
    b->gangs[i] = b->gangs[--b->gang_count];
    b->gang_gpus[i] = b->gang_gpus[b->gang_count];
}

static void drop_gang(struct bench *b, int gang)
{
    for (int i = 0; i < b->gang_count; i++)
        if (b->gangs[i] == gang) {
            drop(b, i);
            return;
        }
}

static void sample(struct bench *b, enum kind kind, double begin)
{
    struct samples *s = &b->samples[kind];
    if (s->count < SAMPLES_MAX)
        s->us[s->count++] = (float)((mix_clock(CLOCK_MONOTONIC) - begin) * 1e6);
}

/* Places one gang of the mix and writes down where. Whether it was placed. */
static int decide(struct bench *b)
{
    struct mix_gang g = mix_gang(&b->seed);
    struct grid_pods pods = {g.pods, g.gpus};
    struct grid_request ask = {
        .vc = vc_names[g.vc], .pods = &pods, .pod_kinds = 1, .priority = g.oppo ? -1 : 0, .seq = b->seq++};
    struct err e = {0};
    int total = g.pods * g.gpus, victims[64];
    while (b->gang_count && (b->used + total > b->limit || b->gang_count == GANGS_MAX - 1))
        drop(b, (int)(mix_next(&b->seed) % (uint64_t)b->gang_count));
    double begin = mix_clock(CLOCK_MONOTONIC);
    int gang = grid_submit(b->grid, &ask, &e);
    enum grid_state state = grid_try(b->grid, gang);
    grid_places(b->grid, gang, b->record, GPUS_MAX);
    if (state == GRID_WAITING) {
        sample(b, KIND_WAIT, begin);
        grid_remove(b->grid, gang);
        return 0;
    }
    size_t n = state == GRID_PREEMPTING ? grid_victims(b->grid, gang, victims, 64) : 0;
    sample(b, n ? KIND_PREEMPT : KIND_PLACED, begin);
    for (size_t i = 0; i < n; i++)
        drop_gang(b, victims[i]);
    if (n)
        grid_try(b->grid, gang);
    b->gangs[b->gang_count] = gang;
    b->gang_gpus[b->gang_count++] = total;
    b->used += total;
    b->gpus += total;
    return 1;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

static void print_samples(const char *name, struct samples *s)
{
    if (s->count)
        qsort(s->us, (size_t)s->count, sizeof *s->us, by_value);
    printf(", \"%s\": {\"count\": %ld, \"p50_us\": %.2f, \"p99_us\": %.2f, \"worst_us\": %.1f}", name, s->count,
           s->count ? (double)s->us[s->count / 2] : 0.0, s->count ? (double)s->us[s->count * 99 / 100] : 0.0,
           s->count ? (double)s->us[s->count - 1] : 0.0);
}

struct waiting {
    struct line_entry *entries;
    long served;
};

static void served(void *ctx, struct line_entry *en, enum grid_state state)
{
    (void)en;
    (void)state;
    ((struct waiting *)ctx)->served++;
}

/* 10,000 gangs of 200 shapes wait; a job ends: how long is the pass? */
static double time_pass(struct bench *b)
{
    struct waiting w = {.entries = calloc(10000, sizeof *w.entries)};
    struct line *line = line_create(b->grid, 0);
    struct err e = {0};
    for (int i = 0; w.entries && line && i < 10000; i++) {
        struct grid_pods pods = {1 + i / VCS % 25, 8};
        struct grid_request ask = {.vc = vc_names[i % VCS], .pods = &pods, .pod_kinds = 1, .seq = b->seq};
        w.entries[i] = (struct line_entry){.gang = grid_submit(b->grid, &ask, &e), .seq = b->seq++};
        line_add(line, &w.entries[i], &ask);
    }
    line_pass(line, 0, served, &w);
    double worst = 0;
    for (int i = 0; i < 100 && b->gang_count; i++) {
        drop(b, (int)(mix_next(&b->seed) % (uint64_t)b->gang_count));
        double begin = mix_clock(CLOCK_PROCESS_CPUTIME_ID);
        line_pass(line, 0, served, &w);
        double took = mix_clock(CLOCK_PROCESS_CPUTIME_ID) - begin;
        worst = took > worst ? took : worst;
    }
    line_destroy(line);
    free(w.entries);
    return worst * 1e3;
}

/* Cells built, and all running gangs taken in again. */
static double time_start(struct bench *b)
{
    struct grid *old = b->grid;
    struct err e = {0};
    struct grid_pods pods = {1, 1};
    struct grid_request ask = {.vc = vc_names[0], .pods = &pods, .pod_kinds = 1, .priority = -1};
    double begin = mix_clock(CLOCK_PROCESS_CPUTIME_ID);
    b->grid = grid_create(&b->topology, b->vcs, VCS, &e);
    int gpus = b->grid ? grid_total(b->grid) : 0;
    for (int i = 0; i < 10000 && i < gpus; i++) {
        struct grid_place at = {.node = i / MIX_NODE_GPUS, .gpu = i % MIX_NODE_GPUS, .level = -1};
        struct grid_past past = {.at = &at, .count = 1, .oppo = true};
        grid_adopt(b->grid, &ask, &past, &e);
    }
    double took = mix_clock(CLOCK_PROCESS_CPUTIME_ID) - begin;
    grid_destroy(b->grid);
    b->grid = old;
    return took * 1e3;
}

static void bench_fini(struct bench *b)
{
    grid_destroy(b->grid);
    for (size_t r = 0; r < b->topology.root_count; r++)
        free(b->topology.roots[r].nodes);
    free(b->topology.roots);
    free(b->gangs);
    free(b->gang_gpus);
    for (int k = 0; k < KINDS; k++)
        free(b->samples[k].us);
}

int main(int argc, char **argv)
{
    struct bench b = {.seed = 1};
    struct err e = {0};
    int nodes = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 256;
    long decisions = argc > 2 ? strtol(argv[2], NULL, 10) : 200000, done = 0;
    describe(&b, nodes);
    b.grid = grid_create(&b.topology, b.vcs, VCS, &e);
    b.gangs = calloc(GANGS_MAX, sizeof *b.gangs);
    b.gang_gpus = calloc(GANGS_MAX, sizeof *b.gang_gpus);
    for (int k = 0; k < KINDS; k++)
        b.samples[k].us = calloc(SAMPLES_MAX, sizeof *b.samples[k].us);
    if (!b.grid || !b.gangs || !b.gang_gpus || !b.samples[KIND_PREEMPT].us) {
        fprintf(stderr, "sched: %s\n", e.text);
        bench_fini(&b);
        return 1;
    }
    b.limit = (long)grid_total(b.grid) * MIX_FULL_PERCENT / 100;
    while (b.used < b.limit * 95 / 100) /* warm up to nearly full */
        decide(&b);
    for (int k = 0; k < KINDS; k++)
        b.samples[k].count = 0;
    b.gpus = 0;
    double begin = mix_clock(CLOCK_PROCESS_CPUTIME_ID);
    while (done < decisions)
        done += decide(&b);
    double cpu = mix_clock(CLOCK_PROCESS_CPUTIME_ID) - begin;
    printf("{\"decisions_per_cpu_s\": %.0f, \"gpus_per_cpu_s\": %.0f", (double)done / cpu, (double)b.gpus / cpu);
    print_samples("placed", &b.samples[KIND_PLACED]);
    print_samples("wait", &b.samples[KIND_WAIT]);
    print_samples("preempt", &b.samples[KIND_PREEMPT]);
    printf(", \"start_ms\": %.2f", time_start(&b));
    printf(", \"pass_worst_ms\": %.3f}\n", time_pass(&b));
    bench_fini(&b);
    return 0;
}
