/* SPDX-License-Identifier: MIT
 *
 * A database in a folder of its own, with its writer open.
 */
#ifndef DROVER_TESTS_STORE_FIXTURE_H
#define DROVER_TESTS_STORE_FIXTURE_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/store.h"
#include "tests/unit/base/temp_dir.h"

struct fixture {
    char dir[TEMP_PATH];
    char path[TEMP_PATH + 16];
    struct store *writer;
    struct err e;
};

static const struct store_sql fixture_put = {"INSERT INTO meta(key, value) VALUES(?, ?)"};
static const struct store_sql fixture_count = {"SELECT count(*) FROM meta"};

static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (!f || temp_create(f->dir))
        return -1;
    (void)snprintf(f->path, sizeof(f->path), "%s/t.db", f->dir);
    f->writer = store_open(f->path, STORE_WRITER, &f->e);
    *state = f;
    return f->writer ? 0 : -1;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    store_close(f->writer);
    temp_remove(f->dir);
    free(f);
    return 0;
}

/* Inserts one row of meta. 0 or -1. */
static inline int fixture_insert(struct store *s, const char *key, const char *value, struct err *e)
{
    struct stmt *st = store_stmt(s, &fixture_put, e);

    stmt_text(st, 1, key);
    stmt_text(st, 2, value);
    return stmt_exec(st, e);
}

/* Rows of meta, or -1. */
static inline int64_t fixture_rows(struct store *s)
{
    struct err e = {0};
    struct stmt *st = store_stmt(s, &fixture_count, &e);
    int64_t n = stmt_step(st, &e) == STMT_ROW ? stmt_col_int(st, 0) : -1;

    stmt_reset(st);
    return n;
}

#endif
