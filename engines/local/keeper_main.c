/* SPDX-License-Identifier: MIT
 *
 * drover-keeper FD
 *
 * The keeper of one task (keeper.h, task.h), or of a spawner's trial of what the machine can give. It ends when no
 * process of the task is left, and takes the task's control group with it; if it is killed, the kernel ends a pid
 * namespace and the spawner sweeps the group.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/failpoint.h"
#include "engines/local/keeper.h"
#include "engines/local/level.h"
#include "engines/local/procs.h"
#include "engines/local/task.h"

#define KEEPER_SWEEP_MS 20 /* between two kills of the tree */

struct keeper {
    struct keeper_task *t;
    int signals;
    pid_t main;
    bool namespaces; /* it is pid 1 */
    bool unpacking;  /* main only unpacks the task's code; the command comes after it */
    bool stopping, kill, empty;
};

static void keeper_tell(const struct keeper *k, enum task_event event, int value)
{
    struct task_word w = {.event = (int32_t)event, .value = value};

    if (event == TASK_FAILED || event == TASK_ENDED)
        (void)snprintf(w.step, sizeof(w.step), "%s", k->t->step);
    if (event == TASK_FAILED)
        memcpy(w.place, k->t->place, sizeof(w.place));
    if (event == TASK_ENDED)
        w.oom_kills = (int32_t)cgroup_oom_kills(&k->t->order.cgroups, k->t->spec.attempt);
    /* runc's group, where v1 counted the kill, is gone; it says 128 + 9 for its task. */
    if (event == TASK_ENDED && k->t->spec.rootfs && !k->kill && WIFEXITED(value) &&
        WEXITSTATUS(value) == 128 + SIGKILL && cgroup_was_full(&k->t->order.cgroups, k->t->spec.attempt))
        w.oom_kills = 1;
    (void)send(k->t->word, &w, sizeof(w), MSG_NOSIGNAL);
}

static void __attribute__((noreturn)) keeper_fail(const struct keeper *k)
{
    keeper_tell(k, TASK_FAILED, errno);
    (void)cgroup_remove(&k->t->order.cgroups, k->t->spec.attempt);
    _exit(1);
}

static int keeper_setup(struct keeper *k)
{
    sigset_t child;

    k->t->step = "keeper";
    (void)setsid();
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGQUIT, SIG_IGN);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    /* Its own parent's death before this is noticed below: the socket has ended. */
    if (sigprocmask(SIG_SETMASK, &child, NULL) || prctl(PR_SET_PDEATHSIG, SIGKILL) ||
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) || close_range(3, ~0u, CLOSE_RANGE_CLOEXEC))
        return -1;
    k->signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    return k->signals < 0 ? -1 : 0;
}

/* A polite signal to everybody; whoever is stopped goes on to hear it. Who only stands between the task and us (the
 * program that entered the image) is spared: its end would hide the task's own. */
static void keeper_terminate(const struct keeper *k, int sig)
{
    const struct dirent *d;
    DIR *proc;

    if (!k->namespaces) {
        procs_signal_tree(sig);
        return;
    }
    if (!k->t->spec.rootfs) {
        (void)kill(-1, sig);
        (void)kill(-1, SIGCONT);
        return;
    }
    proc = opendir("/proc");
    while (proc && (d = readdir(proc))) {
        pid_t pid = (pid_t)strtol(d->d_name, NULL, 10); /* of our own namespace: nobody else's */

        if (pid <= 1 || pid == k->main)
            continue;
        (void)kill(pid, sig);
        (void)kill(pid, SIGCONT);
    }
    if (proc)
        (void)closedir(proc);
}

static void keeper_kill(const struct keeper *k)
{
    if (k->namespaces) {
        (void)kill(-1, SIGKILL);
        return;
    }
    procs_signal_tree(SIGKILL);
    (void)cgroup_kill(&k->t->order.cgroups, k->t->spec.attempt);
}

/* The command runs, or nothing will: what only its start needed goes, rights and descriptors. */
static void keeper_started(const struct keeper *k)
{
    (void)keeper_caps_drop();
    (void)close(k->t->order.out);
    (void)close(k->t->order.err);
    for (size_t i = 0; i < k->t->order.join_count; i++)
        (void)close(k->t->order.join[i]);
}

/* The task's code is unpacked, or not: now the command. True when that runs; else *status is what to tell. */
static bool keeper_go_on(struct keeper *k, int *status)
{
    k->unpacking = false;
    if (*status != 0) {
        k->t->step = TASK_STEP_UNPACK;
    } else if (k->stopping || k->kill) {
        *status = SIGTERM;
    } else {
        k->main = keeper_exec(k->t);
        *status = k->main < 0 ? 127 << 8 : 0;
        if (k->main < 0)
            (void)dprintf(k->t->order.err, "drover: cannot start the command (%s): %s\n", k->t->step,
                          strerrordesc_np(errno));
    }
    keeper_started(k);
    return *status == 0;
}

