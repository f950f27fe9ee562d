/* SPDX-License-Identifier: MIT
 *
 * Migrations. `PRAGMA user_version` is the number of the last one applied.
 */
#ifndef DROVER_STORE_SCHEMA_H
#define DROVER_STORE_SCHEMA_H

#include <stddef.h>

struct err;
struct store;

/* One step. Versions count 1, 2, 3, ... without gaps; a released step is never edited. */
struct schema_step {
    int version;
    const char *const *sql; /* statements, NULL-terminated */
};

/* The version this program works with. */
int schema_version(void);
/* This program's steps, oldest first, and how many. Constant. */
const struct schema_step *schema_all(size_t *count);
/* Applies all steps of this program that the writer `s` lacks. Refuses a newer or foreign database. 0 or -1. */
int schema_migrate(struct store *s, struct err *e);
/* Same with other steps (tests). Each step is one transaction: after a crash it is there wholly or not at all. */
int schema_apply(struct store *s, const struct schema_step *steps, size_t n, struct err *e);
/* For readers: fails unless the database has exactly this program's version. 0 or -1. */
int schema_check(struct store *s, struct err *e);

#endif
