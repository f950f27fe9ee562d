/* SPDX-License-Identifier: MIT
 *
 * Samples for a store of somebody else, by Prometheus's remote write: what there is now is looked at each interval,
 * packed into requests (metrics/remote.h), and these wait in memory until the receiver has taken them, one after the
 * other. Nothing waits for them: where there is no room left, or they are older than two hours, the oldest go, and are
 * counted.
 */
#ifndef DROVER_METRICS_REMOTE_WRITER_H
#define DROVER_METRICS_REMOTE_WRITER_H

#include <stdint.h>

struct err;
struct remote;
struct remote_settings;
struct remote_writer;

/* What became of the samples since the start. */
struct remote_stats {
    uint64_t taken, refused, dropped; /* samples */
    uint64_t retries;                 /* requests that were sent again */
    uint64_t waiting;                 /* samples that wait, or are under way */
    int64_t lag_ms;                   /* age of the oldest of these; 0: none waits */
};

/* Names the series there are at a moment, between remote_begin and remote_end, with samples that came after
 * `after_ms`. On the writer's thread. 0 or -1. */
typedef int remote_look_fn(void *ctx, struct remote *to, int64_t at_ms, int64_t after_ms, struct err *e);

struct remote_writer_config {
    const struct remote_settings *settings; /* with a url; both borrowed */
    remote_look_fn *look;
    void *ctx;
};

/* NULL with the error. */
struct remote_writer *remote_writer_create(const struct remote_writer_config *c, struct err *e);
/* Starts the thread. 0 or -1. */
int remote_writer_start(struct remote_writer *w, struct err *e);
/* Looks once more, sends what waits for as long as the receiver takes it (2 s at most), and ends the thread. NULL ok.
 */
void remote_writer_stop(struct remote_writer *w);
/* Stops it first. NULL ok. */
void remote_writer_destroy(struct remote_writer *w);
/* Any thread. */
void remote_writer_stats(struct remote_writer *w, struct remote_stats *out);

#endif
