/* SPDX-License-Identifier: MIT
 *
 * The GPUs of this machine by NVIDIA's library, loaded at run time with our own declarations: Drover builds and runs
 * without driver or SDK.
 */
#ifndef DROVER_ENGINES_LOCAL_NVML_H
#define DROVER_ENGINES_LOCAL_NVML_H

struct err;
struct node;

/* Fills node->gpus and node->gpu_count. No library or no driver is no error: 0 GPUs. -1 when the library is there and
 * fails. */
int nvml_find(struct node *node, struct err *e);

#endif
