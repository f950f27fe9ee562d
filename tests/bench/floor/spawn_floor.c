/* SPDX-License-Identifier: MIT
 *
 * spawn_floor DIR [N [AT_ONCE [SCRIPT]]]: what this machine can do at best for `./dev bench spawn`.
 *
 * N times (AT_ONCE under way at a time): start a bare shim (this program again), which makes a folder, opens a log
 * file, starts /bin/true with its output there, waits, and writes the exit file durably (write, fsync, rename, fsync of
 * the folder). No server, no database, no protocol. With SCRIPT the command is the shell running that file, as a job's
 * commands are. Before that: plain posix_spawn and wait of /bin/true, one after the other, for comparison with other
 * floors of this machine. Prints `name value` lines, rates per second.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

/* The bare shim. */
static int shim(const char *dir, char *script)
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
    if (waitpid(start(script ? shell : direct, log), &status, 0) < 0)
        die("wait");
    n = snprintf(text, sizeof(text), "code=%d\n", WEXITSTATUS(status));
    fd = openat(folder, ".exit", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, (size_t)n) != n || fsync(fd) || close(fd) ||
        renameat(folder, ".exit", folder, "exit") || fsync(folder))
        die("exit");
    return 0;
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

static void shims(const char *base, int count, int at_once, char *script)
{
    double from = now();
    int status, going = 0;

    for (int i = 0; i < count || going > 0;) {
        if (i < count && going < at_once) {
            char dir[PATH_MAX];
            char *argv[] = {(char *)(uintptr_t) "/proc/self/exe", (char *)(uintptr_t) "--shim", dir, script, NULL};

            (void)snprintf(dir, sizeof(dir), "%s/%d", base, i++);
            (void)start(argv, -1);
            going++;
            continue;
        }
        if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
            die("a shim failed");
        going--;
    }
    (void)printf("%s %.1f\n", script ? "shim_shell" : "shim", count / (now() - from));
}

int main(int argc, char **argv)
{
    int count = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1000;
    int at_once = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 64;

    if (argc > 2 && strcmp(argv[1], "--shim") == 0)
        return shim(argv[2], argv[3]);
    if (argc < 2 || count < 1 || at_once < 1) {
        (void)fprintf(stderr, "usage: spawn_floor DIR [N [AT_ONCE [SCRIPT]]]\n");
        return 2;
    }
    plain(count < 500 ? count : 500);
    shims(argv[1], count, at_once, argc > 4 ? argv[4] : NULL);
    return 0;
}
