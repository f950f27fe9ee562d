/* SPDX-License-Identifier: MIT
 *
 * What running tasks use of this machine beside GPUs, looked at every few seconds by a thread of its own, added up
 * (metrics/task_use.h), and written now and then and when a task is over, as gpu_account.h does for GPUs.
 */
#ifndef DROVER_SERVER_TASK_WATCH_H
#define DROVER_SERVER_TASK_WATCH_H

#include <stdint.h>

struct err;
struct mailbox;
struct readers;
struct tally;
struct task_watch;

struct task_watch_config {
    const char *data; /* the server's folder; during the call */
    int period_s;     /* between looks */
    int64_t flush_ms; /* what goes on is written so often */
    struct readers *readers;
    struct mailbox *mailbox;
    struct tally *tally; /* all borrowed */
};

/* After the engine was made, before the core starts. NULL with the error. */
struct task_watch *task_watch_create(const struct task_watch_config *c, struct err *e);
/* Begins to look. 0 or -1. */
int task_watch_start(struct task_watch *w, struct err *e);
/* The last look was; what goes on is written. Before the core stops. NULL ok. */
void task_watch_stop(struct task_watch *w);
/* After the core has stopped. NULL ok. */
void task_watch_destroy(struct task_watch *w);

#endif
