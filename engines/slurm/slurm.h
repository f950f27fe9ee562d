/* SPDX-License-Identifier: MIT
 *
 * The Slurm engine: a cluster behind slurmrestd. Drover decides what starts where; Slurm enforces it, may refuse, and
 * names the GPUs. A task attempt is one Slurm job, found again by our attempt id, never by Slurm's own alone.
 */
#ifndef DROVER_ENGINES_SLURM_SLURM_H
#define DROVER_ENGINES_SLURM_SLURM_H

#include "engines/slurm/slurm_config.h"

struct engine;
struct err;

/* How to make one. Strings are copied. */
struct slurm_config {
    const struct slurm_settings *site; /* outlives the engine */
    const char *data;                  /* data folder: logs come to DATA/run/<attempt> */
    int log_max_mb;                    /* of each log of a task attempt; 0 = no limit */
    int port_first, port_last;         /* ports for tasks on each node, inclusive */
};

/* A stopped engine; orders may be given before ops->start, as to any. Nothing is asked of the cluster yet: where it
 * cannot be reached the engine goes on trying, and says so in the log. The caller destroys it with ops->destroy. NULL
 * with the error, as where the shared folder or the key cannot be used. */
struct engine *slurm_engine_create(const struct slurm_config *config, struct err *e);

#endif
