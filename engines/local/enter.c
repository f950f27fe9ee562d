/* SPDX-License-Identifier: MIT
 *
 * One connection to the spawner for each order, kept until the warden has answered: the spawner serves few at a time,
 * so those who wait for an answer wait for each other.
 */
#include "engines/local/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "engines/local/proto.h"

#define ENTER_WAIT_MS 15000

static int enter_connect(const char *data, struct err *e)
{
    int dir = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int conn = dir < 0 ? -1 : proto_connect(dir, "spawner.sock");
    pid_t pid;

    if (dir >= 0)
        (void)close(dir);
    if (conn < 0)
        return err_set(e, ERR_BUSY, "The program that starts tasks is not there at the moment; try again.");
    if (proto_peer_ok(conn, geteuid(), &pid))
        return conn;
    (void)close(conn);
    return err_set(e, ERR_INTERNAL, "spawner.sock belongs to another user's process");
}

static int enter_refused(const struct proto_msg *m, struct err *e)
{
    const int number = (int)m->number;

    if (number == ESRCH || number == EAGAIN)
        return err_set(e, ERR_CONFLICT_JOB, "The task's command does not run: it has ended, or has not begun yet.");
    if (number == EACCES)
        return err_set(e, ERR_FORBIDDEN, "The node does not let anybody into this task (%s).", m->step);
    return err_errno(e, number, "cannot enter the task (%s)", m->step);
}

/* A word of the warden's, which sends no descriptors. As proto_recv. */
static int enter_recv(int ctl, struct proto_msg *m)
{
    int fds[PROTO_FDS];
    int rc = proto_recv(ctl, m, fds);

    for (int i = 0; rc == 1 && i < PROTO_FDS; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    return rc;
}

enum enter_news enter_read(int ctl, int *status, struct err *e)
{
    struct proto_msg m;
    int rc;

    while ((rc = enter_recv(ctl, &m)) > 0) {
        if (m.type == PROTO_FAILED) {
            (void)enter_refused(&m, e);
            return ENTER_FAILED;
        }
        if (m.type == PROTO_ENDED) {
            const int ended = (int)m.number;

            *status = WIFSIGNALED(ended) ? 128 + WTERMSIG(ended) : WEXITSTATUS(ended);
            return ENTER_ENDED;
        }
    }
    return rc == 0 || errno != EAGAIN ? ENTER_LOST : ENTER_NONE;
}

/* Waits for the first word. 0 when it has been started. */
static int enter_wait(int ctl, int cancel, struct err *e)
{
    struct pollfd p[] = {{.fd = ctl, .events = POLLIN}, {.fd = cancel, .events = POLLIN}};
    struct proto_msg m;
    int n;

    do
        n = poll(p, 2, ENTER_WAIT_MS);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return err_set(e, ERR_TIMEOUT, "The task could not be entered in time.");
    if (p[1].revents)
        return err_set(e, ERR_BUSY, "The server is shutting down.");
    if (enter_recv(ctl, &m) != 1)
        return err_set(e, ERR_INTERNAL, "the spawner started no warden; is it of an older version?");
    return m.type == PROTO_STARTED ? 0 : enter_refused(&m, e);
}

int enter_open(const struct enter_order *o, struct err *e)
{
    struct proto_msg m = {.type = PROTO_ENTER, .text_len = strlen(o->command)};
    int pair[2], rc, conn;

    if (m.text_len >= sizeof(m.text))
        return err_set(e, ERR_TOO_LARGE, "The command may have at most %d bytes.", ENTER_COMMAND_MAX - 1);
    (void)snprintf(m.attempt, sizeof(m.attempt), "%s", o->attempt);
    (void)snprintf(m.step, sizeof(m.step), "%s", o->term);
    memcpy(m.text, o->command, m.text_len);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
        return err_errno(e, errno, "socketpair");
    pthread_mutex_lock(o->turn);
    conn = enter_connect(o->data, e);
    rc = conn < 0 ? -1 : proto_send(conn, &m, (const int[]){o->io, pair[1]}, 2);
    (void)close(pair[1]);
    if (conn >= 0)
        rc = rc ? err_errno(e, errno, "cannot ask the spawner") : enter_wait(pair[0], o->cancel, e);
    if (conn >= 0)
        (void)close(conn);
    pthread_mutex_unlock(o->turn);
    if (rc == 0)
        return pair[0];
    (void)close(pair[0]);
    return -1;
}

int enter_signal(int ctl, int sig)
{
    const struct proto_msg m = {.type = PROTO_STOP, .pid = sig};

    return proto_send(ctl, &m, NULL, 0);
}
