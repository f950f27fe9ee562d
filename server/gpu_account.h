/* SPDX-License-Identifier: MIT
 *
 * Samples told to who holds the GPU: what each task attempt makes of its GPUs is added up while it has them, written
 * now and then, and for good when they are given back. Who holds what is read from the rows at each look, so that the
 * core knows nothing of samples; what is to be written goes to it as any write does. A look counts for who holds the
 * GPU when it ends.
 */
#ifndef DROVER_SERVER_GPU_ACCOUNT_H
#define DROVER_SERVER_GPU_ACCOUNT_H

#include <stdint.h>

#include "inventory/node.h"

struct err;
struct gpu_account;
struct gpu_holder;
struct mailbox;
struct readers;
struct snapshots;
struct source_reading;

struct gpu_account_config {
    struct readers *readers;
    struct snapshots *snapshots; /* the node that has the GPUs is found there */
    struct mailbox *mailbox;
    const struct gpu *gpus; /* all borrowed */
    int count;
    int64_t flush_ms; /* what goes on is written so often */
};

/* NULL with the error. */
struct gpu_account *gpu_account_create(const struct gpu_account_config *c, struct err *e);
/* A look (sampler_taken_fn, with the account as context). The sampler's thread. */
void gpu_account_take(void *account, const struct source_reading *readings, int count, int64_t ms);
/* The attempt that holds a GPU, as the last look found; "" = nobody, NULL = that is not known. The sampler's thread. */
const char *gpu_account_holder(const struct gpu_account *a, int gpu);
/* Who holds what, by GPU, and on which node, as the last look found; NULL = that is not known. Good until the next
 * look. The sampler's thread. */
const struct gpu_holder *gpu_account_holders(const struct gpu_account *a);
const char *gpu_account_node(const struct gpu_account *a);
/* Writes what goes on; no look comes after this. Before the core stops. */
void gpu_account_close(struct gpu_account *a);
/* After the core has stopped. NULL ok. */
void gpu_account_destroy(struct gpu_account *a);

#endif
