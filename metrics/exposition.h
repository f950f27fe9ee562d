/* SPDX-License-Identifier: MIT
 *
 * Metrics as text, for who scrapes them: Prometheus's format 0.0.4, or OpenMetrics 1.0. Families one after the other,
 * each with its samples behind it, as both formats want it. The same, as series of remote write, for who does not.
 */
#ifndef DROVER_METRICS_EXPOSITION_H
#define DROVER_METRICS_EXPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct remote;

#define EXPOSITION_TEXT "text/plain; version=0.0.4; charset=utf-8"
#define EXPOSITION_OPEN "application/openmetrics-text; version=1.0.0; charset=utf-8"

enum exposition_type { EXPOSITION_GAUGE, EXPOSITION_COUNTER, EXPOSITION_HISTOGRAM };

/* One family. Strings are static. */
struct exposition_family {
    const char *name; /* a counter's without its `_total`; with its unit at the end */
    enum exposition_type type;
    const char *unit; /* "bytes", "seconds"; NULL: a plain number */
    const char *help;
};

/* What is being written. Plain data. */
struct exposition {
    struct buf *out;       /* the text */
    bool open;             /* OpenMetrics */
    struct remote *remote; /* instead of both: where samples go; NULL: text */
    int64_t at_ms;         /* with it: the time of samples that have none of their own */
    int64_t after_ms;      /* and the time behind which those that have are wanted; older ones may have been */
    const struct exposition_family *family;
};

/* Whether an Accept header (NULL: none) prefers OpenMetrics to plain text. */
bool exposition_wants_open(const char *accept);
/* Begins a family; its samples follow. */
void exposition_begin(struct exposition *x, const struct exposition_family *f);
/* A sample of it. `labels`: names and values in turns, up to a NULL; values may hold any UTF-8. */
void exposition_sample(struct exposition *x, const char *const *labels, double value);
/* A sample of a histogram, which is several lines. `bounds`: the buckets' upper ends as numbers with a point ("60.0"),
 * `counts` what is in each alone, and in one more that has no end. */
struct exposition_buckets {
    const char *const *bounds;
    const uint64_t *counts;
    size_t count; /* of the bounds */
    double sum;
};
void exposition_histogram(struct exposition *x, const char *const *labels, const struct exposition_buckets *b);
/* The name of a family's series in Prometheus, a counter's with its `_total`. */
void exposition_name(const struct exposition_family *f, char *out, size_t size);
/* Behind the last. 0, or -1 when memory was short; remote_end tells of that. */
int exposition_end(struct exposition *x);

#endif
