/* SPDX-License-Identifier: MIT
 *
 * The engine's side of drover-spawner: finds a running one, or starts one; sends START messages; starts another one
 * when it dies. A spawner of another version or another file than ours is asked to leave (running shims do not mind).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/hash.h"
#include "base/log.h"
#include "engines/local/local_env.h"
#include "engines/local/local_hold.h"
#include "engines/local/local_impl.h"
#include "engines/local/local_plain.h"
#include "engines/local/local_stuck.h"
#include "engines/local/proto.h"
#include "engines/local/task.h"
#include "engines/local/taskspec.h"
#include "jobs/exits.h"

#define SPAWNER_BACKOFF_MS 10
#define SPAWNER_BACKOFF_MAX_MS 2000
#define SPAWNER_SHORT_MS 50 /* without descriptors: until the next try */

static void local_spawner_watch(struct local *l, bool writable)
{
    struct local_spawner *s = &l->spawner;
    struct epoll_event ev = {.events = EPOLLIN | (writable ? EPOLLOUT : 0u), .data.ptr = &s->source};

    s->blocked = writable;
    if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, s->fd, &ev) && errno == ENOENT)
        (void)epoll_ctl(l->epoll, EPOLL_CTL_ADD, s->fd, &ev);
}

static void local_spawner_lost(struct local *l)
{
    struct local_spawner *s = &l->spawner;

    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
    s->ready = s->blocked = false;
    s->next_try = clock_read().mono + s->backoff_ms;
    s->backoff_ms = s->backoff_ms * 2 < SPAWNER_BACKOFF_MAX_MS ? s->backoff_ms * 2 : SPAWNER_BACKOFF_MAX_MS;
}

