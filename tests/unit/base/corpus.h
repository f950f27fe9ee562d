/* SPDX-License-Identifier: MIT
 *
 * The corpora of the fuzz targets as tables of expectations: y_* must be accepted, n_* refused.
 */
#ifndef DROVER_TESTS_CORPUS_H
#define DROVER_TESTS_CORPUS_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"

/* CPU milliseconds of this process. */
static inline double corpus_cpu_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Calls `accepts` for each file of tests/fuzz/corpus/`name`, in memory of exactly its size; prints what differs from
 * the file's first letter. Returns the number of files, or -1 when something differs or nothing is there. */
static inline int corpus_walk(const char *name, bool (*accepts)(const char *text, size_t len))
{
    char folder[512];
    struct dirent *d;
    int files = 0, wrong = 0;
    DIR *dir;

    (void)snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", DROVER_SOURCE, name);
    dir = opendir(folder);
    while (dir && (d = readdir(dir))) {
        char path[1024];
        struct buf b;
        char *exact;

        if (strncmp(d->d_name, "y_", 2) != 0 && strncmp(d->d_name, "n_", 2) != 0)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, d->d_name);
        buf_init(&b, 0);
        exact = fs_read(path, (size_t)1 << 22, &b, NULL) ? NULL : malloc(b.len ? b.len : 1);
        if (exact && b.len)
            memcpy(exact, b.data, b.len);
        if (!exact || accepts(exact, b.len) != (d->d_name[0] == 'y')) {
            (void)printf("wrong: %s\n", d->d_name);
            wrong++;
        }
        free(exact);
        buf_fini(&b);
        files++;
    }
    if (dir)
        (void)closedir(dir);
    return wrong || !files ? -1 : files;
}

#endif
