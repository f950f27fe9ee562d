/* SPDX-License-Identifier: MIT
 *
 * Isolation: which guards stand between a task and the rest of the machine, and what a job may ask for. Pure tables.
 *
 *   rlimits      a process tree of its own with resource limits per process; always there
 *   cgroups      memory, processes and CPU share limited for the task as a whole, devices denied (v1)
 *   namespaces   its own processes, mounts, /dev, /tmp and shared memory; the server's folder is not in its view
 *   full         cgroups and namespaces
 *
 * The spawner finds by trying what the machine gives (drover-spawner's HELLO), the site may allow less.
 */
#ifndef DROVER_ENGINES_LOCAL_LEVEL_H
#define DROVER_ENGINES_LOCAL_LEVEL_H

#include <stdbool.h>
#include <stddef.h>

/* Guards, a set of bits. */
enum level_guard {
    LEVEL_CGROUP1 = 1 << 0,
    LEVEL_CGROUP2 = 1 << 1,
    LEVEL_DEVICES = 1 << 2,    /* a device cgroup */
    LEVEL_NAMESPACES = 1 << 3, /* pid, mount and ipc namespaces */
    LEVEL_USERNS = 1 << 4,     /* those come from a user namespace: the spawner is no root */
    LEVEL_USERS = 1 << 5,      /* tasks run as Unix users of their own */
    LEVEL_BWRAP = 1 << 6,      /* images by bubblewrap */
    LEVEL_RUNC = 1 << 7,       /* images by runc */
};

#define LEVEL_ALL ((1u << 8) - 1)
#define LEVEL_TEXT_MAX 32

/* The guards of a named level: what the site allows at most, "full" (or NULL) being all. 0 with *guards, -1 when there
 * is no such level. */
int level_allowed(const char *name, unsigned *guards);
/* Whether these guards give what a job requires (NULL: nothing). A level that is not known is not given. */
bool level_meets(unsigned guards, const char *required);
/* What the guards are called where people read them: "cgroup1+namespaces+users". */
void level_text(unsigned guards, char out[LEVEL_TEXT_MAX]);
/* Of the guards that a machine has, those that a task with or without an image gets. */
unsigned level_of_task(unsigned guards, bool image);

#endif
