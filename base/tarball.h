/* SPDX-License-Identifier: MIT
 *
 * Tar archives of somebody's code: read with a bound on everything and written, over libarchive. Plain, gzip or zstd.
 *
 * What an archive may hold: folders, files, hard links to its own files, and symbolic links that stay inside. Paths are
 * relative, without "..", of text without control characters. Owners, setuid bits and extended attributes are dropped.
 */
#ifndef DROVER_BASE_TARBALL_H
#define DROVER_BASE_TARBALL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define TARBALL_ENTRIES_MAX 100000u
#define TARBALL_PATH_MAX 1024u
#define TARBALL_DEPTH_MAX 64

/* What is in an archive. Plain data. */
struct tarball {
    int64_t bytes; /* of all its files, unpacked */
    size_t entries;
};

/* Reads the archive from the start of `fd`, checks every entry and, unless `dir` is -1, unpacks it into that open
 * folder. No link in the folder is followed; a file that is there is replaced. At most `bytes` of files, in
 * TARBALL_ENTRIES_MAX entries. 0, or -1 with the entry's name: ERR_INVALID_PARAMETERS for what may not be,
 * ERR_TOO_LARGE, ERR_NO_SPACE; what was unpacked by then stays. Any thread; up to 128 MiB of memory for zstd. */
int tarball_read(int fd, int dir, int64_t bytes, struct tarball *out, struct err *e);
/* One entry, as it was taken. Plain data; `path` is good during the call. */
struct tarball_entry {
    const char *path; /* "a/b", never empty */
    bool file, folder;
    int64_t bytes; /* of a file */
};

/* Bounds, and what more than code an archive may hold. */
struct tarball_rules {
    int64_t bytes;
    size_t entries;
    bool system;             /* the root of a system: links may lead anywhere (whoever enters it has it as /); devices,
                              * FIFOs and sockets are left out; what is there is replaced, whatever it is; xz, too */
    bool layer;              /* a layer over what is there, with whiteouts (OCI image-spec): `.wh.NAME` removes NAME */
    const atomic_bool *stop; /* gives up soon after it is set; NULL: never */
    int (*seen)(void *ctx,
                const struct tarball_entry *entry); /* after each; not 0: that is enough. NULL: nobody asks */
    void *seen_ctx;
};

/* As tarball_read, by those rules. */
int tarball_unpack(int fd, int dir, const struct tarball_rules *rules, struct tarball *out, struct err *e);
/* Copies what the open folder `from` holds into the open folder `dir` as an archive of it would be unpacked by those
 * rules of a system. A hard link becomes a file of its own. 0 or -1. */
int tarball_copy(int from, int dir, const struct tarball_rules *rules, struct tarball *out, struct err *e);
/* Writes the folder at `path` as tar with zstd to `fd`, in the order of names, so that the same folder gives the same
 * bytes. What matches a line of its file .droverignore is left out, and so is .git. Follows no link; leaves out what an
 * archive may not hold, but not silently: with an error. 0 or -1. */
int tarball_write(const char *path, int fd, struct tarball *out, struct err *e);

#endif
