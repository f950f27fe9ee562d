/* SPDX-License-Identifier: MIT
 *
 * Processes by identity. A number alone names nobody: a process is (boot id, pid, start time), and a signal goes
 * through a pidfd that was checked after it was opened.
 */
#ifndef DROVER_ENGINES_LOCAL_PROCS_H
#define DROVER_ENGINES_LOCAL_PROCS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

#define PROCS_BOOT_SIZE 40
/* The variable in a task's environment that tells whose process it is. */
#define PROCS_MARK "DROVER_TASK_ATTEMPT"

/* The kernel's boot id, 36 characters. 0 or -1. */
int procs_boot_id(char out[PROCS_BOOT_SIZE], struct err *e);
/* Start time of a process in clock ticks since boot and its parent (NULL ok); -1 when there is no such process. */
int64_t procs_start_ticks(pid_t pid, pid_t *parent);
/* What the kernel says of a process now. */
struct procs_look {
    pid_t parent;
    char state;          /* the kernel's letter */
    int64_t cpu_ms;      /* of all its threads */
    int64_t children_ms; /* of the children that it has waited for, and theirs */
    int64_t rss_bytes;
    int64_t ticks; /* start time, clock ticks since boot */
    char name[16]; /* of its program */
};
/* 0, or -1 when there is no such process. */
int procs_look(pid_t pid, struct procs_look *out);
/* A signal through a pidfd to the process with that start time. Whether there was one. */
bool procs_signal(pid_t pid, int64_t ticks, int sig);
/* Signals every descendant of the calling process, once (SIGCONT with a SIGTERM, so that stopped ones take it). What
 * forks meanwhile may be missed: call again until no child is left to wait for. */
void procs_signal_tree(int sig);
/* SIGKILL to every process of this user whose environment carries the mark of `attempt`: those whose shim died. How
 * many there were, or may be (who is just starting a program shows no mark yet); call again until 0. -1 with the error
 * when /proc cannot be read. */
int procs_kill_marked(const char *attempt, struct err *e);

#endif
