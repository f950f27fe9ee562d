/* SPDX-License-Identifier: MIT
 *
 * From the id of an attempt to the process that is its command.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "engines/local/procs.h"
#include "engines/local/spawner.h"
#include "engines/local/warden.h"

#define WARDEN_ENV_BYTES (4u << 20)
#define WARDEN_FILE_BYTES 65536u

/* A file of a process in /proc, with a NUL behind it. The caller frees `out` in any case. */
static int warden_read(pid_t pid, const char *file, size_t most, struct buf *out)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    buf_init(out, most + 1);
    return fs_read(path, most, out, NULL) || buf_addc(out, '\0') ? -1 : 0;
}

static void warden_groups(const char *text, struct warden_process *out)
{
    char *end;

    for (; out->group_count < KEEPER_GROUPS; text = end) {
        const unsigned long group = strtoul(text, &end, 10);

        if (end == text)
            return;
        out->groups[out->group_count++] = (gid_t)group;
    }
}

/* One line of a status: its key up to the colon, and what stands behind the tab. */
static void warden_line(const char *key, char *value, struct warden_process *out)
{
    const struct {
        const char *key;
        unsigned long *value;
        int count, base;
    } numbers[] = {{"Uid", out->uid, 4, 10},          {"Gid", out->gid, 4, 10},
                   {"PPid", &out->parent, 1, 10},     {"Umask", &out->mask, 1, 8},
                   {"CapBnd", &out->bounding, 1, 16}, {"NoNewPrivs", &out->no_new_privs, 1, 10}};

    if (strcmp(key, "Name") == 0)
        (void)snprintf(out->name, sizeof(out->name), "%s", value);
    if (strcmp(key, "Groups") == 0)
        warden_groups(value, out);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        for (int n = 0; strcmp(key, numbers[i].key) == 0 && n < numbers[i].count; n++)
            numbers[i].value[n] = strtoul(value, &value, numbers[i].base);
}

/* The kernel escapes newlines in a process's name, so that each line is its own. 0 or -1. */
static int warden_status(pid_t pid, struct warden_process *out)
{
    struct buf text;
    char *save = NULL;
    int rc = warden_read(pid, "status", WARDEN_FILE_BYTES, &text);

    memset(out, 0, sizeof(*out));
    for (char *line = rc ? NULL : strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *tab = strchr(line, '\t');

        if (!tab || tab == line)
            continue;
        tab[-1] = '\0'; /* the colon */
        warden_line(line, tab + 1, out);
    }
    buf_fini(&text);
    return rc;
}

/* Whether the process is a shim with this folder: it says so, and is of the server's user. */
static bool warden_is_shim(const struct warden *w, pid_t pid)
{
    struct warden_process status;
    struct buf text;
    bool found = false;

    if (warden_read(pid, "cmdline", WARDEN_FILE_BYTES, &text) == 0)
        for (size_t at = 0; !found && at + 1 < text.len; at += strlen(text.data + at) + 1)
            found = strcmp(text.data + at, "--folder") == 0 && at + 9 < text.len &&
                    strcmp(text.data + at + 9, w->folder) == 0;
    buf_fini(&text);
    return found && warden_status(pid, &status) == 0 && strcmp(status.name, "drover-shim") == 0 &&
           status.uid[0] == w->order.owner;
}

/* The oldest child of a process; with `above` 0, the shim. 0 when there is none. */
static pid_t warden_child(const struct warden *w, pid_t above)
{
    DIR *dir = opendir("/proc");
    int64_t oldest = 0;
    pid_t found = 0;

    for (const struct dirent *d = dir ? readdir(dir) : NULL; d; d = readdir(dir)) {
        pid_t pid = (pid_t)strtol(d->d_name, NULL, 10), parent = 0;
        int64_t ticks = pid > 0 ? procs_start_ticks(pid, &parent) : -1;

        if (ticks >= 0 && (!found || ticks < oldest) && (above ? parent == above : warden_is_shim(w, pid))) {
            found = pid;
            oldest = ticks;
        }
    }
    if (dir)
        (void)closedir(dir);
    return found;
}

