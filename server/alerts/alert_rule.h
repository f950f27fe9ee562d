/* SPDX-License-Identifier: MIT
 *
 * The rules of alerts as data: each says which figure it looks at, by what it is compared, for how long that has to
 * hold, and how grave it is. docs/ALERTS.md shows the table; a site changes a rule in its configuration.
 */
#ifndef DROVER_SERVER_ALERTS_ALERT_RULE_H
#define DROVER_SERVER_ALERTS_ALERT_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "inventory/gpu_health.h"

struct doc;
struct err;

/* What a rule looks at. Each gives any number of values, each of a thing: a node, a GPU, a job, the server. */
enum alert_figure {
    ALERT_ALWAYS,           /* 1 */
    ALERT_NODE_UP,          /* 1: the engine reaches it */
    ALERT_NODE_QUARANTINED, /* GPUs that are kept from tasks because their last ones could not be proven gone */
    ALERT_GPU_CAUSE,        /* 1: it was found to be what the rule's `cause` says */
    ALERT_GPU_TEMPERATURE,  /* degrees Celsius */
    ALERT_GPU_MEMORY_LEFT,  /* MiB in use although nobody holds it and no process computes on it */
    ALERT_JOB_IDLE,         /* 1: its owner was told that its GPUs are not used (docs/IDLE.md) */
    ALERT_DISK_FREE,        /* percent of the data folder's file system */
    ALERT_MEMORY_USED,      /* percent of this machine's */
    ALERT_CPU_USED,         /* percent of this machine's since the look before */
    ALERT_SERVER_READY,     /* 1: running tasks were found again and the last commit worked */
    ALERT_COMMIT_FAILURES,  /* in the last five minutes */
    ALERT_WAL,              /* MiB of the database's write-ahead log */
    ALERT_RESIDENT,         /* MiB of droverd */
    ALERT_DESCRIPTORS,      /* percent of those that droverd may open */
    ALERT_CERTIFICATE,      /* days until the server's expires; no value without one */
    ALERT_REMOTE_LAG,       /* seconds that the oldest sample waits for its receiver; no value without one */
    ALERT_JOB_WAITS,        /* seconds that a job waits for its place */
    ALERT_JOB_STARTS,       /* tasks of a job that have a place and were not seen running */
    ALERT_JOB_STOPS,        /* 1: it was stopped and has not ended */
    ALERT_FIGURES
};

enum alert_compare { ALERT_ABOVE, ALERT_BELOW, ALERT_COMPARES };
enum alert_severity { ALERT_INFO, ALERT_WARN, ALERT_ERROR, ALERT_FATAL, ALERT_SEVERITIES };

enum { ALERT_NAME_MAX = 64, ALERT_RULES_MAX = 64, ALERT_FOR_MAX_S = 30 * 24 * 3600 };

struct alert_rule {
    const char *name;
    enum alert_figure figure;
    enum gpu_cause cause; /* of ALERT_GPU_CAUSE */
    enum alert_compare compare;
    int64_t threshold;
    int for_s; /* it has to hold for so long */
    enum alert_severity severity;
    bool off;
    const char *text;    /* a sentence: what it means and what to do */
    const char *openpai; /* OpenPAI's rules that it stands for, with blanks between; NULL = none */
};

/* The rules as they are shipped. Static. */
const struct alert_rule *alert_rules(int *count);

/* Words of configuration and API. Never NULL. */
const char *alert_severity_word(enum alert_severity s);
const char *alert_figure_word(enum alert_figure f);

/* The configuration's `alerts`. Plain data. */
struct alert_settings {
    int look_s;    /* seconds: between looks */
    int keep_days; /* keepDays: changes of state are kept for so long */
    int rule_count;
    struct alert_rule rules[ALERT_RULES_MAX];
};

/* The shipped rules, looked at every 5 s, with 90 days of changes. */
void alert_settings_defaults(struct alert_settings *s);
/* Reads the map over what is there. 0, or -1 with ERR_INVALID_PARAMETERS and the place. */
int alert_settings_read(struct alert_settings *s, const struct doc *d, struct err *e);

#endif
