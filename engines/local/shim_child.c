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
#include <string.h>
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

/* Where the command works and writes. */
struct shim_files {
    const char *work;
    int out, err;
};

/* A command that needs no shell, cut into words. */
struct shim_plain {
    char text[256];
    char *argv[32]; /* argv[0] NULL: the shell is needed */
};

/* As make does: one plain command with an absolute path is started directly, which saves the start of a shell (2 ms).
 * Anything that a shell could read otherwise than as words goes to the shell. */
static void shim_child_plain(const struct taskspec *t, struct shim_plain *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:,+-";
    size_t n = t->script_len, words = 0;

    out->argv[0] = NULL;
    while (n && (t->script[n - 1] == '\n' || t->script[n - 1] == ' '))
        n--;
    if (!n || n >= sizeof(out->text) || t->script[0] != '/')
        return;
    memcpy(out->text, t->script, n);
    out->text[n] = '\0';
    for (char *p = out->text; *p; words++) {
        size_t len = strspn(p, plain);

        if (!len || (p[len] && p[len] != ' ') || words + 1 == sizeof(out->argv) / sizeof(out->argv[0]))
            return;
        if (words)
            out->argv[words] = p;
        p += len;
        while (*p == ' ')
            *p++ = '\0';
    }
    out->argv[words] = NULL;
    /* Only now, when every word is plain. What cannot be started is left to the shell, which says what is wrong. */
    if (!access(out->text, X_OK))
        out->argv[0] = out->text;
}

/* Not inlined: the frame of the caller of vfork must stay as it is. Never returns. */
static void __attribute__((noinline, noreturn)) shim_child_exec(const struct taskspec *t, struct shim_plain *plain,
                                                                const struct shim_files *files, volatile int *failure)
{
    /* Relative to the working folder: messages of the shell name it shortly. */
    char *argv[] = {(char *)(uintptr_t)t->shell, (char *)(uintptr_t) "../script", NULL};
    pid_t shim = (pid_t)*failure;

    if (shim_child_detach(shim) == 0 && shim_child_files(files->work, files->out, files->err) == 0) {
        if (plain->argv[0])
            (void)execve(plain->argv[0], plain->argv, (char *const *)(uintptr_t)t->env);
        (void)execve(t->shell, argv, (char *const *)(uintptr_t)t->env); /* also for what the kernel cannot start */
    }
    *failure = errno ? errno : EINVAL;
    _exit(127);
}

pid_t shim_child_start(const struct taskspec *t, const char *work, int out, int err)
{
    const struct shim_files files = {.work = work, .out = out, .err = err};
    struct shim_plain plain;
    const pid_t shim = getpid();
    volatile int failure = (int)shim;
    pid_t pid;

    shim_child_plain(t, &plain);
    pid = vfork();
    if (pid == 0)
        shim_child_exec(t, &plain, &files, &failure);
    if (pid > 0 && failure != (int)shim) {
        errno = failure;
        return -1; /* its zombie is reaped with the others */
    }
    return pid;
}
