/* SPDX-License-Identifier: MIT
 *
 * A database in a folder of its own, for the tests of jobs_store.
 */
#ifndef DROVER_TESTS_UNIT_JOBS_STORE_FIXTURE_H
#define DROVER_TESTS_UNIT_JOBS_STORE_FIXTURE_H

#include <stdio.h>

#include "base/err.h"
#include "store/store.h"
#include "tests/unit/base/temp_dir.h"

struct store_fixture {
    char folder[TEMP_PATH];
    char path[TEMP_PATH + 16];
    struct store *writer, *reader;
};

/* 0 or -1. */
static inline int store_fixture_open(struct store_fixture *f)
{
    struct err e = {0};

    if (temp_create(f->folder))
        return -1;
    (void)snprintf(f->path, sizeof(f->path), "%s/drover.db", f->folder);
    f->writer = store_open(f->path, STORE_WRITER, &e);
    f->reader = f->writer ? store_open(f->path, STORE_READER, &e) : NULL;
    if (!f->reader)
        (void)printf("%s\n", e.text);
    return f->reader ? 0 : -1;
}

static inline void store_fixture_close(struct store_fixture *f)
{
    store_close(f->reader);
    store_close(f->writer);
    temp_remove(f->folder);
}

#endif
