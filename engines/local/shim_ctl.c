/* SPDX-License-Identifier: MIT
 *
 * The shim's control socket. Up to four peers: the engine that started it, and, on a socket that is made when one of
 * them asks for it, engines after a restart and the janitor. A peer that
 * does not read is not waited for; what it missed is in the exit file.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engines/local/proto.h"
#include "engines/local/shim.h"

void shim_ctl_open(struct shim_ctl *c, int first)
{
    for (int i = 0; i < SHIM_PEERS; i++)
        c->peers[i] = -1;
    c->peers[0] = first;
    c->listener = -1;
}

void shim_ctl_listen(struct shim_ctl *c, int dirfd)
{
    if (c->listener < 0)
        c->listener = proto_listen(dirfd, "ctl");
}

static void shim_ctl_drop(struct shim_ctl *c, int peer)
{
    (void)close(c->peers[peer]);
    c->peers[peer] = -1;
}

int shim_ctl_accept(struct shim_ctl *c)
{
    int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    int slot = 0;
    pid_t pid;

    if (fd < 0)
        return -1;
    if (!proto_peer_ok(fd, geteuid(), &pid)) {
        (void)close(fd);
        return -1;
    }
    while (slot < SHIM_PEERS && c->peers[slot] >= 0)
        slot++;
    if (slot == SHIM_PEERS) {
        (void)close(c->peers[0]);
        memmove(c->peers, c->peers + 1, (SHIM_PEERS - 1) * sizeof(c->peers[0]));
        slot = SHIM_PEERS - 1;
    }
    c->peers[slot] = fd;
    return slot;
}

int shim_ctl_read(struct shim_ctl *c, int peer, struct proto_msg *m)
{
    int fds[PROTO_FDS];
    int rc;

    if (c->peers[peer] < 0)
        return 0;
    rc = proto_recv(c->peers[peer], m, fds);
    for (int i = 0; i < PROTO_FDS; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    if (rc == 0 || (rc < 0 && errno != EAGAIN))
        shim_ctl_drop(c, peer);
    return rc > 0;
}

void shim_ctl_send(struct shim_ctl *c, int peer, const struct proto_msg *m)
{
    for (int i = 0; i < SHIM_PEERS; i++)
        if (c->peers[i] >= 0 && (peer < 0 || peer == i))
            (void)proto_send(c->peers[i], m, NULL, 0);
}
