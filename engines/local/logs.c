/* SPDX-License-Identifier: MIT
 *
 * Logs for the server's routes. See DATA/run/<attempt> in local_find.c: `exit` or `lost` closes the logs.
 */
#include "engines/local/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/id.h"

const char *const logs_streams[LOGS_STREAMS] = {"stdout", "stderr", "all"};

/* DATA/run, below the data folder that the admin names, and that may be a link. */
static int logs_run(const char *data)
{
    int top = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int run = top < 0 ? -1 : fs_open_beneath(top, "run", O_RDONLY | O_DIRECTORY);
    int saved = errno;

    if (top >= 0)
        (void)close(top);
    errno = saved;
    return run;
}

DIR *logs_list(const char *data, int *run)
{
    DIR *d;
    int saved;

    *run = logs_run(data);
    d = *run < 0 ? NULL : fdopendir(*run);
    saved = errno;
    if (!d && *run >= 0)
        (void)close(*run);
    errno = saved;
    return d;
}

int64_t logs_ended(int dir)
{
    static const char *const ends[] = {"exit", "lost"};
    struct stat st;

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (fstatat(dir, ends[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
            return st.st_mtim.tv_sec > 0 ? (int64_t)st.st_mtim.tv_sec * 1000 : 1;
    return 0;
}

bool logs_kept(int dir)
{
    if (faccessat(dir, "exit", F_OK, AT_SYMLINK_NOFOLLOW))
        return false;
    if (flock(dir, LOCK_EX | LOCK_NB))
        return errno == EWOULDBLOCK;
    (void)flock(dir, LOCK_UN);
    return false;
}

int logs_open_file(int dir, const char *name)
{
    struct stat st;
    int fd = fs_open_beneath(dir, name, O_RDONLY);

    if (fd < 0)
        return -1;
    /* A FIFO, a device or another name of somebody's file has been put there by the task. */
    bool known = fstat(fd, &st) == 0;
    if (known && S_ISREG(st.st_mode) && st.st_nlink == 1 && st.st_uid == geteuid())
        return fd;
    (void)close(fd);
    errno = known && st.st_nlink == 0 ? ENOENT : EPERM; /* removed since it was opened: packed meanwhile */
    return -1;
}

int logs_folder(const char *data, const char *attempt)
{
    int run = logs_run(data);
    int dir = run < 0 ? -1 : fs_open_beneath(run, attempt, O_RDONLY | O_DIRECTORY);
    int saved = errno;

    if (run >= 0)
        (void)close(run);
    errno = saved;
    return dir;
}

/* The plain file, else the packed one: the other way round, one packed in between would be missed. Of a task that has
 * begun and not printed there is neither. */
static int logs_open_either(struct logs *f, struct err *e)
{
    char packed[16];
    bool plain = true;

    f->fd = logs_open_file(f->dir, f->stream);
    if (f->fd < 0 && errno == ENOENT) {
        (void)snprintf(packed, sizeof(packed), "%s" LOGS_PACKED, f->stream);
        f->fd = logs_open_file(f->dir, packed);
        plain = false;
    }
    if (f->fd >= 0)
        return plain ? 0 : log_shelf_open(f->shelf, &f->packed, f->fd, e);
    if (errno == ENOENT && faccessat(f->dir, "shim", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    if (errno == ENOENT || errno == ELOOP || errno == EPERM)
        return err_set(e, ERR_NO_TASK_LOG, "The log of this task attempt is not there.");
    return err_errno(e, errno, "cannot open the log");
}

int logs_open(struct logs *f, struct log_shelf *shelf, const char *attempt, const char *stream, struct err *e)
{
    size_t i = 0;
    int rc;

    *f = (struct logs){.dir = -1, .fd = -1, .shelf = shelf};
    while (i < LOGS_STREAMS && strcmp(logs_streams[i], stream) != 0)
        i++;
    if (i == LOGS_STREAMS || !id_valid(attempt))
        return err_set(e, ERR_NO_TASK_LOG, "There is no such log.");
    f->stream = logs_streams[i];
    f->dir = logs_folder(log_shelf_data(shelf), attempt);
    if (f->dir >= 0)
        rc = logs_open_either(f, e);
    else if (errno == ENOENT || errno == ELOOP)
        rc = err_set(e, ERR_NO_TASK_LOG, "The log of this task attempt is not there.");
    else
        rc = err_errno(e, errno, "cannot open the log");
    if (rc)
        logs_close(f);
    return rc;
}

int logs_size(struct logs *f, int64_t *size, bool *complete, struct err *e)
{
    struct stat st;

    /* First the mark of the end, then the size: the other way round, bytes in between would be missed. */
    *complete = logs_ended(f->dir) != 0;
    *size = 0;
    if (f->fd < 0 && logs_open_either(f, e))
        return -1;
    if (f->fd < 0)
        return 0;
    if (f->packed.shelf) {
        *size = f->packed.segment.size;
        return 0;
    }
    if (fstat(f->fd, &st))
        return err_errno(e, errno, "cannot stat the log");
    *size = st.st_size;
    return 0;
}

int64_t logs_read(struct logs *f, int64_t offset, void *out, size_t len, struct err *e)
{
    ssize_t n;

    if (offset < 0)
        return err_set(e, ERR_INVALID_PARAMETERS, "The offset into a log is negative.");
    if (f->fd < 0 && logs_open_either(f, e))
        return -1;
    if (f->fd < 0)
        return 0;
    if (f->packed.shelf)
        return log_shelf_read(&f->packed, offset, out, len, e);
    do
        n = pread(f->fd, out, len, offset);
    while (n < 0 && errno == EINTR);
    return n < 0 ? err_errno(e, errno, "cannot read the log") : n;
}

int64_t logs_count_lines(const char *text, size_t len)
{
    int64_t n = 0;

    for (const char *p = text, *end = text + len; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++)
        n++;
    return n;
}

void logs_close(struct logs *f)
{
    if (f->fd >= 0)
        (void)close(f->fd);
    if (f->dir >= 0)
        (void)close(f->dir);
    f->dir = f->fd = -1;
}