/* Starts the program with one end of a socket pair as its first connection. Our end, or -1. */
static int local_spawner_exec(struct local *l, posix_spawn_file_actions_t *fa, posix_spawnattr_t *at, int conn)
{
    char *argv[] = {(char *)(uintptr_t) "drover-spawner",
                    (char *)(uintptr_t) "--data",
                    l->data,
                    (char *)(uintptr_t) "--shim",
                    l->shim_path,
                    (char *)(uintptr_t) "--conn",
                    (char *)(uintptr_t) "3",
                    NULL};
    char *env[] = {(char *)(uintptr_t) "PATH=/usr/bin:/bin", (char *)(uintptr_t) "ASAN_OPTIONS=detect_leaks=0",
                   FAILPOINT_ENVIRONMENT, NULL};
    char log[4096];
    sigset_t all, none;
    int rc;

    sigfillset(&all);
    sigemptyset(&none);
    rc = snprintf(log, sizeof(log), "%s/spawner.log", l->data) >= (int)sizeof(log) ? ENAMETOOLONG : 0;
    rc = rc ? rc : posix_spawnattr_setflags(at, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    rc = rc ? rc : posix_spawnattr_setsigdefault(at, &all);
    rc = rc ? rc : posix_spawnattr_setsigmask(at, &none);
    rc = rc ? rc : posix_spawn_file_actions_adddup2(fa, conn, 3);
    rc = rc ? rc : posix_spawn_file_actions_addopen(fa, 0, "/dev/null", O_RDWR, 0);
    rc = rc ? rc : posix_spawn_file_actions_adddup2(fa, 0, 1);
    rc = rc ? rc : posix_spawn_file_actions_addopen(fa, 2, log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
    rc = rc ? rc : posix_spawn_file_actions_addclosefrom_np(fa, 4);
    return rc ? rc : posix_spawn(&l->spawner.pid, l->spawner_path, fa, at, argv, env);
}

static int local_spawner_launch(struct local *l)
{
    struct local_spawner *s = &l->spawner;
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &s->exit_source};
    posix_spawn_file_actions_t fa;
    posix_spawnattr_t at;
    int pair[2], rc;

    if (s->service || s->pidfd >= 0)
        return -1; /* not ours to start; or: ours still lives without a connection: it is on its way out */
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
        return -1;
    if (posix_spawn_file_actions_init(&fa) || posix_spawnattr_init(&at))
        abort(); /* glibc: only out of memory */
    rc = local_spawner_exec(l, &fa, &at, pair[1]);
    (void)posix_spawn_file_actions_destroy(&fa);
    (void)posix_spawnattr_destroy(&at);
    (void)close(pair[1]);
    if (rc) {
        log_error("spawner_failed", "cannot start %s: %s", l->spawner_path, strerrordesc_np(rc));
        (void)close(pair[0]);
        return -1;
    }
    s->pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
    if (s->pidfd >= 0)
        (void)epoll_ctl(l->epoll, EPOLL_CTL_ADD, s->pidfd, &ev);
    return pair[0];
}

void local_spawner_exited(struct local *l)
{
    struct local_spawner *s = &l->spawner;

    if (waitpid(s->pid, NULL, WNOHANG) == 0)
        return;
    (void)close(s->pidfd);
    s->pidfd = -1;
    s->pid = 0;
}

static void local_spawner_connect(struct local *l)
{
    struct local_spawner *s = &l->spawner;
    struct proto_msg hello = {.type = PROTO_HELLO, .pid = getpid()};
    pid_t pid;

    s->fd = proto_connect(l->data_dir, "spawner.sock");
    if (s->fd >= 0 && !proto_peer_ok(s->fd, geteuid(), &pid)) {
        log_error("spawner_foreign", "spawner.sock belongs to another user's process");
        local_spawner_lost(l);
        return;
    }
    if (s->fd < 0)
        s->fd = local_spawner_launch(l);
    if (s->fd < 0 || proto_send(s->fd, &hello, NULL, 0)) {
        local_spawner_lost(l);
        return;
    }
    local_spawner_watch(l, false);
}

/* The task's spec as a sealed descriptor; -1 after the attempt was refused, -2 when we are short of descriptors. */
static int local_spawner_spec(struct local *l, struct local_attempt *a)
{
    struct taskspec t = {.gpu_count = a->gpu_count,
                         .shell = l->shell,
                         .script = a->order->launch->script ? a->order->launch->script : ""};
    struct err e = {0};
    int fd = -1;

    memcpy(t.attempt, a->id, sizeof(t.attempt));
    memcpy(t.nonce, a->nonce, sizeof(t.nonce));
    memcpy(t.boot, l->boot, sizeof(t.boot));
    memcpy(t.gpus, a->gpus, sizeof(t.gpus));
    t.env = local_env_build(l, a, &t.env_count, &e);
    errno = 0;
    if (t.env && local_guard_fill(l, a, &t, &e) == 0) {
        t.plain = !t.rootfs && !t.hold && local_plain(t.script);
        fd = taskspec_to_fd(&t, &e);
    }
    if (fd < 0 && (errno == EMFILE || errno == ENFILE))
        return -2;
    if (fd < 0)
        local_attempt_refuse(l, a, EXIT_CODE_ENGINE_REFUSED, e.text);
    return fd;
}

/* 0; 1 when the spawner's queue is full, 2 when we are short of descriptors; -1 when the attempt was refused or the
 * spawner is gone. */
static int local_spawner_send(struct local *l, struct local_attempt *a)
{
    struct proto_msg m = {.type = PROTO_START};
    int spec = local_guard_fits(l, a) ? local_spawner_spec(l, a) : -1;
    int pair[2], fds[PROTO_FDS], rc;

    if (spec < 0)
        return spec == -2 ? 2 : -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair)) {
        (void)close(spec);
        return 2;
    }
    memcpy(m.attempt, a->id, sizeof(m.attempt));
    fds[0] = spec;
    fds[1] = pair[1];
    rc = FAILPOINT(ENGINE_BEFORE_START) ? -1 : proto_send(l->spawner.fd, &m, fds, PROTO_FDS);
    if (rc)
        rc = errno == EAGAIN ? 1 : errno == ETOOMANYREFS ? 2 : -1;
    (void)close(spec);
    (void)close(pair[1]);
    if (rc) {
        (void)close(pair[0]);
        if (rc < 0)
            local_spawner_lost(l);
        return rc;
    }
    (void)FAILPOINT(ENGINE_AFTER_START);
    a->state = LOCAL_STARTING;
    local_attempt_watch(l, a, pair[0]);
    return 0;
}

/* Sends what waits. */
static void local_spawner_flush(struct local *l)
{
    struct local_spawner *s = &l->spawner;

    while (s->fd >= 0 && s->ready && l->start_first) {
        struct local_attempt *a = l->start_first;
        int rc = local_spawner_send(l, a);

        if (rc == 1)
            local_spawner_watch(l, true);
        if (rc == 2)
            s->flush_at = clock_read().mono + SPAWNER_SHORT_MS;
        if (rc > 0)
            return;
        if (rc == 0 || a->state == LOCAL_DONE)
            local_spawner_unqueue(l, a);
    }
    if (s->fd >= 0 && s->blocked)
        local_spawner_watch(l, false);
}

