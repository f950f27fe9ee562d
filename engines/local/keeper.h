/* SPDX-License-Identifier: MIT
 *
 * drover-keeper: one process beside each task (task.h). The spawner has made its namespaces and its control group and
 * decided who the task is; the keeper builds what the task sees of the machine, starts the command as the task's user,
 * and from then on can do nothing but end the task: it gives up all capabilities but those to kill and to remove its
 * group.
 *
 * It is of the spawner's user, hears nobody but the spawner (one struct keeper_order, before anything else) and the
 * task's shim, and reads of foreign bytes only the sealed task spec that the spawner has decoded before it.
 */
#ifndef DROVER_ENGINES_LOCAL_KEEPER_H
#define DROVER_ENGINES_LOCAL_KEEPER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engines/local/cgroup.h"
#include "engines/local/taskspec.h"

#define KEEPER_GROUPS 64
#define KEEPER_BWRAP "/usr/bin/bwrap"
#define KEEPER_RUNC "/usr/sbin/runc"
/* Changes with the struct: a spawner from before an upgrade may start the keeper of after it. */
#define KEEPER_ORDER_VERSION ((uint32_t)(1 << 16 | sizeof(struct keeper_order)))

/* As whom a task runs. */
struct keeper_user {
    uid_t uid;
    gid_t gid;
    int group_count;
    gid_t groups[KEEPER_GROUPS];
};

/* What the spawner has decided: the first packet on the keeper's socket, whose number is its only argument. Plain data;
 * descriptors are inherited. */
struct keeper_order {
    uint32_t version;
    uint32_t guards; /* enum level_guard: those of the spec, or what a probe is about */
    struct cgroup_site cgroups;
    char data[PATH_MAX];       /* real path of the data folder */
    char folder[PATH_MAX];     /* DATA/run/<attempt> */
    char checkpoint[PATH_MAX]; /* "" = none */
    struct keeper_user user;
    bool change_user, no_network;
    int spec; /* the sealed task spec; -1: only try whether the sandbox can be built, and say so by the status */
    int code, unpack; /* the archive of its code, and the program that unpacks it; -1 = none */
    int out, err;     /* write ends of the task's output */
    int join[CGROUP_TREES];
    size_t join_count;
};

/* A keeper's task. */
struct keeper_task {
    struct keeper_order order;
    struct taskspec spec;
    char root[PATH_MAX]; /* image: where its / is put together; else "" */
    int word;            /* the socket to the shim */
    const char *step;    /* what is being done, for the message when it fails */
    char place[160];     /* the path that it is about, where there is one (cut) */
};

/* keeper_sandbox.c: in fresh namespaces, builds what the task sees of the machine. 0, or -1 with errno and t->step. */
int keeper_sandbox(struct keeper_task *t);
/* Opens (O_PATH) the folder or file `path` of the task's root, made where it is missing; a link of an image leads
 * within the image. -1 with errno. */
int keeper_place(const struct keeper_task *t, const char *path, bool folder);

/* keeper_image.c: the image's root at t->root, before the sandbox is built in it. 0 or -1. */
int keeper_image_root(struct keeper_task *t);
/* The command line that runs the task's shell in the image; NULL-terminated, lives as long as `t`. NULL on error. */
char **keeper_image_argv(struct keeper_task *t);

/* keeper_exec.c: starts the command; its pid, or -1 with errno and t->step. */
pid_t keeper_exec(struct keeper_task *t);
/* As keeper_exec: what unpacks the task's code where it works, as the task's user and within its limits, before it. */
pid_t keeper_unpack(struct keeper_task *t);

/* keeper_caps.c: gives up what a program started by us would inherit, which only brought us over our own start. 0 or
 * -1. */
int keeper_caps_keep_own(void);
/* Gives up all capabilities but those to end the task and to remove its group, for good. 0 or -1. */
int keeper_caps_drop(void);

#endif
