/* SPDX-License-Identifier: MIT
 *
 * The simulated engine: runs nothing, keeps time as it is told. Pure and without thread: the caller gives orders and
 * moves the clock, and gets events. The same struct engine_event as from any engine, for tests of the core and for
 * replays in virtual time. What fails and is to be held stays so until it is told to stop.
 */
#ifndef DROVER_ENGINES_SIMULATED_SIMULATED_H
#define DROVER_ENGINES_SIMULATED_SIMULATED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engines/engine.h"

struct simulated;

/* What a task does. */
struct simulated_plan {
    int64_t start_ms;  /* from LAUNCH to CONFIRMED and STARTED */
    int64_t run_ms;    /* from STARTED to EXITED; < 0 = until stopped */
    int exit_code;     /* 0..255 */
    int refuse_code;   /* not 0: REFUSED with this code instead of CONFIRMED */
    bool lost;         /* LOST instead of EXITED */
    bool ignores_stop; /* ends only after the grace (as by SIGKILL) */
};

/* Decides what the task of a launch does; called at LAUNCH. The launch is borrowed for the call. */
typedef struct simulated_plan simulated_plan_fn(void *ctx, const struct engine_order *launch);

/* An engine with these nodes (copied). `plan` NULL: every task starts at once, runs one second and exits 0. NULL on
 * out of memory. */
struct simulated *simulated_create(const struct node *nodes, size_t count, simulated_plan_fn *plan, void *ctx);
/* Frees it. NULL ok. */
void simulated_destroy(struct simulated *s);
/* Takes an order at the moment `now` (ms, wall). Events of it come from the next advance. */
void simulated_order(struct simulated *s, struct engine_order *o, int64_t now);
/* Gives all events up to and including `now`, in order of time, to the sink. */
void simulated_advance(struct simulated *s, int64_t now, engine_sink_fn *sink, void *ctx);
/* When the next event is due; INT64_MAX = none is. */
int64_t simulated_next(const struct simulated *s);

#endif
