/* SPDX-License-Identifier: MIT
 *
 * Jobs and debug reservations that hold this machine's GPUs and do not use them: each look is judged (metrics/idle.h)
 * by the rules of their virtual cluster, or the site, and the core is told when one is to be warned, what follows in
 * the end, and when it is used again. What was counted is stored with that, and now and then, and gone on with after a
 * restart. docs/IDLE.md.
 */
#ifndef DROVER_SERVER_GPU_IDLE_H
#define DROVER_SERVER_GPU_IDLE_H

#include <stdint.h>

#include "inventory/idle_policy.h"

struct err;
struct gpu_account;
struct gpu_idle;
struct mailbox;
struct readers;
struct snapshots;
struct source_reading;

struct gpu_idle_config {
    const struct idle_policy *site;    /* where a virtual cluster has none of its own */
    const struct gpu_account *account; /* who holds what */
    struct readers *readers;
    struct snapshots *snapshots; /* for the rules of virtual clusters */
    struct mailbox *mailbox;     /* all borrowed */
    int count;                   /* GPUs */
    int64_t flush_ms;            /* what was counted is written so often: a crash costs so much at most */
};

/* NULL with the error. */
struct gpu_idle *gpu_idle_create(const struct gpu_idle_config *c, struct err *e);
/* A look, which the account has had; no readings: the driver fails or hangs. The sampler's thread. */
void gpu_idle_take(struct gpu_idle *g, const struct source_reading *readings, int64_t ms);
/* Writes what was counted; no look comes after this. Before the core stops. */
void gpu_idle_close(struct gpu_idle *g);
/* After the core has stopped. NULL ok. */
void gpu_idle_destroy(struct gpu_idle *g);

#endif
