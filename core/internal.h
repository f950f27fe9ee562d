/* SPDX-License-Identifier: MIT
 *
 * The core's private state, shared by its files only.
 */
#ifndef DROVER_CORE_INTERNAL_H
#define DROVER_CORE_INTERNAL_H

#include "base/hash.h"
#include "core/core.h"
#include "core/lease.h"
#include "core/maintenance.h"
#include "core/timers.h"
#include "scheduler/cluster.h"
#include "scheduler/grid.h"
#include "scheduler/line.h"
#include "scheduler/score.h"

/* Context of one step: what every transition needs. */
struct step {
    struct core *core;
    struct clock_now now;
    struct effects *fx;
};

/* A virtual cluster as the core schedules with it. */
struct core_vc {
    struct vc spec;
    int guaranteed;        /* GPUs, less what those below it are promised */
    struct resources used; /* of all its placed tasks */
    size_t live_jobs, leases;
};

/* A job on the grid; in the job's arena, at queue_entry. */
struct core_gang {
    struct line_entry line;
    struct grid_request ask;
    int gang;    /* its number on the grid; -1: it is not there */
    bool queued; /* it waits: in the line, reserving, or for another plan */
};

/* A user in virtual clusters that count them. */
struct core_user {
    char name[JOB_USER_MAX + 1];
    int number;
};

struct core_shown;

struct core {
    struct core_config config;
    struct hash *by_name;    /* live jobs by "user~name" */
    struct hash *by_id;      /* live jobs by UUID */
    struct hash *by_attempt; /* placed tasks by task attempt id, and those that stand for leases */
    struct leases leases;
    struct core_windows windows;
    struct cluster *cluster;
    struct resources largest; /* of any node that was ever told of */
    struct score_weights weights;
    struct topology topology; /* of the grid */
    struct grid *grid;        /* NULL until the first plan */
    struct line *line;
    bool amounts_stale;
    bool stale;             /* nodes or promises have changed: the plan is to be made anew */
    size_t waiting;         /* jobs that are queued */
    struct job **reserving; /* those that have reserved */
    size_t reserving_count, reserving_cap;
    struct job **avoiding; /* those that are queued and avoid nodes */
    size_t avoiding_count, avoiding_cap;
    bool avoid_stale;          /* it is to be looked at whether they can still run */
    int64_t age_at_mono;       /* when the next has waited for long */
    struct hash *user_numbers; /* of users in virtual clusters with a cap */
    struct core_user **users;
    size_t user_count;
    uint64_t changes;         /* of who holds or has reserved something */
    struct core_shown *shown; /* the newest copy of the plan; NULL: none yet */
    uint64_t shown_at;        /* `changes` at that moment */
    int64_t shown_mono;
    struct hash *vc_by_name;
    struct core_vc **vcs; /* each allocated on its own: hash keys are in them */
    size_t vc_count;
    struct timers timers;
    struct effect_stop *orphans; /* to be stopped at the adoption */
    size_t orphan_count;
    struct job *graveyard; /* ended in this batch; linked by queue_entry */
    int64_t next_event_id;
    int64_t next_seq;
    int64_t next_engine_seq;
};

/* core.c. The live jobs in the order of their submission, as a hash gives them in none. To be freed; NULL (and a count
 * of 0) on out of memory. */
struct job **core_by_seq(const struct core *c, size_t *count);

/* waiting.c. What the grid is asked for a spec, made in `a`; NULL on out of memory. */
struct grid_request *core_ask(struct arena *a, const struct spec *spec);
/* The job's gang, made when it is not there yet (NULL on out of memory). */
struct core_gang *core_gang_of(const struct job *j);
struct core_gang *core_gang_make(struct job *j);
/* What changes with the plan: the virtual cluster's name, the number of the user, whether it is lazy. 0 or -1. */
int core_ask_refresh(struct core *c, const struct job *j, struct core_gang *g);
/* A job begins to wait, as one that waits since then; stops waiting. 0, or -1 on out of memory. */
int core_enqueue(struct core *c, struct job *j, int64_t since_mono);
void core_dequeue(struct core *c, struct job *j);
/* A queued job enters grid and line. 0, or -1 on out of memory. */
int core_line_join(struct core *c, struct job *j);
/* It has left the line: it reserves, or it holds what it asked for. */
int core_reserve(struct core *c, struct job *j);
void core_hold(struct core *c, struct job *j);
/* A placed task gives back what it holds. */
void core_release(struct core *c, struct task *t);
/* The nodes that will do for a spec, less those in `from` (NULL: none), into `out` (room for all). How many. */
size_t core_wishes(const struct cluster *c, const struct spec *spec, const struct avoid *from, const char **out);

/* explain.c: the plan as it is shown, a copy that is at most a quarter of a second old (NULL: none yet), to be put. */
struct core_shown *core_shown_get(struct core *c, int64_t now_mono);
void core_shown_put(struct core_shown *s); /* NULL ok; any thread */

