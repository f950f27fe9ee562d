/* SPDX-License-Identifier: MIT
 *
 * Names and units of SKUs.
 */
#include "inventory/sku.h"

#include <ctype.h>
#include <stdio.h>

void sku_of_model(const char *model, char out[SKU_NAME_MAX])
{
    size_t n = 0;
    for (const char *c = model; *c && n + 1 < SKU_NAME_MAX; c++) {
        if (isalnum((unsigned char)*c))
            out[n++] = (char)tolower((unsigned char)*c);
        else if (n && out[n - 1] != '-')
            out[n++] = '-';
    }
    while (n && out[n - 1] == '-')
        n--;
    out[n] = '\0';
    if (!n)
        snprintf(out, SKU_NAME_MAX, "gpu");
}

void sku_of_node(const struct node *n, char out[SKU_NAME_MAX])
{
    if (n->gpu_count)
        sku_of_model(n->gpus[0].model, out);
    else
        snprintf(out, SKU_NAME_MAX, "%s", SKU_CPU);
}

struct resources sku_unit(const struct node *n)
{
    int parts = n->gpu_count ? n->gpu_count : n->cpus;
    if (parts <= 0)
        return (struct resources){0};
    return (struct resources){.cpus = n->cpus / parts, .memory_mb = n->memory_mb / parts, .gpus = n->gpu_count ? 1 : 0};
}
