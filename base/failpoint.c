/* SPDX-License-Identifier: MIT
 *
 * Failpoints. A point that is not armed costs one failed open, and nothing at all without DROVER_FAILPOINTS.
 *
 * Only system calls and getenv: a point stands between vfork and exec, too.
 */
#include "base/failpoint.h"

#ifdef DROVER_FAILPOINTS

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAILPOINT_VARIABLE "DROVER_FAILPOINTS="
#define FAILPOINT_DELAY_MS 100
#define FAILPOINT_LINE 96

static const struct {
    const char *name;
    bool can_fail;
} points[] = {
#define FAILPOINT_ROW(constant, name, who, can_fail) [FAILPOINT_##constant] = {name, can_fail},
    FAILPOINT_TABLE(FAILPOINT_ROW)
#undef FAILPOINT_ROW
};

/* Takes what arms the point; who removes the file has it. The length of the text, or -1. */
static ssize_t failpoint_take(int dir, const char *name, char *text, size_t size)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n;

    if (fd < 0)
        return -1;
    n = read(fd, text, size - 1);
    (void)close(fd);
    if (n < 0 || unlinkat(dir, name, 0))
        return -1;
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return n;
}

static void failpoint_note(int dir, const char *name, const char *text)
{
    char line[FAILPOINT_LINE];
    int n = snprintf(line, sizeof(line), "%s %s %d\n", name, text, (int)getpid());
    int fd = openat(dir, "fired", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return;
    if (n > 0 && n < (int)sizeof(line) && write(fd, line, (size_t)n) < 0)
        errno = 0; /* nobody to tell */
    (void)close(fd);
}

/* The number behind the action's word, or the usual one. */
static int failpoint_number(const char *text, int usual)
{
    const char *space = strchr(text, ' ');
    long n = space ? strtol(space + 1, NULL, 10) : 0;

    return n > 0 && n < INT_MAX ? (int)n : usual;
}

/* errno of the failure that was asked for, or 0. */
static int failpoint_act(const char *text, bool can_fail)
{
    if (strncmp(text, "abort", 5) == 0)
        (void)kill(getpid(), SIGKILL);
    if (strncmp(text, "delay", 5) == 0)
        (void)poll(NULL, 0, failpoint_number(text, FAILPOINT_DELAY_MS));
    if (strncmp(text, "error", 5) == 0 && can_fail)
        return failpoint_number(text, EIO);
    return 0;
}

int failpoint_pass(enum failpoint p)
{
    const char *folder = getenv("DROVER_FAILPOINTS");
    char text[FAILPOINT_LINE / 2];
    int before = errno, failure = 0, dir;

    if (!folder)
        return 0;
    dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
        if (failpoint_take(dir, points[p].name, text, sizeof(text)) >= 0) {
            failpoint_note(dir, points[p].name, text);
            failure = failpoint_act(text, points[p].can_fail);
        }
        (void)close(dir);
    }
    errno = failure ? failure : before;
    return failure ? -1 : 0;
}

bool failpoint_guard_off(const char *guard)
{
    const char *folder = getenv("DROVER_FAILPOINTS");
    char path[PATH_MAX];
    int before = errno;
    bool off = folder && snprintf(path, sizeof(path), "%s/no-%s", folder, guard) < (int)sizeof(path) &&
               access(path, F_OK) == 0;

    errno = before;
    return off;
}

int64_t failpoint_value(const char *name)
{
    const char *folder = getenv("DROVER_FAILPOINTS");
    char path[PATH_MAX], text[32];
    int fd, before = errno;
    ssize_t n;

    if (!folder || snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return 0;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    errno = before;
    return strtoll(text, NULL, 10);
}

char *failpoint_environment(void)
{
    char *folder = getenv("DROVER_FAILPOINTS");

    /* The entry begins right before its value. */
    return folder ? folder - strlen(FAILPOINT_VARIABLE) : NULL;
}

#endif
