/* SPDX-License-Identifier: MIT
 *
 * What a task of the local engine finds in its environment, and whether its ports are free. The engine's thread.
 */
#ifndef DROVER_ENGINES_LOCAL_LOCAL_ENV_H
#define DROVER_ENGINES_LOCAL_LOCAL_ENV_H

#include <stddef.h>

struct engine_launch;
struct err;
struct local;
struct local_attempt;

/* The task's whole environment, in the order's arena. NULL with the error. */
const char **local_env_build(struct local *l, struct local_attempt *a, size_t *count, struct err *e);
/* First port of the launch that is in use, or 0. */
int local_env_busy_port(const struct engine_launch *launch);

#endif
