/* SPDX-License-Identifier: MIT
 *
 * Logs from the shared file system into the mirror. How far each was copied is the size of its copy. Of what is new,
 * first "all" gets it and then its own log: so after a crash in between "all" is longer than the two together, and what
 * is too much stands at its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "engines/slurm/place.h"

enum { CHUNK = 64 << 10, AT_ONCE = 1 << 20 };

/* Descriptors of the mirror. */
struct mirror {
    int all;
    int copy[2];
    int64_t all_size, size[2], log_max;
};

static const char *const names[2] = {"stdout", "stderr"};

static int open_copy(int dir, const char *name, int64_t *size)
{
    struct stat st;
    const int fd = openat(dir, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fstat(fd, &st)) {
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    *size = st.st_size;
    return fd;
}

static int open_mirror(struct mirror *m, int dir)
{
    m->copy[0] = open_copy(dir, names[0], &m->size[0]);
    m->copy[1] = open_copy(dir, names[1], &m->size[1]);
    m->all = open_copy(dir, "all", &m->all_size);
    if (m->copy[0] < 0 || m->copy[1] < 0 || m->all < 0)
        return -1;
    const int64_t both = m->size[0] + m->size[1];
    return m->all_size > both ? ftruncate(m->all, both) : 0;
}

static void close_mirror(struct mirror *m)
{
    const int fds[] = {m->all, m->copy[0], m->copy[1]};
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

/* The task's file, unless it is something else by now. */
static int open_log(int inner, const char *name)
{
    struct stat st, folder;
    const int fd = openat(inner, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -1;
    if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_nlink == 1 && !fstat(inner, &folder) &&
        ((folder.st_mode & S_ISVTX) || st.st_uid == folder.st_uid))
        return fd;
    (void)close(fd);
    return -1;
}

/* 1 = there may be more, 0, or -1. */
static int copy_log(struct mirror *m, int i, int from, char *chunk)
{
    for (int64_t done = 0; done < AT_ONCE;) {
        size_t want = CHUNK;
        if (m->log_max && m->size[i] + CHUNK > m->log_max)
            want = m->log_max > m->size[i] ? (size_t)(m->log_max - m->size[i]) : 0;
        const ssize_t n = want ? pread(from, chunk, want, m->size[i]) : 0;
        if (n <= 0)
            return n < 0 ? -1 : 0;
        if (fs_write_all(m->all, chunk, (size_t)n) || fs_write_all(m->copy[i], chunk, (size_t)n))
            return -1;
        m->size[i] += n;
        done += n;
    }
    return 1;
}

static int copy_both(struct mirror *m, int inner)
{
    char *chunk = malloc(CHUNK);
    int rc = chunk ? 0 : -1;
    for (int i = 0; i < 2 && rc >= 0; i++) {
        const int from = open_log(inner, names[i]);
        const int more = from < 0 ? 0 : copy_log(m, i, from, chunk);
        rc = more < 0 ? -1 : rc | more;
        if (from >= 0)
            (void)close(from);
    }
    free(chunk);
    return rc;
}

int place_pull(const struct places *p, const struct place *at)
{
    char path[PATH_MAX];
    struct mirror m = {.all = -1, .copy = {-1, -1}, .log_max = p->log_max};
    place_path(p, at, path);
    const int dir = openat(p->run, at->attempt, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    const int inner = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    int rc = -1;
    if (dir >= 0 && inner >= 0 && !open_mirror(&m, dir))
        rc = copy_both(&m, inner);
    close_mirror(&m);
    if (dir >= 0)
        (void)close(dir);
    if (inner >= 0)
        (void)close(inner);
    return rc;
}
