/* SPDX-License-Identifier: MIT
 *
 * The environment of a task: all PAI_* variables of OpenPAI (openpai.md 2.6) and Drover's own.
 */
#ifndef DROVER_JOBS_ENV_H
#define DROVER_JOBS_ENV_H

#include <stddef.h>

struct arena;
struct job;
struct task;

/* Finds a node's address by name for env_build; returns a borrowed string, never NULL. */
typedef const char *env_address_fn(void *ctx, const char *node);

/* The variables as "KEY=value" strings in `a`, NULL-terminated array; *count without the NULL. All tasks of the job
 * must be placed (node and ports set) unless the job has no gang. GPU variables (CUDA_VISIBLE_DEVICES,
 * NVIDIA_VISIBLE_DEVICES) are the engine's business: it knows the indices; so is PAI_WORK_DIR. For GPU-less tasks
 * NVIDIA_VISIBLE_DEVICES=none is set here. In a job with so many tasks and ports that their variables would be more
 * than 3,000, PAI_HOST_IP_*, PAI_PORT_LIST_* and PAI_*_PORT are there for the task itself only, and lists longer than
 * 120 KiB are left out. NULL on out of memory. Pure. */
const char *const *env_build(struct arena *a, const struct task *t, env_address_fn *address, void *ctx, size_t *count);

#endif
