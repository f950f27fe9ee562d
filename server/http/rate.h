/* SPDX-License-Identifier: MIT
 *
 * Token buckets, one a key (a user, an address), in memory of a fixed size: keys share a table of sets, and a new key
 * takes the place of the fullest bucket of its set, which is the one that says the least.
 */
#ifndef DROVER_SERVER_HTTP_RATE_H
#define DROVER_SERVER_HTTP_RATE_H

#include <stdint.h>

struct rate;

/* Buckets that hold `burst` calls and gain `per_s` a second. per_s 0: everything passes. NULL on out of memory. */
struct rate *rate_create(int per_s, int burst);
/* NULL ok. */
void rate_destroy(struct rate *r);
/* Takes one call from the bucket of `key` at `now_mono` (ms). 0 when it passes, else the seconds (rounded up) until one
 * will. Any thread; does not block but for other callers. */
int rate_take(struct rate *r, const char *key, int64_t now_mono);

#endif
