/* SPDX-License-Identifier: MIT
 *
 * drover-spawner --data DIR --shim PATH [--conn FD]
 *
 * Starts drover-shims for droverd. It keeps nothing in memory that matters: the folder of an attempt is the latch, its
 * locked file `lock` the sign of life, and a shim needs its parent for nothing. It may be killed at any point; the next
 * one goes on. One per data folder (flock on spawner.lock); it outlives droverd and is found again at spawner.sock.
 *
 * Today everything runs as the server's user. The change of user belongs into spawner_exec, before the exec of the
 * shim, with the request's user checked against an allow-map first.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"
#include "engines/local/procs.h"
#include "engines/local/proto.h"

#define SPAWNER_CONNS 8
#define SPAWNER_IDLE_MS 2000 /* between two looks whether the data folder is still there, while nobody is connected */

struct spawner {
    const char *data, *shim;
    int conn_fd;  /* given by the droverd that started us, or -1 */
    int data_dir; /* descriptors */
    int run_dir;
    int lock;
    int listener;
    int signals; /* signalfd: SIGCHLD, SIGTERM */
    int conns[SPAWNER_CONNS];
    bool quit;
};

/* What one start holds while it is under way. */
struct spawner_start {
    const char *attempt;
    const char *step; /* what failed */
    int dir, lock, spec, ctl;
};

static int spawner_args(struct spawner *s, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--data") == 0)
            s->data = argv[i + 1];
        else if (strcmp(argv[i], "--shim") == 0)
            s->shim = argv[i + 1];
        else if (strcmp(argv[i], "--conn") == 0)
            s->conn_fd = (int)strtol(argv[i + 1], NULL, 10);
        else
            return -1;
    }
    return argc % 2 == 1 && s->data && s->shim && s->shim[0] == '/' ? 0 : -1;
}

static int spawner_write_pid(struct spawner *s, struct err *e)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

    return fs_write_atomic_at(s->data_dir, "spawner.pid", text, (size_t)n, e);
}

