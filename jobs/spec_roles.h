/* SPDX-License-Identifier: MIT
 *
 * The task roles of a checked document as plain structs.
 */
#ifndef DROVER_JOBS_SPEC_ROLES_H
#define DROVER_JOBS_SPEC_ROLES_H

struct spec_build;

/* Fills b->spec's roles and totals; refuses what only sums and pairs can tell (too many tasks or ports, role names that
 * are the same on the wire). 0, or -1 with the place. */
int spec_roles_read(struct spec_build *b);

#endif
