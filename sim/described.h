/* SPDX-License-Identifier: MIT
 *
 * Clusters and virtual clusters as scenario files describe them.
 */
#ifndef DROVER_SIM_DESCRIBED_H
#define DROVER_SIM_DESCRIBED_H

#include <cjson/cJSON.h>

#include "inventory/topology.h"

struct err;

/* {"cell_types": {...}, "cells": [...]} to cells. `t` must be zeroed; the caller frees it with topology_fini, also
 * after -1. */
int described_cluster(const cJSON *o, struct topology *t, struct err *e);
/* {"name": spec, ...} to virtual clusters, which the caller frees with described_vcs_free. NULL on error. */
struct vcluster *described_vcs(const cJSON *o, const struct topology *t, size_t *count, struct err *e);
/* NULL ok. */
void described_vcs_free(struct vcluster *vcs, size_t count);

#endif
