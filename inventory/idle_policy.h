/* SPDX-License-Identifier: MIT
 *
 * What a virtual cluster, or the site, does about GPUs that are held and not used. Pure data, and its JSON;
 * metrics/idle.h judges, server/gpu_idle.h acts. docs/IDLE.md.
 *
 *   {"rules": [{"rule": "zeroFromStart" | "zeroWindow" | "lowMean", "of": "jobs" | "reservations",
 *               "gpus": "all" | "any", "processes": "any" | "none", "utilization": 0, "memory": 0, "window": 0,
 *               "warn": [3600, 6300], "after": 7200, "action": "none" | "mail" | "tag" | "stop" | "release",
 *               "tag": "idle"}],
 *    "dryRun": true | false, "snoozeMinutes": 1440,
 *    "exempt": {"users": [], "groups": [], "tags": [], "names": ["debug-*"]}}
 */
#ifndef DROVER_INVENTORY_IDLE_POLICY_H
#define DROVER_INVENTORY_IDLE_POLICY_H

#include <stdbool.h>
#include <stddef.h>

struct cJSON;
struct err;
struct json_out;

enum { IDLE_WARNS_MAX = 4, IDLE_EXEMPTIONS_MAX = 32, IDLE_TEXT_MAX = 64, IDLE_SNOOZE_MINUTES = 24 * 60 };
#define IDLE_SECONDS_MAX (30 * 24 * 3600)

enum idle_kind {
    IDLE_ZERO_FROM_START, /* never used since its task began */
    IDLE_ZERO_WINDOW,     /* not used for a while */
    IDLE_LOW_MEAN,        /* used little over a while */
    IDLE_KINDS
};

/* Whose GPUs a rule looks at. A rule is told from others by both: a policy has at most one of each. */
enum idle_of { IDLE_OF_JOBS, IDLE_OF_RESERVATIONS, IDLE_OFS };
enum { IDLE_RULES_MAX = IDLE_KINDS * IDLE_OFS };

/* What follows in the end. */
enum idle_action {
    IDLE_NONE, /* an event of the job */
    IDLE_MAIL, /* its owner is told by mail, as of each that follows */
    IDLE_TAG,
    IDLE_STOP,    /* of jobs */
    IDLE_RELEASE, /* of debug reservations */
    IDLE_ACTIONS
};

struct idle_rule {
    enum idle_kind kind;
    enum idle_of of;
    enum idle_action action;
    bool any;                   /* one idle GPU is enough; else all have to be */
    bool no_processes;          /* a GPU on which a process computes is used, whatever it makes of it */
    int utilization;            /* percent: used is above this; LOW_MEAN: little is below this */
    int memory;                 /* percent: with so much of its memory taken it is used; 0 = that says nothing */
    int window_s;               /* LOW_MEAN: of the mean */
    int warn_s[IDLE_WARNS_MAX]; /* warned after so long, growing */
    int warn_count;
    int after_s; /* acted after so long, and never before the last warning */
    char tag[IDLE_TEXT_MAX];
};

enum idle_exempt { IDLE_EXEMPT_USER, IDLE_EXEMPT_GROUP, IDLE_EXEMPT_TAG, IDLE_EXEMPT_NAME, IDLE_EXEMPTS };

struct idle_exemption {
    enum idle_exempt kind;
    char text[IDLE_TEXT_MAX]; /* NAME: a pattern with * and ? */
};

struct idle_policy {
    bool set;     /* else the site's holds */
    bool dry_run; /* what would be done is told to nobody but in events, and not done */
    struct idle_rule rules[IDLE_RULES_MAX];
    int rule_count;
    int snooze_minutes; /* an owner may snooze for so long; 0 = not at all */
    struct idle_exemption exempt[IDLE_EXEMPTIONS_MAX];
    int exempt_count;
};

/* Words of the API and of rows. Never NULL. */
const char *idle_kind_name(enum idle_kind kind);
const char *idle_of_name(enum idle_of of);
const char *idle_action_name(enum idle_action action);
/* "jobs.zeroWindow": what a rule is called in rows; `out` has room for 40 bytes. And back: 0, or -1 for what is none.
 */
void idle_rule_name(const struct idle_rule *r, char out[40]);
/* The rule of the policy of that name; NULL: there is none. Borrowed. */
const struct idle_rule *idle_policy_find(const struct idle_policy *p, const char *name);

/* Reads a policy anew: all of it; null is none of one's own. 0, or -1 with ERR_INVALID_PARAMETERS, which names the
 * place. */
int idle_policy_parse(const struct cJSON *o, struct idle_policy *p, struct err *e);
/* Writes it as a value; null where it is not set. */
void idle_policy_write(struct json_out *j, const struct idle_policy *p);

#endif
