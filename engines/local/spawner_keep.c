/* SPDX-License-Identifier: MIT
 *
 * From the spawner to a keeper: namespaces, and the exec of drover-keeper in them. What is to be done there as root of
 * them is that program's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "engines/local/level.h"
#include "engines/local/spawner.h"

int spawner_beside(const struct spawner *s, const char *name, char out[PATH_MAX])
{
    const char *slash = strrchr(s->shim, '/');

    if (slash && snprintf(out, PATH_MAX, "%.*s/%s", (int)(slash - s->shim), s->shim, name) < PATH_MAX)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

static unsigned long keep_flags(const struct keeper_order *o)
{
    unsigned long flags = SIGCHLD;

    if (o->guards & LEVEL_NAMESPACES)
        flags |= CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC;
    if (o->guards & LEVEL_USERNS)
        flags |= CLONE_NEWUSER;
    return o->no_network ? flags | CLONE_NEWNET : flags;
}

/* In a fresh user namespace: makes us there who we were outside. 0 or -1. */
static int keep_map_user(const struct spawner *s)
{
    const struct {
        const char *file;
        long id;
    } maps[] = {{"/proc/self/uid_map", (long)s->owner}, {"/proc/self/gid_map", (long)s->owner_group}};
    int fd = open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC);

    if (fd >= 0) {
        (void)!write(fd, "deny", 4);
        (void)close(fd);
    }
    for (int i = 0; i < 2; i++) {
        char text[64];
        int n = snprintf(text, sizeof(text), "%ld %ld 1\n", maps[i].id, maps[i].id);
        ssize_t rc;

        fd = open(maps[i].file, O_WRONLY | O_CLOEXEC);
        rc = fd < 0 ? -1 : write(fd, text, (size_t)n);
        if (fd >= 0)
            (void)close(fd);
        if (rc != n)
            return -1;
    }
    return 0;
}

/* The rights that a fresh user namespace gave us last over the exec, although we are not its root; the keeper hands
 * them to nobody. 0 or -1. */
static int keep_rights(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

    if (syscall(SYS_capget, &head, caps))
        return -1;
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        caps[i].inheritable = caps[i].permitted;
    if (syscall(SYS_capset, &head, caps))
        return -1;
    for (unsigned cap = 0; cap < 32 * _LINUX_CAPABILITY_U32S_3; cap++)
        if ((caps[cap / 32].permitted & 1u << cap % 32) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0))
            return -1;
    return 0;
}

/* Only the descriptors of the order, and the socket that it comes by, pass on. */
static int keep_descriptors(const struct keeper_order *o, int word)
{
    const int fds[] = {o->spec, o->code, o->unpack, o->out, o->err, word};

    if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC))
        return -1;
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 3 && fcntl(fds[i], F_SETFD, 0))
            return -1;
    for (size_t i = 0; i < o->join_count; i++)
        if (fcntl(o->join[i], F_SETFD, 0))
            return -1;
    return 0;
}

pid_t spawner_keep(const struct spawner *s, struct keeper_order *order, const int pair[2])
{
    char path[PATH_MAX], number[12];
    char *argv[] = {(char *)(uintptr_t) "drover-keeper", number, NULL};
    char *env[] = {FAILPOINT_ENVIRONMENT, NULL};
    pid_t pid;

    order->version = KEEPER_ORDER_VERSION;
    order->cgroups = s->cgroups;
    (void)snprintf(order->data, sizeof(order->data), "%s", s->data);
    (void)snprintf(number, sizeof(number), "%d", pair[1]);
    if (spawner_beside(s, "drover-keeper", path) ||
        send(pair[0], order, sizeof(*order), MSG_NOSIGNAL) != (ssize_t)sizeof(*order))
        return -1;
    pid = (pid_t)syscall(SYS_clone, keep_flags(order), NULL, NULL, NULL, NULL);
    if (pid != 0)
        return pid;
    if ((order->guards & LEVEL_USERNS) == 0 || (keep_map_user(s) == 0 && keep_rights() == 0))
        if (keep_descriptors(order, pair[1]) == 0)
            (void)execve(path, argv, env);
    _exit(127);
}
