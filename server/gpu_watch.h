/* SPDX-License-Identifier: MIT
 *
 * This machine's GPUs while droverd runs: found once at the start, for the engine too, and sampled from then on.
 */
#ifndef DROVER_SERVER_GPU_WATCH_H
#define DROVER_SERVER_GPU_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "inventory/node.h"
#include "metrics/sampler.h"
#include "metrics/series_store.h"

struct engine;
struct err;
struct gpu_watch;
struct health_rules;
struct idle_policy;
struct mailbox;
struct readers;
struct remote_source;
struct snapshots;

/* What samples are kept for, in the server's memory. */
#define GPU_WATCH_KEEP_MS 3600000

struct gpu_watch_config {
    int period_s; /* between samples, 0 = none are taken */
    int seal_s;   /* what samples are sealed together for */
    struct series_keep keep;
    const struct remote_source *prometheus; /* with a url: asked instead of the driver */
    const char *node;                       /* this machine's name; "" = the host's */
    const struct health_rules *rules;
    const struct idle_policy *idle; /* the site's, for GPUs that are held and not used */
    struct readers *readers;
    struct snapshots *snapshots;
    struct mailbox *mailbox; /* all borrowed, for what tasks make of their GPUs (gpu_account.h) */
};

/* Finds the GPUs, which may take a minute. NULL with the error: there is a driver, and it fails or hangs. */
struct gpu_watch *gpu_watch_create(const struct gpu_watch_config *c, struct err *e);
/* The GPUs, in the driver's order. Borrowed. */
const struct gpu *gpu_watch_gpus(const struct gpu_watch *w, int *count);
/* Begins to sample, and to tell the engine (borrowed) how the GPUs are. 0 or -1. */
int gpu_watch_start(struct gpu_watch *w, struct engine *engine, struct err *e);
/* No more samples; what tasks made of their GPUs is told to the core, which must not have stopped. NULL ok. Returns
 * within seconds whatever the driver does, as the next one. */
void gpu_watch_stop(struct gpu_watch *w);
/* How long series are kept; of no watch (NULL) for ever. */
const struct series_keep *gpu_watch_keep(const struct gpu_watch *w);
/* How long an owner may snooze a job whose virtual cluster says nothing, in minutes. NULL ok. */
int gpu_watch_snooze(const struct gpu_watch *w);
/* After the core has stopped. NULL ok. */
void gpu_watch_destroy(struct gpu_watch *w);

/* An admin says that the GPUs of the node, if they are ours, are well. Any thread. NULL ok. */
void gpu_watch_forgive(const struct gpu_watch *w, const struct node *n);

/* As the functions of metrics/sampler.h, of a GPU by its UUID; any thread; of no watch (NULL), or for another machine's
 * GPU, nothing is known. `state`: SAMPLER_BEGINS, too, where nothing is sampled. */
enum sampler_state gpu_watch_state(const struct gpu_watch *w, const char *uuid, int64_t *since_ms);
bool gpu_watch_last(const struct gpu_watch *w, const char *uuid, struct source_sample *out);
int gpu_watch_since(const struct gpu_watch *w, const char *uuid, int64_t after_ms, struct source_sample *out, int max);
/* Adds the samples of the range that are not stored yet: what comes behind series_store_read. 0 or -1. */
int gpu_watch_add_new(const struct gpu_watch *w, struct store *s, const struct series_range *range,
                      struct rollup *points, struct err *e);

#endif
