/* SPDX-License-Identifier: MIT
 *
 * Tasks in an image. The image's folder is never written: an overlay in memory (which counts against the task's limit)
 * lies over it, and the sandbox is built in that. At the end the root stands at /mnt, out of the server's folder, and
 * runc (where we are root) or bubblewrap enters it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/json.h"
#include "engines/local/keeper.h"
#include "engines/local/level.h"

#define IMAGE_AT "/mnt"

static int image_path(char out[PATH_MAX], const char *folder, const char *name)
{
    if (snprintf(out, PATH_MAX, "%s/%s", folder, name) < PATH_MAX)
        return 0;
    errno = ENAMETOOLONG;
    return -1;
}

/* What runc and the kernel want at these names is a folder; an image's link there would lead them astray. */
static int image_plain(const char *root)
{
    static const char *const names[] = {"dev", "proc", "sys"};
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = fd < 0 ? -1 : 0;
    struct stat st;

    for (size_t i = 0; rc == 0 && i < sizeof(names) / sizeof(names[0]); i++)
        if (fstatat(fd, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode))
            rc = unlinkat(fd, names[i], 0);
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

/* A lock on the image's folder as long as this keeper lives: an image that somebody runs in is not removed. */
static int image_hold(const char *rootfs)
{
    char folder[PATH_MAX];

    return image_path(folder, rootfs, "..") ||
                   flock(open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), LOCK_SH | LOCK_NB)
               ? -1
               : 0;
}

