/* SPDX-License-Identifier: MIT
 *
 * drover-spawner --data DIR --shim PATH [--users FILE] [--cgroup PATH] [--conn FD]
 *
 * Starts drover-shims for droverd. It keeps nothing in memory that matters: the folder of an attempt is the latch, the
 * lock on it the sign of life, and a shim needs its parent for nothing. It may be killed at any point; the next one
 * goes on. One per data folder (flock on spawner.lock); it outlives droverd and is found again at spawner.sock.
 *
 * Started by droverd it is of droverd's user, and so are the tasks. Started as root (a unit of its own) with a map of
 * users (spawner_user.c) it is the one program of Drover that becomes somebody else. It obeys the owner of the data
 * folder and root, nobody else.
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
#include "base/failpoint.h"
#include "base/fs.h"
#include "engines/local/procs.h"
#include "engines/local/proto.h"
#include "engines/local/spawner.h"
#include "engines/local/task.h"

#define SPAWNER_SWEEP_MS 1000 /* from the end of a child to the look for groups that nobody keeps */
#define SPAWNER_POLLS (2 + SPAWNER_CONNS + SPAWNER_STARTS)
#define SPAWNER_IDLE_MS 2000 /* between two looks whether the data folder is still there, while nobody is connected */

static int spawner_args(struct spawner *s, int argc, char **argv)
{
    const char *data = NULL;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--data") == 0)
            data = argv[i + 1];
        else if (strcmp(argv[i], "--users") == 0)
            s->users = argv[i + 1];
        else if (strcmp(argv[i], "--shim") == 0)
            s->shim = argv[i + 1];
        else if (strcmp(argv[i], "--cgroup") == 0)
            s->above = argv[i + 1];
        else if (strcmp(argv[i], "--conn") == 0)
            s->conn_fd = (int)strtol(argv[i + 1], NULL, 10);
        else
            return -1;
    }
    if (argc % 2 == 0 || !data || !s->shim || s->shim[0] != '/')
        return -1;
    /* Mounts are made by this path: no link in it may change later. */
    return realpath(data, s->data) || snprintf(s->data, sizeof(s->data), "%s", data) < (int)sizeof(s->data) ? 0 : -1;
}

static int spawner_write_pid(struct spawner *s, struct err *e)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

    return fs_write_atomic_at(s->data_dir, "spawner.pid", text, (size_t)n, e);
}

/* The server's user owns the data folder. As root, what we make in it is handed to that user, and the map of users
 * must be root's. */
static int spawner_owner(struct spawner *s, struct err *e)
{
    struct stat st;

    if (fstat(s->data_dir, &st))
        return err_errno(e, errno, "cannot stat %s", s->data);
    s->owner = st.st_uid;
    s->owner_group = st.st_gid;
    if (s->owner != geteuid() && geteuid() != 0)
        return err_set(e, ERR_FORBIDDEN, "%s belongs to another user", s->data);
    if (s->users && geteuid() != 0)
        return err_set(e, ERR_FORBIDDEN, "only root can start tasks as other users (--users)");
    return s->users ? spawner_user_check(s->users, e) : 0;
}

/* Ours while we are root, the server's to use. */
static int spawner_hand_over(const struct spawner *s, struct err *e)
{
    static const char *const names[] = {"spawner.lock", "spawner.sock", "spawner.pid", "run"};

    for (size_t i = 0; geteuid() == 0 && s->owner != 0 && i < sizeof(names) / sizeof(names[0]); i++)
        if (fchownat(s->data_dir, names[i], s->owner, s->owner_group, AT_SYMLINK_NOFOLLOW))
            return err_errno(e, errno, "cannot give %s to the server's user", names[i]);
    return 0;
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
    if (spawner_owner(s, e))
        return -1;
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
    spawner_probe(s);
    return spawner_write_pid(s, e) ? -1 : spawner_hand_over(s, e);
}

