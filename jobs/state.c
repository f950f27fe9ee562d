/* SPDX-License-Identifier: MIT
 *
 * The state machines as tables: one row a state with its words, and one mask of allowed next states a kind.
 *
 * A stop of something that never started may go straight to STOPPED; everything else passes through the states between.
 */
#include "jobs/state.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

/* Everything that is told about one state. `next` is indexed by state_kind. */
struct state_row {
    enum run_state state;
    const char *name;
    const char *wire;
    const char *wire_sub;
    unsigned next[STATE_KIND_COUNT];
};

#define TASK_ENDS (STATE_SUCCEEDED | STATE_FAILED | STATE_STOPPED)

static const struct state_row rows[] = {
    {.state = STATE_WAITING,
     .name = "WAITING",
     .wire = "WAITING",
     .wire_sub = "AttemptCreationPending",
     .next = {[STATE_OF_JOB] = STATE_STARTING | STATE_STOPPING | STATE_STOPPED,
              [STATE_OF_JOB_ATTEMPT] = STATE_STARTING | STATE_STOPPING | STATE_STOPPED,
              [STATE_OF_TASK_ATTEMPT] = STATE_STARTING | STATE_STOPPING | STATE_STOPPED}},
    /* back to WAITING: the claim was refused or lost, and nothing has run */
    {.state = STATE_STARTING,
     .name = "STARTING",
     .wire = "WAITING",
     .wire_sub = "AttemptPreparing",
     .next = {[STATE_OF_JOB] = STATE_WAITING | STATE_RUNNING | STATE_COMPLETING | STATE_STOPPING,
              [STATE_OF_JOB_ATTEMPT] = STATE_WAITING | STATE_RUNNING | STATE_COMPLETING | STATE_STOPPING,
              [STATE_OF_TASK_ATTEMPT] = STATE_WAITING | STATE_RUNNING | STATE_STOPPING | TASK_ENDS}},
    /* a task alone may be tried again (no gang); a job's retry passes through COMPLETING */
    {.state = STATE_RUNNING,
     .name = "RUNNING",
     .wire = "RUNNING",
     .wire_sub = "AttemptRunning",
     .next = {[STATE_OF_JOB] = STATE_COMPLETING | STATE_STOPPING,
              [STATE_OF_JOB_ATTEMPT] = STATE_COMPLETING | STATE_STOPPING,
              [STATE_OF_TASK_ATTEMPT] = STATE_WAITING | STATE_STOPPING | TASK_ENDS}},
    {.state = STATE_COMPLETING,
     .name = "COMPLETING",
     .wire = "RUNNING",
     .wire_sub = "AttemptDeletionPending",
     .next = {[STATE_OF_JOB] = STATE_WAITING | STATE_STOPPING | STATE_SUCCEEDED | STATE_FAILED,
              [STATE_OF_JOB_ATTEMPT] = STATE_STOPPING | STATE_SUCCEEDED | STATE_FAILED}},
    /* a task may end by itself before the stop reaches it; WAITING: a claim called back that will be planned again */
    {.state = STATE_STOPPING,
     .name = "STOPPING",
     .wire = "STOPPING",
     .wire_sub = "AttemptDeletionRequested",
     .next = {[STATE_OF_JOB] = STATE_STOPPED,
              [STATE_OF_JOB_ATTEMPT] = STATE_STOPPED,
              [STATE_OF_TASK_ATTEMPT] = STATE_WAITING | TASK_ENDS}},
    {.state = STATE_SUCCEEDED, .name = "SUCCEEDED", .wire = "SUCCEEDED", .wire_sub = "Completed"},
    {.state = STATE_FAILED, .name = "FAILED", .wire = "FAILED", .wire_sub = "Completed"},
    {.state = STATE_STOPPED, .name = "STOPPED", .wire = "STOPPED", .wire_sub = "Completed"},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const struct state_row *row_of(enum run_state state)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].state == state)
            return &rows[i];
    return NULL;
}

bool state_may_move(enum state_kind kind, enum run_state from, enum run_state to)
{
    const struct state_row *row = row_of(from);

    return row && (row->next[kind] & (unsigned)to) != 0;
}

void state_move(enum state_kind kind, enum run_state *state, enum run_state to)
{
    assert(state_may_move(kind, *state, to));
    *state = to;
}

const char *state_name(enum run_state state)
{
    const struct state_row *row = row_of(state);

    return row ? row->name : "UNKNOWN";
}

enum run_state state_from_name(const char *name)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (!strcmp(rows[i].name, name))
            return rows[i].state;
    return 0;
}

const char *state_wire(enum run_state state)
{
    const struct state_row *row = row_of(state);

    return row ? row->wire : "UNKNOWN";
}

const char *state_wire_sub(enum run_state state)
{
    const struct state_row *row = row_of(state);

    return row ? row->wire_sub : "Completed";
}

unsigned state_mask_from_wire(const char *word)
{
    unsigned mask = 0;

    for (size_t i = 0; i < ROW_COUNT; i++)
        if (!strcmp(rows[i].wire, word))
            mask |= (unsigned)rows[i].state;
    return mask;
}
