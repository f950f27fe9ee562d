/* SPDX-License-Identifier: MIT
 *
 * Start of the task's command, by its keeper. vfork: the keeper is suspended until the exec, so a failed step is known
 * from shared memory and no page table is copied. Between vfork and exec only system calls are made.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "engines/local/keeper.h"
#include "engines/local/level.h"

/* What a task that runs as root (a server of root without a map of users) keeps inside its namespaces: to own files
 * and to become somebody else, nothing about devices, mounts, networks or the kernel. */
#define EXEC_ROOT_CAPS                                                                                                 \
    (1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER | 1u << CAP_FSETID | 1u << CAP_KILL |                 \
     1u << CAP_SETGID | 1u << CAP_SETUID | 1u << CAP_NET_BIND_SERVICE)

/* A command that needs no shell, cut into words. */
struct exec_plain {
    char text[TASKSPEC_PLAIN_MAX];
    char *argv[TASKSPEC_PLAIN_MAX / 2 + 1]; /* argv[0] NULL: the shell is needed */
};

/* What the child of vfork works with. */
struct exec {
    struct keeper_task *t;
    struct exec_plain plain;
    char **image; /* the command line that enters the image, or NULL */
    bool unpack;  /* it is not the command but what unpacks its code, on the host */
    char work[PATH_MAX];
    pid_t keeper;
    volatile int failure; /* errno of what failed; -1 = nothing has */
};

/* Own session and process group, default signals, no core dump (where its sandbox may stay: none unless it asks). */
static int exec_detach(const struct exec *x)
{
    static const int ignored[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGPIPE}; /* by the spawner or its keeper */
    const struct taskspec *spec = &x->t->spec;
    const rlim_t bytes = (rlim_t)spec->memory_mb << 20;
    struct rlimit core, data = {bytes, bytes};
    struct sigaction sa = {.sa_handler = SIG_DFL};

    sigemptyset(&sa.sa_mask);
    if (setsid() < 0 || getrlimit(RLIMIT_CORE, &core))
        return -1;
    core = (struct rlimit){0, spec->hold ? core.rlim_max : 0};
    /* Without a group for the whole task, at least no single process allocates more than it all may have. */
    if (setrlimit(RLIMIT_CORE, &core) ||
        (spec->memory_mb && !(spec->guards & (LEVEL_CGROUP1 | LEVEL_CGROUP2)) && setrlimit(RLIMIT_DATA, &data)))
        return -1;
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        if (sigaction(ignored[i], &sa, NULL))
            return -1;
    return sigprocmask(SIG_SETMASK, &sa.sa_mask, NULL);
}

static int exec_join(const struct keeper_task *t)
{
    for (size_t i = 0; i < t->order.join_count; i++)
        if (write(t->order.join[i], "0", 1) != 1)
            return -1;
    return 0;
}

static int exec_files(const struct exec *x)
{
    int in = x->unpack ? x->t->order.code : open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (in < 0 || dup2(in, 0) < 0 || dup2(x->t->order.out, 1) < 0 || dup2(x->t->order.err, 2) < 0)
        return -1;
    /* They close at the exec: until then one of them is the program. */
    if (FAILPOINT_GUARD_OFF("descriptors") ? fcntl(x->t->word, F_SETFD, 0) : close_range(3, ~0u, CLOSE_RANGE_CLOEXEC))
        return -1;
    return chdir(x->work);
}

/* What no program can give back: all capabilities, or for a task that runs as root the dangerous ones. */
static int exec_drop_caps(const struct keeper_task *t)
{
    for (unsigned cap = 0; cap < 64; cap++) {
        const bool kept = !t->order.change_user && cap < 32 && (EXEC_ROOT_CAPS & 1u << cap);

        if (!kept && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) && errno != EINVAL && errno != EPERM)
            return -1;
    }
    return 0;
}

/* For good: there is no way back to who we are. */
static int exec_change_user(const struct keeper_user *u)
{
    if (setgroups((size_t)u->group_count, u->groups) || setresgid(u->gid, u->gid, u->gid) ||
        setresuid(u->uid, u->uid, u->uid))
        return -1;
    if (getuid() == u->uid && geteuid() == u->uid && getegid() == u->gid && setuid(0) != 0)
        return 0;
    errno = EPERM;
    return -1;
}

