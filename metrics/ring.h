/* SPDX-License-Identifier: MIT
 *
 * The newest samples of one GPU: a fixed number of slots, of which the oldest is written over. No thread of its own.
 */
#ifndef DROVER_METRICS_RING_H
#define DROVER_METRICS_RING_H

#include <stdint.h>

#include "metrics/source.h"

struct ring {
    struct source_sample *slots;
    int room;
    int64_t put; /* ever */
};

/* 0, or -1 on out of memory. */
int ring_init(struct ring *r, int room);
void ring_fini(struct ring *r);
void ring_put(struct ring *r, const struct source_sample *s);
/* How many there are; and the one that came `back` samples before the newest, which is 0. Borrowed. */
int ring_count(const struct ring *r);
const struct source_sample *ring_at(const struct ring *r, int back);

#endif
