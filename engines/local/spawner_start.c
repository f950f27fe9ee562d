/* SPDX-License-Identifier: MIT
 *
 * One START. The spawner takes the latch (the attempt's folder, and the lock on it), then forks a starter. That
 * decodes the request, makes the task's folders, group and keeper, gives up its privileges and becomes the shim. What
 * goes wrong before comes back through a pipe that the exec closes.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/failpoint.h"
#include "base/fs.h"
#include "engines/local/level.h"
#include "engines/local/spawner.h"

/* What travels back when a start fails. */
struct start_failure {
    int number;
    char step[32];
};

/* One start. */
struct start {
    const struct spawner *s;
    struct taskspec spec;
    struct keeper_order order; /* what becomes of it for the keeper */
    int dir;                   /* the attempt's folder; with it passes the lock on it */
    int ctl;
    int report;         /* write end of the pipe for a failure */
    int out[2], err[2]; /* pipes of the task's output */
    int channel[2];     /* shim and keeper */
    pid_t keeper;
    const char *step; /* what is being done, for the message when it fails */
};

/* ---- the starter: what the task gets ---- */

static int start_user(struct start *st)
{
    const struct spawner *s = st->s;
    struct keeper_order *o = &st->order;

    st->step = "user";
    o->change_user = s->users != NULL;
    if (s->users)
        return spawner_user_find(s->users, st->spec.user, &o->user);
    o->user =
        (struct keeper_user){.uid = s->owner, .gid = s->owner_group, .group_count = 1, .groups = {s->owner_group}};
    o->change_user = geteuid() == 0 && s->owner != 0; /* never more than the server itself */
    return 0;
}

/* A folder or file in `dir` that belongs to the task's user; the server's group may look at what it holds. */
static int start_own(const struct start *st, int dir, const char *name, int flags)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | flags);
    int rc = fd < 0 ? -1 : 0;

    if (rc == 0 && st->order.change_user)
        rc = fchown(fd, st->order.user.uid, st->s->owner_group) || (flags && fchmod(fd, S_ISGID | 0770)) ? -1 : 0;
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

