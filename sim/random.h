/* SPDX-License-Identifier: MIT
 *
 * Seeded numbers: the same seed gives the same numbers everywhere.
 */
#ifndef DROVER_SIM_RANDOM_H
#define DROVER_SIM_RANDOM_H

#include <stdint.h>

/* The next number of the sequence that *s is in (splitmix64; Steele, Lea, Flood 2014). */
static inline uint64_t random_next(uint64_t *s)
{
    uint64_t z = (*s += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* From 0, below n. */
static inline int random_below(uint64_t *s, int n)
{
    return (int)(random_next(s) % (uint64_t)n);
}

/* From 0, below 1. */
static inline double random_unit(uint64_t *s)
{
    return (double)(random_next(s) >> 11) * 0x1p-53;
}

#endif
