/* SPDX-License-Identifier: MIT
 *
 * A virtual cluster as an admin describes it. Pure data, and its JSON: what the API takes and table virtual_cluster
 * keeps.
 *
 *   {"guarantee": [{"sku": "h100", "gpus": 8}, {"sku": "h100", "nodes": 2, "racks": 1}],   by quantity, and as a shape
 *    "pins": ["node-3"], "borrow": 0, "userCap": 0, "cpus": 0, "parent": "research",
 *    "maxTime": 0, "maxGpus": 0, "maxJobs": 0, "keepLogsDays": 0, "userDiskMB": 0,
 *    "debugReservations": "asked" | "off" | "userFailure", "debugMaxMinutes": 0, "debugPerUser": 0, "debugTotal": 0,
 *    "debugReclaim": "yes" | "no",
 *    "idle": null | {...} (idle_policy.h), "read": "open" | "own", "preemption": "stop" | "lazy", "description": "",
 * "externalName": ""}
 */
#ifndef DROVER_INVENTORY_VC_H
#define DROVER_INVENTORY_VC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inventory/idle_policy.h"
#include "inventory/node.h"
#include "inventory/sku.h"

#define VC_NAME_MAX 64
#define VC_TEXT_MAX 256
#define VC_DEFAULT "default"
#define VC_DEBUG_MINUTES_MAX (7 * 24 * 60)
enum { VC_GUARANTEES_MAX = 16, VC_PINS_MAX = 16, VC_MAX = 256 };

struct cJSON;
struct err;
struct json_out;

/* Of one SKU: GPUs in no special shape, and whole sockets, nodes, racks and pods (inventory/node_topology.h). */
struct vc_guarantee {
    char sku[SKU_NAME_MAX];
    int gpus, sockets, nodes, racks, pods;
};

/* Debug reservations (jobs/lease.h) of its jobs. */
enum vc_debug_switch {
    VC_DEBUG_ASKED,        /* for jobs that ask for one */
    VC_DEBUG_OFF,          /* for nobody */
    VC_DEBUG_USER_FAILURE, /* for each job whose command itself fails: the sandbox alone */
};
struct vc_debug {
    enum vc_debug_switch allow;
    int max_minutes;     /* with all that it is extended; 0 = 240 */
    int per_user, total; /* at a time; 0 = 1, and 8 */
    bool kept;           /* guaranteed work does not take their GPUs back */
};

struct vc {
    char name[VC_NAME_MAX];
    char parent[VC_NAME_MAX]; /* "" = none; its guarantee is part of the parent's */
    struct vc_guarantee guarantee[VC_GUARANTEES_MAX];
    size_t guarantee_count;
    char pins[VC_PINS_MAX][NODE_NAME_MAX]; /* nodes of its own; used by jobs only that name them */
    size_t pin_count;
    int borrow;         /* GPUs it may hold beyond its guarantee; they can be taken back; with all below it, beyond
                         * theirs and its own */
    int user_cap;       /* GPUs that one user may hold; 0 = no cap */
    int cpus;           /* for tasks without GPUs; 0 = no quota */
    int max_time;       /* seconds that a job attempt may run, also of a job that says nothing; 0 = any */
    int max_gpus;       /* of one job; 0 = any */
    int max_jobs;       /* unfinished at a time; 0 = any */
    int keep_logs_days; /* how long the logs of its jobs are kept after their end; 0 = as the site says */
    int user_disk_mb;   /* what a user of its jobs may keep on a node, of all jobs; 0 = as the site says */
    struct vc_debug debug;
    struct idle_policy idle; /* of GPUs that are held and not used */
    bool own;                /* read policy: users see their own jobs only */
    bool lazy;    /* victims inside it lose their guarantee first, and stop only when their GPUs are needed */
    bool stopped; /* accepts no jobs */
    char description[VC_TEXT_MAX], external_name[VC_TEXT_MAX];
    int64_t created_ms;
};

/* Whether a name may be one: letters, digits, "_" and "-", at most 63. */
bool vc_name_ok(const char *name);
/* Reads the members above; absent ones keep what `vc` says (zero it for the defaults). Unknown members are refused. 0,
 * or -1 with ERR_INVALID_PARAMETERS. */
int vc_parse(const struct cJSON *o, struct vc *vc, struct err *e);
/* How long a job attempt in it may run, in ms, where the job asks for `asked_ms`; 0 = as long as it likes. `vc` may be
 * NULL: one that is gone has no limit. */
int64_t vc_time_limit_ms(const struct vc *vc, int64_t asked_ms);
/* The caps of `d`, or what stands for 0. */
int vc_debug_minutes(const struct vc_debug *d);
int vc_debug_per_user(const struct vc_debug *d);
int vc_debug_total(const struct vc_debug *d);
/* Writes the members into an object that is begun. */
void vc_write(struct json_out *j, const struct vc *vc);

#endif