static void spawner_close(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

static void spawner_failed(int conn, const char *attempt, struct proto_msg *answer)
{
    answer->type = PROTO_FAILED;
    answer->number = errno;
    (void)snprintf(answer->attempt, sizeof(answer->attempt), "%s", attempt);
    (void)proto_send(conn, answer, NULL, 0);
}

/* Starters work side by side: making a task's groups and namespaces is mostly waiting for the kernel. */
static void spawner_begin(struct spawner *s, int i, const struct proto_msg *m, int fds[PROTO_FDS])
{
    const struct spawner_request r = {.attempt = m->attempt, .spec = fds[0], .ctl = fds[1]};
    struct proto_msg answer = {0};
    struct spawner_begun *b = s->begun;

    while (b->report >= 0)
        b++; /* there is a free one, or the request had not been read */
    b->pid = spawner_start(s, &r, &b->report, answer.step);
    if (b->pid < 0) {
        b->report = -1;
        spawner_failed(s->conns[i], m->attempt, &answer);
        return;
    }
    s->begun_count++;
    b->conn = i;
    b->ctl = fds[1];
    fds[1] = -1;
    memcpy(b->attempt, m->attempt, sizeof(b->attempt));
    b->ticks = procs_start_ticks(b->pid, NULL); /* now, while it cannot have been reaped */
}

/* A starter is the shim now, or has failed. */
static void spawner_answer(struct spawner *s, struct spawner_begun *b)
{
    struct proto_msg answer = {.type = PROTO_STARTED, .pid = b->pid, .ticks = b->ticks};
    int rc = spawner_started(b->report, answer.step);

    b->report = -1;
    s->begun_count--;
    if (rc == 0)
        (void)FAILPOINT(SPAWNER_AFTER_FORK);
    memcpy(answer.attempt, b->attempt, sizeof(answer.attempt));
    if (b->conn >= 0 && rc)
        spawner_failed(s->conns[b->conn], b->attempt, &answer);
    else if (b->conn >= 0)
        (void)proto_send(s->conns[b->conn], &answer, NULL, 0);
    (void)close(b->ctl);
}

/* Whether no shim keeps the attempt: its lock is free, or there is no folder any more. */
static bool spawner_is_dead(void *ctx, const char *attempt)
{
    const struct spawner *s = ctx;
    int dir = openat(s->run_dir, attempt, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    bool dead;

    if (dir < 0)
        return errno == ENOENT;
    dead = flock(dir, LOCK_EX | LOCK_NB) == 0;
    (void)close(dir);
    return dead;
}

/* An attempt without a shim: ends what is left of it. The answer says how many processes were still there. */
static void spawner_end(struct spawner *s, int conn, const struct proto_msg *m)
{
    struct proto_msg answer = {.type = PROTO_CLEARED, .number = -1};

    memcpy(answer.attempt, m->attempt, sizeof(answer.attempt));
    if (m->attempt[0] && spawner_is_dead(s, m->attempt)) {
        answer.number = cgroup_kill(&s->cgroups, m->attempt) + procs_kill_marked(m->attempt, NULL);
        (void)cgroup_remove(&s->cgroups, m->attempt);
    }
    (void)proto_send(conn, &answer, NULL, 0);
}

/* In a child: the folders where an ended attempt worked go, with what in them is its user's and nobody else's. */
static void __attribute__((noreturn)) spawner_clean_child(const struct spawner *s, const char *attempt)
{
    int dir = openat(s->run_dir, attempt, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    (void)close(s->lock); /* the next spawner does not wait for us */
    (void)close(s->listener);
    if (dir >= 0 && (faccessat(dir, "exit", F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
                     faccessat(dir, "lost", F_OK, AT_SYMLINK_NOFOLLOW) == 0)) {
        (void)fs_remove_tree(dir, "work");
        (void)fs_remove_tree(dir, "tmp");
    }
    _exit(0);
}

/* The server may not remove what tasks of other users made. It takes its time, so it is a child's work. */
static void spawner_clean(struct spawner *s, const char *attempt)
{
    pid_t pid = attempt[0] && spawner_is_dead(s, attempt) ? fork() : -1;

    if (pid == 0)
        spawner_clean_child(s, attempt);
}

static void spawner_drop(struct spawner *s, int i)
{
    (void)close(s->conns[i]);
    s->conns[i] = -1;
    for (int k = 0; k < SPAWNER_STARTS; k++)
        if (s->begun[k].conn == i)
            s->begun[k].conn = -1;
}

static void spawner_serve(struct spawner *s, int i)
{
    struct proto_msg hello = {.type = PROTO_HELLO, .pid = getpid(), .number = s->guards};
    struct proto_msg m;
    int fds[PROTO_FDS];
    int rc;

    for (;;) {
        if (s->conns[i] < 0 || s->begun_count == SPAWNER_STARTS)
            return;
        rc = proto_recv(s->conns[i], &m, fds);
        if (rc < 0)
            break;
        if (rc == 0) {
            spawner_drop(s, i);
            return;
        }
        if (m.type == PROTO_START)
            spawner_begin(s, i, &m, fds);
        else if (m.type == PROTO_CLEAR && strcmp(m.step, TASK_STEP_DEVICES) == 0)
            spawner_devices(s, s->conns[i], &m);
        else if (m.type == PROTO_CLEAR)
            spawner_end(s, s->conns[i], &m);
        else if (m.type == PROTO_CLEAN)
            spawner_clean(s, m.attempt);
        else if (m.type == PROTO_ENTER)
            spawner_enter(s, &m, fds);
        else if (m.type == PROTO_HELLO)
            (void)proto_send(s->conns[i], &hello, NULL, 0);
        else if (m.type == PROTO_QUIT)
            s->quit = true;
        spawner_close(fds[0]);
        spawner_close(fds[1]);
    }
    if (errno != EAGAIN)
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
    if (i == SPAWNER_CONNS || !proto_peer_ok(fd, s->owner, &pid)) {
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
        s->sweep = true;
}

/* A removed data folder has no use for a spawner. */
static bool spawner_orphaned(const struct spawner *s)
{
    struct stat st;

    return fstat(s->data_dir, &st) == 0 && st.st_nlink == 0;
}

/* What to wait for; the number of milliseconds that is worth. */
static int spawner_watch(const struct spawner *s, struct pollfd p[SPAWNER_POLLS])
{
    const short begin = s->begun_count < SPAWNER_STARTS ? POLLIN : 0;
    bool idle = true;

    p[0] = (struct pollfd){.fd = s->signals, .events = POLLIN};
    p[1] = (struct pollfd){.fd = s->listener, .events = POLLIN};
    for (int i = 0; i < SPAWNER_CONNS; i++) {
        p[2 + i] = (struct pollfd){.fd = begin ? s->conns[i] : -1, .events = begin};
        idle = idle && s->conns[i] < 0;
    }
    for (int i = 0; i < SPAWNER_STARTS; i++)
        p[2 + SPAWNER_CONNS + i] = (struct pollfd){.fd = s->begun[i].report, .events = POLLIN};
    return s->sweep ? SPAWNER_SWEEP_MS : idle ? SPAWNER_IDLE_MS : -1;
}

static void spawner_loop(struct spawner *s)
{
    while (!s->quit) {
        struct pollfd p[SPAWNER_POLLS];
        int timeout = spawner_watch(s, p), n = poll(p, SPAWNER_POLLS, timeout);

        if (n == 0 && s->sweep) {
            s->sweep = false;
            cgroup_sweep(&s->cgroups, spawner_is_dead, s);
        }
        if (n == 0 && spawner_orphaned(s))
            return;
        if (n <= 0)
            continue;
        if (p[0].revents)
            spawner_signals(s);
        for (int i = 0; i < SPAWNER_STARTS; i++)
            if (p[2 + SPAWNER_CONNS + i].revents)
                spawner_answer(s, &s->begun[i]);
        for (int i = 0; i < SPAWNER_CONNS; i++)
            if (p[2 + i].revents)
                spawner_serve(s, i);
        if (p[1].revents)
            spawner_accept(s);
    }
}

int main(int argc, char **argv)
{
    struct spawner s = {.conn_fd = -1, .sweep = true};
    struct err e = {0};
    int rc;

    if (spawner_args(&s, argc, argv)) {
        (void)fprintf(stderr, "usage: drover-spawner --data DIR --shim PATH [--users FILE] [--conn FD]\n");
        return 2;
    }
    for (int i = 0; i < SPAWNER_CONNS; i++)
        s.conns[i] = -1;
    for (int i = 0; i < SPAWNER_STARTS; i++)
        s.begun[i] = (struct spawner_begun){.report = -1, .conn = -1};
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
    if (rc == 0)
        cgroup_sweep(&s.cgroups, spawner_is_dead, &s);
    cgroup_leave(&s.cgroups);
    return rc < 0 ? 1 : 0;
}
