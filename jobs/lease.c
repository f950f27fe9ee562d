/* SPDX-License-Identifier: MIT
 *
 * The states of a lease as a table, and its words.
 */
#include "jobs/lease.h"

#include <assert.h>
#include <string.h>

static const struct {
    enum lease_state state;
    const char *name;
    unsigned next;
} rows[] = {
    {LEASE_HELD, "HELD", LEASE_ENDING | LEASE_ENDED | LEASE_LOST},
    {LEASE_ENDING, "ENDING", LEASE_ENDED | LEASE_LOST},
    {LEASE_ENDED, "ENDED", 0},
    {LEASE_LOST, "LOST", 0},
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* In the order of enum spec_hold. */
static const char *const holds[] = {"nothing", "gpus", "sandbox"};
#define HOLD_COUNT (sizeof(holds) / sizeof(holds[0]))

bool lease_may_move(enum lease_state from, enum lease_state to)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].state == from)
            return (rows[i].next & (unsigned)to) != 0;
    return false;
}

void lease_move(enum lease_state *state, enum lease_state to)
{
    assert(lease_may_move(*state, to));
    *state = to;
}

const char *lease_state_name(enum lease_state state)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].state == state)
            return rows[i].name;
    return "UNKNOWN";
}

enum lease_state lease_state_from_name(const char *name)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (!strcmp(rows[i].name, name))
            return rows[i].state;
    return 0;
}

const char *lease_hold_name(enum spec_hold hold)
{
    return (size_t)hold < HOLD_COUNT ? holds[hold] : holds[0];
}

enum spec_hold lease_hold_from_name(const char *name)
{
    for (size_t i = 1; i < HOLD_COUNT; i++)
        if (!strcmp(holds[i], name))
            return (enum spec_hold)i;
    return SPEC_HOLD_NOTHING;
}
