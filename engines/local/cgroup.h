/* SPDX-License-Identifier: MIT
 *
 * Control groups of tasks: v2 where its controllers can be used, else v1, else none. One group a task attempt, below
 * one group of this data folder, below the group that the spawner was started in. With version 1 devices are limited by
 * a group of theirs, with 2 by a program (devices.h), where we may attach one.
 */
#ifndef DROVER_ENGINES_LOCAL_CGROUP_H
#define DROVER_ENGINES_LOCAL_CGROUP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CGROUP_TREES 4

/* Where this spawner's groups are. */
struct cgroup_site {
    int version; /* 0 = none */
    bool devices;
    char base[CGROUP_TREES][PATH_MAX]; /* v2: the first; v1: by controller, "" = not there */
};

/* What one task may use; 0 = no limit. */
struct cgroup_limits {
    int64_t memory_bytes;
    int64_t pids;
    int64_t cpus;              /* a share, not a cap: idle CPUs are nobody's */
    const char *const *device; /* character devices it may open besides null, zero, random and terminals */
    size_t device_count;
};

/* One line of mountinfo: root and mount point (cut out of `line`) when it mounts the tree of `controller` ("": v2). */
int cgroup_mount(char *line, const char *controller, const char **root, const char **at);
/* Finds the trees, makes our group `name` in each and tries one in it. `above` is the group to make it in where there
 * is version 2 and that group, as a path from the root of the tree; else, and NULL, it is the spawner's own. */
void cgroup_find(struct cgroup_site *site, const char *name, const char *above);
/* Removes our group where no attempt's is in it any more. */
void cgroup_leave(const struct cgroup_site *site);
/* Makes the group of an attempt with its limits and opens the files to join by (write "0"); *count of them. 0, or -1
 * with errno and nothing left. */
int cgroup_create(const struct cgroup_site *site, const char *attempt, const struct cgroup_limits *limits,
                  int join[CGROUP_TREES], size_t *count);
/* The file of a group that its members are in, or that they join by. In version 1 a process of one thread joins by
 * `tasks`: for `cgroup.procs` the kernel waits until nobody anywhere forks or ends (RCU: milliseconds). */
const char *cgroup_procs(const struct cgroup_site *site, bool join);
/* How many processes of the group the kernel killed for its memory limit. */
int64_t cgroup_oom_kills(const struct cgroup_site *site, const char *attempt);
/* Whether the group has reached its memory limit. v1 counts a kill in the group of the killed alone, so where that was
 * a group below ours this is all that is left to see. */
bool cgroup_was_full(const struct cgroup_site *site, const char *attempt);
/* SIGKILL to all members. How many there were (version 2: whether any); 0 also when there is no such group. */
int cgroup_kill(const struct cgroup_site *site, const char *attempt);
/* Removes the group. Whether it is gone (it is not while it has members). */
bool cgroup_remove(const struct cgroup_site *site, const char *attempt);
/* Calls `dead` for each group there is; where it says so, kills the members and removes the group. */
void cgroup_sweep(const struct cgroup_site *site, bool (*dead)(void *ctx, const char *attempt), void *ctx);

#endif
