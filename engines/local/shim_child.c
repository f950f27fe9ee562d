/* SPDX-License-Identifier: MIT
 *
 * Start of the task's shell. vfork: the shim is suspended until the exec, so a failed step is known from shared memory
 * and no page table is copied. Between vfork and exec only system calls are made.
 *
 * This is where another user, namespaces and cgroups will come in: after shim_child_detach, before the exec.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "engines/local/shim.h"

/* Own session and process group, default signals, no core dump; dies with the shim. */
static int shim_child_detach(pid_t shim)
{
    static const int ignored[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGPIPE}; /* as set by the shim */
    const struct rlimit no_core = {0, 0};
    struct sigaction sa = {.sa_handler = SIG_DFL};
    sigset_t none;

    if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) || setrlimit(RLIMIT_CORE, &no_core))
        return -1;
    if (getppid() != shim) {
        errno = ESRCH;
        return -1;
    }
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        if (sigaction(ignored[i], &sa, NULL))
            return -1;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL);
}

static int shim_child_files(const char *work, int out, int err)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 || chdir(work))
        return -1;
    return close_range(3, ~0u, 0);
}

/* Not inlined: the frame of the caller of vfork must stay as it is. Never returns. */
static void __attribute__((noinline, noreturn))
shim_child_exec(const struct taskspec *t, const char *work, const int io[2], volatile int *failure)
{
    /* Relative to the working folder: messages of the shell name it shortly. */
    char *argv[] = {(char *)(uintptr_t)t->shell, (char *)(uintptr_t) "../script", NULL};
    pid_t shim = (pid_t)*failure;

    if (shim_child_detach(shim) == 0 && shim_child_files(work, io[0], io[1]) == 0)
        (void)execve(t->shell, argv, (char *const *)(uintptr_t)t->env);
    *failure = errno ? errno : EINVAL;
    _exit(127);
}

pid_t shim_child_start(const struct taskspec *t, const char *work, int out, int err)
{
    const int io[2] = {out, err};
    const pid_t shim = getpid();
    volatile int failure = (int)shim;
    pid_t pid = vfork();

    if (pid == 0)
        shim_child_exec(t, work, io, &failure);
    if (pid > 0 && failure != (int)shim) {
        errno = failure;
        return -1; /* its zombie is reaped with the others */
    }
    return pid;
}