static int start_folders(struct start *st)
{
    int fd, rc;

    st->step = "folder";
    if (mkdirat(st->dir, "work", 0700) || mkdirat(st->dir, "tmp", 0700) ||
        start_own(st, st->dir, "work", O_DIRECTORY) || start_own(st, st->dir, "tmp", O_DIRECTORY))
        return -1;
    if (st->spec.plain || (st->spec.guards & LEVEL_NAMESPACES))
        return 0; /* no shell, or its keeper has the script in memory */
    fd = openat(st->dir, "script", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    rc = fs_write_all(fd, st->spec.script, st->spec.script_len);
    if (close(fd) || rc)
        return -1;
    return start_own(st, st->dir, "script", 0);
}

/* A name that is one step of a path and nothing else. */
static bool start_plain(const char *s)
{
    return s && *s && *s != '.' && !strchr(s, '/') && strlen(s) < 200;
}

/* DATA/checkpoints/USER/NAME, made step by step so that no link in it is followed. The last is the task's user's. */
static int start_checkpoint(struct start *st)
{
    const struct spawner *s = st->s;
    const char *const steps[] = {"checkpoints", st->spec.user, st->spec.checkpoint};
    int dir = s->data_dir, rc = 0;

    if (!st->spec.checkpoint)
        return 0;
    st->step = "checkpoint";
    errno = EINVAL;
    if (!start_plain(st->spec.user) || !start_plain(st->spec.checkpoint) ||
        snprintf(st->order.checkpoint, PATH_MAX, "%s/%s/%s/%s", s->data, steps[0], steps[1], steps[2]) >= PATH_MAX)
        return -1;
    for (int i = 0; i < 3 && rc == 0; i++) {
        int next = -1;
        bool made = mkdirat(dir, steps[i], 0700) == 0;

        if (made || errno == EEXIST)
            next = openat(dir, steps[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        rc = next < 0 ? -1 : 0;
        if (rc == 0 && made && geteuid() == 0)
            rc = i < 2 ? fchown(next, s->owner, s->owner_group) : start_own(st, dir, steps[i], O_DIRECTORY);
        dir = next;
    }
    return rc; /* the descriptors close with the exec */
}

/* The archive is one of the server's and nobody else's, whatever the request names. */
static int start_code(struct start *st)
{
    struct keeper_order *o = &st->order;
    char path[PATH_MAX];
    struct stat file;

    o->code = o->unpack = -1;
    st->step = "code";
    errno = EINVAL;
    if (!st->spec.code)
        return 0;
    if (!start_plain(st->spec.code) || spawner_beside(st->s, "drover-unpack", path))
        return -1;
    o->unpack = open(path, O_PATH | O_CLOEXEC);
    (void)snprintf(path, sizeof(path), "code/jobs/%s", st->spec.code);
    o->code = o->unpack < 0 ? -1 : fs_open_beneath(st->s->data_dir, path, O_RDONLY);
    if (o->code < 0 || fstat(o->code, &file))
        return -1;
    errno = EACCES;
    return S_ISREG(file.st_mode) && file.st_uid == st->s->owner ? 0 : -1;
}

static int start_group(struct start *st)
{
    const struct taskspec *spec = &st->spec;
    const struct cgroup_limits limits = {.memory_bytes = spec->memory_mb << 20,
                                         .pids = spec->pids,
                                         .cpus = spec->cpus,
                                         .device = spec->devices,
                                         .device_count = spec->device_count};

    st->step = "cgroup";
    if (!(spec->guards & (LEVEL_CGROUP1 | LEVEL_CGROUP2)))
        return 0;
    return cgroup_create(&st->s->cgroups, spec->attempt, &limits, st->order.join, &st->order.join_count);
}

/* ---- the starter: its two processes ---- */

/* In its namespaces, before our user becomes anything but the spawner's. */
static int start_keeper(struct start *st)
{
    struct keeper_order *o = &st->order;

    st->step = "keeper";
    o->guards = (uint32_t)st->spec.guards;
    o->no_network = st->spec.no_network;
    o->out = st->out[1];
    o->err = st->err[1];
    st->keeper = spawner_keep(st->s, o, st->channel);
    return st->keeper < 0 ? -1 : 0;
}

/* Becomes the shim, as the server's user. Returns only when that fails. */
static void start_shim(struct start *st)
{
    const struct spawner *s = st->s;
    const int fds[] = {st->dir, st->order.spec, st->ctl, st->out[0], st->err[0], st->channel[0]};
    static const char *const names[] = {"--dir", "--spec", "--ctl", "--out", "--err", "--task"};
    char number[8][12], keeper[12];
    const char *argv[24] = {"drover-shim"};
    char *env[] = {FAILPOINT_ENVIRONMENT, NULL};
    size_t n = 1;

    st->step = "shim";
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        (void)snprintf(number[i], sizeof(number[i]), "%d", fds[i]);
        argv[n++] = names[i];
        argv[n++] = number[i];
        if (fcntl(fds[i], F_SETFD, 0))
            return;
    }
    (void)snprintf(keeper, sizeof(keeper), "%d", (int)st->keeper);
    argv[n++] = "--keeper";
    argv[n++] = keeper;
    argv[n++] = "--folder"; /* for people who look at the process list */
    argv[n] = st->order.folder;
    if (geteuid() == 0 && s->owner != 0 &&
        (setgroups(1, &s->owner_group) || setresgid(s->owner_group, s->owner_group, s->owner_group) ||
         setresuid(s->owner, s->owner, s->owner)))
        return;
    if (FAILPOINT(SPAWNER_BEFORE_EXEC) == 0)
        (void)execve(s->shim, (char *const *)(uintptr_t)argv, env);
}

/* Everything up to the exec. Returns only when something failed, with errno and the step. */
static void start_run(struct start *st)
{
    const struct taskspec *t = &st->spec;
    struct err e = {0};

    (void)setsid();
    st->step = "request";
    errno = EBADMSG;
    if (taskspec_from_fd(st->order.spec, &st->spec, &e))
        return;
    st->step = "isolation";
    errno = ENOTSUP;
    if ((unsigned long)t->guards & ~(unsigned long)st->s->guards ||
        (t->rootfs && !(t->guards & (LEVEL_BWRAP | LEVEL_RUNC))))
        return;
    if (start_user(st) || start_folders(st) || start_checkpoint(st) || start_code(st) || start_group(st))
        return;
    st->step = "pipes";
    if (pipe2(st->out, O_CLOEXEC) || pipe2(st->err, O_CLOEXEC) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, st->channel))
        return;
    if (start_keeper(st) == 0) {
        (void)close(st->out[1]);
        (void)close(st->err[1]);
        (void)close(st->channel[1]);
        start_shim(st);
    }
}

static void __attribute__((noreturn)) start_child(struct start *st)
{
    struct start_failure f = {0};

    start_run(st);
    f.number = errno > 0 ? errno : EINVAL;
    (void)snprintf(f.step, sizeof(f.step), "%s", st->step);
    if (st->order.join_count > 0 && st->keeper <= 0)
        (void)cgroup_remove(&st->s->cgroups, st->spec.attempt);
    (void)fs_write_all(st->report, &f, sizeof(f));
    _exit(127);
}

/* ---- the spawner ---- */

/* The latch: who makes the folder, starts; and who finds the lock taken or the attempt given up, does not. */
static int start_latch(struct start *st, const char *attempt, const char **step)
{
    const struct spawner *s = st->s;

    *step = "latch";
    if (FAILPOINT(SPAWNER_BEFORE_LATCH) || mkdirat(s->run_dir, attempt, 0700))
        return -1;
    *step = "lock";
    st->dir = openat(s->run_dir, attempt, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (st->dir < 0 || FAILPOINT(SPAWNER_AFTER_LATCH))
        return -1;
    if (flock(st->dir, LOCK_EX | LOCK_NB) ||
        (geteuid() == 0 && s->owner != 0 && fchown(st->dir, s->owner, s->owner_group)))
        return -1;
    /* An engine that held the lock for a moment has declared the attempt lost. */
    if (faccessat(st->dir, "lost", F_OK, 0) == 0) {
        errno = EEXIST;
        return -1;
    }
    return 0;
}

/* Forks the starter. Its pid, with the read end of its report, or -1. */
static pid_t start_fork(struct start *st, int *from)
{
    int report[2];
    pid_t pid;

    if (FAILPOINT(SPAWNER_BEFORE_FORK) || pipe2(report, O_CLOEXEC))
        return -1;
    st->report = report[1];
    pid = fork();
    if (pid == 0)
        start_child(st);
    (void)close(report[1]);
    if (pid < 0)
        (void)close(report[0]);
    *from = report[0];
    return pid;
}

pid_t spawner_start(struct spawner *s, const struct spawner_request *r, int *report, char step[32])
{
    struct start st = {.s = s, .dir = -1, .ctl = r->ctl, .order = {.spec = r->spec}};
    const char *at = "request";
    pid_t pid = -1;

    errno = EINVAL;
    if (r->attempt[0] && r->spec >= 0 && r->ctl >= 0 &&
        snprintf(st.order.folder, PATH_MAX, "%s/run/%s", s->data, r->attempt) < PATH_MAX &&
        start_latch(&st, r->attempt, &at) == 0) {
        at = "fork";
        pid = start_fork(&st, report);
    }
    (void)snprintf(step, 32, "%s", at);
    int saved = errno;
    if (st.dir >= 0)
        (void)close(st.dir); /* the starter has its own reference: the lock stays */
    errno = saved;
    return pid;
}

int spawner_started(int report, char step[32])
{
    struct start_failure f;
    ssize_t n;

    do
        n = read(report, &f, sizeof(f));
    while (n < 0 && errno == EINTR);
    (void)close(report);
    if (n != (ssize_t)sizeof(f))
        return 0;
    (void)snprintf(step, 32, "%s", f.step);
    errno = f.number;
    return -1;
}
