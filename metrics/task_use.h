/* SPDX-License-Identifier: MIT
 *
 * What a task attempt used of the machine beside GPUs, added up look by look while it runs: cores, memory, discs,
 * network. A look stands for the time since the one before; time without looks counts for nothing. Curves (curve.h) say
 * how it went: what share of its cores it used with the memory it held, when it waited for a disc or a storage, and the
 * most bytes a second that it received and sent. Pure.
 */
#ifndef DROVER_METRICS_TASK_USE_H
#define DROVER_METRICS_TASK_USE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "metrics/curve.h"

/* One look. */
struct task_use_look {
    int64_t wall_ms;
    int64_t cpu_ms;                     /* used since the task began */
    int64_t memory;                     /* bytes */
    int64_t read_bytes, written_bytes;  /* since it began; -1: not known */
    int64_t received_bytes, sent_bytes; /* since some moment of this life of the server; -1: not known */
    bool waits;                         /* for a disc or a storage, at that moment */
    int machine_cores;                  /* it cannot have used more */
};

/* Plain data. Times in ms. */
struct task_use {
    char attempt_id[ID_SIZE];
    int cores;                          /* that it asked for */
    int64_t memory_limit;               /* bytes; 0: none */
    int64_t began_ms, ended_ms;         /* the first and the last look, as the wall clock had it */
    int64_t sampled_ms;                 /* looks stand for so long */
    int64_t cpu_ms;                     /* used in that time */
    int64_t cores_max_milli;            /* thousandths of a core: the most in one look */
    int64_t memory_mib_ms;              /* sum of MiB by time */
    int64_t memory_max;                 /* bytes */
    int64_t read_bytes, written_bytes;  /* as the last look that knew it; -1: never */
    int64_t wait_ms;                    /* waiting for a disc or a storage */
    int64_t received_bytes, sent_bytes; /* over the network, in that time; -1: never known */
    int64_t last_cpu_ms;                /* of the look before; -1: there was none in this life of the server */
    int64_t last_received, last_sent;   /* likewise */
};

/* Its curves; of the last two only `memory_max`: bytes a second. */
enum task_use_curve { TASK_USE_CORES, TASK_USE_WAITS, TASK_USE_RECEIVED, TASK_USE_SENT, TASK_USE_CURVES };

/* Adds a look that stands for `ms`, to the TASK_USE_CURVES curves, too. The first one of a life only says from where to
 * count. */
void task_use_add(struct task_use *u, const struct task_use_look *look, int64_t ms, struct curve *curves);
/* The next look is a first one again: nobody has looked for too long. */
void task_use_skip(struct task_use *u);

/* Cores used on average, and bytes held; 0 when nothing was sampled. */
double task_use_cores(const struct task_use *u);
int64_t task_use_memory(const struct task_use *u);

#endif
