/* SPDX-License-Identifier: MIT
 *
 * The state machines: every edge that is allowed, and that no other is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jobs/state.h"

#define ENDS (STATE_SUCCEEDED | STATE_FAILED | STATE_STOPPED)

static const enum run_state all[] = {STATE_WAITING,  STATE_STARTING,  STATE_RUNNING, STATE_COMPLETING,
                                     STATE_STOPPING, STATE_SUCCEEDED, STATE_FAILED,  STATE_STOPPED};
#define COUNT (sizeof(all) / sizeof(all[0]))

/* The edges by kind, as the diagram in state.h and the protocol have them; a final state has none. */
static unsigned allowed(enum state_kind kind, enum run_state from)
{
    bool task = kind == STATE_OF_TASK_ATTEMPT;

    switch (from) {
    case STATE_WAITING:
        return STATE_STARTING | STATE_STOPPING | STATE_STOPPED;
    case STATE_STARTING:
        return STATE_WAITING | STATE_RUNNING | STATE_STOPPING | (task ? ENDS : (unsigned)STATE_COMPLETING);
    case STATE_RUNNING:
        return STATE_STOPPING | (task ? STATE_WAITING | ENDS : (unsigned)STATE_COMPLETING);
    case STATE_COMPLETING:
        if (task)
            return 0;
        return STATE_STOPPING | STATE_SUCCEEDED | STATE_FAILED | (kind == STATE_OF_JOB ? (unsigned)STATE_WAITING : 0);
    case STATE_STOPPING:
        return task ? STATE_WAITING | ENDS : (unsigned)STATE_STOPPED;
    default:
        return 0;
    }
}

static void edges(void **state)
{
    (void)state;
    for (int kind = 0; kind < STATE_KIND_COUNT; kind++)
        for (size_t from = 0; from < COUNT; from++)
            for (size_t to = 0; to < COUNT; to++) {
                bool want = (allowed((enum state_kind)kind, all[from]) & all[to]) != 0;

                if (state_may_move((enum state_kind)kind, all[from], all[to]) != want)
                    fail_msg("kind %d: %s -> %s must be %d", kind, state_name(all[from]), state_name(all[to]), want);
            }
}

static void move_sets_the_state(void **state)
{
    enum run_state s = STATE_WAITING;

    (void)state;
    state_move(STATE_OF_JOB, &s, STATE_STARTING);
    state_move(STATE_OF_JOB, &s, STATE_RUNNING);
    state_move(STATE_OF_JOB, &s, STATE_COMPLETING);
    state_move(STATE_OF_JOB, &s, STATE_WAITING);
    assert_int_equal(s, STATE_WAITING);
}

static void names_go_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(state_from_name(state_name(all[i])), all[i]);
    assert_int_equal(state_from_name("waiting"), 0);
    assert_int_equal(state_from_name(""), 0);
    assert_string_equal(state_name(0), "UNKNOWN");
}

static void wire_words(void **state)
{
    static const struct {
        enum run_state state;
        const char *wire, *sub;
    } rows[] = {
        {STATE_WAITING, "WAITING", "AttemptCreationPending"},
        {STATE_STARTING, "WAITING", "AttemptPreparing"},
        {STATE_RUNNING, "RUNNING", "AttemptRunning"},
        {STATE_COMPLETING, "RUNNING", "AttemptDeletionPending"},
        {STATE_STOPPING, "STOPPING", "AttemptDeletionRequested"},
        {STATE_SUCCEEDED, "SUCCEEDED", "Completed"},
        {STATE_FAILED, "FAILED", "Completed"},
        {STATE_STOPPED, "STOPPED", "Completed"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(state_wire(rows[i].state), rows[i].wire);
        assert_string_equal(state_wire_sub(rows[i].state), rows[i].sub);
        assert_true(state_mask_from_wire(rows[i].wire) & rows[i].state);
    }
    assert_int_equal(state_mask_from_wire("WAITING"), STATE_WAITING | STATE_STARTING);
    assert_int_equal(state_mask_from_wire("RUNNING"), STATE_RUNNING | STATE_COMPLETING);
    assert_int_equal(state_mask_from_wire("STOPPING"), STATE_STOPPING);
    assert_int_equal(state_mask_from_wire("STARTING"), 0);
    assert_string_equal(state_wire(0), "UNKNOWN");
}

static void sets(void **state)
{
    (void)state;
    assert_int_equal(STATE_LIVE & STATE_FINAL, 0);
    for (size_t i = 0; i < COUNT; i++)
        assert_true(all[i] & (STATE_LIVE | STATE_FINAL));
    assert_false(STATE_PLACED & STATE_WAITING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges),
        cmocka_unit_test(move_sets_the_state),
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(wire_words),
        cmocka_unit_test(sets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
