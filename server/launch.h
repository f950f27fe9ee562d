/* SPDX-License-Identifier: MIT
 *
 * From a task to an engine's order: environment, script with its secrets, ports, limits.
 */
#ifndef DROVER_SERVER_LAUNCH_H
#define DROVER_SERVER_LAUNCH_H

#include <stdbool.h>

#include "engines/engine.h"

struct cluster;
struct err;
struct keys;
struct store;
struct task;

/* Site settings that a launch depends on. */
struct launch_site {
    struct store *store;           /* what storages the job's user may mount, and where they are */
    const struct keys *keys;       /* opens the job's sealed secrets */
    const struct cluster *cluster; /* addresses of nodes */
    bool image_on_host;            /* unknownImage: host */
};

/* The order to LAUNCH or ADOPT the task's current attempt; the caller hands it to the engine. NULL on error. An ADOPT
 * carries no script: what runs is found again even when its secrets can no longer be opened. The core's thread. */
struct engine_order *launch_order(const struct launch_site *site, enum engine_order_kind kind, const struct task *t,
                                  struct err *e);

#endif
