/* SPDX-License-Identifier: MIT
 *
 * The cluster's replies as plain structs: virtual clusters, alerts, the map of all GPUs, the GPUs of a node. As in
 * tui/model.h: lenient about what is missing, texts in the arena and never NULL. The readers fit reply_result. Any
 * thread.
 */
#ifndef DROVER_TUI_MODEL_CLUSTER_H
#define DROVER_TUI_MODEL_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct cJSON;

/* A virtual cluster, with its place in the tree. */
struct model_vc {
    const char *name;
    const char *parent;      /* "" = none */
    const char *description; /* "" = none */
    const char *guarantee;   /* "a100=16, v100=2 nodes"; "" = none */
    bool stopped;
    int depth;                                                /* in the tree; 0 = at the top */
    int64_t guaranteed, used, borrowed, opportunistic, free_; /* GPUs; `used` of its own, without the borrowed */
    int64_t borrow, user_cap;                                 /* at most; 0 = none, and no cap */
    int64_t unfinished;                                       /* jobs */
};

/* In the order of the tree: each behind its parent, by name. */
struct model_vcs {
    struct model_vc *items;
    size_t count;
};

struct model_alert {
    const char *name;
    const char *severity;
    const char *summary;
    const char *about; /* "a100-07 GPU 3", "ana~train"; "" = the server */
    const char *node;  /* "" = none */
    const char *job;   /* "user~name", "" = none */
    const char *since; /* ISO */
    bool silenced;
};

/* The worst first. */
struct model_alerts {
    struct model_alert *items;
    size_t count;
    size_t firing; /* those that are not silenced */
};

/* Whose a GPU is: a place among the fleet's holders, or one of these. */
enum { MODEL_NOBODY = -2, MODEL_HIDDEN = -1 };

/* What is wrong with a GPU. */
enum model_wrong { MODEL_SOUND, MODEL_DEGRADED, MODEL_FAILED, MODEL_LOST, MODEL_HUNG, MODEL_QUARANTINED };

/* A GPU on the map. Percents: -1 = not known. */
struct model_cell {
    int8_t utilization;
    int8_t memory;
    uint8_t wrong; /* enum model_wrong */
    int32_t holder;
};

struct model_holder {
    const char *user;
    const char *full; /* "user~name" */
    const char *vc;
};

struct model_tile {
    const char *name;
    const char *state; /* "up" */
    const char *sku;
    const char *model;
    bool simulated;
    struct model_cell *cells;
    size_t count;
};

/* Nodes by SKU and name. */
struct model_fleet {
    struct model_holder *holders;
    size_t holder_count;
    struct model_tile *tiles;
    size_t count;
};

/* GPUs of a SKU, each counted once: out = it, or its node, can take nothing; idle = held, and nothing is computed. */
struct model_sum {
    const char *sku; /* borrowed of the fleet */
    int64_t total, busy, idle, free_, out, wrong;
};

#define MODEL_SERIES 600     /* seconds of a GPU's curves */
#define MODEL_HOLDS_MS 15000 /* for which a sample stands when none follows it; then there is a gap */

/* A GPU of a node. -1 = not told. */
struct model_device {
    int index;
    const char *model;
    const char *problem; /* "failed: Xid 79", "" = none */
    const char *task;    /* "ana~train main-0", "" = nobody's */
    bool simulated;
    int utilization, temperature;
    int64_t memory_used, memory_total; /* bytes */
    int64_t power_mw;
    /* Percents of each of the last seconds, MODEL_SERIES of them, the newest last; -1 where nothing was told. */
    int *busy;
    int *memory;
};

struct model_devices {
    struct model_device *items;
    size_t count;
};

/* The readers: `into` is the struct named like them. 0, or -1 when the reply is of another kind. */
int model_read_vcs(struct arena *a, const struct cJSON *json, void *into);
int model_read_alerts(struct arena *a, const struct cJSON *json, void *into);
int model_read_fleet(struct arena *a, const struct cJSON *json, void *into);
int model_read_devices(struct arena *a, const struct cJSON *json, void *into);

/* The sums of each SKU, in order, into `out`; how many there are, at most `room`. */
size_t model_sums(const struct model_fleet *f, struct model_sum *out, size_t room);
/* The word of a fault: "degraded"; "" for none. Static. */
const char *model_wrong_word(enum model_wrong wrong);
/* Whether a node in this state takes work. */
bool model_takes(const char *state);

#endif
