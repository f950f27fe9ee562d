/* SPDX-License-Identifier: MIT
 *
 * The shim's side of a holder (hold.h):
 *
 *   AWAITED ──connected──► RUNS ──status──► ASKS (the keeper, for OOM kills) ──► GIVES ──done──► STAYS
 *      └───────────────────┴─────────────────┴── stop, end of its socket ─────────┴──────────────┴──► NONE
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "engines/engine.h"
#include "engines/local/hold.h"
#include "engines/local/procs.h"
#include "engines/local/shim.h"

#define SHIM_GIVE_MS 10000 /* who lives so long after SIGKILL hangs: then its GPUs are not given back */
#define SHIM_DEEP 64

void shim_hold_open(struct shim_hold *h, const struct taskspec *spec, pid_t keeper)
{
    struct sockaddr_un a;
    socklen_t len = hold_address(&a, spec->nonce);

    h->keeper = keeper;
    h->image = spec->rootfs != NULL;
    h->give = spec->hold == ENGINE_HOLD_SANDBOX && spec->gpu_count > 0;
    h->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (h->fd >= 0 && bind(h->fd, (const struct sockaddr *)&a, len) == 0 && listen(h->fd, 4) == 0)
        h->state = SHIM_HOLD_AWAITED;
    else
        shim_hold_drop(h);
}

void shim_hold_drop(struct shim_hold *h)
{
    if (h->fd >= 0)
        (void)close(h->fd);
    h->fd = -1;
    h->till = 0;
    h->state = SHIM_HOLD_NONE;
}

/* Whether `pid` is what the keeper started: its child, or in an image the child of that. */
static bool shim_hold_is_it(const struct shim_hold *h, pid_t pid)
{
    pid_t parent = 0;

    if (procs_start_ticks(pid, &parent) < 0)
        return false;
    return h->image ? procs_start_ticks(parent, &parent) >= 0 && parent == h->keeper : parent == h->keeper;
}

/* The holder has come, or somebody else who can read the list of sockets. */
static void shim_hold_accept(struct shim_hold *h)
{
    int fd = accept4(h->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct ucred peer = {0};
    socklen_t len = sizeof(peer);

    if (fd < 0)
        return;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) || !shim_hold_is_it(h, peer.pid)) {
        (void)close(fd);
        return;
    }
    (void)close(h->fd);
    h->fd = fd;
    h->pid = peer.pid;
    h->state = SHIM_HOLD_RUNS;
}

bool shim_hold_other(const struct shim_hold *h, pid_t pid)
{
    pid_t up = h->pid;

    for (int i = 0; i < SHIM_DEEP && up > 1 && up != h->keeper; i++) {
        if (up == pid)
            return false;
        if (procs_start_ticks(up, &up) < 0)
            return true;
    }
    for (int i = 0; i < SHIM_DEEP && pid > 1; i++)
        if (procs_start_ticks(pid, &pid) < 0)
            return false;
        else if (pid == h->keeper)
            return true;
    return false;
}

/* Whether the holder is all that is left: what it says it has done is seen to. */
static bool shim_hold_alone(const struct shim_hold *h)
{
    DIR *proc = opendir("/proc");
    bool alone = proc != NULL;

    for (const struct dirent *d = proc ? readdir(proc) : NULL; d && alone; d = readdir(proc)) {
        const pid_t pid = (pid_t)strtol(d->d_name, NULL, 10);

        alone = pid <= 0 || !shim_hold_other(h, pid);
    }
    if (proc)
        (void)closedir(proc);
    return alone;
}

enum shim_hold_news shim_hold_hear(struct shim_hold *h)
{
    int32_t number = 0;
    ssize_t n;

    if (h->state == SHIM_HOLD_NONE)
        return SHIM_HOLD_NOTHING; /* dropped a moment ago */
    if (h->state == SHIM_HOLD_AWAITED) {
        shim_hold_accept(h);
        return SHIM_HOLD_NOTHING;
    }
    n = recv(h->fd, &number, sizeof(number), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return SHIM_HOLD_NOTHING;
    if (n == (ssize_t)sizeof(number) && h->state == SHIM_HOLD_RUNS) {
        h->state = SHIM_HOLD_ASKS;
        h->status = number;
        return SHIM_HOLD_ENDED;
    }
    if (n == (ssize_t)sizeof(number) && h->state == SHIM_HOLD_GIVES && (!h->give || shim_hold_alone(h))) {
        h->state = SHIM_HOLD_STAYS;
        h->till = 0;
        return SHIM_HOLD_KEPT;
    }
    shim_hold_drop(h);
    return SHIM_HOLD_GONE;
}

void shim_hold_keep(struct shim_hold *h)
{
    const char c = h->give ? HOLD_GIVE : HOLD_KEEP;

    h->state = SHIM_HOLD_GIVES;
    h->till = clock_read().mono + SHIM_GIVE_MS;
    if (send(h->fd, &c, 1, MSG_NOSIGNAL) != 1)
        shim_hold_drop(h);
}
