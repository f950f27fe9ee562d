/* SPDX-License-Identifier: MIT
 *
 * Floor of the scheduler: a bare buddy placer. Nodes hang in buckets by free GPUs, a pod takes the tightest, a gang is
 * placed whole or not at all; no virtual clusters, priorities, safety or reasons. Counts decisions first, then does the
 * same again with a clock at each; last, as many wait as there: a gang ends and each shape is tried. usage: buddy_floor
 * NODES DECISIONS FULL OPPORTUNISTIC
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/sched.h"

enum { GANGS_MAX = 65536, PODS_MAX = 32 };

struct node {
    int next, prev, free;
    unsigned mask; /* free GPUs */
};

struct placed {
    int pods;
    int node[PODS_MAX];
    unsigned gpus[PODS_MAX];
};

struct floor {
    struct mix mix;
    struct node *nodes;
    int head[MIX_NODE_GPUS + 1];
    struct placed *gangs;
    int gang_count;
    long used, gpus;
    uint64_t seed;
    struct mix_samples placed, wait; /* no room: no clock */
};

static void unhang(struct floor *f, int n)
{
    struct node *x = &f->nodes[n];
    *(x->prev >= 0 ? &f->nodes[x->prev].next : &f->head[x->free]) = x->next;
    if (x->next >= 0)
        f->nodes[x->next].prev = x->prev;
}

static void hang(struct floor *f, int n)
{
    struct node *x = &f->nodes[n];
    x->prev = -1;
    x->next = f->head[x->free];
    if (x->next >= 0)
        f->nodes[x->next].prev = n;
    f->head[x->free] = n;
}

/* The lowest aligned free run, else any free GPUs. */
static unsigned pick(unsigned mask, int want)
{
    unsigned run = (1u << want) - 1, got = 0;
    for (int at = 0; at + want <= MIX_NODE_GPUS; at += want)
        if ((mask >> at & run) == run)
            return run << at;
    for (; want; want--) {
        unsigned bit = mask & ~(mask - 1);
        got |= bit;
        mask ^= bit;
    }
    return got;
}

static void change(struct floor *f, int n, unsigned gpus, int sign)
{
    unhang(f, n);
    f->nodes[n].mask ^= gpus;
    f->nodes[n].free += sign * __builtin_popcount(gpus);
    hang(f, n);
}

static void release(struct floor *f, struct placed *p)
{
    while (p->pods) {
        p->pods--;
        f->used -= __builtin_popcount(p->gpus[p->pods]);
        change(f, p->node[p->pods], p->gpus[p->pods], 1);
    }
}

static int place(struct floor *f, const struct mix_gang *g, struct placed *p)
{
    p->pods = 0;
    for (int i = 0; i < g->pods; i++) {
        int b = g->gpus;
        while (b <= MIX_NODE_GPUS && f->head[b] < 0)
            b++;
        if (b > MIX_NODE_GPUS) {
            release(f, p);
            return 0;
        }
        int n = f->head[b];
        p->node[p->pods] = n;
        p->gpus[p->pods] = pick(f->nodes[n].mask, g->gpus);
        change(f, n, p->gpus[p->pods], -1);
        f->used += g->gpus;
        p->pods++;
    }
    return 1;
}

static void end_one(struct floor *f)
{
    int i = (int)(mix_next(&f->seed) % (uint64_t)f->gang_count);
    release(f, &f->gangs[i]);
    f->gangs[i] = f->gangs[--f->gang_count];
}

/* Places a gang, if it can be, among those that run. */
static int start(struct floor *f, const struct mix_gang *g)
{
    int placed = f->gang_count < GANGS_MAX && place(f, g, &f->gangs[f->gang_count]);
    f->gang_count += placed;
    return placed;
}

static int decide(struct floor *f)
{
    struct mix_gang g = mix_gang(&f->mix, &f->seed);
    long limit = (long)f->mix.nodes * MIX_NODE_GPUS * f->mix.full / 100;
    while (f->gang_count && (f->used + g.pods * g.gpus > limit || f->gang_count == GANGS_MAX))
        end_one(f);
    double begin = f->placed.room ? mix_clock(CLOCK_MONOTONIC) : 0;
    int placed = start(f, &g);
    if (f->placed.room)
        mix_sample(placed ? &f->placed : &f->wait, CLOCK_MONOTONIC, begin);
    f->gpus += placed ? g.pods * g.gpus : 0;
    return placed;
}

/* The first of each shape is tried, and the next when it was placed; more of each wait than ever are. */
static void pass(struct floor *f)
{
    for (int i = 0; i < MIX_SHAPES; i++) {
        int priority;
        struct mix_gang g = mix_waiting(i, &priority);
        while (start(f, &g))
            ;
    }
}

static int time_passes(struct floor *f)
{
    struct mix_samples s;
    if (mix_samples_init(&s, MIX_ENDS))
        return -1;
    pass(f);
    for (int i = 0; i < MIX_ENDS && f->gang_count; i++) {
        end_one(f);
        double begin = mix_clock(CLOCK_PROCESS_CPUTIME_ID);
        pass(f);
        mix_sample(&s, CLOCK_PROCESS_CPUTIME_ID, begin);
    }
    mix_print("pass", &s);
    free(s.us);
    return 0;
}

static void empty(struct floor *f)
{
    for (int b = 0; b <= MIX_NODE_GPUS; b++)
        f->head[b] = -1;
    for (int n = f->mix.nodes; n-- > 0;) {
        f->nodes[n] = (struct node){.free = MIX_NODE_GPUS, .mask = (1u << MIX_NODE_GPUS) - 1};
        hang(f, n);
    }
}

static int run(struct floor *f)
{
    double begin = mix_clock(CLOCK_PROCESS_CPUTIME_ID);
    for (long done = 0; done < f->mix.decisions;)
        done += decide(f);
    double cpu = mix_clock(CLOCK_PROCESS_CPUTIME_ID) - begin;
    printf("{\"decisions_per_cpu_s\": %.0f, \"gpus_per_cpu_s\": %.0f", (double)f->mix.decisions / cpu,
           (double)f->gpus / cpu);
    if (mix_samples_init(&f->placed, f->mix.decisions) || mix_samples_init(&f->wait, f->mix.decisions))
        return -1;
    for (long done = 0; done < f->mix.decisions;)
        done += decide(f);
    mix_print("placed", &f->placed);
    mix_print("wait", &f->wait);
    int rc = time_passes(f);
    printf("}\n");
    return rc;
}

int main(int argc, char **argv)
{
    struct floor f = {.mix = mix_arguments(argc, argv), .seed = 1};
    f.nodes = calloc((size_t)f.mix.nodes, sizeof *f.nodes);
    f.gangs = calloc(GANGS_MAX, sizeof *f.gangs);
    int rc = -1;
    if (f.nodes && f.gangs) {
        empty(&f);
        rc = run(&f);
    }
    free(f.nodes);
    free(f.gangs);
    free(f.placed.us);
    free(f.wait.us);
    return rc ? 1 : 0;
}
