/* SPDX-License-Identifier: MIT
 *
 * Attempts of the local engine whose sandbox stays when their command has failed (hold.h). The engine's thread.
 */
#ifndef DROVER_ENGINES_LOCAL_LOCAL_HOLD_H
#define DROVER_ENGINES_LOCAL_LOCAL_HOLD_H

#include <stdbool.h>

struct local;
struct local_attempt;
struct record;
struct taskspec;

/* What keeps the task's sandbox, into its spec, where that was asked for and can be. Called last. */
void local_hold_fill(struct local *l, struct local_attempt *a, struct taskspec *t);
/* The shim said that the command has ended and its sandbox stays. */
void local_hold_begun(struct local *l, struct local_attempt *a, const struct record *r);
/* Asks the spawner to take the devices away; again where it has not answered. */
void local_hold_look(struct local *l, struct local_attempt *a);
/* The spawner's answer: they are, or cannot be. */
void local_hold_given(struct local *l, const char *id, bool given);

#endif
