/* SPDX-License-Identifier: MIT
 *
 * A thread that does something each period. Times are multiples of the period after the first, which is at once; those
 * that a slow one took the time of are left out.
 */
#ifndef DROVER_BASE_TICKER_H
#define DROVER_BASE_TICKER_H

#include <stdint.h>

struct err;
struct ticker;

/* `name`: of the thread, 15 bytes at most, static. NULL with the error. */
struct ticker *ticker_start(const char *name, int64_t period_ms, void (*fn)(void *ctx), void *ctx, struct err *e);
/* Waits for the end of what is under way, and frees it. NULL ok. */
void ticker_stop(struct ticker *t);

#endif
