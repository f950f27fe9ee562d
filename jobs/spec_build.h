/* SPDX-License-Identifier: MIT
 *
 * What the stages of spec_parse hand on to each other: the checked document and the spec that grows out of it.
 */
#ifndef DROVER_JOBS_SPEC_BUILD_H
#define DROVER_JOBS_SPEC_BUILD_H

#include <stdbool.h>
#include <stddef.h>

#include "jobs/spec.h"
#include "jobs/spec_template.h"

struct spec_refs;

struct spec_build {
    struct arena *arena;
    const struct doc *root;
    struct spec *spec;
    bool stored; /* text from the database: masked values are as they should be */
    struct spec_refs *refs;
    const struct doc *extras;     /* or NULL */
    const struct doc *deployment; /* taskRoles of the chosen deployment, or NULL */
    const struct doc *plugins;    /* the runtime plugins, or NULL */
    struct spec_template names;   /* $parameters */
    size_t command_bytes;         /* of all roles so far */
    struct err *e;
};

#endif
