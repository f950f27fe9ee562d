/* SPDX-License-Identifier: MIT
 *
 * Logs for the server's routes. See DATA/run/<attempt> in local_find.c: `exit` or `lost` closes the logs.
 */
#include "engines/local/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/id.h"

static const char *const logs_streams[] = {"stdout", "stderr", "all"};

/* The attempt's folder, step by step below the data folder (which the admin names, and may be a link). */
static int logs_folder(const char *data, const char *attempt)
{
    int top = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int run = top < 0 ? -1 : fs_open_beneath(top, "run", O_RDONLY | O_DIRECTORY);
    int dir = run < 0 ? -1 : fs_open_beneath(run, attempt, O_RDONLY | O_DIRECTORY);
    int saved = errno;

    if (run >= 0)
        (void)close(run);
    if (top >= 0)
        (void)close(top);
    errno = saved;
    return dir;
}

int logs_open(struct logs *f, const char *data, const char *attempt, const char *stream, struct err *e)
{
    struct stat st;
    size_t i = 0;

    f->dir = f->fd = -1;
    while (i < sizeof(logs_streams) / sizeof(logs_streams[0]) && strcmp(logs_streams[i], stream) != 0)
        i++;
    if (i == sizeof(logs_streams) / sizeof(logs_streams[0]) || !id_valid(attempt))
        return err_set(e, ERR_NO_TASK_LOG, "There is no such log.");
    f->dir = logs_folder(data, attempt);
    if (f->dir >= 0)
        f->fd = fs_open_beneath(f->dir, logs_streams[i], O_RDONLY);
    if (f->fd < 0 && errno != ENOENT && errno != ELOOP) {
        (void)err_errno(e, errno, "cannot open the log");
        logs_close(f);
        return -1;
    }
    /* A FIFO, a device or another name of somebody's file has been put there by the task. */
    if (f->fd < 0 || fstat(f->fd, &st) || !S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_uid != geteuid()) {
        logs_close(f);
        return err_set(e, ERR_NO_TASK_LOG, "The log of this task attempt is not there.");
    }
    return 0;
}

int logs_size(const struct logs *f, int64_t *size, bool *complete, struct err *e)
{
    struct stat st;

    /* First the mark of the end, then the size: the other way round, bytes in between would be missed. */
    *complete = faccessat(f->dir, "exit", F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
                faccessat(f->dir, "lost", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    if (fstat(f->fd, &st))
        return err_errno(e, errno, "cannot stat the log");
    *size = st.st_size;
    return 0;
}

int64_t logs_read(const struct logs *f, int64_t offset, void *out, size_t len, struct err *e)
{
    ssize_t n;

    if (offset < 0)
        return err_set(e, ERR_INVALID_PARAMETERS, "The offset into a log is negative.");
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
