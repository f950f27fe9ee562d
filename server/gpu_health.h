/* SPDX-License-Identifier: MIT
 *
 * The health of this machine's GPUs: each look is judged (metrics/health.h), and the engine is told what is new, which
 * the core then hears of as of anything about its node. What the rows say of the life before is gone on with.
 */
#ifndef DROVER_SERVER_GPU_HEALTH_H
#define DROVER_SERVER_GPU_HEALTH_H

#include "inventory/node.h"
#include "metrics/sampler.h"

struct engine;
struct err;
struct gpu_account;
struct gpu_health;
struct health_rules;
struct readers;

struct gpu_health_config {
    const struct health_rules *rules;
    const struct gpu_account *account; /* who holds what */
    struct readers *readers;           /* all borrowed */
};

/* `gpus`: those that were found; what is known of them is filled in. NULL with the error. */
struct gpu_health *gpu_health_create(const struct gpu_health_config *c, struct gpu *gpus, int count, struct err *e);
/* Whom to tell, before the first look. */
void gpu_health_use(struct gpu_health *h, struct engine *engine);
/* A look, which the account has had; no readings: the driver fails or hangs. The sampler's thread. */
void gpu_health_take(struct gpu_health *h, const struct source_reading *readings, enum sampler_state state);
/* An admin says that the GPUs are well. Any thread. */
void gpu_health_forgive(struct gpu_health *h);
/* NULL ok. */
void gpu_health_destroy(struct gpu_health *h);

#endif
