/* SPDX-License-Identifier: MIT
 *
 * A job as its author wrote it: OpenPAI job protocol v2, parsed, templated and validated.
 *
 * Pipeline: YAML text -> doc (base/doc.h) -> spec_parse: schema, references, templates, extras. All memory is in the
 * arena.
 */
#ifndef DROVER_JOBS_SPEC_H
#define DROVER_JOBS_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inventory/node.h"

struct arena;
struct buf;
struct doc;
struct err;

/* A web app: what listens on a port of a task. */
#define SPEC_APPS_MAX 16
struct spec_app {
    const char *name; /* a-z, 0-9 and "-" */
    int role, task;   /* indices */
    const char *port; /* the label */
    bool keep_path;   /* it is served below /jobs/JOB/apps/NAME itself; else it knows nothing of that */
};

/* Ports asked by label; "ssh" and "http" with count 1 are always added as OpenPAI does. */
struct spec_port {
    const char *label;
    int count; /* >= 1 */
};

/* One task role. */
struct spec_role {
    const char *name;      /* as written; key of the config */
    const char *wire_name; /* lower case, only [a-z0-9]: OpenPAI's status output */
    int instances;         /* >= 1 */
    int min_failed;        /* -1 = failures never fail the job; else >= 1 */
    int min_succeeded;     /* -1 = all must end; else >= 1 */
    int task_retry_count;  /* honoured only without gang allocation */
    struct resources per_task;
    int shm_mb; /* 512 by default */
    bool infiniband;
    const char *image_uri; /* of the dockerimage prerequisite */
    const struct spec_port *ports;
    size_t port_kinds;   /* entries of ports */
    int port_total;      /* sum of counts */
    const char *command; /* script: commands joined by newline, templates filled but for $secrets, deployment's
                            pre- and postCommands and cmd plugin's around it */
};

/* A team storage to be found at a path in the task. */
#define SPEC_STORAGES_MAX 16
struct spec_storage {
    const char *name;
    const char *mount_path; /* absolute, without "." and ".." */
};

struct spec_notify {
    bool said; /* the job says it at all */
    bool running, succeeded, stopped, failed, retried;
};

/* What becomes of a job whose resources a more important one takes: extras.drover.preemption. */
enum spec_preemption {
    SPEC_PREEMPTION_REQUEUE, /* it waits again, with a new attempt that counts as no retry */
    SPEC_PREEMPTION_STOP,    /* it is stopped */
    SPEC_PREEMPTION_NEVER,   /* within its virtual cluster's guarantee it is no victim; elsewhere as STOP */
};

/* Whether the sandbox of a task that failed the job is kept to look at, and what stays with it:
 * extras.drover.debugReservation (jobs/lease.h). */
enum spec_debug_on {
    SPEC_DEBUG_NEVER,
    SPEC_DEBUG_USER_FAILURE, /* the command itself failed, by what is known */
    SPEC_DEBUG_ALWAYS,       /* it had too little memory or the like, too; never a failure of the platform */
};
enum spec_hold { SPEC_HOLD_NOTHING, SPEC_HOLD_GPUS, SPEC_HOLD_SANDBOX };
struct spec_debug {
    enum spec_debug_on on;
    enum spec_hold hold;
    int minutes; /* at most; 0: as long as the virtual cluster gives */
    bool quiet;  /* its owner gets no mail about it */
};

#define SPEC_SSH_KEYS_MAX 4

