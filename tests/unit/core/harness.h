/* SPDX-License-Identifier: MIT
 *
 * A core under virtual time for tests: submit made-up jobs, play the engine, look at the trace. Every batch ends with a
 * recount (core_check).
 */
#ifndef TESTS_UNIT_CORE_HARNESS_H
#define TESTS_UNIT_CORE_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "core/core.h"
#include "scheduler/cluster.h"

#define MAX_ORDERS 4096

struct harness {
    struct core *core;
    struct effects fx;
    struct clock_now now;
    int next_id;
    int64_t next_seq;
    struct err reply;  /* the last reply */
    char warning[512]; /* and what it warned of */
    size_t replies;
    char launched[MAX_ORDERS][ID_SIZE]; /* attempt ids in order of launch */
    char nonces[MAX_ORDERS][33];
    size_t launches;
    char stopped[MAX_ORDERS][ID_SIZE];
    size_t stops, forgets;
    int grace_ms, signal; /* of the last stop */
    struct lease lease;   /* the newest row of one; what it points to may be gone */
    size_t lease_rows;
    size_t signalled;                                  /* events CheckpointSignalled */
    void (*watch)(void *ctx, const struct effect *fx); /* told every effect of each batch; NULL = nobody */
    void *watch_ctx;
    char trace[65536]; /* "job.waiting a~x; task.starting ..." */
};

/* What a made-up job asks. One role "main" unless role2_instances is set, then also "side". */
struct ask {
    const char *name;
    const char *vc; /* NULL: default */
    int instances, cpus, gpus, priority, retries, role2_instances, task_retries, min_failed, min_succeeded;
    bool no_gang, side_without_gpus;
    enum spec_preemption preemption;
    const char *const *nodes, *const *not_nodes, *const *skus;
    int64_t time_limit_ms;
    int checkpoint_signal;
    struct spec_debug debug;
};

/* Performs the effects of the batch as the loop would, and checks the recount. */
void settle(struct harness *h);
/* One command and what follows from it. */
void step(struct harness *h, struct command *cmd);
/* Time passes; milliseconds. */
void tick(struct harness *h, int64_t ms);
/* A node that is up. */
void add_node(struct harness *h, const char *name, int cpus, int gpus);
/* An empty core and its end. */
void setup_core(struct harness *h);
void teardown_core(struct harness *h);
/* A job of user "ana", not submitted. Owned by the caller. */
struct job *make_job(struct harness *h, const struct ask *a);
/* Submits; returns 0, or the error code of the refusal. */
enum err_code submit(struct harness *h, const struct ask *a);
/* Asks for a stop; the code of the reply. */
enum err_code stop(struct harness *h, const char *full_name, const char *by, bool admin);
/* Plays the engine for the n-th launch (0..). */
void engine(struct harness *h, size_t n, enum engine_event_kind kind, int code);
/* The n-th launch has failed, and its sandbox is held. */
void hold_failed(struct harness *h, size_t n, int code);
/* The n-th launch is confirmed and started. */
void run(struct harness *h, size_t n);
/* The state of a job, 0 when the core does not hold it. */
enum run_state state_of(struct harness *h, const char *full_name);

#endif
