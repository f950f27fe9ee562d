/* SPDX-License-Identifier: MIT
 *
 * A folder of somebody's into a folder of ours. The source may change meanwhile and is believed as little as an
 * archive: each entry is opened without following a link, and bytes are counted as they come.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/tarball.h"

enum { CHUNK = 64 * 1024 };

struct copying {
    int dir;
    const struct tarball_rules *rules;
    struct tarball found;
    char *chunk;
    const char *path; /* of the entry, below the top */
};

static int copy_failed(const struct copying *c, struct err *e)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return err_set(e, ERR_NO_SPACE, "No space is left to copy \"%.200s\".", c->path);
    return err_errno(e, errno, "cannot copy \"%.200s\"", c->path);
}

static int copy_bytes(struct copying *c, int from, int to, struct err *e)
{
    ssize_t n;

    while ((n = read(from, c->chunk, CHUNK)) > 0) {
        c->found.bytes += n;
        if (c->found.bytes > c->rules->bytes)
            return err_set(e, ERR_TOO_LARGE, "The folder holds more than %lld MB.", (long long)(c->rules->bytes >> 20));
        if (c->rules->stop && atomic_load(c->rules->stop))
            return err_set(e, ERR_BUSY, "It was broken off, because the server stops.");
        if (fs_write_all(to, c->chunk, (size_t)n))
            return copy_failed(c, e);
    }
    return n < 0 ? copy_failed(c, e) : 0;
}

static int copy_file(struct copying *c, const FTSENT *f, int parent, const char *name, struct err *e)
{
    int from = open(f->fts_accpath, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), to = -1, rc = -1;
    struct stat st;

    if (from >= 0 && fstat(from, &st) == 0 && S_ISREG(st.st_mode))
        to = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (st.st_mode & 0777) | 0600);
    if (to < 0) {
        (void)copy_failed(c, e);
    } else {
        const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, st.st_mtim};

        rc = copy_bytes(c, from, to, e);
        (void)futimens(to, times); /* interpreters compare it with that of their cache */
        if (close(to) && rc == 0)
            rc = copy_failed(c, e);
    }
    if (from >= 0)
        (void)close(from);
    return rc;
}

static int copy_link(const struct copying *c, const FTSENT *f, int parent, const char *name, struct err *e)
{
    char target[4096];
    ssize_t n = readlink(f->fts_accpath, target, sizeof(target) - 1);

    if (n < 0)
        return copy_failed(c, e);
    target[n] = '\0';
    return symlinkat(target, parent, name) ? copy_failed(c, e) : 0;
}

static int copy_entry(struct copying *c, const FTSENT *f, struct err *e)
{
    char folder[TARBALL_PATH_MAX + 1];
    const char *slash = strrchr(c->path, '/');
    const char *name = slash ? slash + 1 : c->path;
    size_t len = slash ? (size_t)(slash - c->path) : 0;
    int parent, rc = 0;

    if (strlen(c->path) > TARBALL_PATH_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%.200s...\" has too long a path.", c->path);
    memcpy(folder, c->path, len);
    folder[len] = '\0';
    parent = fs_open_beneath(c->dir, folder, O_RDONLY | O_DIRECTORY);
    if (parent < 0)
        return copy_failed(c, e);
    if (f->fts_info == FTS_D)
        rc = mkdirat(parent, name, 0700) || fchmodat(parent, name, (f->fts_statp->st_mode & 01777) | 0700, 0)
                 ? copy_failed(c, e)
                 : 0;
    else if (f->fts_info == FTS_F)
        rc = copy_file(c, f, parent, name, e);
    else if (f->fts_info == FTS_SL || f->fts_info == FTS_SLNONE)
        rc = copy_link(c, f, parent, name, e);
    (void)close(parent); /* devices, FIFOs and sockets are left out */
    return rc;
}

static int copy_all(struct copying *c, FTS *walk, size_t top, struct err *e)
{
    const FTSENT *f;

    for (errno = 0; (f = fts_read(walk)); errno = 0) {
        c->path = f->fts_pathlen > top ? f->fts_path + top : "";
        if (f->fts_info == FTS_DNR || f->fts_info == FTS_ERR || f->fts_info == FTS_NS) {
            errno = f->fts_errno;
            return copy_failed(c, e);
        }
        if (f->fts_info == FTS_DP || !*c->path)
            continue;
        if (++c->found.entries > c->rules->entries)
            return err_set(e, ERR_TOO_LARGE, "The folder has more than %zu entries.", c->rules->entries);
        if (copy_entry(c, f, e))
            return -1;
    }
    c->path = ".";
    return errno ? copy_failed(c, e) : 0;
}

int tarball_copy(int from, int dir, const struct tarball_rules *rules, struct tarball *out, struct err *e)
{
    struct copying c = {.dir = dir, .rules = rules, .chunk = malloc(CHUNK), .path = "."};
    char top[40];
    char *const tops[] = {top, NULL};
    FTS *walk;
    int rc = -1;

    (void)snprintf(top, sizeof(top), "/proc/self/fd/%d/.", from);
    walk = c.chunk ? fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
    if (walk) {
        rc = copy_all(&c, walk, strlen(top) + 1, e);
        (void)fts_close(walk);
    } else {
        (void)copy_failed(&c, e);
    }
    free(c.chunk);
    *out = c.found;
    return rc;
}
