/* SPDX-License-Identifier: MIT
 *
 * The oracle: why a job of a world waits, told anew. It reads who holds and has reserved which GPUs, and then counts
 * and searches by brute force: all ways to put the pods onto the machines. Nothing of the scheduler's own reasoning is
 * used.
 */
#ifndef TESTS_SIM_REASONS_ORACLE_H
#define TESTS_SIM_REASONS_ORACLE_H

#include "scheduler/explain.h"
#include "tests/sim/reasons/world.h"

/* The dominant reason of a job that has not started (scheduler/explain.h has the order). */
enum explain_reason oracle_reason(const struct world *w, int job);
/* What it would be of one that is not considered yet, if it were. */
enum explain_reason oracle_then(const struct world *w, int job);

#endif
