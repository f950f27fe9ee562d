/* SPDX-License-Identifier: MIT
 *
 * Where figures of this machine's GPUs come from: the boundary between samples and a driver (nvml.h). What a source
 * does not know is marked as not valid instead of being 0: a GPU that computes nothing has the valid figure 0.
 *
 * Every call may last as long as the driver pleases, so that only one thread makes them (source_thread.h).
 */
#ifndef DROVER_METRICS_SOURCE_H
#define DROVER_METRICS_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "inventory/node.h"

struct err;

#define SOURCE_PROCESSES_MAX 128 /* of one GPU */
#define SOURCE_XIDS_MAX 8

enum source_field {
    SOURCE_BUSY,            /* percent of the last moment (1 s at most) in which anything was computed */
    SOURCE_MEMORY_BUSY,     /* percent of it in which memory was read or written */
    SOURCE_MEMORY_TOTAL,    /* bytes */
    SOURCE_MEMORY_USED,     /* bytes */
    SOURCE_POWER,           /* mW */
    SOURCE_TEMPERATURE,     /* degrees Celsius */
    SOURCE_CLOCK,           /* of the processors, MHz */
    SOURCE_CLOCK_MEMORY,    /* MHz */
    SOURCE_ENERGY,          /* mJ since the driver was loaded */
    SOURCE_ECC_CORRECTED,   /* errors since the driver was loaded */
    SOURCE_ECC_UNCORRECTED, /* likewise */
    SOURCE_THROTTLE,        /* bits: why it runs slower than it could, as the driver numbers them */
    SOURCE_XID,             /* code of the last error that the driver reported since droverd listens; 0 = none */
    SOURCE_MIG,             /* 1: cut into instances */
    SOURCE_PROCESSES,       /* that compute on it */
    SOURCE_ROWS_PENDING,    /* 1: rows or pages of its memory will be replaced at the next reset */
    SOURCE_ROWS_FAILED,     /* 1: one could not be */
    SOURCE_POWER_LIMIT,     /* mW that it may draw, whoever set that */
    SOURCE_FIELDS
};

/* One GPU at one moment. Plain data. */
struct source_sample {
    int64_t wall_ms;
    uint32_t valid; /* a bit for each field */
    bool lost;      /* it has fallen off the bus: nothing is valid */
    int64_t value[SOURCE_FIELDS];
};

/* A process that computes on a GPU. */
struct source_process {
    int pid;             /* as the machine counts */
    int64_t memory_used; /* bytes; -1 = not known */
};

/* What one look gives of one GPU. */
struct source_reading {
    struct source_sample sample;
    int xid_count; /* errors that the driver has reported so far, also of a lost GPU: a look whose answer comes too late
                    * loses none */
    int xids[SOURCE_XIDS_MAX]; /* codes of the newest; number n (from 0) at n % SOURCE_XIDS_MAX */
    int process_count;         /* of those listed; SOURCE_PROCESSES counts those that the list has no room for, too */
    struct source_process processes[SOURCE_PROCESSES_MAX];
};

struct source;

/* The vtable. */
struct source_ops {
    const char *name;
    /* The GPUs, in the driver's order; once, before the first `read`. Their number, 0 where there is no driver; -1 when
     * there is one and it fails. */
    int (*find)(struct source *s, struct gpu gpus[NODE_GPU_MAX], struct err *e);
    /* Reads the `count` GPUs that were found, as they are now. Of one that fails nothing is valid. 0, or -1 when the
     * driver as a whole does. */
    int (*read)(struct source *s, struct source_reading *out, int count, struct err *e);
    void (*destroy)(struct source *s);
};

/* First member of every source. */
struct source {
    const struct source_ops *ops;
};

/* Whether the sample has that field. */
static inline bool source_has(const struct source_sample *s, enum source_field f)
{
    return (s->valid >> f & 1) != 0;
}

/* Sets it. */
static inline void source_set(struct source_sample *s, enum source_field f, int64_t value)
{
    s->value[f] = value;
    s->valid |= UINT32_C(1) << f;
}

#endif
