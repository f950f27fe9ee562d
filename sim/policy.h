/* SPDX-License-Identifier: MIT
 *
 * What a replay obeys: who is guaranteed what, whether classes count, who may pass whom.
 */
#ifndef DROVER_SIM_POLICY_H
#define DROVER_SIM_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;
struct err;

enum { POLICY_MAX = 16, POLICY_NAME_MAX = 32 };

enum policy_quota {
    POLICY_POOL,  /* one pool for all virtual clusters */
    POLICY_COUNT, /* each is guaranteed its number of GPUs, in no shape */
    POLICY_SHAPE, /* each is guaranteed its cells */
};

struct policy {
    char name[POLICY_NAME_MAX];
    enum policy_quota quota;
    bool classes;     /* higher classes go first and preempt lower ones; else all are alike */
    bool passing;     /* a gang that does not fit lets others pass */
    int64_t age_ms;   /* a gang that has waited for so long reserves; 0 = never */
    int64_t grace_ms; /* what is told to stop may take so long */
};

/* The policies at hand: fifo, priority, count and shape first, then described ones. */
struct policies {
    struct policy list[POLICY_MAX];
    size_t count;
};

/* The four that are built in. */
void policy_defaults(struct policies *p);
/* Adds those of {"name": {"quota": "pool|count|shape", "classes": true, "passing": true, "ageSeconds": 3600,
 * "graceSeconds": 30}, ...}; absent members are as in `shape`. 0 or -1. */
int policy_read(struct policies *p, const struct cJSON *o, struct err *e);
/* Keeps only those of a list of names, "fifo,shape", in its order. 0 or -1. */
int policy_choose(struct policies *p, const char *names, struct err *e);

#endif
