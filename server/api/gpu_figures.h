/* SPDX-License-Identifier: MIT
 *
 * What is told of a GPU: each figure's name in the API and in /metrics.
 */
#ifndef DROVER_SERVER_API_GPU_FIGURES_H
#define DROVER_SERVER_API_GPU_FIGURES_H

#include <stddef.h>

#include "metrics/exposition.h"
#include "metrics/source.h"
#include "server/http/route.h"

struct arena;
struct core_view;
struct err;
struct gpu;
struct gpu_watch;
struct json_out;
struct remote;
struct api;

route_handler_fn api_node_gpus, api_gpu_history, api_gpu_map; /* a file each */

/* A sample as a JSON object with all its figures, null for what is not known. */
void gpu_figures_json(struct json_out *j, const struct source_sample *sample);

/* Members of a GPU as it is now: "index" to "sample". Of no watch (NULL) there is no sample. */
void gpu_figures_members(struct json_out *j, const struct gpu_watch *w, const struct gpu *g);

/* The name of a figure in JSON. Static. */
const char *gpu_figures_key(enum source_field field);

/* Whose eyes /metrics is for, and the memory of one look. */
struct metrics_look {
    struct arena *arena;
    const char *reader; /* as in jobs_store_on_node */
};
/* The families of GPUs. With x->remote, samples with the time of each. 0 or -1. */
int gpu_figures_expose(struct exposition *x, struct api *a, const struct metrics_look *look,
                       const struct core_view *view, struct err *e);
/* All that /metrics tells, at its newest (metrics.c). 0 or -1. */
int metrics_expose(struct exposition *x, struct api *a, const struct metrics_look *look, struct err *e);

/* The series of one GPU out of its samples, whose times grow; what the last one does not know has ended. */
struct gpu_sampled {
    const char *node;
    const struct gpu *gpu;
    const struct source_sample *samples;
    int count; /* at least one */
};
void gpu_figures_send(struct remote *to, const struct gpu_sampled *of);

#endif
