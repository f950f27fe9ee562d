/* SPDX-License-Identifier: MIT
 *
 * Time as a value. The core and the scheduler never read a clock; they are given a `struct clock_now`.
 */
#ifndef DROVER_BASE_CLOCK_H
#define DROVER_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* One moment. `wall` is for people and rows, `mono` (CLOCK_BOOTTIME) for durations and deadlines. Milliseconds. */
struct clock_now {
    int64_t wall; /* ms since 1970-01-01 UTC */
    int64_t mono; /* ms since boot; never goes back */
};

/* Reads both clocks. Only the edges call this. Any thread. */
struct clock_now clock_read(void);

#define CLOCK_ISO_SIZE 25
/* "2026-11-21T08:00:00.000Z" into `out` (CLOCK_ISO_SIZE bytes). */
void clock_iso(int64_t wall_ms, char out[CLOCK_ISO_SIZE]);

#endif
