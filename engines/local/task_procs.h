/* SPDX-License-Identifier: MIT
 *
 * What running task attempts use of this machine, out of /proc: one walk for all of them. It needs no rights and gives
 * the same at every level of isolation; what a task's control group knows better is asked of that.
 */
#ifndef DROVER_ENGINES_LOCAL_TASK_PROCS_H
#define DROVER_ENGINES_LOCAL_TASK_PROCS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"

struct err;
struct task_procs;

enum { TASK_PROCS_TASKS_MAX = 512, TASK_PROCS_MAX = 262144 };

/* One attempt at one moment. */
struct task_procs_look {
    bool found;         /* its shim lives; else nothing below is set */
    int processes;      /* beneath its shim */
    bool waits;         /* one of them is held up by a disc, or a storage behind the network, now */
    int64_t cpu_ms;     /* of all its processes, also of those that have ended and were waited for */
    int64_t memory;     /* bytes that it holds: of its control group, without what the kernel can drop; where there is
                         * none, resident pages, and those that processes share count for each */
    int64_t read_bytes; /* from discs, by processes of the server's user; -1: not known */
    int64_t written_bytes;
    int64_t received_bytes; /* over TCP since this object first saw it (task_net.h); -1: not known */
    int64_t sent_bytes;
};

/* `data`: the server's folder. NULL with the error. */
struct task_procs *task_procs_create(const char *data, struct err *e);
void task_procs_destroy(struct task_procs *t);
/* Whether the kernel tells what tasks move over the network; else no look knows. */
bool task_procs_tells_traffic(const struct task_procs *t);
/* Looks at `count` attempts, at most TASK_PROCS_TASKS_MAX. One thread at a time. 0, or -1 where /proc cannot be read.
 */
int task_procs_look(struct task_procs *t, const char (*attempts)[ID_SIZE], int count, struct task_procs_look *out,
                    struct err *e);

/* Where the tree of groups of memory is. */
struct task_procs_tree {
    bool v2;
    char above[PATH_MAX]; /* what of the tree is mounted there; "" = all */
    char root[PATH_MAX];  /* there; "" = there is no such tree */
};
/* The folder of the attempt's own group, out of a /proc/PID/cgroup text. 0, or -1: it has none there. */
int task_procs_group(const char *text, const char *attempt, const struct task_procs_tree *tree, char out[PATH_MAX]);

#endif
