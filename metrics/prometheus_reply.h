/* SPDX-License-Identifier: MIT
 *
 * What a Prometheus answers about a node's GPUs, as NVIDIA's DCGM exporter names them. Pure.
 */
#ifndef DROVER_METRICS_PROMETHEUS_REPLY_H
#define DROVER_METRICS_PROMETHEUS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inventory/node.h"
#include "metrics/source.h"

struct buf;
struct err;

enum { PROMETHEUS_REPLY_MAX = 4 << 20, PROMETHEUS_SERIES_MAX = 8192 };

/* One GPU of the answer. */
struct prometheus_gpu {
    bool there;
    struct gpu gpu; /* index, UUID, model, memory */
    struct source_sample sample;
    int64_t memory[3]; /* bytes free, reserved, of all; -1: not told */
};

/* Appends the names that are asked for, as a regular expression. */
void prometheus_reply_names(struct buf *out);
/* Reads the answer to an instant query, at most PROMETHEUS_REPLY_MAX bytes; `gpu_label` has the index. Series of names
 * that are not asked for, of MIG's instances and of no index are passed over, a figure that cannot be is not valid, of
 * two for one the larger counts. How many GPUs there are, each at its index; -1 where it is no such answer, or GPUs of
 * two machines have one index. */
int prometheus_reply_read(const char *text, size_t len, const char *gpu_label, struct prometheus_gpu gpus[NODE_GPU_MAX],
                          struct err *e);

#endif
