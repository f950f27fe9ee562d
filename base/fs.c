/* SPDX-License-Identifier: MIT
 *
 * Reading small files and replacing them durably. The order write, fsync, rename, fsync of the folder is what makes a
 * replaced file either old or new after a power cut, never half.
 */
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"

int fs_write_all(int fd, const void *data, size_t len)
{
    const char *p = data;

    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Without openat2 (old kernels, strict filters): step by step, each a name in a folder that is open. */
static int fs_walk(int dir, const char *path, int flags)
{
    char step[NAME_MAX + 1];
    int at = dir;

    for (;;) {
        size_t len = strcspn(path, "/");
        bool last = path[len] == '\0';
        int next;

        if (len == 0 || len > NAME_MAX) {
            next = -1;
            errno = len ? ENAMETOOLONG : ENOENT;
        } else {
            memcpy(step, path, len);
            step[len] = '\0';
            next = openat(at, step, (last ? flags : O_RDONLY | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
        }
        if (at != dir) {
            int saved = errno;

            (void)close(at);
            errno = saved;
        }
        if (next < 0 || last)
            return next;
        at = next;
        path += len + 1;
    }
}

/* Whether every step of the path is a name: none empty, "." or "..". */
static bool fs_steps_plain(const char *path)
{
    for (const char *p = path;; p++) {
        size_t len = strcspn(p, "/");

        if (len == 0 || (p[0] == '.' && (len == 1 || (len == 2 && p[1] == '.'))))
            return false;
        p += len;
        if (!*p)
            return true;
    }
}

int fs_open_beneath(int dir, const char *path, int flags)
{
    struct open_how how = {.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    int fd;

    flags |= O_NONBLOCK;
    if (!*path)
        return openat(dir, ".", flags | O_CLOEXEC);
    if (!fs_steps_plain(path)) {
        errno = ENOENT;
        return -1;
    }
    how.flags = (uint64_t)(unsigned)(flags | O_NOFOLLOW | O_CLOEXEC);
    fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
    return fd < 0 && (errno == ENOSYS || errno == EPERM) ? fs_walk(dir, path, flags) : fd;
}

/* ---- removing a tree ---- */

#define FS_TREE_DEPTH 64 /* folders open at a time; what lies deeper is moved up first */

struct fs_tree {
    int top;          /* the tree's own folder */
    unsigned moved;   /* folders that were moved up */
    int failure;      /* errno of the first that could not be removed */
    bool moved_since; /* since the last look at the top */
};

static void fs_tree_fail(struct fs_tree *t)
{
    if (t->failure == 0)
        t->failure = errno;
}

static void fs_tree_empty(struct fs_tree *t, int dir, int depth);

static void fs_tree_folder(struct fs_tree *t, int dir, const char *name, int depth)
{
    char up[32];
    int fd;

    if (depth >= FS_TREE_DEPTH) {
        (void)snprintf(up, sizeof(up), ".drover-deep-%u", t->moved++);
        if (renameat(dir, name, t->top, up))
            fs_tree_fail(t);
        t->moved_since = true;
        return;
    }
    fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == EACCES && fchmodat(dir, name, 0700, 0) == 0)
        fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        fs_tree_fail(t);
        return;
    }
    (void)fchmod(fd, 0700);
    fs_tree_empty(t, fd, depth + 1);
    if (unlinkat(dir, name, AT_REMOVEDIR))
        fs_tree_fail(t);
}

/* Removes what is in the folder, and closes it. */
static void fs_tree_empty(struct fs_tree *t, int dir, int depth)
{
    DIR *d = fdopendir(dir);
    struct dirent *entry;

    if (!d) {
        fs_tree_fail(t);
        (void)close(dir);
        return;
    }
    while ((entry = readdir(d))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(dir, entry->d_name, 0) == 0)
            continue;
        if (errno == EISDIR || errno == EPERM)
            fs_tree_folder(t, dir, entry->d_name, depth);
        else
            fs_tree_fail(t);
    }
    (void)closedir(d);
}

int fs_remove_tree(int dir, const char *name)
{
    struct fs_tree t = {.top = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};

    if (t.top < 0)
        return -1;
    (void)fchmod(t.top, 0700);
    do {
        int again = openat(t.top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        t.moved_since = false;
        if (again < 0)
            fs_tree_fail(&t);
        else
            fs_tree_empty(&t, again, 0);
    } while (t.moved_since && t.failure == 0);
    (void)close(t.top);
    if (t.failure == 0 && unlinkat(dir, name, AT_REMOVEDIR))
        return -1;
    errno = t.failure;
    return t.failure ? -1 : 0;
}

/* Reads `fd` to its end, at most `max` bytes. */
static int fs_read_fd(int fd, const char *path, size_t max, struct buf *out, struct err *e)
{
    char chunk[16384];
    size_t total = 0;

    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, errno, "cannot read %s", path);
        if (n == 0)
            return 0;
        /* The file may have grown since fstat, so the cap is checked here too. */
        if ((size_t)n > max - total)
            return err_set(e, ERR_TOO_LARGE, "%s is larger than %zu bytes", path, max);
        total += (size_t)n;
        if (buf_add(out, chunk, (size_t)n))
            return err_set(e, ERR_INTERNAL, "cannot read %s: out of memory", path);
    }
}

