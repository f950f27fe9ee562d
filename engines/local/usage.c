/* SPDX-License-Identifier: MIT
 *
 * The walk. It races with whoever writes there, which is fine: nothing is opened but folders, none by a link, and the
 * sum is of one moment or another.
 */
#include "engines/local/usage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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
