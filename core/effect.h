/* SPDX-License-Identifier: MIT
 *
 * What a batch of steps asks the loop to do: first the rows, in one transaction; after COMMIT the engine's orders, then
 * the replies and the events for live streams. Rows are snapshots: a later step of the batch does not change them (job
 * rows are the exception: written once per batch, as the job stands at its end).
 */
#ifndef DROVER_CORE_EFFECT_H
#define DROVER_CORE_EFFECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/command.h"
#include "inventory/maintenance.h"
#include "inventory/node.h"
#include "inventory/node_event.h"
#include "inventory/vc.h"
#include "jobs/job.h"
#include "jobs/lease.h"

struct arena;

enum effect_kind {
    EFFECT_JOB_INSERT,   /* job, with config */
    EFFECT_JOB_UPDATE,   /* job */
    EFFECT_ATTEMPT_ROW,  /* job attempt */
    EFFECT_TASK_ROW,     /* task attempt */
    EFFECT_EVENT_ROW,    /* event; also told to live streams */
    EFFECT_NODE_ROW,     /* node */
    EFFECT_VC_ROW,       /* virtual cluster */
    EFFECT_DECISION_ROW, /* record of a decision about a job */
    EFFECT_LEASE_ROW,    /* debug reservation */
    EFFECT_MAINTENANCE_ROW,
    EFFECT_NODE_EVENT_ROW, /* what happened to a node */
    EFFECT_TAG_ROW,
    EFFECT_KEY_ROW, /* the idempotency key of an accepted job */
    EFFECT_WRITE,   /* rows by a function of the sender's */
    EFFECT_LAUNCH,  /* task: order to the engine */
    EFFECT_ADOPT,
    EFFECT_STOP,
    EFFECT_FORGET,
    EFFECT_REPLY,
};

/* A job attempt as its row. */
struct effect_attempt {
    char job_id[ID_SIZE];
    int attempt;
    enum run_state state;
    int64_t created_ms, launched_ms, completed_ms;
    bool ended;
    int exit_code;
    const char *exit_phrase; /* in the batch's arena; NULL = none */
    struct exit_trigger trigger;
};

/* One thing that happened. `type` is "job.", "task." or "lease." and the state entered, in lower case; folding the
 * events of a job gives its states, and those of its leases. */
struct effect_event {
    int64_t id;
    int64_t time_ms, submitted_ms; /* of the event, of the job */
    char job_id[ID_SIZE];
    char full_name[JOB_FULL_NAME_SIZE];
    char vc[JOB_USER_MAX + 1];
    int job_attempt;
    const char *role; /* in the batch's arena; NULL: about the job */
    int task_index;
    int task_attempt;
    char type[32];
    bool warning;
    const char *reason;   /* one word, static */
    const char *message;  /* in the batch's arena */
    enum run_state state; /* of the job, after it */
};

struct effect_tag {
    char job_id[ID_SIZE];
    const char *tag;
    bool drop;
};

/* Why something was decided about a job: `record` is a JSON object of at most 2 KB in the batch's arena. */
struct effect_decision {
    int64_t id; /* counted with the events */
    int64_t time_ms;
    char job_id[ID_SIZE];
    int job_attempt;
    const char *kind; /* "placed", "preempts", "reserves", "preempted" */
    const char *record;
};

struct effect_vc {
    struct vc vc;
    bool drop;
};

struct effect_stop {
    char attempt_id[ID_SIZE];
    char nonce[33];
    int grace_ms, signal; /* between that signal (0 = TERM) and the kill */
};

struct effect_reply {
    void *to;
    struct err err;        /* code ERR_NONE: accepted */
    char job_id[ID_SIZE];  /* submit */
    const char *full_name; /* submit; in the batch's arena */
    const char *warning;   /* submit: accepted, but; in the batch's arena, NULL: nothing */
};

struct effect_key {
    const struct submit_key *key; /* the sender's */
    char job_id[ID_SIZE];
    const char *full_name; /* in the batch's arena */
};

/* Its outcome is known only when the rows are written: then it is put into the reply. */
struct effect_write {
    const struct command_write *call;
    struct effect_reply *reply; /* NULL: nobody waits for it */
};

struct effect {
    enum effect_kind kind;
    union {
        struct {
            struct job *job;
            const char *config;
            size_t config_len;
        } job;
        const struct effect_attempt *attempt;
        struct {
            const struct task *task; /* EFFECT_TASK_ROW: a copy */
            int job_attempt;         /* at that moment: the job may have moved on */
        } row;
        struct task *task; /* EFFECT_LAUNCH, EFFECT_ADOPT: the live one, alive until core_batch_end */
        const struct effect_event *event;
        const struct node *node;
        const struct effect_vc *vc;
        const struct effect_decision *decision;
        const struct lease *lease;
        const struct maintenance *maintenance;
        const struct node_event *node_event;
        const struct effect_tag *tag;
        const struct effect_key *key;
        const struct effect_write *write;
        const struct effect_stop *stop; /* EFFECT_STOP and EFFECT_FORGET */
        const struct effect_reply *reply;
    };
};

/* The growing list of one batch. */
struct effects {
    struct arena *arena;
    struct effect *list;
    size_t count, cap;
    bool failed; /* out of memory: the batch must be given up and the state reloaded */
};

/* An empty list. 0, or -1 on out of memory. */
int effects_init(struct effects *fx);
/* Frees list and arena. */
void effects_fini(struct effects *fx);
/* Empties it for the next batch; cannot fail. */
void effects_reset(struct effects *fx);
/* Whether it changed what an admin reads back at once: nodes, their maintenance, virtual clusters. */
bool effects_shown_at_once(const struct effects *fx);
/* Appends; a failed allocation sets fx->failed. */
void effects_add(struct effects *fx, const struct effect *f);
/* Appenders that snapshot what they are given. */
void effects_job(struct effects *fx, struct job *j);
void effects_attempt(struct effects *fx, const struct job *j, enum run_state state);
void effects_task(struct effects *fx, const struct task *t);
void effects_lease(struct effects *fx, const struct lease *l);
void effects_maintenance(struct effects *fx, const struct maintenance *m);
void effects_node_event(struct effects *fx, const struct node_event *ev);
void effects_stop(struct effects *fx, const struct task *t, int grace_ms, int signal);
void effects_order_stop(struct effects *fx, const struct effect_stop *order);
void effects_forget(struct effects *fx, const char *attempt_id, const char *nonce);
/* To an accepted submission; `warning` (NULL: none) is in the batch's arena. */
void effects_reply_warned(struct effects *fx, void *to, const struct job *j, const char *warning);
void effects_reply(struct effects *fx, void *to, const struct err *e, const struct job *j);
/* A reply that names a job by what is known of it. */
void effects_reply_again(struct effects *fx, void *to, const char *id, const char *full_name);
void effects_key(struct effects *fx, const struct submit_key *key, const struct job *j);
void effects_write(struct effects *fx, const struct command *cmd);
/* The same for a call that comes with a command of another kind. */
void effects_save(struct effects *fx, void *reply_to, const struct command_write *call);

#endif
