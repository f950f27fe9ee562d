/* SPDX-License-Identifier: MIT
 *
 * The waiting queue. Jobs that ask for the same shape at the same priority form a group in submission order: if its
 * first does not fit, none of the group does, so a pass looks at one job per shape, not at every waiting job.
 */
#ifndef DROVER_SCHEDULER_QUEUE_H
#define DROVER_SCHEDULER_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inventory/node.h"

/* What one role asks: `instances` tasks of `per_task` with `ports` ports each. */
struct sched_role {
    int instances;
    int ports;
    struct resources per_task;
};

/* What a gang asks. */
struct sched_request {
    const struct sched_role *roles;
    size_t role_count;
    int priority; /* -1..126, higher first */
};

struct sched_group;

/* A waiting job's place. Embedded in what the caller allocates; links are the queue's. */
struct sched_entry {
    const struct sched_request *request; /* borrowed while queued */
    int64_t seq;                         /* submission order, unique */
    void *owner;                         /* the caller's job */
    struct sched_group *group;
    struct sched_entry *next, *prev;
};

/* One shape's waiting jobs. Read-only outside queue.c. */
struct sched_group {
    struct sched_entry *head, *tail; /* by seq */
    struct sched_request request;    /* own copy */
    uint64_t blocked_at;             /* release version at which its head did not fit; 0 = to be tried */
    size_t count;
    struct sched_group *hash_next;
    size_t slot; /* place in the queue's group array */
};

struct sched_queue;

/* An empty queue. NULL on out of memory. */
struct sched_queue *queue_create(void);
/* NULL ok. Entries are the caller's. */
void queue_destroy(struct sched_queue *q);
/* Adds an entry in seq order (at the end in the common case). 0, or -1 on out of memory. */
int queue_add(struct sched_queue *q, struct sched_entry *en);
/* Removes a queued entry. */
void queue_remove(struct sched_queue *q, struct sched_entry *en);
/* Number of entries, and of groups. */
size_t queue_count(const struct sched_queue *q);
size_t queue_groups(const struct sched_queue *q);
/* The group at 0..queue_groups()-1, in no special order. */
struct sched_group *queue_group(const struct sched_queue *q, size_t i);

#endif
