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

struct core_view;
struct err;
struct gpu;
struct gpu_watch;
struct json_out;
struct request;
struct api;

route_handler_fn api_node_gpus, api_gpu_history; /* a file each */

/* A sample as a JSON object with all its figures, null for what is not known. */
void gpu_figures_json(struct json_out *j, const struct source_sample *sample);

/* Members of a GPU as it is now: "index" to "sample". Of no watch (NULL) there is no sample. */
void gpu_figures_members(struct json_out *j, const struct gpu_watch *w, const struct gpu *g);

/* The name of a figure in JSON. Static. */
const char *gpu_figures_key(enum source_field field);

/* The families of GPUs for /metrics, for the caller's eyes. 0 or -1. */
int gpu_figures_expose(struct exposition *x, struct api *a, struct request *r, const struct core_view *view,
                       struct err *e);

#endif
