/* SPDX-License-Identifier: MIT
 *
 * Floor of the scheduler: a bare buddy placer. Nodes hang in buckets by free GPUs, a pod takes the tightest, a gang is
 * placed whole or not at all; no virtual clusters, priorities, safety or reasons. usage: buddy_floor NODES DECISIONS
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/sched.h"

enum { GANGS_MAX = 65536, PODS_MAX = 16 };

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
    struct node *nodes;
    int head[MIX_NODE_GPUS + 1];
    struct placed *gangs;
    int gang_count;
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
        p->pods++;
    }
    return 1;
}

static long run(struct floor *f, int nodes, long decisions)
{
    uint64_t seed = 1;
    long used = 0, limit = (long)nodes * MIX_NODE_GPUS * MIX_FULL_PERCENT / 100, gpus = 0;
    for (long done = 0; done < decisions;) {
        struct mix_gang g = mix_gang(&seed);
        while (f->gang_count && (used + g.pods * g.gpus > limit || f->gang_count == GANGS_MAX)) {
            int i = (int)(mix_next(&seed) % (uint64_t)f->gang_count);
            for (int k = 0; k < f->gangs[i].pods; k++)
                used -= __builtin_popcount(f->gangs[i].gpus[k]);
            release(f, &f->gangs[i]);
            f->gangs[i] = f->gangs[--f->gang_count];
        }
        if (place(f, &g, &f->gangs[f->gang_count])) {
            f->gang_count++;
            used += g.pods * g.gpus;
            gpus += g.pods * g.gpus;
            done++;
        }
    }
    return gpus;
}

int main(int argc, char **argv)
{
    int nodes = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 256;
    long decisions = argc > 2 ? strtol(argv[2], NULL, 10) : 1000000;
    struct floor f = {.nodes = calloc((size_t)nodes, sizeof *f.nodes), .gangs = calloc(GANGS_MAX, sizeof *f.gangs)};
    if (!f.nodes || !f.gangs) {
        free(f.nodes);
        free(f.gangs);
        return 1;
    }
    for (int b = 0; b <= MIX_NODE_GPUS; b++)
        f.head[b] = -1;
    for (int n = nodes; n-- > 0;) {
        f.nodes[n] = (struct node){.free = MIX_NODE_GPUS, .mask = (1u << MIX_NODE_GPUS) - 1};
        hang(&f, n);
    }
    double begin = mix_clock(CLOCK_PROCESS_CPUTIME_ID);
    long gpus = run(&f, nodes, decisions);
    double cpu = mix_clock(CLOCK_PROCESS_CPUTIME_ID) - begin;
    printf("{\"decisions_per_cpu_s\": %.0f, \"gpus_per_cpu_s\": %.0f}\n", (double)decisions / cpu, (double)gpus / cpu);
    free(f.nodes);
    free(f.gangs);
    return 0;
}
