/* SPDX-License-Identifier: MIT
 *
 * The GPU figures of a virtual cluster, as its page and the metrics tell them.
 */
#ifndef DROVER_SERVER_API_VC_FIGURES_H
#define DROVER_SERVER_API_VC_FIGURES_H

#include <stdint.h>

struct core_view;
struct core_view_vc;

/* GPUs: what it is guaranteed (of "default": what nobody was promised), how much of that its jobs hold and how much is
 * left, what they hold beyond it, and what opportunistic ones hold. Of "default" it looks at all nodes. */
struct vc_gpus {
    int64_t guaranteed, used, free, borrowed, opportunistic;
};
struct vc_gpus vc_gpus_of(const struct core_view *v, const struct core_view_vc *vc);

#endif
