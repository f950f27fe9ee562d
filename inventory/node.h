/* SPDX-License-Identifier: MIT
 *
 * Nodes: what a machine has, as found by an engine or configured. Pure data; no thread of its own.
 */
#ifndef DROVER_INVENTORY_NODE_H
#define DROVER_INVENTORY_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inventory/gpu_health.h"
#include "inventory/resources.h"

#define NODE_NAME_MAX 64
#define NODE_LABELS_MAX 1024
#define GPU_UUID_SIZE 48

/* One GPU of a node. */
struct gpu {
    int index;                /* as the driver counts, 0.. */
    char uuid[GPU_UUID_SIZE]; /* "GPU-..." or "" when simulated */
    char model[64];           /* "NVIDIA H100 80GB HBM3", "simulated" */
    int64_t memory_mb;        /* 0 = not known */
    bool simulated;           /* no such device: counted and exported, but nothing runs on it */
    bool quarantined;         /* not to be given out: its last owner could not be proven gone */
    struct gpu_mark health;   /* what it was found to be, and what follows */
};

/* What one node offers. Amounts are totals, not what is free. */
struct node {
    char name[NODE_NAME_MAX];
    char address[64];   /* IP that tasks on other nodes reach it by */
    char boot_id[40];   /* kernel's boot id, "" = not known */
    char isolation[32]; /* level in force: "cgroup2", "cgroup1", "rlimits" */
    int cpus;           /* logical CPUs offered */
    int64_t memory_mb;  /* MiB offered */
    int port_first;     /* ports that tasks may get, inclusive range */
    int port_last;
    int gpu_count;
    struct gpu gpus[NODE_GPU_MAX];
    bool up;                      /* the engine reaches it */
    bool cordoned;                /* by an admin: nothing new starts */
    bool draining;                /* cordoned to be emptied: what runs goes on to its end */
    bool maintenance;             /* in a maintenance window: nothing new starts. Of no row: windows have theirs */
    bool was_up;                  /* not told yet since the start: up, as its row has it */
    char cordon_reason[128];      /* cordoned because of a GPU's health; "" = by an admin, or not */
    char labels[NODE_LABELS_MAX]; /* an admin's, as a JSON object of strings; "" = none */
};

/* The word for its state: "up", "maintenance", "cordoned", "draining" or "down". Static. */
static inline const char *node_word(const struct node *n)
{
    if (!n->up)
        return "down";
    if (n->maintenance)
        return "maintenance";
    if (n->draining)
        return "draining";
    return n->cordoned ? "cordoned" : "up";
}

/* Whether a GPU may be given to tasks. */
static inline bool gpu_given(const struct gpu *g)
{
    return !g->quarantined && g->health.action < GPU_ACTION_QUARANTINE;
}

#endif