int64_t local_spawner_keep(struct local *l, int64_t now)
{
    struct local_spawner *s = &l->spawner;

    if (s->fd < 0 && now >= s->next_try)
        local_spawner_connect(l);
    if (s->fd < 0)
        return s->next_try;
    if (s->flush_at && now >= s->flush_at) {
        s->flush_at = 0;
        local_spawner_flush(l);
    }
    return s->flush_at;
}

void local_spawner_start(struct local *l, struct local_attempt *a)
{
    a->state = LOCAL_WAITING;
    a->next_start = NULL;
    *l->start_last = a;
    l->start_last = &a->next_start;
    if (!l->spawner.blocked && !l->spawner.flush_at)
        local_spawner_flush(l);
}

void local_spawner_unqueue(struct local *l, struct local_attempt *a)
{
    struct local_attempt **p = &l->start_first;

    while (*p && *p != a)
        p = &(*p)->next_start;
    if (!*p)
        return;
    *p = a->next_start;
    if (!*p)
        l->start_last = p;
}

/* Whether the spawner that says hello is from before an upgrade: of another version, or running another file than the
 * one that stands beside us now, and so starting shims of then. One that we started is what we have; a service is the
 * service manager's to renew; one that we may not look at is believed. */
static bool local_spawner_old(const struct local *l, const struct proto_msg *hello)
{
    struct stat runs, stands;
    char path[64];

    if (hello->version != PROTO_VERSION)
        return true;
    (void)snprintf(path, sizeof(path), "/proc/%lld/exe", (long long)hello->pid);
    if (l->spawner.service || hello->pid == l->spawner.pid || stat(path, &runs) || stat(l->spawner_path, &stands))
        return false;
    return runs.st_dev != stands.st_dev || runs.st_ino != stands.st_ino;
}

static void local_spawner_message(struct local *l, const struct proto_msg *m)
{
    struct local_spawner *s = &l->spawner;

    if (m->type == PROTO_HELLO && local_spawner_old(l, m)) {
        struct proto_msg quit = {.type = PROTO_QUIT};

        log_info("spawner_replaced", "the spawner of an older installation is asked to leave");
        (void)proto_send(s->fd, &quit, NULL, 0);
        local_spawner_lost(l);
    } else if (m->type == PROTO_HELLO) {
        s->ready = true;
        local_guard_found(l, m->number);
        s->backoff_ms = SPAWNER_BACKOFF_MS;
        local_spawner_flush(l);
    } else if (m->type == PROTO_STARTED || m->type == PROTO_FAILED) {
        local_attempt_answer(l, m);
    } else if (m->type == PROTO_CLEARED && strcmp(m->step, TASK_STEP_DEVICES) == 0) {
        local_hold_given(l, m->attempt, m->number == 0);
    } else if (m->type == PROTO_CLEARED) {
        struct local_attempt *a = hash_get(l->attempts, m->attempt);

        if (a)
            a->cleared = m->number == 0;
        if (m->number == 0)
            local_stuck_cleared(l, m->attempt);
    }
}

void local_spawner_clear(struct local *l, const char *id)
{
    struct proto_msg m = {.type = PROTO_CLEAR};

    (void)snprintf(m.attempt, sizeof(m.attempt), "%s", id);
    if (l->spawner.ready)
        (void)proto_send(l->spawner.fd, &m, NULL, 0); /* asked again at the next look */
}

void local_spawner_input(struct local *l, bool writable)
{
    struct local_spawner *s = &l->spawner;
    struct proto_msg m;
    int fds[PROTO_FDS];
    int rc = 1;

    while (s->fd >= 0 && (rc = proto_recv(s->fd, &m, fds)) > 0) {
        for (int i = 0; i < PROTO_FDS; i++)
            if (fds[i] >= 0)
                (void)close(fds[i]);
        local_spawner_message(l, &m);
    }
    if (s->fd >= 0 && (rc == 0 || (rc < 0 && errno != EAGAIN)))
        local_spawner_lost(l); /* attempts under way learn it from their own sockets */
    else if (writable)
        local_spawner_flush(l);
}
