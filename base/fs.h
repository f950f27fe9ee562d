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
/* mkdir that accepts an existing directory. 0 or -1. */
int fs_mkdir(const char *path, mode_t mode, struct err *e);
/* Writes all bytes to a descriptor, over short writes and EINTR. 0 or -1 with errno. */
int fs_write_all(int fd, const void *data, size_t len);

#endif
