/* SPDX-License-Identifier: MIT
 *
 * A folder for one test, removed with all that is in it.
 */
#ifndef DROVER_TESTS_TEMP_DIR_H
#define DROVER_TESTS_TEMP_DIR_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#define TEMP_PATH 256

static inline int temp_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* Creates a folder and writes its path. 0 or -1. */
static inline int temp_create(char path[TEMP_PATH])
{
    const char *base = getenv("TMPDIR");

    (void)snprintf(path, TEMP_PATH, "%.200s/drover-test-XXXXXX", base ? base : "/tmp");
    return mkdtemp(path) ? 0 : -1;
}

/* Removes it. */
static inline void temp_remove(const char *path)
{
    (void)nftw(path, temp_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
