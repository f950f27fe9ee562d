/* SPDX-License-Identifier: MIT
 *
 * Which task has which GPU of a node, as the rows say.
 */
#ifndef DROVER_SERVER_GPU_HOLDERS_H
#define DROVER_SERVER_GPU_HOLDERS_H

#include "inventory/node.h"

struct arena;
struct err;
struct store;

/* The task that has a GPU. Strings are the arena's. */
struct gpu_holder {
    const char *user; /* NULL: nobody, or nobody that the reader may know of */
    const char *name, *vc, *job_id, *role, *attempt_id;
    int task_index;
};

/* The GPUs of a task's row (a JSON list, NULL ok) that a node of so many has. How many. */
int gpu_holders_list(const char *json, int gpu_count, int out[NODE_GPU_MAX]);
/* Who holds the GPUs of a node, by index; `reader` as in jobs_store_on_node. 0 or -1. */
struct gpu_holders_of {
    const char *node, *reader;
    struct arena *arena;
};
int gpu_holders_read(struct store *s, const struct gpu_holders_of *of, struct gpu_holder out[NODE_GPU_MAX],
                     struct err *e);

#endif
