/* SPDX-License-Identifier: MIT
 *
 * The store of images. An import is made beside the store and renamed into it, after its files are on disk.
 */
#include "engines/local/images.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "engines/local/image_oci.h"

#define IMAGES_IMPORT ".import-"
#define IMAGES_GONE ".gone-"
#define IMAGES_JSON "image.json"
#define IMAGES_JSON_MAX (1u << 20)

/* ---- names ---- */

int images_name(const char *uri, char out[NAME_MAX + 1], struct err *e)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@";
    size_t len = strlen(uri);
    char before = '/';

    if (len == 0 || len > IMAGES_URI_MAX || strspn(uri, plain) != len)
        goto bad;
    for (size_t i = 0; i < len; i++) {
        if (before == '/' && strchr("/.:@-", uri[i]))
            goto bad; /* no empty step, none with a dot in front */
        before = uri[i];
        out[i] = before == '/' ? '+' : before == ':' ? '=' : before;
    }
    out[len] = '\0';
    if (before != '/')
        return 0;
bad:
    return err_set(e, ERR_INVALID_PARAMETERS, "\"%.200s\" is no name of an image, such as debian:12-slim.", uri);
}

/* The store's folder, made where missing. A descriptor or -1. */
static int images_open(const char *data, struct err *e)
{
    char path[PATH_MAX];
    int fd;

    if (snprintf(path, sizeof(path), "%s/images", data) >= (int)sizeof(path))
        return err_set(e, ERR_INTERNAL, "the path of the data folder is too long");
    if (fs_mkdir(path, 0700, e))
        return -1;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_errno(e, errno, "cannot open %s", path) : fd;
}

/* ---- what is there ---- */

static int images_read_env(const cJSON *o, struct arena *a, struct image *out)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "env"), *entry;
    size_t n = 0;

    out->env = arena_calloc(a, (size_t)cJSON_GetArraySize(list) + 1, sizeof(*out->env));
    if (!out->env)
        return -1;
    cJSON_ArrayForEach(entry, list)
    {
        const char *text = cJSON_GetStringValue(entry);

        if (text && !(out->env[n++] = arena_strdup(a, text)))
            return -1;
    }
    return 0;
}

/* Reads image.json of the folder `name`. 0 or -1. */
static int images_read(int store, const char *name, struct arena *a, struct image *out, struct err *e)
{
    int fd = fs_open_beneath(store, name, O_RDONLY | O_DIRECTORY);
    const char *uri = NULL;
    struct buf text;
    cJSON *o = NULL;
    char path[64];
    int rc = -1;

    memset(out, 0, sizeof(*out));
    if (fd < 0)
        return err_set(e, ERR_NO_IMAGE, "There is no image %s.", name);
    buf_init(&text, IMAGES_JSON_MAX);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d/" IMAGES_JSON, fd);
    if (fs_read(path, IMAGES_JSON_MAX, &text, e) == 0)
        o = json_parse(buf_str(&text), text.len, IMAGES_JSON_MAX, e);
    if (o && json_get_string(o, "uri", &uri, e) == 0 && json_get_int(o, "bytes", &out->bytes, e) == 0 &&
        json_get_int(o, "entries", &out->entries, e) == 0 && json_get_int(o, "created", &out->created_ms, e) == 0) {
        out->uri = arena_strdup(a, uri ? uri : name);
        rc = out->uri && images_read_env(o, a, out) == 0 ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    cJSON_Delete(o);
    buf_fini(&text);
    (void)close(fd);
    return rc;
}

int images_get(const char *data, const char *uri, struct arena *a, struct image *out, struct err *e)
{
    char name[NAME_MAX + 1];
    int store, rc;

    if (images_name(uri, name, e) || (store = images_open(data, e)) < 0)
        return -1;
    rc = images_read(store, name, a, out, e);
    (void)close(store);
    return rc;
}

static int images_visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

int images_list(const char *data, struct arena *a, struct image **out, size_t *count, struct err *e)
{
    int store = images_open(data, e), n;
    struct dirent **names = NULL;
    struct image *list;

    *count = 0;
    if (store < 0)
        return -1;
    n = scandirat(store, ".", &names, images_visible, alphasort);
    list = arena_calloc(a, n > 0 ? (size_t)n : 1, sizeof(*list));
    for (int i = 0; i < n; i++) {
        /* What cannot be read is none: somebody else's folder, or one that goes at this moment. */
        if (list && images_read(store, names[i]->d_name, a, &list[*count], NULL) == 0)
            ++*count;
        free(names[i]);
    }
    free(names);
    (void)close(store);
    *out = list;
    return n < 0 || !list ? err_set(e, ERR_INTERNAL, "cannot list the images") : 0;
}

/* ---- import ---- */

/* An import under way. */
struct import {
    const struct images_order *order;
    struct arena *arena;
    struct image_oci found; /* of a root, too: bytes and entries, no environment */
    int store, part, root;  /* the store, .import-*, its rootfs */
    char part_name[32];
};

static bool import_within(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    return strncmp(path, folder, len) == 0 && (path[len] == '\0' || path[len] == '/' || len == 1);
}

/* The source, open: a folder or a file, and nothing that holds the server's own data. -1 with the error. */
static int import_source(const struct images_order *o, struct stat *st, struct err *e)
{
    char real[PATH_MAX], data[PATH_MAX];
    int fd;

    if (o->source[0] != '/')
        return err_set(e, ERR_INVALID_PARAMETERS, "The source must be an absolute path: it is one of the server's.");
    if (!realpath(o->source, real) || !realpath(o->data, data))
        return err_set(e, ERR_INVALID_PARAMETERS, "The server cannot find %.200s: %s.", o->source,
                       strerrordesc_np(errno));
    if (import_within(real, data) || import_within(data, real))
        return err_set(e, ERR_FORBIDDEN, "%.200s holds the server's own data.", o->source);
    fd = open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0)
        return err_set(e, ERR_INVALID_PARAMETERS, "The server cannot read %.200s: %s.", o->source,
                       strerrordesc_np(errno));
    if (fstat(fd, st) == 0 && (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)))
        return fd;
    (void)close(fd);
    return err_set(e, ERR_INVALID_PARAMETERS, "%.200s is no file and no folder.", o->source);
}

