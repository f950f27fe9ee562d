/* SPDX-License-Identifier: MIT
 *
 * The local engine: this machine as one node. Tasks are started by drover-spawner and kept by one drover-shim each;
 * both outlive this engine, which finds running tasks again through the folder DATA/run (one folder an attempt).
 */
#ifndef DROVER_ENGINES_LOCAL_LOCAL_H
#define DROVER_ENGINES_LOCAL_LOCAL_H

#include <stdint.h>

struct engine;
struct err;

/* How to make one. Strings are copied. */
struct local_config {
    const char *data;    /* data folder; exists */
    const char *spawner; /* absolute path of drover-spawner */
    const char *shim;    /* absolute path of drover-shim */
    const char *name;    /* of the node; NULL = the host's name */
    const char *address; /* that tasks reach each other by; NULL = 127.0.0.1 */
    const char *boot_id; /* for tests; NULL = the kernel's */
    int cpus;            /* offered; 0 = what this process may use */
    int64_t memory_mb;   /* offered, MiB; 0 = all of it */
    int gpus;            /* simulated GPUs; -1 = the real ones, by NVML (none without a driver) */
    int port_first;      /* ports for tasks, inclusive; 0 = 15000 */
    int port_last;       /* 0 = 32767 */
};

/* A stopped engine. The node is found here, so that errors show at start; ENGINE_NODE is the first event after
 * ops->start. Orders may be given before ops->start: ADOPT orders queued by then are answered before ENGINE_READY;
 * later ADOPT orders are followed by another ENGINE_READY. The caller destroys it with ops->destroy. NULL with the
 * error. */
struct engine *local_engine_create(const struct local_config *config, struct err *e);

#endif
