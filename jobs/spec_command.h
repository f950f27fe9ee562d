/* SPDX-License-Identifier: MIT
 *
 * The script of a task role: its commands with everything that the document puts around them.
 */
#ifndef DROVER_JOBS_SPEC_COMMAND_H
#define DROVER_JOBS_SPEC_COMMAND_H

struct doc;
struct spec_build;
struct spec_place;

/* The script of `role`, templates filled but for $secrets. In the arena. NULL on error, with the place (the role's)
 * when the script is too long or its templates cost too much. */
const char *spec_command_build(struct spec_build *b, const struct doc *role, const struct spec_place *place);

#endif
