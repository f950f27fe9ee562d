/* SPDX-License-Identifier: MIT
 *
 * Job protocol v2 as tables (openpai.md 2.1 to 2.3). The extras have theirs in spec_extras.c and protocol_extras.c.
 */
#ifndef DROVER_JOBS_SPEC_TABLES_H
#define DROVER_JOBS_SPEC_TABLES_H

#include "jobs/spec_schema.h"

/* Bounds of a job. */
#define SPEC_MAX_TASKS 10000
#define SPEC_MAX_ROLES 256
#define SPEC_MAX_PORTS 128
#define SPEC_MAX_PREREQUISITES 1000

/* The whole document. A prerequisite is checked here as far as all types are alike. */
extern const struct spec_object spec_tables_job;

/* What a prerequisite of this type (a checked one) may hold. Never NULL. Static. */
const struct spec_object *spec_tables_prerequisite(const char *type);

/* A list of commands: at least one string. */
extern const struct spec_field spec_tables_command;

#endif
