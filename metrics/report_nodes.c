/* SPDX-License-Identifier: MIT */
/* Rows of the table of nodes by name, in an arena. */
#include "metrics/report_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "inventory/node_store.h"
#include "inventory/sku.h"

struct report_nodes {
    struct arena *arena;
    struct hash *by_name;
};

struct known {
    char model[SKU_NAME_MAX];
    int gpu_count;
    char uuids[][GPU_UUID_SIZE];
};

static int keep(void *ctx, const struct node *n)
{
    struct report_nodes *nodes = ctx;
    struct known *k = arena_calloc(nodes->arena, 1, sizeof(*k) + (size_t)n->gpu_count * GPU_UUID_SIZE);

    const char *name = arena_strdup(nodes->arena, n->name); /* the hash borrows it */

    if (!k || !name)
        return 1;
    sku_of_node(n, k->model);
    k->gpu_count = n->gpu_count;
    for (int i = 0; i < n->gpu_count; i++)
        memcpy(k->uuids[i], n->gpus[i].uuid, GPU_UUID_SIZE);
    return hash_put(nodes->by_name, name, k) ? 1 : 0;
}

struct report_nodes *report_nodes_read(struct store *s, struct err *e)
{
    struct report_nodes *n = calloc(1, sizeof(*n));
    int rc = 1;

    if (n) {
        n->arena = arena_create(0);
        n->by_name = hash_create();
        rc = n->arena && n->by_name ? node_store_each(s, keep, n, e) : 1;
    }
    if (!rc)
        return n;
    if (rc > 0)
        (void)err_set(e, ERR_INTERNAL, "Out of memory.");
    report_nodes_destroy(n);
    return NULL;
}

void report_nodes_destroy(struct report_nodes *n)
{
    if (!n)
        return;
    hash_destroy(n->by_name);
    arena_destroy(n->arena);
    free(n);
}

const char *report_nodes_model(const struct report_nodes *n, const char *node)
{
    const struct known *k = hash_get(n->by_name, node);

    return k ? k->model : NULL;
}

const char *report_nodes_uuid(const struct report_nodes *n, const char *node, int gpu)
{
    const struct known *k = hash_get(n->by_name, node);

    return k && gpu >= 0 && gpu < k->gpu_count && k->uuids[gpu][0] ? k->uuids[gpu] : NULL;
}
