/* SPDX-License-Identifier: MIT
 *
 * Why waiting jobs wait, followed over time: a thread explains some of them now and then and tells the core, which
 * writes an event where the dominant reason has changed. So a job's events tell the story, and asking costs the core
 * nothing.
 */
#ifndef DROVER_SERVER_REASONS_H
#define DROVER_SERVER_REASONS_H

#include <stdint.h>

struct api;
struct err;
struct reasons;

/* Starts the thread. `a` lives longer. NULL on error. */
struct reasons *reasons_create(struct api *a, struct err *e);
/* Ends it: before the mailbox is closed for good. NULL ok. */
void reasons_destroy(struct reasons *r);
/* One round from the job behind `*after` (a seq; 0: the oldest) on, which is moved on: explains waiting jobs for a
 * bounded time, and posts where the reason is another than the one that was told last. How many it posted. For the
 * thread, and tests. */
int reasons_round(struct api *a, int64_t *after);

#endif
