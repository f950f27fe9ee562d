/* SPDX-License-Identifier: MIT
 *
 * Whose a process of this machine is: the task attempt that its control group or its environment names.
 */
#ifndef DROVER_ENGINES_LOCAL_OWNER_H
#define DROVER_ENGINES_LOCAL_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/id.h"

enum owner {
    OWNER_UNKNOWN, /* it is gone, or does not show */
    OWNER_TASK,    /* of the attempt */
    OWNER_NOBODY,  /* no task's */
};

/* Any thread. */
enum owner owner_of(pid_t pid, char attempt[ID_SIZE]);

/* The same of what /proc has as `cgroup` and as `environ` (bytes, with a NUL behind them). Whether an attempt is named;
 * a name that is no id counts for nothing. */
bool owner_in_group(const char *text, char attempt[ID_SIZE]);
bool owner_in_environment(const char *text, size_t len, char attempt[ID_SIZE]);

#endif
