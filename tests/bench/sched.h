/* SPDX-License-Identifier: MIT
 *
 * What the scheduler's benchmark and its floor share: the mix of gangs, the same numbers in the same order, and how
 * times are taken and told.
 */
#ifndef DROVER_TESTS_BENCH_SCHED_H
#define DROVER_TESTS_BENCH_SCHED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MIX_NODE_GPUS = 8, MIX_VCS = 8, MIX_KINDS = 8, MIX_SHAPES = 200, MIX_WAITING = 10000, MIX_ENDS = 500 };

/* What is asked on the command line: NODES DECISIONS FULL OPPORTUNISTIC, the last two in percent. */
struct mix {
    int nodes;
    long decisions;
    int full, oppo;
};

static inline struct mix mix_arguments(int argc, char **argv)
{
    long number[] = {256, 200000, 90, 20};
    for (int i = 1; i < argc && i <= 4; i++)
        number[i - 1] = strtol(argv[i], NULL, 10);
    return (struct mix){(int)number[0], number[1], (int)number[2], (int)number[3]};
}

struct mix_gang {
    int pods, gpus;
    int oppo;
    int vc; /* of MIX_VCS */
};

static inline uint64_t mix_next(uint64_t *s) /* splitmix64 (Steele, Lea, Flood 2014) */
{
    uint64_t z = (*s += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* The sizes of gangs, and how many of a hundred have each. */
static const struct mix_kind {
    int percent, pods, gpus;
} mix_kinds[MIX_KINDS] = {{40, 1, 1}, {15, 1, 2}, {15, 1, 4}, {15, 1, 8}, {7, 2, 8}, {5, 4, 8}, {2, 8, 8}, {1, 16, 8}};

static inline struct mix_gang mix_gang(const struct mix *m, uint64_t *s)
{
    uint64_t r = mix_next(s);
    int dice = (int)(r % 100), k = 0;
    for (; dice >= mix_kinds[k].percent; k++)
        dice -= mix_kinds[k].percent;
    return (struct mix_gang){mix_kinds[k].pods, mix_kinds[k].gpus, (int)((r >> 20) % 100) < m->oppo,
                             (int)((r >> 40) % MIX_VCS)};
}

/* The i-th of the gangs that wait: of 200 shapes, which are in each virtual cluster the sizes of the mix at two
 * priorities, gangs of 3 to 24 whole nodes, and one opportunistic size. */
static inline struct mix_gang mix_waiting(int i, int *priority)
{
    int vc = i % MIX_VCS, shape = i / MIX_VCS % (MIX_SHAPES / MIX_VCS), oppo = shape == 3 * MIX_KINDS;
    const struct mix_kind *k = &mix_kinds[oppo ? vc : shape % MIX_KINDS];
    int large = shape / MIX_KINDS == 2;
    *priority = oppo ? -1 : shape / MIX_KINDS % 2;
    if (large)
        return (struct mix_gang){3 * (shape % MIX_KINDS + 1), MIX_NODE_GPUS, 0, vc};
    return (struct mix_gang){k->pods, k->gpus, oppo, vc};
}

static inline double mix_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Times of one kind, in microseconds. */
struct mix_samples {
    float *us;
    long count, room;
};

/* 0, or -1 on out of memory. */
static inline int mix_samples_init(struct mix_samples *s, long room)
{
    *s = (struct mix_samples){.us = calloc((size_t)room + 1, sizeof *s->us), .room = room};
    return s->us ? 0 : -1;
}

/* Notes what has passed since `begin` on a clock. */
static inline void mix_sample(struct mix_samples *s, clockid_t id, double begin)
{
    if (s->count < s->room)
        s->us[s->count++] = (float)((mix_clock(id) - begin) * 1e6);
}

static inline int mix_by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

/* As a member of a JSON object, after others. */
static inline void mix_print(const char *name, struct mix_samples *s)
{
    long n = s->count;
    if (n)
        qsort(s->us, (size_t)n, sizeof *s->us, mix_by_value);
    printf(", \"%s\": {\"count\": %ld, \"p50\": %.3f, \"p99\": %.3f, \"worst\": %.3f}", name, n,
           n ? (double)s->us[n / 2] : 0.0, n ? (double)s->us[n * 99 / 100] : 0.0, n ? (double)s->us[n - 1] : 0.0);
}

#endif
