/* SPDX-License-Identifier: MIT
 *
 * A debug reservation, short lease: the sandbox of a task that failed its job is kept for a while, so that its owner
 * can look at it, and by choice the task's place on the node with it. The job has failed as ever; the lease is an
 * object of its own.
 *
 *     HELD ─► ENDING (its end is ordered: expired, released, reclaimed) ─► ENDED
 *       └────────┴──── the node is lost ─► LOST
 *       └───────────── nothing of the sandbox is left: ENDED
 */
#ifndef DROVER_JOBS_LEASE_H
#define DROVER_JOBS_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "inventory/node.h"
#include "jobs/job.h"

/* One bit each, as in state.h. */
enum lease_state {
    LEASE_HELD = 1 << 0,
    LEASE_ENDING = 1 << 1,
    LEASE_ENDED = 1 << 2,
    LEASE_LOST = 1 << 3,
};
#define LEASE_LIVE (LEASE_HELD | LEASE_ENDING)

/* Pure data: a row of table lease. What it points to is its maker's. */
struct lease {
    char id[ID_SIZE]; /* that of the task attempt whose sandbox it is */
    char nonce[33];
    char job_id[ID_SIZE];
    const char *job; /* name without its user */
    enum run_state job_state;
    const char *owner, *vc, *role, *node;
    int job_attempt, task_index, task_attempt;
    enum spec_hold hold;     /* GPUS: of the node it holds `amount`; SANDBOX: nothing */
    struct resources amount; /* what the task had of the node */
    const int *gpus;         /* indices, amount.gpus of them; -1: not known */
    int priority;            /* by which it holds: -1 = what it holds may be taken back */
    enum lease_state state;
    int64_t created_ms, expires_ms, ended_ms; /* wall; 0 = not yet */
    const char *ended_by;  /* a user, or "expiry", "need", "idle", "sandbox", "node"; "" while it is held */
    int extended;          /* times since the core began; in no row */
    const char *collected; /* JSON object: what is known of the end that it was made for */
};

/* Whether a state may follow another, by the table. */
bool lease_may_move(enum lease_state from, enum lease_state to);
/* Moves; asserts that it may. */
void lease_move(enum lease_state *state, enum lease_state to);
/* "HELD", ...; never NULL. */
const char *lease_state_name(enum lease_state state);
/* The state of a name; 0 when there is none of it. */
enum lease_state lease_state_from_name(const char *name);
/* "gpus", "sandbox"; never NULL; and back, SPEC_HOLD_NOTHING for any other word. */
const char *lease_hold_name(enum spec_hold hold);
enum spec_hold lease_hold_from_name(const char *name);

#endif
