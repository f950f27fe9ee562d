/* SPDX-License-Identifier: MIT
 *
 * What debug reservations held and nobody used, as far as their GPUs were sampled (metrics/series_store.h).
 */
#ifndef DROVER_METRICS_REPORT_RESERVED_H
#define DROVER_METRICS_REPORT_RESERVED_H

#include <stdint.h>

struct err;
struct report;
struct report_nodes;
struct store;

/* A reservation; the times are those that count: within the range, and not ahead of now. */
struct report_reserved {
    const char *const *key; /* REPORT_KEYS of them, with its node */
    const char *gpus;       /* JSON list of indices */
    int64_t begin_ms, end_ms;
};

/* Adds the time in which nothing was computed on its GPUs: whole minutes, or quarters of an hour where those are all
 * that is kept. 0 or -1. */
int report_reserved_add(struct store *s, const struct report_nodes *nodes, const struct report_reserved *l,
                        struct report *r, struct err *e);

#endif
