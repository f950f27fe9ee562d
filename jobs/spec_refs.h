/* SPDX-License-Identifier: MIT
 *
 * Names in a job's document that stand for something else in it: prerequisites, deployments, roles.
 */
#ifndef DROVER_JOBS_SPEC_REFS_H
#define DROVER_JOBS_SPEC_REFS_H

#include <stddef.h>

struct doc;
struct spec_build;

/* The prerequisites with their `require` lists resolved. Opaque; in the arena. */
struct spec_refs;

/* Checks every prerequisite by its type, that names are unique, that every name used stands for something, and that
 * prerequisites do not require each other in a circle. Sets b->refs and b->deployment. 0, or -1 with the place. */
int spec_refs_check(struct spec_build *b);

/* The prerequisite of this type and name, or NULL (also for a NULL name). Borrowed. */
const struct doc *spec_refs_find(const struct spec_refs *refs, const char *type, const char *name);

/* What the `prerequisites` list of a checked role asks for, in the order of start: what is required first, each once.
 * *list is in the arena. 0 or -1. */
int spec_refs_order(struct spec_build *b, const struct doc *role, const struct doc ***list, size_t *count);

#endif
