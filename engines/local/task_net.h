/* SPDX-License-Identifier: MIT
 *
 * What tasks send and receive over TCP. They share the machine's network, so that no counter of an interface is
 * theirs; but the kernel counts for each connection (sock_diag), and /proc/PID/fd says whose it is. One question for
 * all connections a look, and no rights. What a connection does after the last look that saw it is lost, all of it
 * where none did; UDP and RDMA are not told.
 */
#ifndef DROVER_ENGINES_LOCAL_TASK_NET_H
#define DROVER_ENGINES_LOCAL_TASK_NET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct task_net;

/* In one look: of the machine; of one process; of all. Of what goes beyond, the traffic is not known. */
enum { TASK_NET_SOCKETS_MAX = 65536, TASK_NET_PROCESS_FDS_MAX = 8192, TASK_NET_FDS_MAX = 131072 };

/* Of one task; all zero: nothing was seen yet. */
struct task_net_sum {
    int64_t received, sent; /* bytes of payload, by connections that were seen */
    bool known;             /* in this look: one of its processes could be read */
    bool odd;               /* in this look: one has a network of its own, or too many descriptors */
};

/* NULL where the kernel does not tell, or on out of memory: then nothing is known. */
struct task_net *task_net_create(void);
void task_net_destroy(struct task_net *n);
/* A new look: asks for all connections. NULL ok, as below. One thread at a time. */
void task_net_begin(struct task_net *n);
/* Adds what a process of the task has moved since the look before. */
void task_net_add(struct task_net *n, pid_t pid, struct task_net_sum *sum);

#endif
