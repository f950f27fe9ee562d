/* SPDX-License-Identifier: MIT
 *
 * Judges by its samples whether a GPU that is held is used, under a rule (inventory/idle_policy.h), and when who holds
 * it is to be warned, and what is to follow. Pure: no clock, no memory but what it is given, the same work for each
 * sample whatever the window.
 *
 * Time is what samples stand for: what was not sampled (a driver that hangs, a server that was down, a figure that the
 * rule needs and the driver does not tell) is neither idle nor used. A window is kept in parts, IDLE_PARTS at most: its
 * mean is over the whole of it and at most one part more.
 */
#ifndef DROVER_METRICS_IDLE_H
#define DROVER_METRICS_IDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inventory/idle_policy.h"

struct source_sample;

enum { IDLE_PARTS = 64, IDLE_GPU_BLOB = 18 + IDLE_PARTS * 12 };

/* Whether the rule's condition holds, and since how much sampled time. */
struct idle_state {
    bool on;
    int64_t held_ms;
};

struct idle_part {
    uint32_t ms;
    uint64_t percent_ms; /* utilisation by time */
};

/* One GPU under one rule. Plain data; zeroed, nothing was seen. */
struct idle_gpu {
    struct idle_state state;
    bool used;                         /* ever */
    struct idle_part part[IDLE_PARTS]; /* LOW_MEAN: from `first` on, round */
    int first, count;
    int64_t ms, percent_ms; /* their sums */
};

/* What was told of a job attempt (or a debug reservation) under one rule. Plain data; zeroed, nothing. */
struct idle_told {
    int warned; /* so many times */
    bool acted;
};

enum idle_change {
    IDLE_SAME,
    IDLE_WARN, /* once more */
    IDLE_ACT,
    IDLE_USED /* it was warned or acted upon, and is used again */
};

/* Takes in a sample that stands for so long. Of a GPU that is lost nothing. */
void idle_gpu_add(struct idle_gpu *g, const struct idle_rule *r, const struct source_sample *s, int64_t ms);
/* All GPUs that are held together, as the rule looks at them: all, or any of them. Folded from a zeroed state, `n` from
 * 0. */
void idle_fold(struct idle_state *all, const struct idle_rule *r, struct idle_state gpu, int n);
/* What follows now; at most one thing at a time, so that every warning comes before what it warns of. */
enum idle_change idle_look(struct idle_told *t, const struct idle_rule *r, struct idle_state now);
/* Until the next warning or what follows in the end, of sampled time; -1: nothing more follows. */
int64_t idle_left_ms(const struct idle_told *t, const struct idle_rule *r, struct idle_state now);

/* What the GPU is judged by in the rule: of another, what was counted is worth nothing. */
uint64_t idle_rule_print(const struct idle_rule *r);
/* As it is stored while the GPU is held; how many bytes. decode: 0; -1 for what is none, or is of another rule, and
 * then nothing was seen. */
size_t idle_gpu_encode(const struct idle_gpu *g, const struct idle_rule *r, unsigned char out[IDLE_GPU_BLOB]);
int idle_gpu_decode(struct idle_gpu *g, const struct idle_rule *r, const void *blob, size_t len);

#endif
