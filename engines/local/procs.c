/* SPDX-License-Identifier: MIT
 *
 * /proc and pidfds. Everything read here may be gone a moment later; that is always taken as "not there".
 */
#include "engines/local/procs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/failpoint.h"

#define PROCS_DEPTH 64           /* deeper ones move up when their ancestors die, and are met in the next sweep */
#define PROCS_ENV_MAX (4u << 20) /* no environment is larger here: ARG_MAX stops it before */
#define PROCS_STAT_SIZE 1024u
#define PROCS_KTHREAD 0x00200000 /* of the flags in stat, as the kernel has always had them */
#define PROCS_EXITING 0x00000004

static int procs_pidfd(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

static int procs_pidfd_signal(int pidfd, int sig)
{
    /* As if the process hung in the kernel. */
    if (sig == SIGKILL && FAILPOINT_GUARD_OFF("kill"))
        return 0;
    return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

/* Reads a /proc file whole (no size is known before). 0 or -1. */
static int procs_slurp(const char *path, size_t max, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    char chunk[4096];
    ssize_t n;

    if (fd < 0)
        return -1;
    while ((n = read(fd, chunk, sizeof(chunk))) > 0 && out->len < max)
        if (buf_add(out, chunk, (size_t)n))
            break;
    (void)close(fd);
    return n < 0 || out->bad ? -1 : 0;
}

int procs_boot_id(char out[PROCS_BOOT_SIZE], struct err *e)
{
    struct buf b;
    int rc = 0;

    buf_init(&b, 4096);
    if (procs_slurp("/proc/sys/kernel/random/boot_id", 4096, &b) || b.len < 36)
        rc = err_set(e, ERR_INTERNAL, "cannot read the kernel's boot id");
    else
        (void)snprintf(out, PROCS_BOOT_SIZE, "%.36s", b.data);
    buf_fini(&b);
    return rc;
}

/* The n-th field (from 1, the state is 3) of a /proc/PID/stat text, which must be a number; -1 when there is none. */
static int64_t procs_stat_field(const char *text, int n)
{
    /* The second field is the program's name in parentheses and may hold anything: count from the last one. */
    const char *p = strrchr(text, ')');
    char *end;
    long long v;

    for (int at = 2; p && at < n; at++)
        p = strchr(p + 1, ' ');
    if (!p)
        return -1;
    v = strtoll(p + 1, &end, 10);
    return end != p + 1 && (*end == ' ' || *end == '\n') ? v : -1;
}

/* /proc/PID/stat as a string. 0 or -1. */
static int procs_stat(pid_t pid, char text[PROCS_STAT_SIZE])
{
    char path[40];
    ssize_t n;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    n = read(fd, text, PROCS_STAT_SIZE - 1);
    (void)close(fd);
    if (n <= 0)
        return -1;
    text[n] = '\0';
    return 0;
}

int64_t procs_start_ticks(pid_t pid, pid_t *parent)
{
    char text[PROCS_STAT_SIZE];

    if (procs_stat(pid, text))
        return -1;
    if (parent)
        *parent = (pid_t)procs_stat_field(text, 4);
    return procs_stat_field(text, 22);
}

int procs_look(pid_t pid, struct procs_look *out)
{
    char text[PROCS_STAT_SIZE];
    const char *open, *close;

    if (procs_stat(pid, text))
        return -1;
    open = strchr(text, '(');
    close = strrchr(text, ')');
    if (!open || !close || close < open || close[1] != ' ' || !close[2])
        return -1;
    (void)snprintf(out->name, sizeof(out->name), "%.*s", (int)(close - open - 1), open + 1);
    out->state = close[2];
    out->parent = (pid_t)procs_stat_field(text, 4);
    out->cpu_ms = (procs_stat_field(text, 14) + procs_stat_field(text, 15)) * 1000 / sysconf(_SC_CLK_TCK);
    out->children_ms = (procs_stat_field(text, 16) + procs_stat_field(text, 17)) * 1000 / sysconf(_SC_CLK_TCK);
    out->ticks = procs_stat_field(text, 22);
    out->rss_bytes = procs_stat_field(text, 24) * sysconf(_SC_PAGESIZE);
    return 0;
}

bool procs_signal(pid_t pid, int64_t ticks, int sig)
{
    int fd = procs_pidfd(pid);
    bool was = false;

    if (fd < 0)
        return false;
    /* Only now does the number stand for one process; check that it is the one meant. */
    if (procs_start_ticks(pid, NULL) == ticks)
        was = procs_pidfd_signal(fd, sig) == 0;
    (void)close(fd);
    return was;
}

/* Appends the children of one process as a text of numbers. */
static void procs_children(pid_t pid, struct buf *out)
{
    char path[64 + NAME_MAX];
    const struct dirent *d;
    DIR *tasks;

    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    tasks = opendir(path);
    if (!tasks)
        return;
    while ((d = readdir(tasks))) {
        if (d->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "/proc/%d/task/%s/children", (int)pid, d->d_name);
        (void)procs_slurp(path, 1u << 20, out);
    }
    (void)closedir(tasks);
}

static void procs_walk(pid_t parent, pid_t self, int sig, int depth);

/* One process said to be a child of `parent`. */
static void procs_walk_one(pid_t pid, pid_t parent, pid_t self, int sig, int depth)
{
    int fd = procs_pidfd(pid);
    pid_t now = 0;

    if (fd < 0)
        return;
    /* Its parent may have died since (then it is ours), or reaped it (then the number may be a stranger's). */
    if (procs_start_ticks(pid, &now) >= 0 && (now == parent || now == self)) {
        if (sig == SIGKILL)
            (void)procs_pidfd_signal(fd, SIGSTOP); /* no more children while we look for them */
        procs_walk(pid, self, sig, depth + 1);
        (void)procs_pidfd_signal(fd, sig);
        if (sig == SIGTERM)
            (void)procs_pidfd_signal(fd, SIGCONT);
    }
    (void)close(fd);
}

static void procs_walk(pid_t parent, pid_t self, int sig, int depth)
{
    struct buf list;
    char *p, *end;

    if (depth >= PROCS_DEPTH)
        return;
    buf_init(&list, 4u << 20);
    procs_children(parent, &list);
    if (list.data && !list.bad)
        for (p = list.data;; p = end) {
            long pid = strtol(p, &end, 10);

            if (end == p)
                break;
            if (pid > 0)
                procs_walk_one((pid_t)pid, parent, self, sig, depth);
        }
    buf_fini(&list);
}

void procs_signal_tree(int sig)
{
    pid_t self = getpid();

    procs_walk(self, self, sig, 0);
}

/* Whether a process that shows no environment is in the middle of an exec: its new memory has none yet, and it may
 * turn out to carry the mark in a moment. (vfork returns before that moment, so a command just started is in it.) */
static bool procs_is_born(pid_t pid)
{
    char text[PROCS_STAT_SIZE];

    return procs_stat(pid, text) == 0 && procs_stat_field(text, 51) == 0 &&
           (procs_stat_field(text, 9) & (PROCS_KTHREAD | PROCS_EXITING)) == 0;
}

enum procs_mark { MARK_NONE, MARK_FOUND, MARK_UNKNOWN };

/* Whether the process is ours (root: anybody's) and its environment holds the mark. */
static enum procs_mark procs_marked(pid_t pid, const char *mark, size_t mark_len)
{
    enum procs_mark found = MARK_NONE;
    char path[40];
    struct stat st;
    struct buf b;

    (void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    if (stat(path, &st) || (geteuid() != 0 && st.st_uid != geteuid()))
        return MARK_NONE;
    (void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
    buf_init(&b, PROCS_ENV_MAX + 8192);
    for (int i = 0; i < 2 && b.len == 0 && found == MARK_NONE; i++) /* it may come between the read and the question */
        if (procs_slurp(path, PROCS_ENV_MAX, &b) == 0 && b.len == 0 && procs_is_born(pid))
            found = MARK_UNKNOWN;
    for (size_t at = 0; at < b.len && found == MARK_NONE; at += strnlen(b.data + at, b.len - at) + 1)
        if (strncmp(b.data + at, mark, mark_len + 1) == 0)
            found = MARK_FOUND;
    buf_fini(&b);
    return found;
}

/* Kills the process if it carries the mark. Whether it has to be looked at again. */
static bool procs_kill_one(pid_t pid, const char *mark, size_t mark_len)
{
    enum procs_mark found = procs_marked(pid, mark, mark_len);
    bool again = found == MARK_UNKNOWN;
    int fd = found == MARK_FOUND ? procs_pidfd(pid) : -1;

    if (fd < 0)
        return again;
    again = procs_marked(pid, mark, mark_len) == MARK_FOUND && procs_pidfd_signal(fd, SIGKILL) == 0;
    (void)close(fd);
    return again;
}

int procs_kill_marked(const char *attempt, struct err *e)
{
    char mark[96];
    size_t mark_len = (size_t)snprintf(mark, sizeof(mark), PROCS_MARK "=%s", attempt);
    DIR *proc = opendir("/proc");
    const struct dirent *d;
    int count = 0;

    if (!proc)
        return err_errno(e, errno, "cannot read /proc");
    while ((d = readdir(proc))) {
        pid_t pid = (pid_t)strtol(d->d_name, NULL, 10);

        if (pid > 0 && pid != getpid() && procs_kill_one(pid, mark, mark_len))
            count++;
    }
    (void)closedir(proc);
    return count;
}
