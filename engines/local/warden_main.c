/* SPDX-License-Identifier: MIT
 *
 * drover-warden (warden.h): enters, starts, watches.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engines/local/procs.h"
#include "engines/local/warden.h"

#define WARDEN_GRACE_MS 2000

static void warden_tell(const struct warden *w, enum proto_type type, int64_t number)
{
    struct proto_msg m = {.type = type, .number = number};

    memcpy(m.attempt, w->order.ask.attempt, sizeof(m.attempt));
    (void)snprintf(m.step, sizeof(m.step), "%s", type == PROTO_FAILED ? w->step : "");
    (void)proto_send(WARDEN_CTL, &m, NULL, 0);
}

/* Into the command's namespaces, those that are not ours. 0 or -1. */
static int warden_namespaces(struct warden *w)
{
    static const struct {
        const char *name;
        int flag;
    } kinds[] = {{"user", CLONE_NEWUSER}, {"mnt", CLONE_NEWNS},        {"pid", CLONE_NEWPID}, {"ipc", CLONE_NEWIPC},
                 {"net", CLONE_NEWNET},   {"cgroup", CLONE_NEWCGROUP}, {"uts", CLONE_NEWUTS}};
    int flags = 0;

    w->step = "namespaces";
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        char theirs[64], ours[64];
        struct stat a, b;

        (void)snprintf(theirs, sizeof(theirs), "/proc/%d/ns/%s", (int)w->command, kinds[i].name);
        (void)snprintf(ours, sizeof(ours), "/proc/self/ns/%s", kinds[i].name);
        if (stat(theirs, &a) || stat(ours, &b))
            return -1;
        flags |= a.st_ino != b.st_ino || a.st_dev != b.st_dev ? kinds[i].flag : 0;
    }
    /* A user namespace that root did not make is one that the task made for itself. */
    errno = EACCES;
    if (geteuid() == 0 && (flags & CLONE_NEWUSER))
        return -1;
    w->apart = flags & CLONE_NEWPID;
    /* It lives: the number that was looked at was its own. */
    if (syscall(SYS_pidfd_send_signal, w->command_fd, 0, NULL, 0) && errno != EPERM)
        return -1;
    return flags ? setns(w->command_fd, flags) : 0;
}

/* The group's files to join by, opened while we may. 0 or -1. */
static int warden_groups(struct warden *w)
{
    const struct cgroup_site *site = &w->order.cgroups;

    w->step = "limits";
    for (int i = 0; site->version > 0 && i < CGROUP_TREES; i++) {
        char path[PATH_MAX];

        if (!site->base[i][0])
            continue;
        if (snprintf(path, sizeof(path), "%s/%s/%s", site->base[i], w->order.ask.attempt, cgroup_procs(site, true)) >=
            (int)sizeof(path))
            return -1;
        w->join[w->join_count] = open(path, O_WRONLY | O_CLOEXEC);
        if (w->join[w->join_count] >= 0)
            w->join_count++;
        else if (errno != ENOENT) /* a task without limits has no group */
            return -1;
    }
    return 0;
}

/* Those of the command. 0 or -1. */
static int warden_limits(struct warden *w)
{
    w->step = "limits";
    for (int i = 0; i < RLIM_NLIMITS; i++)
        if (prlimit(w->command, (enum __rlimit_resource)i, NULL, &w->limits[i]))
            return -1;
    return 0;
}

static int warden_start(struct warden *w)
{
    const struct warden_order *o = &w->order;
    const pid_t self = getpid();
    int len;

    w->step = "request";
    errno = EINVAL;
    len = snprintf(w->folder, PATH_MAX, "%s/run/%s", o->data, o->ask.attempt);
    if (!o->ask.attempt[0] || len >= PATH_MAX - (int)sizeof("/work"))
        return -1;
    if (warden_groups(w) || warden_find(w) || warden_limits(w) || warden_namespaces(w) || warden_as(0, 0))
        return -1;
    (void)snprintf(w->folder + len, PATH_MAX - (size_t)len, "/work");
    w->step = "fork";
    w->child = fork();
    if (w->child == 0)
        warden_exec(w, self);
    return w->child < 0 ? -1 : 0;
}