int keeper_image_root(struct keeper_task *t)
{
    static const char *const made[] = {"upper", "work", "root", "bundle"};
    char base[PATH_MAX], part[PATH_MAX], options[3 * PATH_MAX];

    t->step = "image";
    if (image_hold(t->spec.rootfs) || image_path(base, t->order.folder, "image") ||
        (mkdir(base, 0700) && errno != EEXIST) ||
        mount("tmpfs", base, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=50%"))
        return -1;
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
        if (image_path(part, base, made[i]) || mkdir(part, 0755))
            return -1;
    if (strpbrk(t->spec.rootfs, ",:\\") || strpbrk(base, ",:\\")) {
        errno = EINVAL; /* they mean something in the options below */
        return -1;
    }
    (void)snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s/upper,workdir=%s/work%s", t->spec.rootfs, base,
                   base, t->spec.guards & LEVEL_USERNS ? ",userxattr" : "");
    if (image_path(t->root, base, "root"))
        return -1;
    return mount("overlay", t->root, "overlay", MS_NOSUID | MS_NODEV, options) || image_plain(t->root) ? -1 : 0;
}

/* The image's own files for names of hosts, replaced by the node's. */
static int image_resolve(const struct keeper_task *t)
{
    static const char *const files[] = {"resolv.conf", "hosts"};
    int etc = keeper_place(t, "/etc", true), rc = etc < 0 ? -1 : 0;
    struct buf text;

    for (size_t i = 0; rc == 0 && i < sizeof(files) / sizeof(files[0]); i++) {
        char path[32];
        int fd = -1;

        buf_init(&text, 65536);
        (void)snprintf(path, sizeof(path), "/etc/%s", files[i]);
        (void)unlinkat(etc, files[i], 0);
        if (fs_read(path, 65536, &text, NULL) == 0) {
            fd = openat(etc, files[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
            rc = fd < 0 || fs_write_all(fd, text.data, text.len) ? -1 : 0;
        }
        if (fd >= 0)
            (void)close(fd);
        buf_fini(&text);
    }
    if (etc >= 0)
        (void)close(etc);
    return rc;
}

/* The holder, or bash where the image has it; a link in the image is not followed out of it. */
static const char *image_shell(const struct keeper_task *t)
{
    char path[PATH_MAX];
    struct stat st;

    if (t->spec.hold)
        return t->spec.shell;
    if (snprintf(path, sizeof(path), "%s/usr/bin/bash", t->root) < (int)sizeof(path) && lstat(path, &st) == 0)
        return "/usr/bin/bash";
    if (snprintf(path, sizeof(path), "%s/bin/bash", t->root) < (int)sizeof(path) && lstat(path, &st) == 0)
        return "/bin/bash";
    return "/bin/sh";
}

static char **image_argv_bwrap(const struct keeper_task *t, const char *work)
{
    const char *words[] = {KEEPER_BWRAP, "--unshare-user", "--dev-bind", IMAGE_AT, "/", "--chdir", NULL,
                           "--",         image_shell(t),   "../script",  NULL};
    size_t len = strlen(work) + 1;
    char **argv = malloc(sizeof(words) + len); /* the folder's name stands behind the words */

    if (!argv)
        return NULL;
    words[6] = memcpy((char *)argv + sizeof(words), work, len);
    memcpy(argv, words, sizeof(words));
    return argv;
}

static void image_numbers(struct json_out *j, const char *key, const gid_t *list, int count)
{
    json_out_key(j, key);
    json_out_array(j);
    for (int i = 0; i < count; i++)
        json_out_int(j, list[i]);
    json_out_array_end(j);
}

static void image_process(struct json_out *j, const struct keeper_task *t, const char *work)
{
    json_out_key(j, "process");
    json_out_object(j);
    json_out_kbool(j, "terminal", false);
    json_out_kbool(j, "noNewPrivileges", true);
    json_out_kstring(j, "cwd", work);
    json_out_key(j, "user");
    json_out_object(j);
    json_out_kint(j, "uid", t->order.user.uid);
    json_out_kint(j, "gid", t->order.user.gid);
    json_out_kint(j, "umask", t->order.change_user ? 027 : 077);
    image_numbers(j, "additionalGids", t->order.user.groups, t->order.user.group_count);
    json_out_object_end(j);
    json_out_key(j, "args");
    json_out_array(j);
    json_out_string(j, image_shell(t));
    json_out_string(j, "../script");
    json_out_array_end(j);
    json_out_key(j, "env");
    json_out_array(j);
    for (size_t i = 0; i < t->spec.env_count; i++)
        json_out_string(j, t->spec.env[i]);
    json_out_array_end(j);
    json_out_object_end(j);
}

static void image_allow(struct json_out *j, int dev, const char *name)
{
    struct stat st;

    if (fstatat(dev, name, &st, AT_SYMLINK_NOFOLLOW))
        return; /* the sandbox has bound it a moment ago; without a rule it cannot be opened, which is safe */
    json_out_object(j);
    json_out_kbool(j, "allow", true);
    json_out_kstring(j, "type", "c");
    json_out_kint(j, "major", major(st.st_rdev));
    json_out_kint(j, "minor", minor(st.st_rdev));
    json_out_kstring(j, "access", "rw");
    json_out_object_end(j);
}

/* No device but the task's own; what everybody has is allowed by runc itself. */
static void image_devices(struct json_out *j, const struct keeper_task *t)
{
    int dev = keeper_place(t, "/dev", true);

    json_out_key(j, "resources");
    json_out_object(j);
    json_out_key(j, "devices");
    json_out_array(j);
    json_out_object(j);
    json_out_kbool(j, "allow", false);
    json_out_kstring(j, "access", "rwm");
    json_out_object_end(j);
    for (size_t i = 0; dev >= 0 && i < t->spec.device_count; i++)
        image_allow(j, dev, strrchr(t->spec.devices[i], '/') + 1);
    if (dev >= 0)
        (void)close(dev);
    json_out_array_end(j);
    json_out_object_end(j);
}

/* Named as a mount, so that runc leaves it as it is. */
static void image_dev(struct json_out *j)
{
    json_out_key(j, "mounts");
    json_out_array(j);
    json_out_object(j);
    json_out_kstring(j, "destination", "/dev");
    json_out_kstring(j, "type", "bind");
    json_out_kstring(j, "source", IMAGE_AT "/dev");
    json_out_key(j, "options");
    json_out_array(j);
    json_out_string(j, "rbind");
    json_out_array_end(j);
    json_out_object_end(j);
    json_out_array_end(j);
}

/* Root, mounts and devices are there already; what is left is namespaces, a group for runc's own use, and masks. */
static void image_config(struct json_out *j, const struct keeper_task *t, const char *work)
{
    static const char *const namespaces[] = {"mount", "ipc"};
    static const char *const masked[] = {"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug"};

    json_out_object(j);
    json_out_kstring(j, "ociVersion", "1.0.2");
    image_process(j, t, work);
    json_out_key(j, "root");
    json_out_object(j);
    json_out_kstring(j, "path", IMAGE_AT);
    json_out_object_end(j);
    image_dev(j);
    json_out_key(j, "linux");
    json_out_object(j);
    json_out_kstring(j, "cgroupsPath", t->spec.attempt); /* inside the task's: cgroup_remove knows it */
    image_devices(j, t);
    json_out_key(j, "namespaces");
    json_out_array(j);
    for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++) {
        json_out_object(j);
        json_out_kstring(j, "type", namespaces[i]);
        json_out_object_end(j);
    }
    json_out_array_end(j);
    json_out_key(j, "maskedPaths");
    json_out_array(j);
    for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++)
        json_out_string(j, masked[i]);
    json_out_array_end(j);
    json_out_object_end(j);
    json_out_object_end(j);
}

static int image_write_config(const struct keeper_task *t, const char *bundle, const char *work)
{
    char path[PATH_MAX];
    struct json_out j;
    struct buf text;
    int rc;

    buf_init(&text, TASKSPEC_MAX);
    json_out_init(&j, &text);
    image_config(&j, t, work);
    rc = text.bad || image_path(path, bundle, "config.json") || fs_write_atomic(path, text.data, text.len, 0600, NULL);
    buf_fini(&text);
    return rc ? -1 : 0;
}

static char **image_argv_runc(const struct keeper_task *t, const char *work)
{
    char bundle[PATH_MAX], *copy;
    const char *words[] = {KEEPER_RUNC, "--root", NULL, "run", "--bundle", NULL, t->spec.attempt, NULL};
    char **argv;

    if (image_path(bundle, t->order.folder, "image/bundle") || image_write_config(t, bundle, work))
        return NULL;
    copy = strdup(bundle);
    argv = malloc(sizeof(words));
    words[2] = words[5] = copy; /* its state lies beside the configuration, in memory */
    if (!copy || !argv) {
        free(copy);
        free(argv);
        return NULL;
    }
    memcpy(argv, words, sizeof(words));
    return argv;
}

char **keeper_image_argv(struct keeper_task *t)
{
    char work[PATH_MAX];

    if (image_path(work, t->order.folder, "work") || image_resolve(t) ||
        mount(t->root, IMAGE_AT, NULL, MS_BIND | MS_REC, NULL))
        return NULL;
    return t->spec.guards & LEVEL_RUNC ? image_argv_runc(t, work) : image_argv_bwrap(t, work);
}