/* How many bytes may come: the disk is never filled. */
static int64_t import_room(int store)
{
    struct statvfs fs;
    int64_t room;

    if (fstatvfs(store, &fs))
        return IMAGES_BYTES_MAX;
    room = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize - IMAGES_SPARE_BYTES;
    return room < 0 ? 0 : room < IMAGES_BYTES_MAX ? room : IMAGES_BYTES_MAX;
}

static int import_open(struct import *im, struct err *e)
{
    struct tarball_rules *rules = &im->found.rules;

    *rules = (struct tarball_rules){
        .bytes = import_room(im->store), .entries = IMAGES_ENTRIES_MAX, .system = true, .stop = im->order->stop};
    im->found.arena = im->arena;
    im->found.ref = im->order->ref;
    (void)snprintf(im->part_name, sizeof(im->part_name), IMAGES_IMPORT "%d", (int)gettid());
    (void)fs_remove_tree(im->store, im->part_name);
    if (mkdirat(im->store, im->part_name, 0700))
        return err_errno(e, errno, "cannot make a folder for the image");
    im->part = openat(im->store, im->part_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (im->part < 0 || mkdirat(im->part, "rootfs", 0755))
        return err_errno(e, errno, "cannot make a folder for the image");
    im->root = openat(im->part, "rootfs", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return im->root < 0 ? err_errno(e, errno, "cannot make a folder for the image") : 0;
}

/* A tar is a root, unless what comes out is a layout: then that is the source, and comes away. */
static int import_tar(struct import *im, int fd, struct err *e)
{
    int rc;

    if (tarball_unpack(fd, im->root, &im->found.rules, &im->found.found, e))
        return -1;
    if (!image_oci_is(im->root))
        return 0;
    im->found.rules.bytes -= im->found.found.bytes;
    im->found.found = (struct tarball){0};
    if (renameat(im->part, "rootfs", im->part, "layout") || mkdirat(im->part, "rootfs", 0755))
        return err_errno(e, errno, "cannot put the layout aside");
    fd = im->root;
    im->root = openat(im->part, "rootfs", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    rc = im->root < 0 ? err_errno(e, errno, "cannot open the image's root")
                      : image_oci_unpack(fd, im->root, &im->found, e);
    (void)close(fd);
    if (rc == 0)
        (void)fs_remove_tree(im->part, "layout");
    return rc;
}

/* A job's commands need a shell; an image without one is not what somebody meant. */
static int import_check(const struct import *im, struct err *e)
{
    static const char *const shells[] = {"bin/sh", "usr/bin/sh", "bin/bash", "usr/bin/bash"};
    struct stat st;

    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
        if (fstatat(im->root, shells[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
            return 0;
    return err_set(e, ERR_INVALID_PARAMETERS, "%.200s holds no root with a shell (/bin/sh) and no OCI image layout.",
                   im->order->source);
}

static int import_describe(const struct import *im, struct err *e)
{
    struct json_out j;
    struct buf text;
    int rc;

    buf_init(&text, IMAGES_JSON_MAX);
    json_out_init(&j, &text);
    json_out_object(&j);
    json_out_kstring(&j, "uri", im->order->uri);
    json_out_kint(&j, "bytes", im->found.found.bytes);
    json_out_kint(&j, "entries", (int64_t)im->found.found.entries);
    json_out_kint(&j, "created", clock_read().wall);
    json_out_key(&j, "env");
    json_out_array(&j);
    for (size_t i = 0; im->found.env[i]; i++)
        json_out_string(&j, im->found.env[i]);
    json_out_array_end(&j);
    json_out_object_end(&j);
    rc = text.bad ? err_set(e, ERR_TOO_LARGE, "The image's environment is too large.")
                  : fs_write_atomic_at(im->part, IMAGES_JSON, text.data, text.len, e);
    buf_fini(&text);
    return rc;
}

static int import_run(struct import *im, const char *name, struct err *e)
{
    struct stat st = {0};
    int source = import_source(im->order, &st, e), rc;

    if (source < 0)
        return -1;
    if (import_open(im, e))
        rc = -1;
    else if (S_ISREG(st.st_mode))
        rc = import_tar(im, source, e);
    else if (image_oci_is(source))
        rc = image_oci_unpack(source, im->root, &im->found, e);
    else
        rc = tarball_copy(source, im->root, &im->found.rules, &im->found.found, e);
    (void)close(source);
    if (rc || import_check(im, e) || import_describe(im, e))
        return -1;
    /* All of it on disk before it has its name: a name in the store means a whole image. */
    if (syncfs(im->store))
        return err_errno(e, errno, "cannot write the image to disk");
    if (renameat2(im->store, im->part_name, im->store, name, RENAME_NOREPLACE) == 0)
        return fsync(im->store) ? err_errno(e, errno, "cannot write the image to disk") : 0;
    return errno == EEXIST ? err_set(e, ERR_CONFLICT_IMAGE, "There is an image %s; remove it first.", im->order->uri)
                           : err_errno(e, errno, "cannot put the image into the store");
}

int images_import(const struct images_order *o, struct err *e)
{
    struct import im = {.order = o, .store = -1, .part = -1, .root = -1};
    char name[NAME_MAX + 1];
    struct stat st;
    int rc = -1;

    if (images_name(o->uri, name, e) || (im.store = images_open(o->data, e)) < 0)
        return -1;
    im.arena = arena_create(0);
    if (!im.arena)
        (void)err_set(e, ERR_INTERNAL, "Out of memory.");
    else if (fstatat(im.store, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        (void)err_set(e, ERR_CONFLICT_IMAGE, "There is an image %s; remove it first.", o->uri);
    else
        rc = import_run(&im, name, e);
    if (im.root >= 0)
        (void)close(im.root);
    if (im.part >= 0)
        (void)close(im.part);
    if (rc && im.part_name[0])
        (void)fs_remove_tree(im.store, im.part_name);
    (void)close(im.store);
    arena_destroy(im.arena);
    return rc;
}

/* ---- removal ---- */

int images_remove(const char *data, const char *uri, struct err *e)
{
    char name[NAME_MAX + 1], gone[64];
    int store, fd, rc = -1;

    if (images_name(uri, name, e) || (store = images_open(data, e)) < 0)
        return -1;
    fd = openat(store, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    (void)snprintf(gone, sizeof(gone), IMAGES_GONE "%lld-%d", (long long)clock_read().wall, fd);
    if (fd < 0)
        (void)err_set(e, ERR_NO_IMAGE, "There is no image %s.", uri);
    else if (flock(fd, LOCK_EX | LOCK_NB))
        (void)err_set(e, ERR_CONFLICT_IMAGE, "Tasks run in the image %s; remove it when they have ended.", uri);
    else if (renameat(store, name, store, gone) || fsync(store))
        (void)err_errno(e, errno, "cannot remove the image %s", uri);
    else
        rc = 0;
    if (fd >= 0)
        (void)close(fd);
    (void)close(store);
    return rc;
}

void images_sweep(const char *data)
{
    int store = images_open(data, NULL), n;
    struct dirent **names = NULL;

    n = store < 0 ? 0 : scandirat(store, ".", &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        const char *name = names[i]->d_name;

        if (strncmp(name, IMAGES_IMPORT, sizeof(IMAGES_IMPORT) - 1) == 0 ||
            strncmp(name, IMAGES_GONE, sizeof(IMAGES_GONE) - 1) == 0)
            (void)fs_remove_tree(store, name);
        free(names[i]);
    }
    free(names);
    if (store >= 0)
        (void)close(store);
}
