/* SPDX-License-Identifier: MIT
 *
 * What tasks ask of a node; apart from nodes, since programs that run as root need no more of them.
 */
#ifndef DROVER_INVENTORY_RESOURCES_H
#define DROVER_INVENTORY_RESOURCES_H

#include <stdint.h>

#define NODE_GPU_MAX 64

/* Resources that one task asks of one node; also used for sums. */
struct resources {
    int64_t cpus;
    int64_t memory_mb;
    int64_t gpus;
};

#endif
