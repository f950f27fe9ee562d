/* SPDX-License-Identifier: MIT
 *
 * Nodes that jobs keep away from (jobs/avoid.h), as the core goes by them. Shared by its files only; the core's thread,
 * but for core_avoid_excess.
 */
#ifndef DROVER_CORE_AVOID_H
#define DROVER_CORE_AVOID_H

#include <stdbool.h>

#include "jobs/avoid.h"
#include "scheduler/explain.h"

struct cluster;
struct core;
struct job;
struct spec;
struct step;

/* What ended the job's attempt is held against the node, if it was the platform's fault: its name, borrowed, or NULL.
 */
const char *core_avoid_fault(struct step *s, struct job *j);
/* Whether it avoids any. */
bool core_avoids(const struct job *j);
/* A job is queued (0, or -1 on out of memory), or is not any more. */
int core_avoid_join(struct core *c, struct job *j);
void core_avoid_leave(struct core *c, const struct job *j);
/* Has those go back on it who could run nowhere. Not within a pass. */
void core_avoid_look(struct step *s);

/* Who asks whether it avoids too much. */
struct core_avoid_ask {
    struct explain *explain;
    const struct explain_ask *ask; /* its nodes do not count */
    const struct cluster *cluster;
    const struct spec *spec;
    const char **names; /* room for the nodes of the cluster */
};
/* How many of the oldest nodes in `from` it has to go back on to run anywhere, with nobody else there: as machines are,
 * or, where that does not help, were all up; 0 also where neither helps. Whichever thread `explain` belongs to. */
int core_avoid_excess(const struct core_avoid_ask *a, const struct avoid *from);

#endif
