/* SPDX-License-Identifier: MIT
 *
 * What is told of a GPU: each figure's name in the API and in /metrics, and who holds it.
 */
#ifndef DROVER_SERVER_API_GPU_FIGURES_H
#define DROVER_SERVER_API_GPU_FIGURES_H

#include <stddef.h>

#include "metrics/exposition.h"
#include "metrics/source.h"

struct arena;
struct core_view;
struct err;
struct json_out;
struct request;
struct store;
struct api;

/* The task that has a GPU. Strings are the arena's. */
struct gpu_holder {
    const char *user; /* NULL: nobody, or nobody that the reader may know of */
    const char *name, *vc, *job_id, *role;
    int task_index;
};

/* Who holds the GPUs of a node, by index; `reader` as in jobs_store_on_node. 0 or -1. */
struct gpu_holders_of {
    const char *node, *reader;
    struct arena *arena;
};
int gpu_holders_read(struct store *s, const struct gpu_holders_of *of, struct gpu_holder out[NODE_GPU_MAX],
                     struct err *e);

/* A sample as a JSON object with all its figures, null for what is not known. */
void gpu_figures_json(struct json_out *j, const struct source_sample *sample);

/* The families of GPUs for /metrics, for the caller's eyes. 0 or -1. */
int gpu_figures_expose(struct exposition *x, struct api *a, struct request *r, const struct core_view *view,
                       struct err *e);

#endif