/* 0; 1 when another spawner serves this folder already; -1. */
static int spawner_setup(struct spawner *s, struct err *e)
{
    sigset_t mask;

    (void)umask(077);
    (void)setsid();
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigaddset(&mask, SIGTERM);
    (void)sigprocmask(SIG_SETMASK, &mask, NULL);
    s->data_dir = open(s->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->data_dir < 0)
        return err_errno(e, errno, "cannot open %s", s->data);
    s->lock = openat(s->data_dir, "spawner.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock < 0)
        return err_errno(e, errno, "cannot open spawner.lock");
    if (flock(s->lock, LOCK_EX | LOCK_NB))
        return errno == EWOULDBLOCK ? 1 : err_errno(e, errno, "cannot lock spawner.lock");
    if (mkdirat(s->data_dir, "run", 0700) && errno != EEXIST)
        return err_errno(e, errno, "cannot make the folder run");
    s->run_dir = openat(s->data_dir, "run", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    s->listener = proto_listen(s->data_dir, "spawner.sock");
    s->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->run_dir < 0 || s->listener < 0 || s->signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
        return err_errno(e, errno, "cannot set up the spawner");
    return spawner_write_pid(s, e);
}

/* Child of vfork: only system calls on prepared values. Never returns. */
static void __attribute__((noinline, noreturn))
spawner_exec(const struct spawner *s, const struct spawner_start *st, char *const *argv, volatile int *failure)
{
    const int keep[] = {st->dir, st->lock, st->spec, st->ctl};
    char *env[] = {NULL};
    sigset_t none;

    sigemptyset(&none);
    for (size_t i = 0; i < sizeof(keep) / sizeof(keep[0]); i++)
        if (fcntl(keep[i], F_SETFD, 0))
            goto out;
    if (sigprocmask(SIG_SETMASK, &none, NULL) == 0)
        (void)execve(s->shim, argv, env);
out:
    *failure = errno;
    _exit(127);
}

/* Starts a shim; its pid or -1. */
static pid_t spawner_vfork(const struct spawner *s, const struct spawner_start *st)
{
    char number[4][12], folder[PATH_MAX];
    const int fds[] = {st->dir, st->spec, st->ctl, st->lock};
    char *argv[] = {(char *)(uintptr_t) "drover-shim",
                    (char *)(uintptr_t) "--dir",
                    number[0],
                    (char *)(uintptr_t) "--spec",
                    number[1],
                    (char *)(uintptr_t) "--ctl",
                    number[2],
                    (char *)(uintptr_t) "--lock",
                    number[3],
                    (char *)(uintptr_t) "--folder", /* for people who look at the process list */
                    folder,
                    NULL};
    volatile int failure = 0;
    pid_t pid;

    (void)snprintf(folder, sizeof(folder), "%s/run/%s", s->data, st->attempt);
    for (int i = 0; i < 4; i++)
        (void)snprintf(number[i], sizeof(number[i]), "%d", fds[i]);
    pid = vfork();
    if (pid == 0)
        spawner_exec(s, st, argv, &failure);
    if (pid > 0 && failure) {
        errno = failure;
        return -1;
    }
    return pid;
}

/* The latch: who makes the folder, starts; and who finds the lock taken or the attempt given up, does not. */
static pid_t spawner_latch(struct spawner *s, struct spawner_start *st)
{
    st->step = "latch";
    if (mkdirat(s->run_dir, st->attempt, 0700))
        return -1;
    st->step = "lock";
    st->dir = openat(s->run_dir, st->attempt, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (st->dir < 0)
        return -1;
    st->lock = openat(st->dir, "lock", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (st->lock < 0 || flock(st->lock, LOCK_EX | LOCK_NB))
        return -1;
    /* An engine that held the lock for a moment has declared the attempt lost. */
    if (faccessat(st->dir, "lost", F_OK, 0) == 0) {
        errno = EEXIST;
        return -1;
    }
    st->step = "shim";
    return spawner_vfork(s, st);
}

static void spawner_close(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

static void spawner_begin(struct spawner *s, int conn, const struct proto_msg *m, const int fds[PROTO_FDS])
{
    struct spawner_start st = {
        .attempt = m->attempt, .step = "request", .dir = -1, .lock = -1, .spec = fds[0], .ctl = fds[1]};
    struct proto_msg answer = {.type = PROTO_STARTED};
    pid_t pid = -1;

    errno = EINVAL;
    if (m->attempt[0] && st.spec >= 0 && st.ctl >= 0)
        pid = spawner_latch(s, &st);
    memcpy(answer.attempt, m->attempt, sizeof(answer.attempt));
    if (pid < 0) {
        answer.type = PROTO_FAILED;
        answer.number = errno;
        (void)snprintf(answer.step, sizeof(answer.step), "%s", st.step);
    } else {
        answer.pid = pid;
        answer.ticks = procs_start_ticks(pid, NULL);
    }
    spawner_close(st.dir);
    spawner_close(st.lock); /* the shim has its own reference: the lock stays */
    (void)proto_send(conn, &answer, NULL, 0);
}

static void spawner_drop(struct spawner *s, int i)
{
    (void)close(s->conns[i]);
    s->conns[i] = -1;
}

static void spawner_serve(struct spawner *s, int i)
{
    struct proto_msg hello = {.type = PROTO_HELLO, .pid = getpid()};
    struct proto_msg m;
    int fds[PROTO_FDS];
    int rc;

    while (s->conns[i] >= 0 && (rc = proto_recv(s->conns[i], &m, fds)) != -1) {
        if (rc == 0) {
            spawner_drop(s, i);
            return;
        }
        if (m.type == PROTO_START)
            spawner_begin(s, s->conns[i], &m, fds);
        else if (m.type == PROTO_HELLO)
            (void)proto_send(s->conns[i], &hello, NULL, 0);
        else if (m.type == PROTO_QUIT)
            s->quit = true;
        spawner_close(fds[0]);
        spawner_close(fds[1]);
    }
    if (s->conns[i] >= 0 && errno != EAGAIN)
        spawner_drop(s, i);
}

static void spawner_accept(struct spawner *s)
{
    int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    pid_t pid;
    int i = 0;

    if (fd < 0)
        return;
    while (i < SPAWNER_CONNS && s->conns[i] >= 0)
        i++;
    if (i == SPAWNER_CONNS || !proto_peer_ok(fd, geteuid(), &pid)) {
        (void)close(fd);
        return;
    }
    s->conns[i] = fd;
}

static void spawner_signals(struct spawner *s)
{
    struct signalfd_siginfo info[8];
    ssize_t n;

    while ((n = read(s->signals, info, sizeof(info))) > 0)
        for (size_t i = 0; i < (size_t)n / sizeof(info[0]); i++)
            if (info[i].ssi_signo == SIGTERM)
                s->quit = true;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

/* A removed data folder has no use for a spawner. */
static bool spawner_orphaned(const struct spawner *s)
{
    struct stat st;

    return fstat(s->data_dir, &st) == 0 && st.st_nlink == 0;
}

static void spawner_loop(struct spawner *s)
{
    while (!s->quit) {
        struct pollfd p[2 + SPAWNER_CONNS];
        bool idle = true;
        int n;

        p[0] = (struct pollfd){.fd = s->signals, .events = POLLIN};
        p[1] = (struct pollfd){.fd = s->listener, .events = POLLIN};
        for (int i = 0; i < SPAWNER_CONNS; i++) {
            p[2 + i] = (struct pollfd){.fd = s->conns[i], .events = POLLIN};
            idle = idle && s->conns[i] < 0;
        }
        n = poll(p, 2 + SPAWNER_CONNS, idle ? SPAWNER_IDLE_MS : -1);
        if (n == 0 && spawner_orphaned(s))
            return;
        if (n <= 0)
            continue;
        if (p[0].revents)
            spawner_signals(s);
        for (int i = 0; i < SPAWNER_CONNS; i++)
            if (p[2 + i].revents)
                spawner_serve(s, i);
        if (p[1].revents)
            spawner_accept(s);
    }
}

int main(int argc, char **argv)
{
    struct spawner s = {.conn_fd = -1};
    struct err e = {0};
    int rc;

    if (spawner_args(&s, argc, argv)) {
        (void)fprintf(stderr, "usage: drover-spawner --data DIR --shim PATH [--conn FD]\n");
        return 2;
    }
    for (int i = 0; i < SPAWNER_CONNS; i++)
        s.conns[i] = -1;
    if (s.conn_fd >= 0) {
        (void)fcntl(s.conn_fd, F_SETFD, FD_CLOEXEC);
        (void)fcntl(s.conn_fd, F_SETFL, O_NONBLOCK);
        s.conns[0] = s.conn_fd;
    }
    rc = spawner_setup(&s, &e);
    if (rc < 0)
        (void)fprintf(stderr, "drover-spawner: %s\n", e.text);
    if (rc == 0)
        spawner_loop(&s);
    return rc < 0 ? 1 : 0;
}
