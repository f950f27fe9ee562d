/* SPDX-License-Identifier: MIT
 *
 * GPUs in quarantine: of attempts that have ended, while their processes do not die. Of the engine's thread.
 */
#ifndef DROVER_ENGINES_LOCAL_STUCK_H
#define DROVER_ENGINES_LOCAL_STUCK_H

#include <stdint.h>

struct local;
struct local_attempt;

/* The attempt's processes do not die: its GPUs are quarantined until they are gone, and the node is told
 * again. */
void local_stuck_add(struct local *l, struct local_attempt *a);
/* Those that an earlier engine of this boot could not see gone. */
void local_stuck_load(struct local *l);
/* The spawner found nothing left of it. */
void local_stuck_cleared(struct local *l, const char *id);
/* Lifts the quarantine where the processes are gone. Time of the next look, 0 = none needed. */
int64_t local_stuck_keep(struct local *l, int64_t now);
void local_stuck_free(struct local *l);

#endif