int fs_read(const char *path, size_t max, struct buf *out, struct err *e)
{
    struct stat st;
    int rc = -1;
    /* O_NONBLOCK: a FIFO at this place must not make us wait for a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    if (fd < 0)
        return err_errno(e, errno, "cannot open %s", path);
    if (fstat(fd, &st)) {
        err_errno(e, errno, "cannot stat %s", path);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        err_set(e, ERR_INTERNAL, "%s is not a regular file", path);
        goto out;
    }
    if ((uintmax_t)st.st_size > max) {
        err_set(e, ERR_TOO_LARGE, "%s is larger than %zu bytes", path, max);
        goto out;
    }
    rc = fs_read_fd(fd, path, max, out, e);
out:
    (void)close(fd);
    return rc;
}

/* What a file is to hold. */
struct fs_content {
    const void *data;
    size_t len;
    mode_t mode;
};

/* Creates the temporary with its final mode and content on disk. Closes; removes it again on failure. */
static int fs_write_temp(int dirfd, const char *temp, const struct fs_content *c)
{
    int fd = openat(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, c->mode);
    int saved = 0;

    if (fd < 0)
        return -1;
    if (fchmod(fd, c->mode) || fs_write_all(fd, c->data, c->len) || fsync(fd))
        saved = errno;
    if (close(fd) && !saved)
        saved = errno;
    if (!saved)
        return 0;
    (void)unlinkat(dirfd, temp, 0);
    errno = saved;
    return -1;
}

static int fs_replace(int dirfd, const char *name, const struct fs_content *c, struct err *e)
{
    char random[17];
    char temp[NAME_MAX + 1];
    int n;

    id_random_hex(random, 8);
    n = snprintf(temp, sizeof(temp), ".%s.%s", name, random);
    if (n < 0 || (size_t)n >= sizeof(temp) || strchr(name, '/'))
        return err_set(e, ERR_INTERNAL, "cannot write %s: bad file name", name);
    if (fs_write_temp(dirfd, temp, c))
        return err_errno(e, errno, "cannot write %s", name);
    if (renameat(dirfd, temp, dirfd, name)) {
        (void)err_errno(e, errno, "cannot rename to %s", name);
        (void)unlinkat(dirfd, temp, 0);
        return -1;
    }
    if (fsync(dirfd))
        return err_errno(e, errno, "cannot sync the folder of %s", name);
    return 0;
}

int fs_write_atomic_at(int dirfd, const char *name, const void *data, size_t len, struct err *e)
{
    return fs_replace(dirfd, name, &(struct fs_content){.data = data, .len = len, .mode = 0600}, e);
}

int fs_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
    const struct fs_content content = {.data = data, .len = len, .mode = mode};
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    int dirfd, rc;

    if (n >= sizeof(folder))
        return err_errno(e, ENAMETOOLONG, "cannot write %s", path);
    memcpy(folder, path, n);
    folder[n] = '\0';
    dirfd = open(!slash ? "." : n == 0 ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0)
        return err_errno(e, errno, "cannot open the folder of %s", path);
    rc = fs_replace(dirfd, slash ? slash + 1 : path, &content, e);
    (void)close(dirfd);
    return rc;
}

int fs_mkdir(const char *path, mode_t mode, struct err *e)
{
    struct stat st;

    if (mkdir(path, mode) == 0)
        return 0;
    if (errno != EEXIST)
        return err_errno(e, errno, "cannot create the folder %s", path);
    if (stat(path, &st))
        return err_errno(e, errno, "cannot stat %s", path);
    if (!S_ISDIR(st.st_mode))
        return err_errno(e, ENOTDIR, "cannot use %s", path);
    return 0;
}
