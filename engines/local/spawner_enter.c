/* SPDX-License-Identifier: MIT
 *
 * One ENTER: a warden (warden.h) is started and forgotten. It answers on the socket that came with the request.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "engines/local/spawner.h"
#include "engines/local/warden.h"

static int enter_order(const struct spawner *s, const struct proto_msg *m, int to)
{
    struct warden_order *o = calloc(1, sizeof(*o));
    int rc = -1;

    if (!o)
        return -1;
    o->version = WARDEN_ORDER_VERSION;
    o->cgroups = s->cgroups;
    o->owner = s->owner;
    o->users = s->users != NULL;
    o->ask = *m;
    memcpy(o->data, s->data, sizeof(o->data));
    if (spawner_beside(s, "drover-keeper", o->keeper) == 0)
        rc = send(to, o, sizeof(*o), MSG_NOSIGNAL) == (ssize_t)sizeof(*o) ? 0 : -1;
    free(o);
    return rc;
}

/* Only the order, and what the process is to read and write. */
static void __attribute__((noreturn)) enter_child(const struct spawner *s, const int fds[PROTO_FDS], int order)
{
    char path[PATH_MAX];
    char *argv[] = {(char *)(uintptr_t) "drover-warden", NULL};
    char *env[] = {FAILPOINT_ENVIRONMENT, NULL};

    if (spawner_beside(s, "drover-warden", path) == 0 && dup2(fds[0], WARDEN_IO) == WARDEN_IO &&
        dup2(fds[1], WARDEN_CTL) == WARDEN_CTL && dup2(order, WARDEN_ORDER) == WARDEN_ORDER &&
        close_range(WARDEN_ORDER + 1, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
        (void)execve(path, argv, env);
    _exit(127);
}

void spawner_enter(const struct spawner *s, const struct proto_msg *m, const int fds[PROTO_FDS])
{
    int pair[2];

    /* None of them is one that it will be called. */
    if (fds[0] <= WARDEN_ORDER || fds[1] <= WARDEN_ORDER ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
        return; /* the asker sees the end of its socket */
    if (pair[1] > WARDEN_ORDER && enter_order(s, m, pair[0]) == 0 && fork() == 0)
        enter_child(s, fds, pair[1]);
    (void)close(pair[0]);
    (void)close(pair[1]);
}
