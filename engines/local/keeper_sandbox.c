/* SPDX-License-Identifier: MIT
 *
 * What a task sees of the machine, in a mount namespace of its own. Below t->root (an image) or / (the host):
 *
 *   /dev       null, zero, full, random, urandom, tty, its terminals, its shared memory, its own GPUs and no others
 *   /tmp       the attempt's folder tmp; /var/tmp too
 *   DATA       empty but for the attempt's own work and tmp, and its script, which lies in memory only: no database, no
 *              key, no socket, no other job
 *   /proc      its own processes
 *   mounts     the folders that the job was given
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fs.h"
#include "engines/local/keeper.h"
#include "engines/local/level.h"
#include "engines/local/task.h"

#define SANDBOX_SHM_MB 64 /* as containers have it */

static const char *const sandbox_names[2] = {"work", "tmp"}; /* the attempt's own folders */

/* How something is mounted. */
struct sandbox_flags {
    unsigned long flags;
    const char *options;
    bool file; /* onto a file, not a folder */
};

static const char *const sandbox_devices[] = {"/dev/null",   "/dev/zero",    "/dev/full",
                                              "/dev/random", "/dev/urandom", "/dev/tty"};

static const struct {
    const char *target, *name;
} sandbox_links[] = {{"pts/ptmx", "ptmx"},
                     {"/proc/self/fd", "fd"},
                     {"/proc/self/fd/0", "stdin"},
                     {"/proc/self/fd/1", "stdout"},
                     {"/proc/self/fd/2", "stderr"}};

/* Opens `path` of the task's root as the task will see it: a link of an image leads within the image. -1 with errno. */
static int sandbox_look(const struct keeper_task *t, const char *path, int flags)
{
    struct open_how how = {.flags = (unsigned long long)(flags | O_PATH | O_CLOEXEC), .resolve = RESOLVE_IN_ROOT};
    int root = open(t->root[0] ? t->root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = root < 0 ? -1 : (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

    if (root >= 0)
        (void)close(root);
    return fd;
}

int keeper_place(const struct keeper_task *t, const char *path, bool folder)
{
    char part[PATH_MAX];
    int fd, parent;
    char *name;

    if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = sandbox_look(t, path, folder ? O_DIRECTORY : 0);
    name = strrchr(part, '/');
    if (fd >= 0 || errno != ENOENT || !name || !name[1])
        return fd;
    *name++ = '\0';
    parent = keeper_place(t, part[0] ? part : "/", true);
    if (parent < 0)
        return -1;
    if (folder)
        (void)mkdirat(parent, name, 0755); /* whether it is there is seen below */
    else if ((fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644)) >= 0)
        (void)close(fd);
    (void)close(parent);
    return sandbox_look(t, path, folder ? O_DIRECTORY : 0);
}

/* Notes that there is no place for `path`; of an image that is the image's fault. -1, errno kept. */
static int sandbox_no_place(struct keeper_task *t, const char *path)
{
    const int number = errno;

    (void)snprintf(t->place, sizeof(t->place), "%s", path);
    if (t->root[0] && (number == ENOTDIR || number == ELOOP || number == EEXIST || number == EISDIR))
        t->step = TASK_STEP_PLACE;
    errno = number;
    return -1;
}

/* mount(2) at a place of the task's root, which is made where it is missing. 0 or -1. */
static int sandbox_mount(struct keeper_task *t, const char *path, const char *source, const char *type,
                         const struct sandbox_flags *f)
{
    int fd = keeper_place(t, path, !f->file), rc;
    char at[40];

    if (fd < 0)
        return sandbox_no_place(t, path);
    (void)snprintf(at, sizeof(at), "/proc/self/fd/%d", fd);
    rc = mount(source, at, type, f->flags, f->options);
    (void)close(fd);
    return rc;
}

/* A new file system there. */
static int sandbox_new(struct keeper_task *t, const char *path, const char *type, unsigned long flags,
                       const char *options)
{
    return sandbox_mount(t, path, type, type, &(struct sandbox_flags){.flags = flags, .options = options});
}

/* Binds what the descriptor stands for (a path may be covered by now) onto that place. */
static int sandbox_bind(struct keeper_task *t, int fd, const char *path, unsigned long flags)
{
    struct sandbox_flags f = {.flags = MS_BIND};
    char source[40];
    struct statvfs fs;
    struct stat st;

    if (fd < 0 || fstat(fd, &st))
        return -1;
    (void)snprintf(source, sizeof(source), "/proc/self/fd/%d", fd);
    f.file = !S_ISDIR(st.st_mode);
    f.flags |= f.file ? 0 : MS_REC;
    if (sandbox_mount(t, path, source, NULL, &f))
        return -1;
    if (!flags)
        return 0;
    /* In a user namespace what was read-only or without programs must stay so. */
    if (fstatvfs(fd, &fs) == 0)
        flags |= fs.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC); /* MS_ flags of the same values */
    f.flags = MS_BIND | MS_REMOUNT | flags;
    return sandbox_mount(t, path, NULL, NULL, &f);
}

