/* SPDX-License-Identifier: MIT
 *
 * How much of the disk a folder that others write to takes.
 */
#ifndef DROVER_ENGINES_LOCAL_USAGE_H
#define DROVER_ENGINES_LOCAL_USAGE_H

#include <stdint.h>

#define USAGE_ENTRIES_MAX 1000000u
#define USAGE_DEPTH_MAX 100

/* Adds the bytes allocated to what lies in the folder `name` of `dir` to *bytes; a file with several names counts in
 * parts. Follows no link and crosses into no other file system. What this process may not look into is not counted. 0;
 * -1 with errno E2BIG (more than USAGE_ENTRIES_MAX entries, deeper than USAGE_DEPTH_MAX) or another. Any thread. */
int usage_add(int dir, const char *name, int64_t *bytes);

#endif
