/* SPDX-License-Identifier: MIT
 *
 * Job, job-attempt and task-attempt states: one-bit values, so that sets are masks, with the allowed next states as a
 * table (state.c). The wire has OpenPAI's words; ours map onto them.
 *
 *     WAITING ─► STARTING ─► RUNNING ─► COMPLETING ─► SUCCEEDED | FAILED ─┐ (job only: retry)
 *        │           │          │                                        ▼
 *        └───────────┴──────────┴─► STOPPING ─► STOPPED               WAITING
 */
#ifndef DROVER_JOBS_STATE_H
#define DROVER_JOBS_STATE_H

#include <stdbool.h>

enum run_state {
    STATE_WAITING = 1 << 0,    /* not placed */
    STATE_STARTING = 1 << 1,   /* claimed and ordered, not seen running */
    STATE_RUNNING = 1 << 2,    /* at least one process was started */
    STATE_COMPLETING = 1 << 3, /* outcome decided, its other tasks are being stopped */
    STATE_STOPPING = 1 << 4,   /* a user's stop is under way */
    STATE_SUCCEEDED = 1 << 5,
    STATE_FAILED = 1 << 6,
    STATE_STOPPED = 1 << 7,
};

#define STATE_LIVE (STATE_WAITING | STATE_STARTING | STATE_RUNNING | STATE_COMPLETING | STATE_STOPPING)
#define STATE_FINAL (STATE_SUCCEEDED | STATE_FAILED | STATE_STOPPED)
#define STATE_PLACED (STATE_STARTING | STATE_RUNNING | STATE_COMPLETING | STATE_STOPPING)

/* Whose state it is: the edges differ. */
enum state_kind { STATE_OF_JOB, STATE_OF_JOB_ATTEMPT, STATE_OF_TASK_ATTEMPT, STATE_KIND_COUNT };

/* Whether `from` -> `to` is an allowed edge. from == to is not an edge. */
bool state_may_move(enum state_kind kind, enum run_state from, enum run_state to);
/* Moves *state, asserting the edge (an illegal move is our bug). */
void state_move(enum state_kind kind, enum run_state *state, enum run_state to);
/* Own name: "STARTING". */
const char *state_name(enum run_state state);
/* From its own name; 0 when unknown. */
enum run_state state_from_name(const char *name);
/* OpenPAI's state word: WAITING, RUNNING, STOPPING, STOPPED, SUCCEEDED, FAILED. */
const char *state_wire(enum run_state state);
/* OpenPAI's subState: "AttemptRunning", "Completed", ... */
const char *state_wire_sub(enum run_state state);
/* Mask of own states that a wire word stands for ("WAITING" -> WAITING|STARTING); 0 when unknown. */
unsigned state_mask_from_wire(const char *word);

#endif