static int sandbox_open(const char *path)
{
    return open(path, O_PATH | O_CLOEXEC);
}

/* ---- /dev ---- */

static int sandbox_dev_fill(struct keeper_task *t, const int *fds, size_t count)
{
    char path[PATH_MAX], options[64];
    int64_t shm_mb = t->spec.shm_mb ? t->spec.shm_mb : SANDBOX_SHM_MB;
    int dev, rc = 0;

    for (size_t i = 0; i < count; i++) {
        const size_t common = sizeof(sandbox_devices) / sizeof(sandbox_devices[0]);
        const char *name = i < common ? sandbox_devices[i] : t->spec.devices[i - common];

        if (snprintf(path, sizeof(path), "/dev/%s", strrchr(name, '/') + 1) >= (int)sizeof(path) ||
            sandbox_bind(t, fds[i], path, 0))
            return -1;
    }
    dev = keeper_place(t, "/dev", true);
    for (size_t i = 0; dev >= 0 && rc == 0 && i < sizeof(sandbox_links) / sizeof(sandbox_links[0]); i++)
        rc = symlinkat(sandbox_links[i].target, dev, sandbox_links[i].name);
    if (dev < 0 || close(dev) || rc ||
        sandbox_new(t, "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620"))
        return -1;
    (void)snprintf(options, sizeof(options), "mode=1777,size=%lldm", (long long)shm_mb);
    return sandbox_new(t, "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, options);
}

/* The devices are opened before their folder is covered. */
static int sandbox_dev(struct keeper_task *t)
{
    const size_t common = sizeof(sandbox_devices) / sizeof(sandbox_devices[0]);
    const struct sandbox_flags sealed = {.flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOEXEC};
    int fds[sizeof(sandbox_devices) / sizeof(sandbox_devices[0]) + TASKSPEC_DEVICES_MAX];
    size_t count = 0;
    int rc = -1;

    t->step = "devices";
    for (; count < common + t->spec.device_count; count++) {
        struct stat st;

        fds[count] = sandbox_open(count < common ? sandbox_devices[count] : t->spec.devices[count - common]);
        if (fds[count] < 0)
            goto out;
        if (fstat(fds[count], &st) || !S_ISCHR(st.st_mode)) {
            errno = ENODEV; /* a file or disk by that name is no GPU */
            count++;
            goto out;
        }
    }
    if (sandbox_new(t, "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=64k") == 0 &&
        sandbox_dev_fill(t, fds, count) == 0)
        rc = sandbox_mount(t, "/dev", NULL, NULL, &sealed);
out:
    for (size_t i = 0; i < count; i++)
        (void)close(fds[i]);
    return rc;
}

/* ---- folders ---- */

/* The script, for a shell to read: the task's user's, and never on a disk. */
static int sandbox_script(struct keeper_task *t)
{
    char path[PATH_MAX], at[40];
    int place, fd = -1, rc = -1;

    if (t->spec.plain)
        return 0;
    if (snprintf(path, sizeof(path), "%s/script", t->order.folder) >= (int)sizeof(path) ||
        (place = keeper_place(t, path, false)) < 0)
        return -1;
    (void)snprintf(at, sizeof(at), "/proc/self/fd/%d", place);
    fd = open(at, O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && fs_write_all(fd, t->spec.script, t->spec.script_len) == 0 && fchmod(fd, 0600) == 0)
        rc = t->order.change_user ? fchown(fd, t->order.user.uid, t->order.user.gid) : 0;
    (void)close(place);
    return fd < 0 || close(fd) ? -1 : rc;
}

/* The attempt's own folders, found before DATA is covered, and where they are seen. */
static int sandbox_own(struct keeper_task *t, const int own[2])
{
    char path[PATH_MAX], options[64];

    (void)snprintf(options, sizeof(options), "mode=0755,size=%zuk", 64 + (t->spec.script_len >> 10));
    if (sandbox_new(t, t->order.data, "tmpfs", MS_NOSUID | MS_NODEV, options))
        return -1;
    for (int i = 0; i < 2; i++)
        if (snprintf(path, sizeof(path), "%s/%s", t->order.folder, sandbox_names[i]) >= (int)sizeof(path) ||
            sandbox_bind(t, own[i], path, MS_NOSUID | MS_NODEV))
            return -1;
    return sandbox_script(t);
}

static int sandbox_mounts(struct keeper_task *t, const int *sources)
{
    for (size_t i = 0; i < t->spec.mount_count; i++) {
        const struct taskspec_mount *m = &t->spec.mounts[i];

        if (sandbox_bind(t, sources[i], m->target, MS_NOSUID | MS_NODEV | (m->read_only ? MS_RDONLY : 0)))
            return -1;
    }
    return 0;
}

static int sandbox_folders(struct keeper_task *t)
{
    int own[2] = {-1, -1}, sources[TASKSPEC_MOUNTS_MAX] = {0};
    char path[PATH_MAX];
    int rc = -1;

    t->step = "folders";
    for (int i = 0; i < 2; i++)
        if (snprintf(path, sizeof(path), "%s/%s", t->order.folder, sandbox_names[i]) >= (int)sizeof(path) ||
            (own[i] = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC)) < 0)
            return -1;
    for (size_t i = 0; i < t->spec.mount_count; i++) {
        t->step = "mounts";
        sources[i] = sandbox_open(t->spec.mounts[i].source);
        if (sources[i] < 0)
            return -1;
    }
    if (sandbox_bind(t, own[1], "/tmp", MS_NOSUID | MS_NODEV) ||
        sandbox_bind(t, own[1], "/var/tmp", MS_NOSUID | MS_NODEV))
        goto out;
    rc = sandbox_own(t, own);
    if (rc == 0) {
        t->step = "mounts";
        rc = sandbox_mounts(t, sources);
    }
out:
    for (int i = 0; i < 2; i++)
        (void)close(own[i]);
    for (size_t i = 0; i < t->spec.mount_count; i++)
        (void)close(sources[i]);
    return rc;
}

/* A loopback that is up; nothing else is there. */
static int sandbox_network(void)
{
    struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int rc = fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &r);

    if (fd >= 0)
        (void)close(fd);
    return rc;
}

/* On the host for ourselves and the program that enters an image, and in the image. */
static int sandbox_kernel(struct keeper_task *t)
{
    const struct sandbox_flags bound = {.flags = MS_BIND | MS_REC};

    t->step = "proc";
    if (t->root[0] && (sandbox_new(t, "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) ||
                       sandbox_mount(t, "/sys", "/sys", NULL, &bound)))
        return -1;
    return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

int keeper_sandbox(struct keeper_task *t)
{
    t->step = "namespaces";
    (void)umask(022); /* the task's user passes through the folders made here; the command gets its own mask */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || (t->spec.no_network && sandbox_network()))
        return -1;
    if (t->spec.rootfs && keeper_image_root(t))
        return -1;
    return sandbox_dev(t) || sandbox_folders(t) || sandbox_kernel(t) ? -1 : 0;
}