/* No program that it starts can give it more than it has now; what it has is its user's and no more. */
static int exec_drop(const struct keeper_task *t)
{
    if ((t->order.change_user || (t->spec.guards & LEVEL_NAMESPACES)) && exec_drop_caps(t))
        return -1;
    if (t->order.change_user && exec_change_user(&t->order.user))
        return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* The keeper's end is the end of its command; set last, because a change of user clears it. */
static int exec_tie(const struct exec *x)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL))
        return -1;
    if (getppid() != x->keeper) {
        errno = ESRCH;
        return -1;
    }
    return 0;
}

static void exec_cut(const struct taskspec *t, struct exec_plain *out)
{
    size_t words = 0;
    char *rest;

    if (snprintf(out->text, sizeof(out->text), "%s", t->script) >= (int)sizeof(out->text))
        return;
    for (char *p = strtok_r(out->text, " \n", &rest); p; p = strtok_r(NULL, " \n", &rest))
        out->argv[words++] = p;
}

static int exec_prepare(const struct exec *x)
{
    struct keeper_task *t = x->t;
    /* runc is root until it has made the container; what it starts gets no privileges by its configuration. */
    const bool runc = !x->unpack && t->spec.rootfs && (t->spec.guards & LEVEL_RUNC);

    t->step = "process";
    if (exec_detach(x))
        return -1;
    t->step = "limits";
    if (exec_join(t))
        return -1;
    t->step = "files";
    if (exec_files(x))
        return -1;
    t->step = "user";
    if ((!runc && exec_drop(t)) || exec_tie(x))
        return -1;
    (void)umask(t->order.change_user ? 027 : 077);
    return 0;
}

/* Not inlined: the frame of the caller of vfork must stay as it is. Never returns. */
static void __attribute__((noinline, noreturn)) exec_child(struct exec *x)
{
    struct keeper_task *t = x->t;
    /* Relative to the working folder: messages of the shell name it shortly. */
    char *argv[] = {(char *)(uintptr_t)t->spec.shell, (char *)(uintptr_t)(t->spec.plain ? "-c" : "../script"),
                    (char *)(uintptr_t)(t->spec.plain ? t->spec.script : NULL), NULL};
    char *const *env = (char *const *)(uintptr_t)t->spec.env;
    /* runc is root still: nothing of the task's steers it. The task's variables are in its configuration. */
    char *const clean[] = {(char *)(uintptr_t) "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};

    if (exec_prepare(x) == 0 && FAILPOINT(SHIM_BEFORE_EXEC) == 0) {
        t->step = "exec";
        if (x->unpack) {
            char *unpack[] = {(char *)(uintptr_t) "drover-unpack", NULL}, *none[] = {NULL};

            (void)execveat(t->order.unpack, "", unpack, none, AT_EMPTY_PATH);
        }
        if (x->image)
            (void)execve(x->image[0], x->image, t->spec.guards & LEVEL_RUNC ? clean : env);
        if (!x->unpack && !x->image && x->plain.argv[0])
            (void)execve(x->plain.argv[0], x->plain.argv, env);
        if (!x->unpack && !x->image)
            (void)execve(t->spec.shell, argv, env); /* also for what the kernel cannot start: it says why */
    }
    x->failure = errno > 0 ? errno : EINVAL;
    _exit(127);
}

/* Starts what `x` says. */
static pid_t exec_start(struct exec *x)
{
    struct keeper_task *t = x->t;
    pid_t pid;

    if (snprintf(x->work, sizeof(x->work), "%s/work", t->order.folder) >= (int)sizeof(x->work)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    pid = vfork();
    if (pid == 0)
        exec_child(x);
    if (pid > 0 && x->failure != -1) {
        errno = x->failure;
        return -1; /* its zombie is reaped with the others */
    }
    return pid;
}

pid_t keeper_exec(struct keeper_task *t)
{
    struct exec x = {.t = t, .keeper = getpid(), .failure = -1};

    t->step = "image";
    if (t->spec.rootfs && !(x.image = keeper_image_argv(t)))
        return -1;
    if (t->spec.plain)
        exec_cut(&t->spec, &x.plain);
    return exec_start(&x);
}

pid_t keeper_unpack(struct keeper_task *t)
{
    struct exec x = {.t = t, .keeper = getpid(), .failure = -1, .unpack = true};

    return exec_start(&x);
}
