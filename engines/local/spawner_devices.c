/* SPDX-License-Identifier: MIT
 *
 * One CLEAR of devices: a sandbox that stays without its GPUs (a debug reservation) may not open them any more. What is
 * asked for can only take away.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "engines/local/devices.h"
#include "engines/local/proto.h"
#include "engines/local/spawner.h"
#include "engines/local/task.h"

/* Version 1: each line to the file that takes devices away. 0 or -1. */
static int devices_deny(const char *group, const char *lines)
{
    int dir = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = dir < 0 ? -1 : 0;

    for (const char *next; rc == 0 && *lines; lines = next) {
        const size_t len = strcspn(lines, "\n");
        int fd = openat(dir, "devices.deny", O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

        next = lines + len + (lines[len] == '\n');
        rc = fd < 0 || fs_write_all(fd, lines, len) ? -1 : 0;
        if (fd >= 0)
            (void)close(fd);
    }
    if (dir >= 0)
        (void)close(dir);
    return rc;
}

/* Version 2: one more program, which allows what every task has; both must. 0 or -1. */
static int devices_bound(const char *group)
{
    struct devices_rule rules[DEVICES_RULES_MAX];
    const int count = devices_rules(NULL, 0, rules);
    int dir = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = dir < 0 || count < 0 ? -1 : devices_attach(dir, rules, (size_t)count);

    if (dir >= 0)
        (void)close(dir);
    return rc;
}

void spawner_devices(const struct spawner *s, int conn, const struct proto_msg *m)
{
    struct proto_msg answer = {.type = PROTO_CLEARED, .step = TASK_STEP_DEVICES};
    const char *base = s->cgroups.base[s->cgroups.version == 1 ? CGROUP_TREES - 1 : 0]; /* of devices: the last */
    char group[PATH_MAX];

    memcpy(answer.attempt, m->attempt, sizeof(answer.attempt));
    /* Without a group of devices there is nothing that could be taken away. */
    if (s->cgroups.devices &&
        (!id_valid(m->attempt) || snprintf(group, sizeof(group), "%s/%s", base, m->attempt) >= (int)sizeof(group) ||
         (s->cgroups.version == 1 ? devices_deny(group, m->text) : devices_bound(group))))
        answer.number = errno == ENOENT ? 0 : errno > 0 ? errno : EINVAL;
    (void)proto_send(conn, &answer, NULL, 0);
}
