/* SPDX-License-Identifier: MIT
 *
 * OpenPAI's `extras` (openpai.md 2.5).
 */
#ifndef DROVER_JOBS_SPEC_EXTRAS_H
#define DROVER_JOBS_SPEC_EXTRAS_H

struct doc;
struct spec_build;

/* Checks the extras and fills what they say into b->spec (priority, gang, notify, tags, extras.drover) and b->plugins.
 * Unknown extras are free, as in OpenPAI. 0, or -1 with the place. */
int spec_extras_read(struct spec_build *b);

#endif
