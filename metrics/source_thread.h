/* SPDX-License-Identifier: MIT
 *
 * A source on a thread of its own, for a driver may hang in the kernel for ever. Who asks waits for so long and no
 * longer; a thread that still hangs at the end is left behind, with all that is its own.
 */
#ifndef DROVER_METRICS_SOURCE_THREAD_H
#define DROVER_METRICS_SOURCE_THREAD_H

#include <stdint.h>

#include "inventory/node.h"

struct err;
struct source;
struct source_reading;
struct source_thread;

enum { SOURCE_HANGS = 1 };

/* Takes over the source (also when it fails, or is NULL). NULL with the error. */
struct source_thread *source_thread_create(struct source *s, struct err *e);
/* Waits for at most `limit_ms` for what hangs. NULL ok. */
void source_thread_destroy(struct source_thread *t, int64_t limit_ms);

/* As the source's `find` and `read`, each in at most `limit_ms`: `find` gives -1 with ERR_BUSY when that was not
 * enough, `read` SOURCE_HANGS. What is answered later than that is lost. One thread asks. */
int source_thread_find(struct source_thread *t, struct gpu gpus[NODE_GPU_MAX], int64_t limit_ms, struct err *e);
int source_thread_read(struct source_thread *t, struct source_reading *out, int count, int64_t limit_ms, struct err *e);

#endif