/* A keeper of ours: where we are root, nobody else can make a process of root out of our file. */
static bool warden_is_keeper(const struct warden *w, const struct warden_process *status)
{
    char path[64], exe[PATH_MAX + 16];
    const size_t len = strlen(w->order.keeper);
    ssize_t n;

    if (strcmp(status->name, "drover-keeper") != 0 || status->uid[0] != geteuid() || status->uid[3] != geteuid())
        return false;
    if (geteuid() != 0)
        return true; /* who could deceive us is us */
    (void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)w->keeper);
    n = readlink(path, exe, sizeof(exe) - 1);
    if (n < (ssize_t)len || strncmp(exe, w->order.keeper, len) != 0)
        return false;
    exe[n] = '\0';
    return exe[len] == '\0' || strcmp(exe + len, " (deleted)") == 0; /* of before an upgrade */
}

static bool warden_named(const struct warden_process *p, const char *const names[])
{
    for (size_t i = 0; names[i]; i++)
        if (strncmp(p->name, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static int warden_keeper(struct warden *w)
{
    const pid_t shim = warden_child(w, 0);
    struct warden_process keeper;

    w->step = "task";
    w->keeper = shim ? warden_child(w, shim) : 0;
    w->keeper_fd = w->keeper ? (int)syscall(SYS_pidfd_open, w->keeper, 0) : -1;
    if (w->keeper_fd >= 0 && warden_status(w->keeper, &keeper) == 0 && (pid_t)keeper.parent == shim &&
        warden_is_keeper(w, &keeper))
        return 0;
    errno = ESRCH;
    return -1;
}

/* The task's command, below what enters its image. EAGAIN: there is none yet, or none any more. */
static int warden_command(struct warden *w)
{
    /* What is ours up to its exec, or has the rights of who makes the image's container, is nobody's command. */
    static const char *const ours[] = {"drover-keeper", "drover-unpack", NULL}, *const enters[] = {"runc", "bwrap",
                                                                                                   NULL};

    w->command = w->keeper;
    for (int depth = 0; depth < 3; depth++) {
        const pid_t above = w->command;

        w->command = warden_child(w, above);
        w->command_fd = w->command ? (int)syscall(SYS_pidfd_open, w->command, 0) : -1;
        if (w->command_fd < 0 || warden_status(w->command, &w->status) || (pid_t)w->status.parent != above ||
            warden_named(&w->status, ours))
            break;
        if (!warden_named(&w->status, enters))
            return 0;
        (void)close(w->command_fd);
    }
    errno = EAGAIN;
    return -1;
}

/* Whether a process as this one may be started: nobody whom a start would refuse, nothing of the kernel's rights. */
static int warden_allowed(const struct warden *w)
{
    const struct warden_process *c = &w->status;
    const uid_t expected = geteuid() == 0 ? w->order.owner : geteuid();
    bool same = true;

    for (int i = 1; i < 4; i++)
        same = same && c->uid[i] == c->uid[0] && c->gid[i] == c->gid[0];
    for (int i = 0; w->order.users && i < c->group_count; i++)
        same = same && c->groups[i] != 0;
    errno = EACCES;
    if (!same || !c->no_new_privs || c->group_count == KEEPER_GROUPS)
        return -1;
    return (w->order.users ? c->uid[0] >= SPAWNER_UID_MIN && c->gid[0] != 0 : c->uid[0] == expected) ? 0 : -1;
}

int warden_as(uid_t uid, gid_t gid)
{
    if (geteuid() != 0)
        return 0;
    (void)setfsuid(uid); /* on the way back this is what returns the rights on files; the next line does not */
    if (setresgid(gid, (gid_t)-1, (gid_t)-1) || setresuid(uid, (uid_t)-1, (uid_t)-1))
        return -1;
    (void)setfsgid(gid);
    (void)setfsuid(uid);
    return 0;
}

int warden_find(struct warden *w)
{
    struct buf env;
    int rc;

    if (warden_keeper(w) || warden_command(w))
        return -1;
    w->step = "user";
    if (warden_allowed(w) || warden_as((uid_t)w->status.uid[0], (gid_t)w->status.gid[0]))
        return -1;
    w->step = "environment";
    rc = warden_read(w->command, "environ", WARDEN_ENV_BYTES, &env);
    w->env = buf_take(&env, &w->env_len);
    return rc || !w->env ? -1 : 0;
}
