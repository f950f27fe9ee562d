/* SPDX-License-Identifier: MIT
 *
 * Judges a GPU by what is seen of it, sample by sample: which causes (inventory/gpu_health.h) hold, and what follows.
 * Pure. A cause holds from the sample that shows it (throttling: from the second in a row) until so many good samples
 * have come since; one that stays, until the GPU was reset, which the driver's counters show (or that it is back on the
 * bus), and so many after that.
 */
#ifndef DROVER_METRICS_HEALTH_H
#define DROVER_METRICS_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "inventory/gpu_health.h"

struct source_reading;

enum health_answer { HEALTH_READ, HEALTH_FAILS, HEALTH_HANGS }; /* of the driver as a whole */

/* What is seen of one GPU at one look. */
struct health_seen {
    enum health_answer answer;
    const struct source_reading *reading; /* of HEALTH_READ */
    int foreign, zombies;                 /* processes */
};

/* The policy. */
struct health_rules {
    enum gpu_action of[GPU_CAUSES];
    int check; /* good samples before it is given out again */
};

/* Plain data; zeroed, nothing is wrong. */
struct health {
    int left[GPU_CAUSES]; /* good samples until it holds no more; 0: it does not hold */
    int xid[GPU_CAUSES];  /* the code of those that came by one */
    uint32_t waits;       /* bits of causes that stay: no reset was seen yet */
    int xid_count;        /* so many errors were judged */
    bool throttled, lost; /* in the last sample */
    int64_t ecc, energy;  /* counters of the last sample that had them */
    bool counted;         /* one had the first of them */
};

/* The shipped policy. */
void health_rules_default(struct health_rules *r);
/* What an error of the driver means; GPU_FINE where nothing follows from it. */
enum gpu_cause health_xid(int64_t code);
/* Takes in a look. */
void health_look(struct health *h, const struct health_rules *r, const struct health_seen *seen);
/* The cause of that mark holds, as before a restart; `reset`: the machine was started anew since. */
void health_resume(struct health *h, const struct health_rules *r, const struct gpu_mark *m, bool reset);
/* An admin says that it is well: what holds on shows at the next look. */
void health_forgive(struct health *h);
/* The gravest cause that holds, and the strictest action of all that do. */
struct gpu_mark health_mark(const struct health *h, const struct health_rules *r);

#endif
