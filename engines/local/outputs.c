/* SPDX-License-Identifier: MIT
 *
 * Listing and opening below DATA/run/<attempt>/work. The way there is the server's, the rest the task's.
 */
#include "engines/local/outputs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/id.h"
#include "base/utf8.h"

static int outputs_no_file(struct err *e, const char *path)
{
    return err_set(e, ERR_NO_FILE, "There is no \"%.200s\" of this task attempt.", path);
}

/* Opens `path` in the working folder; -1 with the error. */
static int outputs_openat(const char *data, const char *attempt, const char *path, int flags, struct err *e)
{
    char work[sizeof("run//work") + ID_SIZE];
    int top, dir, fd = -1, saved;

    if (!id_valid(attempt) || strlen(path) > OUTPUTS_PATH_MAX)
        return outputs_no_file(e, path);
    (void)snprintf(work, sizeof(work), "run/%s/work", attempt);
    top = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dir = top < 0 ? -1 : fs_open_beneath(top, work, O_RDONLY | O_DIRECTORY);
    if (dir >= 0)
        fd = fs_open_beneath(dir, path, flags);
    saved = errno;
    if (dir >= 0)
        (void)close(dir);
    if (top >= 0)
        (void)close(top);
    if (fd >= 0)
        return fd;
    if (saved == EMFILE || saved == ENFILE || saved == EIO || saved == EACCES)
        return err_errno(e, saved, "cannot open \"%.200s\"", path);
    return outputs_no_file(e, path);
}

static bool outputs_is_text(const char *name)
{
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return false;
    return utf8_valid(name, strlen(name));
}

/* Adds what the name stands for; what has gone meanwhile is left out. 0 or -1. */
static int outputs_add(int dir, const char *name, struct outputs_list *out)
{
    struct outputs_entry *entry = &out->entries[out->count];
    struct stat st;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
        return 0;
    *entry = (struct outputs_entry){.name = arena_strdup(out->arena, name),
                                    .type = OUTPUTS_OTHER,
                                    .modified_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000};
    if (S_ISDIR(st.st_mode))
        entry->type = OUTPUTS_FOLDER;
    if (S_ISREG(st.st_mode) && st.st_nlink == 1) {
        entry->type = OUTPUTS_FILE;
        entry->size = st.st_size;
    }
    if (!entry->name)
        return -1;
    out->count++;
    return 0;
}

static int outputs_by_name(const void *one, const void *other)
{
    return strcmp(((const struct outputs_entry *)one)->name, ((const struct outputs_entry *)other)->name);
}

int outputs_read_folder(const char *data, const char *attempt, const char *path, struct outputs_list *out,
                        struct err *e)
{
    int fd = outputs_openat(data, attempt, path, O_RDONLY | O_DIRECTORY, e);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    int rc = 0;

    *out = (struct outputs_list){.arena = out->arena};
    if (!d) {
        if (fd >= 0) {
            (void)err_errno(e, errno, "cannot list the folder");
            (void)close(fd);
        }
        return -1;
    }
    out->entries = arena_alloc(out->arena, OUTPUTS_MAX * sizeof(*out->entries));
    if (!out->entries)
        rc = -1;
    while (rc == 0 && (entry = readdir(d))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        out->truncated = out->count == OUTPUTS_MAX;
        if (out->truncated)
            break;
        if (outputs_is_text(entry->d_name))
            rc = outputs_add(fd, entry->d_name, out);
        else
            out->hidden++;
    }
    (void)closedir(d);
    if (rc)
        return err_set(e, ERR_BUSY, "The server is out of memory.");
    qsort(out->entries, out->count, sizeof(*out->entries), outputs_by_name);
    return 0;
}

int outputs_open(const char *data, const char *attempt, const char *path, struct err *e)
{
    struct stat st;
    int fd = outputs_openat(data, attempt, path, O_RDONLY, e);

    if (fd < 0)
        return -1;
    /* A FIFO or a device waits for a reader's mistake; another name of somebody's file is not the task's to give. */
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_nlink != 1) {
        (void)close(fd);
        return outputs_no_file(e, path);
    }
    return fd;
}
