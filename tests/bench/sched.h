/* SPDX-License-Identifier: MIT
 *
 * The mix of gangs that the scheduler's benchmark and its floor place: the same numbers in the same order.
 */
#ifndef DROVER_TESTS_BENCH_SCHED_H
#define DROVER_TESTS_BENCH_SCHED_H

#include <stdint.h>
#include <time.h>

enum { MIX_NODE_GPUS = 8, MIX_FULL_PERCENT = 90 };

struct mix_gang {
    int pods, gpus;
    int oppo; /* one in five */
    int vc;   /* of 8 */
};

static inline uint64_t mix_next(uint64_t *s) /* splitmix64 (Steele, Lea, Flood 2014) */
{
    uint64_t z = (*s += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static inline struct mix_gang mix_gang(uint64_t *s)
{
    static const struct {
        int percent, pods, gpus;
    } kinds[] = {{40, 1, 1}, {15, 1, 2}, {15, 1, 4}, {15, 1, 8}, {7, 2, 8}, {5, 4, 8}, {2, 8, 8}, {1, 16, 8}};
    uint64_t r = mix_next(s);
    int dice = (int)(r % 100), k = 0;
    for (; dice >= kinds[k].percent; k++)
        dice -= kinds[k].percent;
    return (struct mix_gang){kinds[k].pods, kinds[k].gpus, (r >> 20) % 5 == 0, (int)((r >> 40) % 8)};
}

static inline double mix_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

#endif
