/* SPDX-License-Identifier: MIT
 *
 * What this machine can give, found by doing it once: a control group with limits, a task's namespaces with everything
 * mounted (by a keeper on an empty attempt), an image's programs. What a kernel or a container around us forbids shows
 * here and nowhere else.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engines/local/level.h"
#include "engines/local/spawner.h"

#define PROBE_FOLDER ".probe"

/* Whether a keeper can build a sandbox with these guards. */
static bool probe_sandbox(const struct spawner *s, unsigned guards)
{
    struct keeper_order o = {.guards = guards, .spec = -1, .code = -1, .unpack = -1, .out = -1, .err = -1};
    int pair[2], status = -1;
    pid_t pid;

    if (snprintf(o.folder, sizeof(o.folder), "%s/run/" PROBE_FOLDER, s->data) >= (int)sizeof(o.folder) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return false;
    pid = spawner_keep(s, &o, pair);
    (void)close(pair[0]);
    (void)close(pair[1]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Whether run/.probe stands as an attempt's folder does; 0 or -1. */
static int probe_folder(const struct spawner *s, bool make)
{
    static const char *const folders[] = {PROBE_FOLDER, PROBE_FOLDER "/work", PROBE_FOLDER "/tmp"};
    static const char script[] = PROBE_FOLDER "/script";
    int fd;

    for (int i = 0; make && i < 3; i++)
        if (mkdirat(s->run_dir, folders[i], 0700) && errno != EEXIST)
            return -1;
    if (make) {
        fd = openat(s->run_dir, script, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        return fd < 0 ? -1 : close(fd);
    }
    (void)unlinkat(s->run_dir, script, 0);
    for (int i = 2; i >= 0; i--)
        (void)unlinkat(s->run_dir, folders[i], AT_REMOVEDIR);
    return 0;
}

static unsigned probe_namespaces(const struct spawner *s)
{
    static const unsigned ways[] = {LEVEL_NAMESPACES, LEVEL_NAMESPACES | LEVEL_USERNS};
    unsigned found = 0;

    if (probe_folder(s, true) == 0)
        for (size_t i = 0; i < 2 && !found; i++)
            if (probe_sandbox(s, ways[i]))
                found = ways[i];
    (void)probe_folder(s, false);
    return found;
}

void spawner_probe(struct spawner *s)
{
    char name[64];
    struct stat st;

    if (fstat(s->data_dir, &st))
        return;
    (void)snprintf(name, sizeof(name), "drover.%llx.%llx", (unsigned long long)st.st_dev,
                   (unsigned long long)st.st_ino);
    cgroup_find(&s->cgroups, name, s->above);
    s->guards = s->cgroups.version == 2 ? LEVEL_CGROUP2 : s->cgroups.version == 1 ? LEVEL_CGROUP1 : 0;
    s->guards |= s->cgroups.devices ? LEVEL_DEVICES : 0;
    s->guards |= s->users ? LEVEL_USERS : 0;
    s->guards |= probe_namespaces(s);
    if ((s->guards & LEVEL_NAMESPACES) && access(KEEPER_BWRAP, X_OK) == 0)
        s->guards |= LEVEL_BWRAP;
    if ((s->guards & LEVEL_NAMESPACES) && !(s->guards & LEVEL_USERNS) && access(KEEPER_RUNC, X_OK) == 0)
        s->guards |= LEVEL_RUNC;
}
