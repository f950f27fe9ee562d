/* SPDX-License-Identifier: MIT
 *
 * spawn_floor DIR [N [AT_ONCE [SCRIPT]]]: what this machine can do at best for `./dev bench spawn`.
 *
 * N times (AT_ONCE under way at a time): start a bare shim (this program again), which makes a folder, opens a log
 * file, starts /bin/true with its output there, waits, and writes the exit file durably (write, fsync, rename, fsync of
 * the folder). No server, no database, no protocol. With SCRIPT the command is the shell running that file, as a job's
 * commands are. Before that: plain posix_spawn and wait of /bin/true, one after the other, for comparison with other
 * floors of this machine.
 *
 * And once more with what the kernel alone takes for a task that is kept apart: a control group with limits, and a
 * process that is the first of its namespaces (pid, mounts, ipc) with their /proc. Left out where one may not.
 *
 * Prints `name value` lines, rates per second: posix_spawn, shim, guarded (with SCRIPT shim_shell, guarded_shell).
 */
// link: drover_engines
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/id.h"
#include "engines/local/cgroup.h"

#define GUARD_MEMORY (64 << 20) /* bytes; as the jobs of the benchmark */
#define GUARD_PIDS 4096

static double now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "spawn_floor: %s: %s\n", what, strerrordesc_np(errno));
    exit(1);
}

static pid_t start(char *const *argv, int out)
{
    static char *const env[] = {(char *)(uintptr_t) "PATH=/usr/bin:/bin", NULL};
    posix_spawn_file_actions_t fa;
    pid_t pid;

    (void)posix_spawn_file_actions_init(&fa);
    if (out >= 0) {
        (void)posix_spawn_file_actions_adddup2(&fa, out, 1);
        (void)posix_spawn_file_actions_adddup2(&fa, out, 2);
    }
    errno = posix_spawn(&pid, argv[0], &fa, NULL, argv, env);
    if (errno)
        die(argv[0]);
    (void)posix_spawn_file_actions_destroy(&fa);
    return pid;
}

/* ---- a guarded command ---- */

/* The first process of fresh namespaces: starts the command in its group and waits for it. */
static int first(char *const *argv, int log, const int *join, size_t count)
{
    int status;

    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("proc", "/proc", "proc", 0, NULL))
        return 126;
    for (size_t i = 0; i < count; i++)
        if (write(join[i], "0", 1) != 1)
            return 126;
    return waitpid(start(argv, log), &status, 0) < 0 || !WIFEXITED(status) ? 126 : WEXITSTATUS(status);
}

/* Runs the command in a group and namespaces of its own. Its wait status. */
static int guarded(char *const *argv, int log, const char *base)
{
    const struct cgroup_limits limits = {.memory_bytes = GUARD_MEMORY, .pids = GUARD_PIDS, .cpus = 1};
    struct cgroup_site site = {0};
    int join[CGROUP_TREES], status = 0;
    char name[ID_SIZE];
    size_t count;
    pid_t pid;

    /* The trees were found by the parent; a group per tree below them is what a task costs. */
    if (pread(0, &site, sizeof(site), 0) != (ssize_t)sizeof(site))
        die("site");
    (void)snprintf(name, sizeof(name), "%.*s", (int)sizeof(name) - 1, strrchr(base, '/') + 1);
    if (cgroup_create(&site, name, &limits, join, &count))
        die("group");
    pid = (pid_t)syscall(SYS_clone, SIGCHLD | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC, NULL, NULL, NULL, NULL);
    if (pid == 0)
        _exit(first(argv, log, join, count));
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        die("namespaces");
    if (!cgroup_remove(&site, name))
        die("group");
    return status;
}

/* ---- the bare shim ---- */

static int shim(const char *dir, char *script, bool guard)
{
    char *direct[] = {(char *)(uintptr_t) "/bin/true", NULL};
    char *shell[] = {(char *)(uintptr_t) "/bin/bash", script, NULL};
    char text[32];
    int folder = -1, log, fd, status, n;

    if (mkdir(dir, 0700) || (folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        die(dir);
    log = openat(folder, "log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0)
        die("log");
    if (guard)
        status = guarded(script ? shell : direct, log, dir);
    else if (waitpid(start(script ? shell : direct, log), &status, 0) < 0)
        die("wait");
    n = snprintf(text, sizeof(text), "code=%d\n", WEXITSTATUS(status));
    fd = openat(folder, ".exit", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, (size_t)n) != n || fsync(fd) || close(fd) ||
        renameat(folder, ".exit", folder, "exit") || fsync(folder))
        die("exit");
    return WEXITSTATUS(status);
}

static void plain(int count)
{
    char *argv[] = {(char *)(uintptr_t) "/bin/true", NULL};
    double from = now();

    for (int i = 0; i < count; i++)
        if (waitpid(start(argv, -1), NULL, 0) < 0)
            die("wait");
    (void)printf("posix_spawn %.1f\n", count / (now() - from));
}

/* `site` NULL: without guards. */
static void shims(const char *base, int count, int at_once, char *script, const struct cgroup_site *site)
{
    double from = now();
    int status, going = 0;

    for (int i = 0; i < count || going > 0;) {
        if (i < count && going < at_once) {
            char dir[PATH_MAX];
            char *argv[] = {(char *)(uintptr_t) "/proc/self/exe", (char *)(uintptr_t)(site ? "--guarded" : "--shim"),
                            dir, script, NULL};

            (void)snprintf(dir, sizeof(dir), "%s/%s%d", base, site ? "guarded" : "", i++);
            (void)start(argv, -1);
            going++;
            continue;
        }
        if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
            die("a shim failed");
        going--;
    }
    (void)printf("%s%s %.1f\n", site ? "guarded" : "shim", script ? "_shell" : "", count / (now() - from));
}

/* Where guards can be had: stdin becomes a file that tells each shim where the groups are. */
static void guarded_shims(const char *base, int count, int at_once, char *script)
{
    struct cgroup_site site = {0};
    int fd;

    if (geteuid() == 0)
        cgroup_find(&site, "drover.floor", NULL);
    if (site.version == 0)
        return;
    fd = open(base, O_RDWR | O_TMPFILE, 0600);
    if (fd < 0 || write(fd, &site, sizeof(site)) != (ssize_t)sizeof(site) || dup2(fd, 0) != 0)
        die("site");
    shims(base, count, at_once, script, &site);
    cgroup_leave(&site);
}

int main(int argc, char **argv)
{
    int count = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1000;
    int at_once = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 64;
    char *script = argc > 4 ? argv[4] : NULL;

    if (argc > 2 && (strcmp(argv[1], "--shim") == 0 || strcmp(argv[1], "--guarded") == 0))
        return shim(argv[2], argv[3], argv[1][2] == 'g');
    if (argc < 2 || count < 1 || at_once < 1) {
        (void)fprintf(stderr, "usage: spawn_floor DIR [N [AT_ONCE [SCRIPT]]]\n");
        return 2;
    }
    plain(count < 500 ? count : 500);
    shims(argv[1], count, at_once, script, NULL);
    guarded_shims(argv[1], count, at_once, script);
    return 0;
}
