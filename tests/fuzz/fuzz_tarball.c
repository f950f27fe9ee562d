/* SPDX-License-Identifier: MIT
 *
 * Archives with any bytes: what was counted stays within the bound, and nothing lands beside the folder. Unpacked into
 * a folder of a temporary one, in which afterwards there is still only that folder.
 */
// link: drover_base
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/tarball.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX (1 << 20)

/* Only "in" may be there. */
static void check_outside(const char *top)
{
    DIR *d = opendir(top);
    const struct dirent *entry;

    while (d && (entry = readdir(d)))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && strcmp(entry->d_name, "in"))
            abort();
    if (d)
        (void)closedir(d);
}

/* The same bytes as a layer of an image, over what they were as code: no more than the bounds. */
static void as_layer(int fd, int in)
{
    const struct tarball_rules rules = {.bytes = MAX, .entries = 1000, .system = true, .layer = true};
    struct tarball found = {0};
    struct err e = {0};

    if (tarball_unpack(fd, in, &rules, &found, &e) == 0 && (found.bytes > MAX || found.entries > rules.entries))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char top[] = "/tmp/drover-fuzz-XXXXXX";
    struct tarball looked = {0}, found = {0};
    struct err e = {0};
    int fd = memfd_create("tar", MFD_CLOEXEC);
    int outside, in, seen, rc;

    if (fd < 0 || fs_write_all(fd, data, size) || !mkdtemp(top))
        abort();
    outside = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (outside < 0 || mkdirat(outside, "in", 0700))
        abort();
    in = openat(outside, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    seen = tarball_read(fd, -1, MAX, &looked, &e);
    rc = tarball_read(fd, in, MAX, &found, &e);
    if (seen && !rc)
        abort(); /* what looking refuses is never unpacked */
    if (!rc && (found.bytes > MAX || found.bytes != looked.bytes || found.entries > TARBALL_ENTRIES_MAX))
        abort();
    as_layer(fd, in);
    check_outside(top);
    (void)close(in);
    if (fs_remove_tree(outside, "in"))
        abort();
    (void)close(outside);
    (void)rmdir(top);
    (void)close(fd);
    return 0;
}
