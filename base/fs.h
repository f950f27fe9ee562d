/* SPDX-License-Identifier: MIT
 *
 * Small file helpers with bounds and durability. All descriptors are O_CLOEXEC. Any thread.
 */
#ifndef DROVER_BASE_FS_H
#define DROVER_BASE_FS_H

#include <stddef.h>
#include <sys/types.h>

struct buf;
struct err;

/* Reads a regular file of at most `max` bytes into `out` (appended). O_NOFOLLOW. 0 or -1. */
int fs_read(const char *path, size_t max, struct buf *out, struct err *e);
/* Replaces `path` atomically: temporary in the same folder, write, fsync, rename, fsync of the folder. 0 or -1. */
int fs_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct err *e);
/* Same with mode 0600, relative to an open directory descriptor; `name` has no slash. */
int fs_write_atomic_at(int dirfd, const char *name, const void *data, size_t len, struct err *e);
/* Opens `path` below the folder `dir`, following no link, neither at its end nor on the way, and never leaving the
 * folder: for folders that others write to. `path` is relative and has no "." or ".." step; "" is the folder itself.
 * O_CLOEXEC and O_NONBLOCK (a FIFO in that place must not make us wait) are added. A descriptor, or -1 with errno. */
int fs_open_beneath(int dir, const char *path, int flags);
/* Removes the folder `name` (one step) of the open folder `dir` with all that is in it, however deep and whatever its
 * owner forbade; follows no link. 0, or -1 with errno when something could not be removed; the rest is gone then. */
int fs_remove_tree(int dir, const char *name);
/* mkdir that accepts an existing directory. 0 or -1. */
int fs_mkdir(const char *path, mode_t mode, struct err *e);
/* Writes all bytes to a descriptor, over short writes and EINTR. 0 or -1 with errno. */
int fs_write_all(int fd, const void *data, size_t len);

#endif
