/* SPDX-License-Identifier: MIT
 *
 * How GPUs lie together: chains of cell types (GPU, pair, socket, node, rack ...) and the virtual clusters that own
 * cells of them. Pure data.
 */
#ifndef DROVER_INVENTORY_TOPOLOGY_H
#define DROVER_INVENTORY_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>

#define TOPOLOGY_NAME_MAX 64
#define TOPOLOGY_LEVELS 8

struct cJSON;
struct err;

/* One level of a chain. Level 0 is a GPU; its name is the GPU model and its fanout is 1. */
struct topology_level {
    char name[TOPOLOGY_NAME_MAX];
    int fanout; /* cells of the level below in one cell */
    int gpus;   /* GPUs in one cell: the product of the fanouts */
};

/* One top-level type with everything beneath it. All its cells are alike. */
struct topology_chain {
    int levels;     /* number of levels; the top is levels - 1 */
    int node_level; /* the level that is one machine */
    struct topology_level level[TOPOLOGY_LEVELS];
};

/* One physical top-level cell: the machines in it, in order. */
struct topology_root {
    int chain;
    char (*nodes)[TOPOLOGY_NAME_MAX];
    size_t node_count;
};

/* A cell that is given to one virtual cluster by name, and used by jobs only that name it. */
struct topology_pin {
    char name[TOPOLOGY_NAME_MAX];
    char first_node[TOPOLOGY_NAME_MAX]; /* its first machine: with the level it names the cell */
    int level;
};

struct topology {
    struct topology_chain *chains;
    size_t chain_count;
    struct topology_root *roots;
    size_t root_count;
    struct topology_pin *pins;
    size_t pin_count;
};

/* A guarantee: `count` cells of a level of a chain. Level 0 is a guarantee by quantity: so many GPUs, in no shape. */
struct vcluster_quota {
    int chain, level, count;
};

/* One virtual cluster. */
struct vcluster {
    char name[TOPOLOGY_NAME_MAX];
    struct vcluster_quota *quotas;
    size_t quota_count;
    int *pins; /* indices into topology.pins */
    size_t pin_count;
    int borrow;   /* GPUs it may hold beyond its guarantee at guaranteed priorities; they can be taken back */
    int user_cap; /* GPUs that one user may hold in it; 0 = no cap */
    int cpus;     /* for pods without GPUs; 0 = no quota */
    int above;    /* the number, plus one, of the virtual cluster that it is a part of; 0: none */
};

/* Frees what hangs below. NULL ok. */
void topology_fini(struct topology *t);
void topology_vcluster_fini(struct vcluster *v);

/* Fills gpus from fanouts, from level 0 up. */
void topology_chain_size(struct topology_chain *c);

/* Resolves a path of type names from a chain's top, "rack.node". 0, or -1 with ERR_INVALID_PARAMETERS. */
int topology_path(const struct topology *t, const char *path, int *chain, int *level, struct err *e);

/* Reads a virtual cluster's spec, as table virtual_cluster keeps it:
 * {"cells": [{"cell": "rack.node", "count": 2}], "pins": ["id"], "borrow": 0, "userCap": 0}. Every member may be
 * absent. `v` must be zeroed; the caller frees it with topology_vcluster_fini also after -1. */
int topology_vcluster_parse(const struct topology *t, const struct cJSON *spec, struct vcluster *v, struct err *e);

#endif
