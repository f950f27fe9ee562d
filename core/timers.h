/* SPDX-License-Identifier: MIT
 *
 * Deadlines on the monotonic clock: a binary heap. A timer is never cancelled; what it names is looked up when it
 * fires, and a timer that no longer applies does nothing.
 */
#ifndef DROVER_CORE_TIMERS_H
#define DROVER_CORE_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"

enum timer_kind {
    TIMER_RETRY,      /* a job's back-off is over: id = job, number = job attempt */
    TIMER_CLAIM,      /* a claim is not confirmed: id = task attempt */
    TIMER_TIME_LIMIT, /* a job attempt ran its time: id = job, number = job attempt */
    TIMER_LEASE,      /* a lease is over: id = lease, number = how often it was extended */
    TIMER_PORT,       /* a port that somebody else used is tried again: number = the port, node = its node's index */
};

struct timer {
    int64_t at_mono; /* ms */
    enum timer_kind kind;
    int number, node;
    char id[ID_SIZE];
};

struct timers {
    struct timer *heap;
    size_t count, cap;
};

/* Frees the heap. */
void timers_fini(struct timers *t);
/* 0, or -1 on out of memory. */
int timers_add(struct timers *t, const struct timer *timer);
/* Takes the earliest timer that is due into *out; false when none is. */
bool timers_pop(struct timers *t, int64_t now_mono, struct timer *out);
/* When the earliest is due; INT64_MAX when there is none. */
int64_t timers_next(const struct timers *t);

#endif
