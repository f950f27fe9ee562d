/* SPDX-License-Identifier: MIT
 *
 * The task's output. Every byte read goes once into its own file and once into `all`, in the order in which it was
 * read; the three files are append-only and owned by the server's user. Most tasks print nothing to one of the two, and
 * many nothing at all: then there is no file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "engines/local/shim.h"

static const char *const shim_io_names[SHIM_LOGS] = {"stdout", "stderr", "all"};

int shim_io_open(struct shim_io *io, int dirfd, const int pipes[2], int64_t cap, struct err *e)
{
    memset(io, 0, sizeof(*io));
    io->pipes[0] = pipes[0];
    io->pipes[1] = pipes[1];
    io->chunk = malloc(SHIM_CHUNK);
    if (!io->chunk)
        return err_set(e, ERR_INTERNAL, "out of memory");
    for (int i = 0; i < SHIM_LOGS; i++)
        io->logs[i] = (struct shim_log){.dir = dirfd, .name = shim_io_names[i], .fd = -1, .cap = cap};
    /* Only our end: a task that finds its stdout non-blocking would lose output. */
    for (int i = 0; i < 2; i++)
        if (fcntl(pipes[i], F_SETFL, O_NONBLOCK))
            return err_errno(e, errno, "cannot set up a pipe");
    return 0;
}

/* Writes what is missing of the chunk into file `which`; *done counts. True when nothing is missing. */
static bool shim_io_write(struct shim_io *io, int which, size_t *done)
{
    while (*done < io->len) {
        size_t n = shim_log_put(&io->logs[which], io->chunk + *done, io->len - *done);

        if (n == 0)
            return false;
        *done += n;
    }
    return true;
}

bool shim_io_flush(struct shim_io *io)
{
    if (io->closed)
        io->len = 0;
    if (io->len > 0 && (!shim_io_write(io, io->source, &io->done[0]) || !shim_io_write(io, SHIM_ALL, &io->done[1]))) {
        if (io->blocked_since == 0)
            io->blocked_since = clock_read().mono;
        return false;
    }
    io->len = 0;
    io->blocked_since = 0;
    return true;
}

bool shim_io_pump(struct shim_io *io, int source)
{
    ssize_t n;

    if (io->pipes[source] < 0 || !shim_io_flush(io))
        return false;
    do
        n = read(io->pipes[source], io->chunk, SHIM_CHUNK);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        io->len = (size_t)n;
        io->source = source;
        io->done[0] = io->done[1] = 0;
        return shim_io_flush(io);
    }
    if (n == 0 || errno != EAGAIN) {
        (void)close(io->pipes[source]);
        io->pipes[source] = -1;
    }
    return false;
}

void shim_io_discard(struct shim_io *io)
{
    if (io->len > 0)
        io->lost += (int64_t)(io->len - io->done[1]);
    io->len = 0;
    io->blocked_since = 0;
}

bool shim_io_done(const struct shim_io *io)
{
    return io->pipes[0] < 0 && io->pipes[1] < 0 && io->len == 0;
}

void shim_io_end(struct shim_io *io)
{
    if (io->closed)
        return;
    io->closed = true;
    for (int i = 0; i < SHIM_LOGS; i++) {
        int64_t out = shim_log_end(&io->logs[i]);

        if (i == SHIM_ALL)
            io->lost += out;
        if (io->logs[i].bytes > 0)
            (void)fdatasync(io->logs[i].fd); /* nobody to tell; the exit file that follows reports worse */
    }
}