/* The whole job. Plain data, immutable after spec_parse. */
struct spec {
    const char *name;
    const char *description;    /* or NULL */
    const char *vc;             /* defaults.virtualCluster, "default" */
    const char *priority_class; /* "crit", "prod", "test", "oppo" as written, NULL when not given */
    int priority;               /* crit 120, prod 100, test 10 (default), oppo -1 */
    int job_retry_count;
    bool gang; /* extras.gangAllocation, true by default */
    const struct spec_role *roles;
    size_t role_count;
    int total_tasks;
    int64_t total_gpus;
    const char *isolation;       /* extras.drover.requires.isolation, or NULL */
    const char *checkpoint_name; /* extras.drover.checkpoint.name, or NULL */
    const char *code;            /* extras.drover.code: SHA-256 of an archive sent before, in hex, or NULL */
    int64_t time_limit_ms;       /* extras.drover.timeLimit seconds, 0 = none */
    int stop_grace_s;            /* extras.drover.stopGrace, default 10 */
    const struct spec_storage *storages;
    size_t storage_count;
    bool default_storages; /* extras.storages is an empty list: the user's defaults */
    enum spec_preemption preemption;
    struct spec_debug debug;
    int checkpoint_grace_s; /* extras.drover.checkpoint.grace: before a preempted task is killed; default stopGrace */
    int checkpoint_signal;  /* extras.drover.checkpoint.signal: sent then, and before the time limit; 0 = TERM, at it */
    const char *const *skus;      /* GPU models that will do, as SKUs, NULL-terminated; NULL: any */
    const char *const *nodes;     /* by name, NULL-terminated: only these; NULL: any */
    const char *const *not_nodes; /* never these; NULL: none */
    const char *pin;              /* node of the virtual cluster's own; NULL: none */
    bool lazy;                    /* hivedScheduler.lazyPreemptionEnable */
    const char *ssh_keys; /* of the runtime plugin ssh, a line each with its LF, as base/ssh_key.h; NULL: none */
    struct spec_notify notify;
    const struct spec_app *apps; /* not in copies: app_count is 0 there */
    size_t app_count;
    const struct doc *secrets; /* the secrets block, NULL when none; only right after submission, never stored */
    const struct doc *tags;    /* extras.tags list or NULL */
};

/* Parses the text of a submission. Every rule of OpenPAI's protocol v2; unknown keys are refused at the levels where
 * the protocol refuses them. ERR_INVALID_PROTOCOL with line, column and pointer of the offending place. The result and
 * all it points to live in `a`. NULL on error. Any thread. */
struct spec *spec_parse(struct arena *a, const char *text, size_t len, struct err *e);

/* What is kept of a submission beside the spec: the config as spec_masked_config writes it, or, when there is nothing
 * to mask, the text as it came; the secrets as spec_secrets writes them. */
struct spec_kept {
    struct buf *masked;
    struct buf *secrets; /* stays empty when there is no secrets block */
};
/* spec_parse, spec_masked_config and spec_secrets of one text, which is read once. The spec's `secrets` is NULL. NULL
 * on error; the buffers then hold nothing of use. */
struct spec *spec_submit(struct arena *a, const char *text, size_t len, const struct spec_kept *keep, struct err *e);

/* As spec_parse for text that was accepted before (from the database). Errors there are ERR_INTERNAL. */
struct spec *spec_load(struct arena *a, const char *text, size_t len, struct err *e);

/* A copy that needs neither the document it was read from nor its arena: what a live job keeps. `secrets` and `tags`,
 * which are parts of the document, are NULL. A pointer that joins struct spec or spec_role is copied in spec_copy.c.
 * NULL on out of memory. */
struct spec *spec_copy(struct arena *a, const struct spec *from);

/* Writes the config to keep and to show: the submitted document with the values of `secrets` (and image auth passwords)
 * replaced by "******". 0 or -1; ERR_INVALID_PROTOCOL also when `out` has a cap and is full. */
int spec_masked_config(const char *text, size_t len, struct buf *out, struct err *e);

/* The secrets block alone as YAML, for sealing; leaves `out` empty when there is none. 0 or -1. */
int spec_secrets(const char *text, size_t len, struct buf *out, struct err *e);

/* Fills <% $secrets.x %> in a role's command. `secrets_yaml` is what spec_secrets wrote (len 0 = none). Unknown names
 * stay as they are. 0 or -1. */
int spec_fill_secrets(const char *command, const char *secrets_yaml, size_t len, struct buf *out, struct err *e);

#endif
