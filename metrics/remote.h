/* SPDX-License-Identifier: MIT
 *
 * Samples on their way to another store: requests of Prometheus's remote write protocol 1.0, each a WriteRequest of
 * protobuf, compressed by snappy's block format. Knows the series of the round before: a sample that is not newer than
 * the last one of its series is left out, since the receiver would refuse the whole request, and a series that is named
 * no more ends with a stale marker, as the protocol wants it. One thread; no I/O.
 */
#ifndef DROVER_METRICS_REMOTE_H
#define DROVER_METRICS_REMOTE_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct remote;

enum {
    REMOTE_SAMPLES_MAX = 2000,   /* of a request, as Prometheus sends them */
    REMOTE_SERIES_MAX = 1000000, /* at a time; of more, those that came last are left out */
    REMOTE_LABELS_MAX = 32       /* of a series, with those of all */
};

/* A request that is full. `body` is to be emptied by whoever is called; times are those of its samples. */
struct remote_request {
    struct buf *body;
    int samples;
    int64_t oldest_ms;
};

struct remote_config {
    const char *const *labels; /* of every series: names and values in turns, up to a NULL; a series' own go first */
    void (*full)(void *ctx, const struct remote_request *request);
    void *ctx;
};

/* Borrows what is in the configuration. NULL with the error. */
struct remote *remote_create(const struct remote_config *c, struct err *e);
/* What is in no request yet is lost. NULL ok. */
void remote_destroy(struct remote *r);

/* A round: what there is now. Each series is named in it once, with or without new samples. */
void remote_begin(struct remote *r);
/* The series of the samples that follow. `labels` as in the configuration, in any order; an empty value is none. */
void remote_series(struct remote *r, const char *name, const char *const *labels);
/* A sample of it, newer than the one before. */
void remote_sample(struct remote *r, int64_t at_ms, double value);
/* Ends the series that were not named, and gives out what is left. 0, or -1 where memory was short: samples of this
 * round are lost. */
int remote_end(struct remote *r, struct err *e);

#endif