static void keeper_reap(struct keeper *k)
{
    struct signalfd_siginfo info[8];
    bool left = false;
    int status;
    pid_t pid;

    while (read(k->signals, info, sizeof(info)) > 0)
        ;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != k->main || (k->unpacking && keeper_go_on(k, &status)))
            continue;
        keeper_tell(k, TASK_ENDED, status);
        left = FAILPOINT_GUARD_OFF("tree");
    }
    k->empty = left || (pid < 0 && errno == ECHILD);
}

/* What the shim says; its end is a kill. */
static void keeper_hear(struct keeper *k)
{
    char c;
    ssize_t n = recv(k->t->word, &c, 1, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || c == TASK_KILL)
        k->kill = true;
    else if (c == TASK_ASK)
        keeper_tell(k, TASK_ENDED, (128 + SIGKILL) << 8);
    else if (c > 0 && c <= TASK_SIGNAL_MAX) {
        k->stopping = true;
        keeper_terminate(k, c);
    }
}

/* Waits for the shim's word; without it nothing was started and nothing will be. */
static void keeper_wait_for_go(const struct keeper *k)
{
    char c = 0;
    ssize_t n;

    do
        n = recv(k->t->word, &c, 1, 0);
    while (n < 0 && errno == EINTR);
    if (n == 1 && c == TASK_GO)
        return;
    (void)cgroup_remove(&k->t->order.cgroups, k->t->spec.attempt);
    _exit(0);
}

static void keeper_loop(struct keeper *k)
{
    while (!k->empty) {
        struct pollfd p[2] = {{.fd = k->signals, .events = POLLIN}, {.fd = k->t->word, .events = POLLIN}};

        if (k->kill) {
            keeper_kill(k);
            p[1].fd = -1;
        }
        if (poll(p, 2, k->kill ? KEEPER_SWEEP_MS : -1) < 0 && errno != EINTR)
            k->kill = true;
        if (p[1].fd >= 0 && p[1].revents)
            keeper_hear(k);
        keeper_reap(k);
    }
}

/* The order, and the spec that it names. 0, or -1 with errno and t->step. */
static int keeper_take_order(struct keeper_task *t)
{
    struct keeper_order *o = &t->order;
    struct err e = {0};
    ssize_t n;

    t->step = "order";
    do
        n = recv(t->word, o, sizeof(*o), 0);
    while (n < 0 && errno == EINTR);
    errno = EPROTO;
    if (n != (ssize_t)sizeof(*o) || o->version != KEEPER_ORDER_VERSION || keeper_caps_keep_own())
        return -1;
    t->spec.guards = o->guards;
    if (o->spec < 0)
        return 0;
    if (taskspec_from_fd(o->spec, &t->spec, &e))
        return -1;
    (void)close(o->spec);
    if (o->checkpoint[0])
        t->spec.mounts[t->spec.mount_count++] =
            (struct taskspec_mount){.source = o->checkpoint, .target = o->checkpoint};
    return 0;
}

/* From the shim's word to go to the end of the task. */
static void keeper_keep(struct keeper *k)
{
    struct keeper_task *t = k->t;

    keeper_tell(k, TASK_READY, 0);
    keeper_wait_for_go(k);
    k->unpacking = t->order.code >= 0;
    k->main = k->unpacking ? keeper_unpack(t) : keeper_exec(t);
    if (k->main < 0)
        keeper_fail(k);
    if (!k->unpacking)
        keeper_started(k);
    (void)prctl(PR_SET_DUMPABLE, t->order.change_user, 0, 0, 0); /* no task of our own user looks into us; root does */
    keeper_tell(k, TASK_STARTED, k->main);
    keeper_loop(k);
    (void)cgroup_remove(&t->order.cgroups, t->spec.attempt);
}

int main(int argc, char **argv)
{
    struct keeper_task t = {.word = argc == 2 ? (int)strtol(argv[1], NULL, 10) : 0};
    struct keeper k = {.t = &t};

    if (t.word < 3) {
        (void)fprintf(stderr, "drover-keeper is started by drover-spawner\n");
        return 2;
    }
    if (keeper_take_order(&t))
        keeper_fail(&k);
    k.namespaces = t.spec.guards & LEVEL_NAMESPACES;
    if (t.order.spec < 0)
        _exit(keeper_sandbox(&t) ? 1 : 0);
    if (keeper_setup(&k) || (k.namespaces && keeper_sandbox(&t)))
        keeper_fail(&k);
    keeper_keep(&k);
    _exit(0);
}
