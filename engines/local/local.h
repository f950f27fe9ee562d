/* SPDX-License-Identifier: MIT
 *
 * The local engine: this machine as one node. Tasks are started by drover-spawner and kept by one drover-shim each;
 * both outlive this engine, which finds running tasks again through the folder DATA/run (one folder an attempt).
 */
#ifndef DROVER_ENGINES_LOCAL_LOCAL_H
#define DROVER_ENGINES_LOCAL_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

struct engine;
struct err;
struct gpu;

#define LOCAL_TASK_PROCESSES 4096 /* and threads, of one task: enough for loaders, little for a fork bomb */

/* How to make one. Strings are copied. */
struct local_config {
    const char *data;       /* data folder; exists */
    const char *spawner;    /* absolute path of drover-spawner */
    const char *shim;       /* absolute path of drover-shim */
    const char *name;       /* of the node; NULL = the host's name */
    const char *address;    /* that tasks reach each other by; NULL = 127.0.0.1 */
    const char *boot_id;    /* for tests; NULL = the kernel's */
    const char *isolation;  /* at most this level (level.h); NULL = all that the machine gives */
    const char *gpu_device; /* path of a GPU's device, "%" standing for its index; NULL = /dev/nvidia% */
    bool spawner_service;   /* the spawner is started by somebody else: wait for it, never start one */
    int cpus;               /* offered; 0 = what this process may use */
    int64_t memory_mb;      /* offered, MiB; 0 = all of it */
    int log_max_mb;         /* of a task attempt's log; 0 = no limit */
    int gpus;               /* simulated GPUs; -1 = the real ones, which the caller has found: */
    const struct gpu *found;
    int found_count; /* of `found`, at most NODE_GPU_MAX */
    int stuck_ms;    /* what lives so long after SIGKILL has its GPUs quarantined; 0 = 5,000 */
    int port_first;  /* ports for tasks, inclusive; 0 = 15000 */
    int port_last;   /* 0 = 32767 */
};

/* A stopped engine. The node is found here, so that errors show at start; ENGINE_NODE is the first event after
 * ops->start. Orders may be given before ops->start: ADOPT orders queued by then are answered before ENGINE_READY;
 * later ADOPT orders are followed by another ENGINE_READY. The caller destroys it with ops->destroy. NULL with the
 * error. */
struct engine *local_engine_create(const struct local_config *config, struct err *e);

#endif
