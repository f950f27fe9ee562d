/* SPDX-License-Identifier: MIT
 *
 * A few threads for work that must block neither the HTTP threads nor the core: password hashes, explanations.
 */
#ifndef DROVER_SERVER_WORKERS_H
#define DROVER_SERVER_WORKERS_H

#include <stddef.h>

struct err;
struct workers;

/* One piece of work; usually embedded in the request's memory. Runs on a worker's thread; may free itself. */
struct work {
    void (*run)(struct work *w);
    struct work *next; /* the pool's */
};

/* `threads` threads and a queue of at most `queue` pieces. NULL on error. */
struct workers *workers_create(unsigned threads, size_t queue, struct err *e);
/* Finishes what is queued, joins, frees. NULL ok. */
void workers_destroy(struct workers *p);
/* Queues. 0, or -1 with ERR_TOO_MANY when the queue is full. Any thread. */
int workers_post(struct workers *p, struct work *w, struct err *e);

#endif
