/* SPDX-License-Identifier: MIT
 *
 * How the GPUs of a node lie together, and where it stands, as an admin's labels tell:
 *
 *   sockets   "2"     its GPUs, in the order of their indices, are so many groups of equal size
 *   pairs     "yes"   GPUs 0 and 1, 2 and 3 ... are linked closely
 *   rack      "r12"   nodes with the same word stand together
 *   pod       "p3"    racks (or nodes that tell none) with the same word do; a rack lies in one pod
 */
#ifndef DROVER_INVENTORY_NODE_TOPOLOGY_H
#define DROVER_INVENTORY_NODE_TOPOLOGY_H

#include <stdbool.h>

#include "inventory/node.h"

struct err;

struct node_topology {
    int sockets; /* 1: not told */
    bool pairs;
    char rack[NODE_NAME_MAX], pod[NODE_NAME_MAX]; /* "": not told */
};

/* What a node's labels tell; what does not fit its GPUs is not told. */
void node_topology_read(const struct node *n, struct node_topology *out);
/* Whether labels (a JSON object of strings) fit a node of so many GPUs. 0, or -1 with ERR_INVALID_PARAMETERS. */
int node_topology_check(const char *labels, int gpus, struct err *e);
/* Labels that tell what stands in `t`, and nothing else, into n->labels. */
void node_topology_write(const struct node_topology *t, struct node *n);

#endif
