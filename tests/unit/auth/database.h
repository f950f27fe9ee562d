/* SPDX-License-Identifier: MIT
 *
 * A database of its own for a test, with an admin `root` and a user `ana`.
 */
#ifndef DROVER_TESTS_UNIT_AUTH_DATABASE_H
#define DROVER_TESTS_UNIT_AUTH_DATABASE_H

#include "auth/auth_write.h"
#include "base/clock.h"
#include "base/err.h"

struct arena;
struct store;

#define DATABASE_NOW_MS 1795000000000LL

struct database {
    char folder[64], path[96];
    struct store *s;
    struct arena *a;
    struct err e; /* of the last write */
};

/* Makes and removes it; *state is a struct database. For cmocka. */
int database_setup(void **state);
int database_teardown(void **state);
/* A write as the core's thread makes it, at this moment: all of it or nothing. 0 or -1 with `d->e`. */
int database_write(struct database *d, int (*run)(struct store *s, void *what, struct clock_now now, struct err *e),
                   void *what, int64_t now_ms);

#endif
