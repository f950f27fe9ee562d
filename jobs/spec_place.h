/* SPDX-License-Identifier: MIT
 *
 * Where a validator is in a document: a chain of steps on the stack, written as a JSON pointer only when an error is.
 * For the spec_*.c files.
 */
#ifndef DROVER_JOBS_SPEC_PLACE_H
#define DROVER_JOBS_SPEC_PLACE_H

#include <stddef.h>

struct doc;
struct err;

/* One step from the document's root; the root itself has no step (NULL). Lives on its caller's stack. */
struct spec_place {
    const struct spec_place *up;
    const char *key; /* NULL: a list's entry */
    size_t index;    /* of a list's entry, 0.. */
};

/* The step for `child`, the `index`-th child of its parent. Pure. */
struct spec_place spec_place_step(const struct spec_place *up, const struct doc *child, size_t index);

/* Sets ERR_INVALID_PROTOCOL with the pointer of `place` and line and column of the value `at` (NULL: no line).
 * Returns -1. */
int spec_place_fail(const struct spec_place *place, const struct doc *at, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* As spec_place_fail, at the key of `at` where it has one: for keys that are wrong themselves, and for a map in which
 * something is missing. */
int spec_place_fail_key(const struct spec_place *place, const struct doc *at, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
