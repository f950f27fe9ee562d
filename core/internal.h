/* SPDX-License-Identifier: MIT
 *
 * The core's private state, shared by its files only.
 */
#ifndef DROVER_CORE_INTERNAL_H
#define DROVER_CORE_INTERNAL_H

#include "base/hash.h"
#include "core/core.h"
#include "core/timers.h"
#include "scheduler/cluster.h"
#include "scheduler/pass.h"
#include "scheduler/queue.h"

/* Context of one step: what every transition needs. */
struct step {
    struct core *core;
    struct clock_now now;
    struct effects *fx;
};

struct core {
    struct core_config config;
    struct hash *by_name;    /* live jobs by "user~name" */
    struct hash *by_id;      /* live jobs by UUID */
    struct hash *by_attempt; /* placed tasks by task attempt id */
    struct cluster *cluster;
    struct sched_queue *queue;
    struct timers timers;
    struct effect_stop *orphans; /* to be stopped at the adoption */
    size_t orphan_count;
    struct job *graveyard; /* ended in this batch; linked by queue_entry */
    int64_t next_event_id;
    int64_t next_seq;
    int64_t next_engine_seq;
};

/* queue.c of the core: a job enters or leaves the waiting queue. 0, or -1 on out of memory. */
int core_enqueue(struct core *c, struct job *j);
void core_dequeue(struct core *c, struct job *j);

/* attempt.c: the life of a job attempt. */
void core_start_claim(struct step *s, const struct sched_claim *claim);
void core_task_started(struct step *s, struct task *t, int64_t wall_ms);
void core_task_ended(struct step *s, struct task *t, const struct exit_info *exit);
void core_decide(struct step *s, struct job *j, enum run_state outcome, int exit_code, const struct exit_trigger *why);
void core_stop_job(struct step *s, struct job *j, const char *by);
/* A job of that name that ended in this batch, of which the rows may say nothing yet; NULL when there is none. */
const struct job *core_buried(const struct core *c, const char *full_name);

/* event.c: an event row about a job, or one of its tasks. `state` is the one entered by it. */
void core_event_job(struct step *s, const struct job *j, const char *reason, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void core_event_task(struct step *s, const struct task *t, const char *reason, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Moves a job's state and writes its event. */
void core_move_job(struct step *s, struct job *j, enum run_state to, const char *reason, const char *message);
void core_move_task(struct step *s, struct task *t, enum run_state to, const char *reason, const char *message);

/* ids.c: derived ids of task attempts, and nonces. */
void core_derive_id(const struct core *c, const struct task *t, char id[ID_SIZE], char nonce[33]);

/* Commands, one file a verb. */
void core_submit(struct step *s, const struct command *cmd);
void core_execution(struct step *s, const struct command *cmd);
void core_tag(struct step *s, const struct command *cmd);
void core_user(struct step *s, const struct command *cmd);
void core_engine(struct step *s, const struct engine_event *ev);
void core_tick(struct step *s);

#endif
