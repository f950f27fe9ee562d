/* SPDX-License-Identifier: MIT
 *
 * The database of a test: a file in a folder of its own.
 */
#include "database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "store/store.h"

int database_write(struct database *d, int (*run)(struct store *s, void *what, struct clock_now now, struct err *e),
                   void *what, int64_t now_ms)
{
    struct clock_now now = {.wall = now_ms};
    int rc;

    memset(&d->e, 0, sizeof d->e);
    assert_int_equal(store_begin(d->s, &d->e), 0);
    rc = run(d->s, what, now, &d->e);
    if (rc)
        store_rollback(d->s);
    else
        assert_int_equal(store_commit(d->s, &d->e), 0);
    return rc;
}

int database_setup(void **state)
{
    struct database *d = calloc(1, sizeof *d);
    struct auth_user_write root = {.name = "root", .password_hash = "h", .admin = AUTH_YES};
    struct auth_user_write ana = {.name = "ana", .password_hash = "h", .email = "ana@example.org"};

    assert_non_null(d);
    snprintf(d->folder, sizeof d->folder, "/tmp/drover-test-XXXXXX");
    assert_non_null(mkdtemp(d->folder));
    snprintf(d->path, sizeof d->path, "%s/db", d->folder);
    d->s = store_open(d->path, STORE_WRITER, &d->e);
    assert_non_null(d->s);
    d->a = arena_create(0);
    assert_non_null(d->a);
    assert_int_equal(database_write(d, auth_write_user, &root, DATABASE_NOW_MS), 0);
    assert_int_equal(database_write(d, auth_write_user, &ana, DATABASE_NOW_MS), 0);
    *state = d;
    return 0;
}

int database_teardown(void **state)
{
    static const char *const suffix[] = {"", "-wal", "-shm"};
    struct database *d = *state;
    char path[128];

    store_close(d->s);
    arena_destroy(d->a);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", d->path, suffix[i]);
        unlink(path);
    }
    rmdir(d->folder);
    free(d);
    return 0;
}
