/* SPDX-License-Identifier: MIT
 *
 * Inside drover-spawner, which starts tasks, as other users where it is root. tests/lint/check_privileged.py holds the
 * number of its lines. Who does what after a START:
 *
 *   spawner ──fork──► starter ──clone──► becomes the keeper (exec, keeper.h) ──vfork──► the command, as the task's user
 *                        └── becomes the shim (exec), as the server's user: it trusts the keeper, not the task
 *
 * The spawner decides: as whom (spawner_user.c), in which namespaces, with which limits and devices (cgroup.h).
 */
#ifndef DROVER_ENGINES_LOCAL_SPAWNER_H
#define DROVER_ENGINES_LOCAL_SPAWNER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/id.h"
#include "engines/local/cgroup.h"
#include "engines/local/keeper.h"

struct err;
struct proto_msg;

#define SPAWNER_CONNS 8
#define SPAWNER_STARTS 32    /* starters at work; beyond them requests wait in their socket */
#define SPAWNER_UID_MIN 1000 /* nobody below: system accounts own things */

/* A start under way, from the fork of its starter until that is the shim or has said why not. */
struct spawner_begun {
    int report; /* what spawner_started reads; -1: the slot is free */
    int conn;   /* who asked, an index; -1: is gone */
    int ctl;    /* the shim's socket, kept until the answer is sent: its end would say that nobody answers */
    char attempt[ID_SIZE];
    pid_t pid;
    int64_t ticks;
};

struct spawner {
    char data[PATH_MAX]; /* real path of the data folder */
    const char *shim;
    const char *users; /* the allow-map; NULL: everything runs as the server's user */
    uid_t owner;       /* of the data folder: the server's user */
    gid_t owner_group;
    unsigned guards;   /* enum level_guard: what tasks can be given here */
    const char *above; /* the group of version 2 for those of tasks; NULL: our own */
    struct cgroup_site cgroups;
    int conn_fd;  /* given by the droverd that started us, or -1 */
    int data_dir; /* descriptors */
    int run_dir;
    int lock;
    int listener;
    int signals; /* signalfd: SIGCHLD, SIGTERM */
    int conns[SPAWNER_CONNS];
    struct spawner_begun begun[SPAWNER_STARTS];
    int begun_count;
    bool quit, sweep;
};

/* What a start needs from the request; the descriptors stay the caller's. */
struct spawner_request {
    const char *attempt;
    int spec, ctl;
};

/* spawner_user.c: whether the map is root's and nobody else's to change. 0 or -1. */
int spawner_user_check(const char *map, struct err *e);
/* As whom tasks of a Drover user run. 0, or -1 with errno: EACCES (not in the map, or a system account), ENOENT (no
 * such Unix user). */
int spawner_user_find(const char *map, const char *name, struct keeper_user *out);

/* spawner_start.c: takes the latch and forks a starter, which goes on by itself to become the shim. Its pid, with the
 * descriptor to give to spawner_started when that can be read, or -1 with errno and *step. */
pid_t spawner_start(struct spawner *s, const struct spawner_request *r, int *report, char step[32]);
/* What became of a starter, waited for; closes `report`. 0: it is the shim; or -1 with errno and *step. */
int spawner_started(int report, char step[32]);

/* spawner_keep.c: clones a process with the namespaces that the order asks for and makes it a keeper, which finds the
 * order on pair[1], sent over pair[0]; both stay open here. The descriptors that the order names are inherited. Its
 * pid, or -1 with errno; that it cannot become a keeper shows as its end. */
pid_t spawner_keep(const struct spawner *s, struct keeper_order *order, const int pair[2]);
/* The path of a program that stands beside our shim. 0, or -1 with errno. */
int spawner_beside(const struct spawner *s, const char *name, char out[PATH_MAX]);

/* spawner_enter.c: starts a warden, for a process more in a running task; it answers on fds[1]. */
void spawner_enter(const struct spawner *s, const struct proto_msg *m, const int fds[2]);

/* spawner_devices.c: takes the devices that the request names away from a task, and answers. */
void spawner_devices(const struct spawner *s, int conn, const struct proto_msg *m);

/* spawner_probe.c: finds out what guards there are, by trying them. */
void spawner_probe(struct spawner *s);

#endif
