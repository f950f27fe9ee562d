/* SPDX-License-Identifier: MIT
 *
 * The socket `ctl` in the attempt's folder, and the signal that has a shim make it.
 */
#include "engines/local/shim_call.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engines/local/procs.h"
#include "engines/local/proto.h"
#include "engines/local/record.h"

int shim_record(int dir, const char *name, const char *attempt, struct record *r)
{
    char text[RECORD_MAX + 1];
    struct stat st;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t n;

    if (fd < 0)
        return -1;
    n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, text, sizeof(text)) : -1;
    (void)close(fd);
    if (n <= 0 || record_parse(text, (size_t)n, r) || strcmp(r->attempt, attempt) != 0)
        return -1;
    return 0;
}

int shim_call(int dir, const struct record *r)
{
    int fd = proto_connect(dir, "ctl");

    if (fd >= 0 || errno != ENOENT)
        return fd;
    const bool lives = procs_signal((pid_t)r->pid, r->ticks, SHIM_LISTEN);
    if (lives)
        (void)procs_signal((pid_t)r->pid, r->ticks, SIGCONT); /* its task may have stopped it */
    errno = lives ? EAGAIN : ESRCH;
    return -1;
}