/* Of our rights only those to end the child. */
static int warden_caps(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

    if (syscall(SYS_capget, &head, caps))
        return -1;
    caps[0].permitted &= 1u << CAP_KILL;
    caps[0].effective = caps[0].permitted;
    caps[0].inheritable = 0;
    caps[1] = (struct __user_cap_data_struct){0};
    return (int)syscall(SYS_capset, &head, caps);
}

/* What the asker says: a signal for the child's group. Whether he is still there. */
static bool warden_hear(const struct warden *w)
{
    struct proto_msg m;
    int fds[PROTO_FDS], rc;

    while ((rc = proto_recv(WARDEN_CTL, &m, fds)) == 1) {
        for (int i = 0; i < PROTO_FDS; i++)
            if (fds[i] >= 0)
                (void)close(fds[i]);
        if (m.type == PROTO_STOP && m.pid > 0 && m.pid < NSIG)
            (void)kill(-w->child, (int)m.pid);
    }
    return rc != 0;
}

/* Until the child has ended; its wait status. */
static int warden_watch(const struct warden *w, int child_fd)
{
    struct pollfd p[] = {{.fd = child_fd, .events = POLLIN},
                         {.fd = w->keeper_fd, .events = POLLIN},
                         {.fd = WARDEN_CTL, .events = POLLIN}};
    int status = 0, wait_ms = -1;

    while (!p[0].revents) {
        int n = poll(p, 3, wait_ms);

        if ((n == 0 && wait_ms >= 0) || p[1].revents) {
            (void)kill(-w->child, SIGKILL);
            (void)kill(w->child, SIGKILL); /* also before it has a group */
            p[1].fd = -1;
            wait_ms = -1;
        }
        if (p[2].revents && !warden_hear(w)) {
            (void)kill(-w->child, SIGHUP);
            (void)kill(-w->child, SIGCONT);
            p[2].fd = -1;
            wait_ms = WARDEN_GRACE_MS;
        }
    }
    while (waitpid(w->child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* What the child left goes on as the task's, and ends with it: where numbers are shared, we see to that. */
static void warden_rest(const struct warden *w)
{
    struct pollfd p = {.fd = w->keeper_fd, .events = POLLIN};

    (void)close(WARDEN_CTL);
    while (waitpid(-1, NULL, WNOHANG) >= 0) {
        if (poll(&p, 1, WARDEN_GRACE_MS) > 0) {
            procs_signal_tree(SIGKILL);
            (void)poll(NULL, 0, 10);
        }
    }
}

static int warden_take_order(struct warden *w)
{
    struct warden_order *o = &w->order;

    if (recv(WARDEN_ORDER, o, sizeof(*o), 0) != (ssize_t)sizeof(*o) || o->version != WARDEN_ORDER_VERSION)
        return -1;
    return close_range(WARDEN_ORDER, ~0u, 0);
}

/* Started: gives up what the child has now, and what it may not see. */
static int warden_settle(const struct warden *w)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (size_t i = 0; i < w->join_count; i++)
        (void)close(w->join[i]);
    if (null >= 0 && dup2(null, WARDEN_IO) >= 0 && warden_caps() == 0)
        return (int)syscall(SYS_pidfd_open, w->child, 0);
    return -1;
}

/* 0, or 1: the asker sees the end of its socket. */
static int warden_run(struct warden *w)
{
    int child_fd;

    if (warden_take_order(w) || prctl(PR_SET_DUMPABLE, 0) || prctl(PR_SET_CHILD_SUBREAPER, 1))
        return 1;
    if (warden_start(w)) {
        warden_tell(w, PROTO_FAILED, errno);
        return 1;
    }
    child_fd = warden_settle(w);
    if (child_fd < 0) {
        (void)kill(w->child, SIGKILL);
        return 1;
    }
    warden_tell(w, PROTO_STARTED, 0);
    warden_tell(w, PROTO_ENDED, warden_watch(w, child_fd));
    warden_rest(w);
    return 0;
}

int main(void)
{
    struct warden *w = calloc(1, sizeof(*w));

    (void)setsid();
    _exit(w ? warden_run(w) : 1); /* nothing at exit: whoever looks for leaks there cannot look into us, and waits */
}
