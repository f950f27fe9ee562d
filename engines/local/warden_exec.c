/* SPDX-License-Identifier: MIT
 *
 * The warden's child, from the fork to the exec: it gets the task's limits and gives up what the task has not.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engines/local/warden.h"

/* No capability but, for a root without any user of its own, those of the command. 0 or -1. */
static int warden_drop_caps(const struct warden_process *c)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
        return -1;
    return c->uid[0] != 0 ? (int)syscall(SYS_capset, &head, none) : 0;
}

static int warden_drop_bounding(const struct warden_process *c)
{
    for (unsigned cap = 0; cap < 64; cap++)
        if (!(c->bounding >> cap & 1u) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) && errno != EINVAL && errno != EPERM)
            return -1;
    return 0;
}

/* For good: as the command is. 0 or -1. */
static int warden_become(const struct warden *w)
{
    const struct warden_process *c = &w->status;

    if (warden_drop_bounding(c))
        return -1;
    if (geteuid() == 0 && (setgroups((size_t)c->group_count, c->groups) ||
                           setresgid((gid_t)c->gid[0], (gid_t)c->gid[0], (gid_t)c->gid[0]) ||
                           setresuid((uid_t)c->uid[0], (uid_t)c->uid[0], (uid_t)c->uid[0])))
        return -1;
    if (warden_drop_caps(c))
        return -1;
    errno = EPERM;
    if (getuid() != c->uid[0] || geteuid() != c->uid[0] || getegid() != c->gid[0] || (c->uid[0] && setuid(0) == 0))
        return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int warden_prepare(struct warden *w, pid_t parent)
{
    const struct sigaction sa = {.sa_handler = SIG_DFL};
    sigset_t none;

    w->step = "process";
    sigemptyset(&none);
    for (int sig = 1; sig < NSIG; sig++)
        (void)sigaction(sig, &sa, NULL);
    if (setsid() < 0 || sigprocmask(SIG_SETMASK, &none, NULL))
        return -1;
    w->step = "limits";
    for (size_t i = 0; i < w->join_count; i++)
        if (write(w->join[i], "0", 1) != 1)
            return -1;
    w->step = "terminal";
    if (w->order.ask.step[0] && ioctl(WARDEN_IO, TIOCSCTTY, 0))
        return -1;
    w->step = "folder";
    if (chdir(w->folder))
        return -1;
    (void)umask((mode_t)w->status.mask);
    w->step = "limits"; /* ours were not them: they may be too small for what is above */
    for (int i = 0; i < RLIM_NLIMITS; i++)
        if (setrlimit((enum __rlimit_resource)i, &w->limits[i]))
            return -1;
    w->step = "user";
    if (warden_become(w) || prctl(PR_SET_PDEATHSIG, SIGKILL))
        return -1;
    errno = ESRCH; /* seen from within its pid namespace, the warden has no number */
    return getppid() == (w->apart ? 0 : parent) ? 0 : -1;
}

static const char **warden_environment(struct warden *w)
{
    const char **env = calloc(w->env_len / 2 + 3, sizeof(*env));
    size_t n = 0;

    for (size_t at = 0; env && at < w->env_len; at += strlen(w->env + at) + 1)
        if (strchr(w->env + at, '=') && strncmp(w->env + at, "TERM=", 5) != 0)
            env[n++] = w->env + at;
    (void)snprintf(w->term, sizeof(w->term), "TERM=%s", w->order.ask.step);
    if (env && w->order.ask.step[0])
        env[n] = w->term;
    return env;
}

void warden_exec(struct warden *w, pid_t parent)
{
    static const char *const shells[] = {"/bin/bash", "/usr/bin/bash", "/bin/sh"};
    struct proto_msg failed = {.type = PROTO_FAILED};
    const char **env = warden_environment(w);
    int ctl = fcntl(WARDEN_CTL, F_DUPFD_CLOEXEC, 3);

    errno = ENOMEM;
    if (env && ctl >= 0 && warden_prepare(w, parent) == 0) {
        w->step = "exec";
        for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
            const bool login = w->order.ask.text_len == 0;
            const char *argv[] = {login ? "-" : "sh", login ? NULL : "-c", w->order.ask.text, NULL};

            if (login)
                argv[0] = strrchr(shells[i], '/') + 1;
            if (dup2(WARDEN_IO, 1) == 1 && dup2(WARDEN_IO, 2) == 2 && close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
                (void)execve(shells[i], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
        }
    }
    failed.number = errno;
    memcpy(failed.attempt, w->order.ask.attempt, sizeof(failed.attempt));
    (void)snprintf(failed.step, sizeof(failed.step), "%s", w->step);
    (void)proto_send(ctl, &failed, NULL, 0);
    _exit(127);
}
