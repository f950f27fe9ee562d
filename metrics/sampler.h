/* SPDX-License-Identifier: MIT
 *
 * Samples of GPUs: a thread that reads a source each period and keeps what it gave in one ring a GPU. Rings are made at
 * the start and nothing is allocated for a sample. What a driver that hangs does not tell is missing in the ring: a gap
 * and not a 0.
 */
#ifndef DROVER_METRICS_SAMPLER_H
#define DROVER_METRICS_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "metrics/source.h"

struct err;
struct sampler;
struct source_thread;

enum sampler_state {
    SAMPLER_BEGINS, /* no look has ended yet */
    SAMPLER_READS,
    SAMPLER_FAILS, /* the driver as a whole: it says so */
    SAMPLER_HANGS, /* it says nothing */
};

/* Called after each look on the sampler's thread, with NULL when it gave nothing. `ms`: since the look before, at most
 * twice the period. */
typedef void sampler_taken_fn(void *ctx, const struct source_reading *readings, int count, int64_t ms);

struct sampler_config {
    struct source_thread *source; /* found `count` GPUs; borrowed */
    int count;
    int64_t period_ms;
    int64_t limit_ms;        /* a look that takes longer hangs */
    int64_t keep_ms;         /* what the rings have room for */
    sampler_taken_fn *taken; /* NULL ok */
    void *ctx;
};

/* Not running yet. NULL with the error. */
struct sampler *sampler_create(const struct sampler_config *c, struct err *e);
int sampler_start(struct sampler *s, struct err *e);
/* Ends the thread, after a look that is under way (at most `limit_ms`); what there is may still be read. NULL ok. */
void sampler_stop(struct sampler *s);
/* Stops it first. NULL ok. */
void sampler_destroy(struct sampler *s);

/* How the last look went, and since when it is so (0: since the start). Any thread, as those below. */
enum sampler_state sampler_state(struct sampler *s, int64_t *since_ms);
/* The newest sample of a GPU, by its index. False where there is none, or the driver gives none now. */
bool sampler_last(struct sampler *s, int gpu, struct source_sample *out);
/* Up to `max` samples that came after a time, the oldest first. How many. */
int sampler_since(struct sampler *s, int gpu, int64_t after_ms, struct source_sample *out, int max);

#endif
