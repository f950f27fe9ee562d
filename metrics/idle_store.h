/* SPDX-License-Identifier: MIT
 *
 * Rows about GPUs that are held and not used: what was counted, what was told of jobs that live, what is snoozed, what
 * was done.
 */
#ifndef DROVER_METRICS_IDLE_STORE_H
#define DROVER_METRICS_IDLE_STORE_H

#include "base/clock.h"
#include "base/id.h"
#include "metrics/idle.h"

struct err;
struct store;

enum { IDLE_RULE_NAME = 40, IDLE_STORE_TEXT = 512 };

/* What was counted of a GPU by one rule. */
struct idle_gpu_row {
    char attempt_id[ID_SIZE]; /* of the task, or the debug reservation */
    int gpu;
    char rule[IDLE_RULE_NAME];
    unsigned char data[IDLE_GPU_BLOB]; /* idle_gpu_encode */
    size_t len;
};

/* What was told of a job attempt by one rule. */
struct idle_told_row {
    char job_id[ID_SIZE];
    int job_attempt;
    char rule[IDLE_RULE_NAME];
    struct idle_told told; /* nothing: the row goes */
    bool dry_run;
    int64_t time_ms;
    const char *text;
    const char *user, *name, *vc; /* of the job; when read */
};

/* What was done in the end. */
struct idle_act_row {
    enum idle_action action;
    const char *node;
    int gpus;
    int64_t idle_ms; /* GPU ms, until then */
    int64_t left_ms; /* each GPU could have been held for so long; -1 = for ever */
};

/* All below: 0, or -1 with `e`. Those that write, in a transaction of the writer. */
int idle_store_put_gpu(struct store *s, const struct idle_gpu_row *row, struct err *e);
int idle_store_put_told(struct store *s, const struct idle_told_row *row, struct err *e);
int idle_store_put_act(struct store *s, const struct idle_told_row *of, const struct idle_act_row *row, struct err *e);
/* Forgets what was counted, and what is about jobs and debug reservations that are over. */
int idle_store_clear(struct store *s, struct clock_now now, struct err *e);

/* A job is snoozed: its owner, or an admin, says why nothing is computed. */
struct idle_snooze {
    const char *full_name, *by, *reason;
    int64_t minutes;
};
int idle_store_snooze(struct store *s, void *snooze, struct clock_now now, struct err *e); /* command_write_fn */
/* Until when; 0 = it is not. */
int idle_store_snoozed(struct store *s, const char *job_id, int64_t *until_ms, struct err *e);

/* Whether a policy leaves a job alone: the job, its name without the user, its user. */
struct idle_whom {
    const char *job_id, *name, *user;
};
int idle_store_exempt(struct store *s, const struct idle_policy *p, const struct idle_whom *whom, bool *exempt,
                      struct err *e);

/* Callbacks give 0 to go on; any other value ends the walk, which then returns it. Rows are borrowed. */
typedef int idle_gpu_fn(void *ctx, const struct idle_gpu_row *row);
int idle_store_each_gpu(struct store *s, idle_gpu_fn *fn, void *ctx, struct err *e);
/* Of job attempts that are the newest of jobs that live, or have a debug reservation. */
typedef int idle_told_fn(void *ctx, const struct idle_told_row *row);
int idle_store_each_told(struct store *s, idle_told_fn *fn, void *ctx, struct err *e);

#endif
