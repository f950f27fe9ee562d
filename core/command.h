/* SPDX-License-Identifier: MIT
 *
 * What may be asked of the core: one tagged union. Commands come from HTTP threads, the engine's thread and the clock.
 * Text is borrowed from the sender and lives until the reply was given.
 */
#ifndef DROVER_CORE_COMMAND_H
#define DROVER_CORE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/id.h"
#include "engines/engine.h"
#include "inventory/idle_policy.h"
#include "jobs/submit_key.h"

struct err;
struct job;
struct maintenance;
struct store;
struct vc;

enum command_kind {
    COMMAND_SUBMIT,
    COMMAND_EXECUTION,   /* START or STOP of a job */
    COMMAND_HOLD,        /* hold or release a waiting job */
    COMMAND_REASON,      /* a job waits for another reason than before */
    COMMAND_TAG,         /* put or drop a tag */
    COMMAND_WRITE,       /* rows that no rule of the core reads; it only orders them with everything else */
    COMMAND_VC,          /* make, change, stop or remove a virtual cluster */
    COMMAND_LEASE,       /* a debug reservation is extended or released */
    COMMAND_IDLE,        /* GPUs that are held and not used: what was found, or a snooze */
    COMMAND_NODE,        /* an admin's marks on a node */
    COMMAND_MAINTENANCE, /* make, change or remove a maintenance window */
    COMMAND_ENGINE,      /* an engine event */
    COMMAND_TICK,        /* nothing but the time */
};

/* A job named by a command that is not live: what the rows say, loaded before the step (DESIGN 1.3). */
struct command_target {
    bool exists;
    char id[ID_SIZE];
    char user[65];
    char vc[65];
};

struct command_submit {
    struct job
        *job; /* WAITING, made by the sender; the core takes it over when it accepts, else it stays the sender's */
    const char *config; /* YAML to keep, secrets masked */
    size_t config_len;
    bool name_taken;              /* the name belongs to a job that has ended (loaded before the step) */
    const struct submit_key *key; /* Idempotency-Key; NULL = none was sent */
    bool dry_run;                 /* only ask: the job stays the sender's, and nothing is kept */
    bool key_known;               /* it was used before, for `before` (both loaded before the step) */
    struct submit_before before;
};

struct command_execution {
    const char *full_name; /* user~job */
    bool stop;             /* STOP or START */
    struct command_target target;
};

struct command_hold {
    const char *full_name;
    bool release;
    struct command_target target;
};

/* By the server itself; no reply. */
struct command_reason {
    const char *full_name;
    int attempt;
    const char *reason, *text; /* explain_name; a sentence */
};

struct command_tag {
    const char *full_name;
    const char *tag;
    bool drop;
    bool present; /* loaded before the step */
    struct command_target target;
};

/* Rows that no rule of the core reads: users, logins, groups, templates, settings ... Runs on the core's thread inside
 * the batch's transaction, in a savepoint of its own. 0; or -1 with `e`, which is then the reply, and only the rows
 * that this call wrote are given up: the batch goes on. What depends on rows (is the name taken? does it exist?) is
 * therefore asked here, where nobody can come in between. A disk that fails, fails the batch as always. */
typedef int command_write_fn(struct store *s, void *what, struct clock_now now, struct err *e);

struct command_write {
    command_write_fn *run;
    void *what; /* the sender's; results may be left in it, which hold only once the reply says that all is well */
};

/* Virtual clusters. PUT makes or changes one: the whole spec as it shall be (`stopped` and `created_ms` stay). */
enum command_vc_op { COMMAND_VC_PUT, COMMAND_VC_START, COMMAND_VC_STOP, COMMAND_VC_REMOVE };

struct command_vc {
    enum command_vc_op op;
    const char *name;
    const struct vc *vc;   /* PUT */
    const struct vc *base; /* PUT: what `vc` was made of: only what differs is meant; NULL: all of it is */
};

/* The debug reservation of a job, of which a job has one at most; a conflict where it has none that is live. `minutes`
 * are more than it has. */
struct command_lease {
    const char *full_name;
    bool release;
    int minutes;
    struct command_target target;
};

/* GPUs that are held and not used (server/gpu_idle.h). What was found of a job attempt that has ended meanwhile is
 * passed over, with what was to be saved. */
enum command_idle_op { COMMAND_IDLE_WARN, COMMAND_IDLE_ACT, COMMAND_IDLE_USED, COMMAND_IDLE_SNOOZE };

struct command_idle {
    enum command_idle_op op;
    const char *job_id; /* whose GPUs they are; as all below but for a snooze */
    int job_attempt;
    bool reservation; /* its debug reservation's */
    enum idle_action action;
    bool dry_run;
    const char *tag;           /* of IDLE_TAG */
    const char *text;          /* a sentence: what was seen, and what follows */
    int64_t *left_ms;          /* set to how long they could have been held; -1 = for ever. Before `save` runs */
    struct command_write save; /* in the same transaction; a snooze has one, too */
    const char *full_name;     /* SNOOZE, as those below */
    const char *reason;
    int minutes, site_most; /* for so long; at most, where the virtual cluster has no policy of its own */
    struct command_target target;
};

/* Nodes. Drain: nothing new starts, what runs goes on to its end. */
enum command_node_op { COMMAND_NODE_CORDON, COMMAND_NODE_UNCORDON, COMMAND_NODE_DRAIN, COMMAND_NODE_LABELS };

struct command_node {
    enum command_node_op op;
    const char *name;
    const char *labels; /* LABELS: a JSON object of strings, all of them, shorter than NODE_LABELS_MAX */
    const char *reason; /* of the others, for the node's history; NULL: none was given */
};

/* Maintenance windows. CHANGE: the whole window as it shall be. */
enum command_maintenance_op { COMMAND_MAINTENANCE_ADD, COMMAND_MAINTENANCE_CHANGE, COMMAND_MAINTENANCE_REMOVE };

struct command_maintenance {
    enum command_maintenance_op op;
    int64_t id;                       /* CHANGE and REMOVE */
    const struct maintenance *window; /* ADD and CHANGE: nodes, start, end, stop and reason */
    int64_t *made;                    /* ADD: set to its id */
};

/* Who asks, for rights that depend on the object and for the audit record. */
struct command_actor {
    const char *user; /* NULL: the server itself */
    bool admin;
    const char *const *managed; /* virtual clusters whose VC admin the user is; NULL = none, or not asked for */
    const char *ip;
    const char *method;
    const char *route;
    const char *object;
    const char *request_id;
    int success;    /* the status of the answer when it is accepted */
    bool *recorded; /* set once the audit log holds the call; NULL = nobody asks */
};

struct command {
    enum command_kind kind;
    struct command_actor actor;
    void *reply_to; /* the sender's cookie, given back in the reply; NULL: no reply wanted */
    union {
        struct command_submit submit;
        struct command_execution execution;
        struct command_hold hold;
        struct command_reason reason;
        struct command_tag tag;
        struct command_write write;
        struct command_vc vc;
        struct command_lease lease;
        struct command_idle idle;
        struct command_node node;
        struct command_maintenance maintenance;
        struct {
            const struct engine_event *engine;      /* as long as the command: too large for every mail to hold one */
            const struct exit_diagnosis *diagnosis; /* of an end, as long as that; NULL: its code says it all */
        };
    };
};

#endif
