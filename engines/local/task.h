/* SPDX-License-Identifier: MIT
 *
 * Between a shim and the keeper of its task: packets on a socket pair.
 *
 * The keeper is a process of the spawner (of root, where the spawner is root) that stays with one task: it built the
 * task's view of the machine, started the command as the task's user, is the parent of everything the task starts,
 * and, where there are pid namespaces, its pid 1: with it everything dies. It dies with its shim.
 *
 *   shim -> keeper   one byte: TASK_GO, TASK_KILL, TASK_ASK, or the signal of a stop, up to TASK_SIGNAL_MAX
 *   keeper -> shim   struct task_word; the end of the keeper is the end of the whole tree
 */
#ifndef DROVER_ENGINES_LOCAL_TASK_H
#define DROVER_ENGINES_LOCAL_TASK_H

#include <stdint.h>

enum task_command { TASK_SIGNAL_MAX = 31, TASK_GO = 'G', TASK_KILL = 'K', TASK_ASK = 'A' };

enum task_event {
    TASK_READY = 1, /* everything but the command is there */
    TASK_FAILED,    /* it could not be made, or the command not started: value is errno, step says where */
    TASK_STARTED,   /* value: pid of the command in the keeper's pid namespace */
    TASK_ENDED, /* value: the command's wait status; step TASK_STEP_UNPACK: it never started. Answers TASK_ASK, too */
};

#define SHIM_STEP_DISK "disk"       /* a stop by the janitor: the task took too much of the disk */
#define TASK_STEP_DEVICES "devices" /* a CLEAR of them (spawner_devices.c) */
#define TASK_STEP_UNPACK "unpack"   /* the task's code could not be unpacked; its stderr says why */
#define TASK_STEP_PLACE "place"     /* the image has something else where a folder or file of the task has to be */

/* What the keeper tells. Plain data. */
struct task_word {
    int32_t event; /* enum task_event */
    int32_t value;
    int32_t oom_kills; /* ENDED: processes that the kernel killed for the memory limit */
    char step[20];
    char place[160]; /* FAILED: the path that it was about, or "" */
};

#endif
