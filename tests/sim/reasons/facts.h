/* SPDX-License-Identifier: MIT
 *
 * What the oracle knows of a world: who holds and has reserved what, and who owns what. Read off once; the oracle then
 * thinks of copies what it likes.
 */
#ifndef TESTS_SIM_REASONS_FACTS_H
#define TESTS_SIM_REASONS_FACTS_H

#include "tests/sim/reasons/world.h"

enum { NOBODY = -1 };

/* One gang that holds or has reserved something. */
struct holder {
    int job;
    bool there, reserves, oppo, borrowed;
    int node[WORLD_PODS]; /* of each pod */
};

/* Who is where. GPUs of guaranteed gangs lie in lots: of the whole machine, or of one GPU. */
struct facts {
    const struct world *world;
    int forgiven;                           /* so many of the oldest nodes that a job avoids are forgotten */
    bool up[WORLD_NODES], bad[WORLD_NODES]; /* usable; down or cordoned: the rest of those not up are in maintenance */
    int64_t closes[WORLD_NODES]; /* when the next maintenance begins, wall clock; INT64_MAX: none is planned */
    struct holder holders[WORLD_JOBS];
    int user[WORLD_NODES][WORLD_GPUS], reserver[WORLD_NODES][WORLD_GPUS]; /* jobs */
    bool waits[WORLD_JOBS][WORLD_JOBS];                                   /* for whom each waits that has reserved */
    int owner[WORLD_NODES][WORLD_GPUS];  /* whose guarantee it is in use for: a virtual cluster, or NOBODY */
    bool whole[WORLD_NODES][WORLD_GPUS]; /* it lies in a lot that is the machine */
    int promised_nodes[WORLD_VCS][WORLD_SKUS], promised_gpus[WORLD_VCS][WORLD_SKUS];
};

/* Fills `f` with how the world stands now; `w` is borrowed. */
void facts_read(struct facts *f, const struct world *w);
/* What a job asks for, by its number. */
const struct wish *facts_wish(const struct facts *f, int job);
/* Whether a job is in the way of another, which has reserved. */
bool facts_in_way(const struct facts *f, int job, int of);

#endif
