/* SPDX-License-Identifier: MIT
 *
 * The scheduler under load: 8 virtual clusters that own all nodes (racks of 16 nodes of 8), some of the gangs
 * opportunistic, held at a fill. Each decision is submit, place, record where, and at its end release; the time of one
 * is that of the answer. Then 10,000 gangs of 200 shapes wait and one that runs ends: the time of the pass. usage:
 * sched NODES DECISIONS FULL OPPORTUNISTIC
 */
// link: drover_scheduler
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "scheduler/line.h"
#include "tests/bench/sched.h"

enum { VCS = MIX_VCS, RACK = 16, GANGS_MAX = 65536, GPUS_MAX = 256, VICTIMS_MAX = GPUS_MAX };

enum kind { KIND_PLACED, KIND_WAIT, KIND_PREEMPT, KINDS };

struct bench {
    struct mix mix;
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
    struct mix_samples samples[KINDS];
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

static void keep(struct bench *b, int gang, int gpus)
{
    b->gangs[b->gang_count] = gang;
    b->gang_gpus[b->gang_count++] = gpus;
    b->used += gpus;
}

/* One that runs ends. */
static void end_one(struct bench *b)
{
    drop(b, (int)(mix_next(&b->seed) % (uint64_t)b->gang_count));
}

/* Whoever is in the way of a gang leaves, and it starts. */
static void clear_way(struct bench *b, int gang, const int *victims, size_t n)
{
    for (size_t i = 0; i < n; i++)
        drop_gang(b, victims[i]);
    grid_try(b->grid, gang);
}

/* Places one gang of the mix and writes down where. Whether it was placed. */
static int decide(struct bench *b)
{
    struct mix_gang g = mix_gang(&b->mix, &b->seed);
    struct grid_pods pods = {g.pods, g.gpus};
    struct grid_request ask = {
        .vc = vc_names[g.vc], .pods = &pods, .pod_kinds = 1, .priority = g.oppo ? -1 : 0, .seq = b->seq++};
    struct err e = {0};
    int total = g.pods * g.gpus, victims[VICTIMS_MAX];
    while (b->gang_count && (b->used + total > b->limit || b->gang_count == GANGS_MAX - 1))
        end_one(b);
    double begin = mix_clock(CLOCK_MONOTONIC);
    int gang = grid_submit(b->grid, &ask, &e);
    enum grid_state state = grid_try(b->grid, gang);
    grid_places(b->grid, gang, b->record, GPUS_MAX);
    if (state == GRID_WAITING) {
        mix_sample(&b->samples[KIND_WAIT], CLOCK_MONOTONIC, begin);
        grid_remove(b->grid, gang);
        return 0;
    }
    size_t n = state == GRID_PREEMPTING ? grid_victims(b->grid, gang, victims, VICTIMS_MAX) : 0;
    mix_sample(&b->samples[n ? KIND_PREEMPT : KIND_PLACED], CLOCK_MONOTONIC, begin);
    if (n)
        clear_way(b, gang, victims, n);
    keep(b, gang, total);
    b->gpus += total;
    return 1;
}

/* ---- the pass ---- */

struct waiting {
    struct bench *bench;
    struct line *line;
    struct line_entry entries[MIX_WAITING];
    struct line_entry *served[MIX_WAITING];
    size_t served_count;
};

/* The i-th of those that wait stands in the line, the last of its kind. */
static void stand(struct waiting *w, int i)
{
    int priority;
    struct mix_gang g = mix_waiting(i, &priority);
    struct grid_pods pods = {g.pods, g.gpus};
    struct grid_request ask = {
        .vc = vc_names[g.vc], .pods = &pods, .pod_kinds = 1, .priority = priority, .seq = w->bench->seq};
    struct err e = {0};
    w->entries[i] = (struct line_entry){.gang = grid_submit(w->bench->grid, &ask, &e), .seq = w->bench->seq++};
    line_add(w->line, &w->entries[i], &ask);
}

static void served(void *ctx, struct line_entry *en, enum grid_state state)
{
    struct waiting *w = ctx;
    (void)state;
    w->served[w->served_count++] = en;
}

/* After a pass: victims leave, who was served runs, and another of its shape waits in its stead. */
static void settle(struct waiting *w)
{
    struct bench *b = w->bench;
    int victims[VICTIMS_MAX];
    for (size_t i = 0; i < w->served_count; i++) {
        int gang = w->served[i]->gang;
        if (grid_state_of(b->grid, gang) == GRID_PREEMPTING)
            clear_way(b, gang, victims, grid_victims(b->grid, gang, victims, VICTIMS_MAX));
        if (grid_state_of(b->grid, gang) == GRID_ALLOCATED)
            keep(b, gang, (int)grid_places(b->grid, gang, NULL, 0));
        else
            grid_remove(b->grid, gang);
        stand(w, (int)(w->served[i] - w->entries));
    }
}

/* One pass; whether it served anybody. */
static int pass(struct waiting *w, struct mix_samples *s)
{
    w->served_count = 0;
    double begin = mix_clock(CLOCK_PROCESS_CPUTIME_ID);
    line_pass(w->line, 0, served, w);
    if (s)
        mix_sample(s, CLOCK_PROCESS_CPUTIME_ID, begin);
    settle(w);
    return w->served_count > 0;
}

/* 10,000 wait; those that find room start. Then jobs end, one at a time, with a pass after each. */
static int time_passes(struct bench *b)
{
    struct waiting *w = calloc(1, sizeof *w);
    struct mix_samples s = {.us = NULL};
    int rc = -1;
    if (w)
        *w = (struct waiting){.bench = b, .line = line_create(b->grid, 0)};
    if (!w || !w->line || mix_samples_init(&s, MIX_ENDS))
        goto out;
    for (int i = 0; i < MIX_WAITING; i++)
        stand(w, i);
    while (pass(w, NULL))
        ;
    for (int i = 0; i < MIX_ENDS && b->gang_count; i++) {
        end_one(b);
        pass(w, &s);
    }
    mix_print("pass", &s);
    rc = 0;
out:
    if (w)
        line_destroy(w->line);
    free(w);
    free(s.us);
    return rc;
}

/* ---- the whole ---- */

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

static int bench_init(struct bench *b, struct err *e)
{
    int rc = 0;
    describe(b, b->mix.nodes);
    b->grid = grid_create(&b->topology, b->vcs, VCS, e);
    b->gangs = calloc(GANGS_MAX, sizeof *b->gangs);
    b->gang_gpus = calloc(GANGS_MAX, sizeof *b->gang_gpus);
    for (int k = 0; k < KINDS; k++)
        rc |= mix_samples_init(&b->samples[k], b->mix.decisions * 4);
    return b->grid && b->gangs && b->gang_gpus ? rc : -1;
}

int main(int argc, char **argv)
{
    struct bench b = {.seed = 1, .mix = mix_arguments(argc, argv)};
    struct err e = {0};
    if (bench_init(&b, &e)) {
        fprintf(stderr, "sched: %s\n", e.text);
        bench_fini(&b);
        return 1;
    }
    b.limit = (long)grid_total(b.grid) * b.mix.full / 100;
    while (b.used < b.limit * 95 / 100) /* warm up to nearly full */
        decide(&b);
    for (int k = 0; k < KINDS; k++)
        b.samples[k].count = 0;
    b.gpus = 0;
    double begin = mix_clock(CLOCK_PROCESS_CPUTIME_ID);
    for (long done = 0; done < b.mix.decisions;)
        done += decide(&b);
    double cpu = mix_clock(CLOCK_PROCESS_CPUTIME_ID) - begin;
    printf("{\"decisions_per_cpu_s\": %.0f, \"gpus_per_cpu_s\": %.0f", (double)b.mix.decisions / cpu,
           (double)b.gpus / cpu);
    mix_print("placed", &b.samples[KIND_PLACED]);
    mix_print("wait", &b.samples[KIND_WAIT]);
    mix_print("preempt", &b.samples[KIND_PREEMPT]);
    int rc = time_passes(&b);
    printf("}\n");
    bench_fini(&b);
    return rc ? 1 : 0;
}
