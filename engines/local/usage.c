/* SPDX-License-Identifier: MIT
 *
 * The walk. It races with whoever writes there, which is fine: nothing is opened but folders, none by a link, and the
 * sum is of one moment or another.
 */
#include "engines/local/usage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct usage {
    dev_t device;
    unsigned entries;
    int64_t bytes;
};

static int usage_folder(struct usage *u, int fd, int depth);

static int usage_entry(struct usage *u, int dir, const char *name, int depth)
{
    struct stat st;
    int fd;

    if (++u->entries > USAGE_ENTRIES_MAX || depth > USAGE_DEPTH_MAX) {
        errno = E2BIG;
        return -1;
    }
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) || st.st_dev != u->device)
        return 0; /* gone meanwhile, or somebody else's disk */
    u->bytes += (int64_t)st.st_blocks * 512 / (S_ISDIR(st.st_mode) || st.st_nlink == 0 ? 1 : (int64_t)st.st_nlink);
    if (!S_ISDIR(st.st_mode))
        return 0;
    fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? 0 : usage_folder(u, fd, depth + 1);
}

/* What is in the open folder, which is closed. */
static int usage_folder(struct usage *u, int fd, int depth)
{
    DIR *d = fdopendir(fd);
    const struct dirent *entry;
    int rc = 0, saved;

    if (!d) {
        (void)close(fd);
        return -1;
    }
    while (rc == 0 && (entry = readdir(d)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            rc = usage_entry(u, fd, entry->d_name, depth);
    saved = errno;
    (void)closedir(d);
    errno = saved;
    return rc;
}

int usage_add(int dir, const char *name, int64_t *bytes)
{
    struct usage u = {0};
    struct stat st;
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int rc;

    if (fd < 0 || fstat(fd, &st)) {
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    u.device = st.st_dev;
    rc = usage_folder(&u, fd, 1);
    *bytes += u.bytes;
    return rc;
}

void usage_add_files(int dir, int64_t *bytes)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    struct stat st;

    if (!d && fd >= 0)
        (void)close(fd);
    while (d && (entry = readdir(d)))
        if (fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            *bytes += (int64_t)st.st_blocks * 512;
    if (d)
        (void)closedir(d);
}

int64_t usage_when(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

/* "WORK LOGS\n", both at least 0. */
static int usage_note_parse(const char *text, struct usage_note *out)
{
    char *end;

    errno = 0;
    out->work = strtoll(text, &end, 10);
    if (end == text || *end != ' ')
        return -1;
    text = end + 1;
    out->logs = strtoll(text, &end, 10);
    return end == text || strcmp(end, "\n") != 0 || errno || out->work < 0 || out->logs < 0 ? -1 : 0;
}

int usage_note_read(int dir, int64_t changed, struct usage_note *out)
{
    int fd = openat(dir, "usage", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    char text[64];
    struct stat st;
    ssize_t n;

    if (fd < 0)
        return -1;
    n = fstat(fd, &st) || !S_ISREG(st.st_mode) || usage_when(&st) < changed ? -1 : read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    if (n < 0)
        return -1;
    text[n] = '\0';
    if (!usage_note_parse(text, out))
        return 0;
    *out = (struct usage_note){0};
    return -1;
}

void usage_note_write(int dir, const struct usage_note *note)
{
    int fd = openat(dir, "usage", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

    if (fd < 0)
        return;
    (void)dprintf(fd, "%lld %lld\n", (long long)note->work, (long long)note->logs);
    (void)close(fd);
}