/* attempt.c: the life of a job attempt. */
void core_start_claim(struct step *s, struct job *j); /* the grid holds its place */
void core_task_started(struct step *s, struct task *t, int64_t wall_ms);
void core_task_ended(struct step *s, struct task *t, const struct exit_info *exit);
void core_decide(struct step *s, struct job *j, enum run_state outcome, int exit_code, const struct exit_trigger *why);
/* Between the signal (0 = TERM) of a stop and the kill, as the job wants it for the end that was decided. */
int core_grace_ms(const struct core *c, const struct job *j);
int core_stop_signal(const struct job *j);
void core_stop_job(struct step *s, struct job *j, const char *by);
/* nobody asked for it: the server's own reason */
void core_stop_for(struct step *s, struct job *j, const char *why);
/* A job of that name that ended in this batch, of which the rows may say nothing yet; NULL when there is none. */
const struct job *core_buried(const struct core *c, const char *full_name);

/* vc.c. The virtual cluster of that name (NULL: none), or of a job. */
struct core_vc *core_vc_find(const struct core *c, const char *name);
struct core_vc *core_vc_of(const struct core *c, const struct job *j);
/* Milliseconds that an attempt of the job may run: its own limit, but not more than its virtual cluster's; 0 = any. */
int64_t core_time_limit(const struct core *c, const struct job *j);
/* So many of them before the end its tasks are told, where the job names a signal for it (0 = at it); and so many after
 * its start the first of both is due (0 = never). */
int64_t core_limit_notice(const struct core *c, const struct job *j);
int64_t core_limit_due(const struct core *c, const struct job *j);
/* A task was placed (1) or has given back what it held (-1). */
void core_vc_count(struct core *c, const struct task *t, int sign);
/* GPUs of a SKU that a virtual cluster is promised, of which those below it have a part. */
int core_vc_promised(const struct cluster *nodes, const struct vc *vc, const char *sku);
/* Nodes or promises have changed. */
void core_vc_refresh(struct core *c);
/* Has `guaranteed` be what it is: counted when it is looked at, not for each of the thousand nodes of a start. */
void core_vc_amounts(struct core *c);
int core_vc_init(struct core *c); /* 0, or -1 on out of memory */
void core_vc_fini(struct core *c);

/* node.c: what the engine tells of a node. */
void core_node_told(struct step *s, const struct node *told);
/* node_history.c: what a node becomes, before the account knows; `by` and `reason` may be NULL. */
void core_node_history(struct step *s, const struct node *n, const struct command_actor *by, const char *reason);

/* decision.c: a record about a job that was placed (its tasks' nodes are set; before its events, so that their ids stay
 * the highest), that reserves and preempts those gangs (or waits for ends), that was preempted. */
void core_decision_placed(struct step *s, const struct job *j);
void core_decision_preempts(struct step *s, const struct job *j, const int *victims, size_t count);
void core_decision_preempted(struct step *s, const struct job *victim, const struct job *by, bool requeue);

/* event.c: an event row about a job, or one of its tasks. `state` is the one entered by it. */
void core_event_job(struct step *s, const struct job *j, const char *reason, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void core_event_task(struct step *s, const struct task *t, const char *reason, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* A timer for a job (its id, number: its attempt) or a task (its id, 0). */
void core_arm(struct step *s, enum timer_kind kind, const char *id, int number, int64_t at_mono);
/* Moves a job's state and writes its event. */
void core_move_job(struct step *s, struct job *j, enum run_state to, const char *reason, const char *message);
void core_move_task(struct step *s, struct task *t, enum run_state to, const char *reason, const char *message);

/* ids.c: derived ids of task attempts, and nonces. */
void core_derive_id(const struct core *c, const struct task *t, char id[ID_SIZE], char nonce[33]);

/* change.c. Id, owner and virtual cluster of a job that a command names, live or not, into `t` (what the rows said). 0,
 * or -1 with ERR_NO_JOB, or ERR_FORBIDDEN where the caller may not do this to it. */
int core_find_target(const struct step *s, const struct command *cmd, const char *full_name, struct command_target *t,
                     struct err *e);

/* Commands, one file a verb. */
void core_submit(struct step *s, const struct command *cmd);
void core_execution(struct step *s, const struct command *cmd);
void core_keep(struct step *s, const struct command *cmd); /* COMMAND_HOLD */
void core_reason(struct step *s, const struct command *cmd);
void core_tag(struct step *s, const struct command *cmd);
void core_lease(struct step *s, const struct command *cmd);
void core_idle(struct step *s, const struct command *cmd);
void core_vc(struct step *s, const struct command *cmd);
void core_node(struct step *s, const struct command *cmd);
void core_engine(struct step *s, const struct engine_event *ev, const struct exit_diagnosis *diagnosis);
void core_tick(struct step *s);

#endif
