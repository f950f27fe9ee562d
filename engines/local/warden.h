/* SPDX-License-Identifier: MIT
 *
 * drover-warden: a process more in a running task, for a shell. The spawner starts one for each ENTER and forgets it:
 *
 *   spawner ──exec──► warden ──setns, fork──► child: group, limits, user ──exec──► the shell or command
 *                        └── keeps CAP_KILL alone; ends the child when the asker or the task is gone
 *
 * The warden finds the task's command, enters its namespaces and starts the process as what the kernel says that the
 * command is. Nothing is believed that the task or the server's user can write: the command is the child of a keeper,
 * and that a process of root made of our file. A program of its own, so that nothing of the spawner's goes with it.
 * What the kernel tells of a process only to its own user (or to CAP_SYS_PTRACE, which no unit of ours has) it asks as
 * that user, by its real and its file system's ids: with root's as the others nobody can look into it meanwhile.
 *
 * It speaks PROTO_STARTED, PROTO_FAILED (errno, step) and PROTO_ENDED (the wait status) to the asker, and hears
 * PROTO_STOP (a signal for the child's process group) from it; the asker's end is a SIGHUP, and SIGKILL after a grace.
 */
#ifndef DROVER_ENGINES_LOCAL_WARDEN_H
#define DROVER_ENGINES_LOCAL_WARDEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "engines/local/cgroup.h"
#include "engines/local/keeper.h"
#include "engines/local/proto.h"

#define WARDEN_ORDER_VERSION ((uint32_t)(1 << 16 | sizeof(struct warden_order)))

enum { WARDEN_IO, WARDEN_CTL, WARDEN_ORDER = 3 }; /* its descriptors */

/* What the spawner has decided: the one packet on WARDEN_ORDER. Plain data. */
struct warden_order {
    uint32_t version;
    struct cgroup_site cgroups;
    char data[PATH_MAX];   /* real path of the data folder */
    char keeper[PATH_MAX]; /* path of drover-keeper */
    uid_t owner;           /* the server's user */
    bool users;            /* tasks run as users of their own, of whom system accounts are none */
    struct proto_msg ask;  /* attempt; text: the command, "" = a shell; step: TERM, where WARDEN_IO is a terminal */
};

/* What the kernel says of a process. */
struct warden_process {
    unsigned long parent, uid[4], gid[4], bounding, mask, no_new_privs;
    int group_count;
    gid_t groups[KEEPER_GROUPS];
    char name[24];
};

struct warden {
    struct warden_order order;
    char folder[PATH_MAX]; /* DATA/run/<attempt>, later its work */
    pid_t keeper, command, child;
    int keeper_fd, command_fd;    /* pidfds */
    struct warden_process status; /* the command's */
    int join[CGROUP_TREES];
    size_t join_count;
    struct rlimit limits[RLIM_NLIMITS]; /* the command's */
    bool apart;                         /* its processes have numbers of their own: the end of the keeper ends them */
    char *env;                          /* NUL behind each */
    size_t env_len;
    char term[40];    /* "TERM=..." */
    const char *step; /* what is being done, for the message when it fails */
};

/* warden_find.c: finds the task's command, below what enters its image, and what may be said of it. 0, or -1 with errno
 * and w->step: ESRCH (no such task), EAGAIN (its command does not run yet, or no more), EACCES. */
int warden_find(struct warden *w);
/* Where we are root: whom the kernel takes us for when we look at a process; warden_find leaves it at the command's
 * user, (0, 0) is the way back. 0 or -1. */
int warden_as(uid_t uid, gid_t gid);

/* warden_exec.c: in the child, becomes what was asked for; `parent` is the warden. Tells why where it cannot. */
void warden_exec(struct warden *w, pid_t parent) __attribute__((noreturn));

#endif
