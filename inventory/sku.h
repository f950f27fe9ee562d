/* SPDX-License-Identifier: MIT
 *
 * SKUs: the unit of GPU, CPU and memory in which resources are promised and asked for. A SKU is a GPU model, written so
 * that it can be typed ("NVIDIA H100 80GB HBM3" is "nvidia-h100-80gb-hbm3"); nodes without GPUs are of SKU "cpu".
 */
#ifndef DROVER_INVENTORY_SKU_H
#define DROVER_INVENTORY_SKU_H

#include "inventory/node.h"

#define SKU_NAME_MAX 64
#define SKU_CPU "cpu"

/* The SKU's name of a GPU model; "gpu" when the model is not known. */
void sku_of_model(const char *model, char out[SKU_NAME_MAX]);
/* The SKU of a node, by its first GPU. */
void sku_of_node(const struct node *n, char out[SKU_NAME_MAX]);
/* What one unit of a node's SKU is: its share of a GPU, or of a CPU where there is none. Zero for a node that has
 * neither. */
struct resources sku_unit(const struct node *n);

#endif
