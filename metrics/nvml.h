/* SPDX-License-Identifier: MIT
 *
 * NVIDIA's GPUs, by the library that comes with their driver. It is loaded at run time, with declarations of our own:
 * Drover builds and runs without driver or SDK.
 */
#ifndef DROVER_METRICS_NVML_H
#define DROVER_METRICS_NVML_H

struct err;
struct source;

/* A source; nothing is loaded before its `find`. NULL on out of memory. */
struct source *nvml_create(struct err *e);

#endif
