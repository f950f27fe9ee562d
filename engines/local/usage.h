/* SPDX-License-Identifier: MIT
 *
 * How much of the disk a folder that others write to takes.
 */
#ifndef DROVER_ENGINES_LOCAL_USAGE_H
#define DROVER_ENGINES_LOCAL_USAGE_H

#include <stdint.h>

struct stat;

#define USAGE_ENTRIES_MAX 1000000u
#define USAGE_DEPTH_MAX 100

/* Adds the bytes allocated to what lies in the folder `name` of `dir` to *bytes; a file with several names counts in
 * parts. Follows no link and crosses into no other file system. What this process may not look into is not counted. 0;
 * -1 with errno E2BIG (more than USAGE_ENTRIES_MAX entries, deeper than USAGE_DEPTH_MAX) or another. Any thread. */
int usage_add(int dir, const char *name, int64_t *bytes);
/* Adds the bytes of the files that lie in `dir` itself, not in its folders. Any thread. */
void usage_add_files(int dir, int64_t *bytes);

/* What was measured of an attempt that has ended, kept in the file `usage` of its folder `dir`. */
struct usage_note {
    int64_t work, logs; /* bytes where it worked, and beside that */
};
/* When a file or folder last changed, in ns since 1970. */
int64_t usage_when(const struct stat *st);
/* 0; -1 when there is no sound note, or none since the folder last changed (ns). */
int usage_note_read(int dir, int64_t changed, struct usage_note *out);
/* Where it cannot be written, the next start measures again. */
void usage_note_write(int dir, const struct usage_note *note);

#endif
