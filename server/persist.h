/* SPDX-License-Identifier: MIT
 *
 * Effects to rows and rows to the core: the two directions between core/ and store/.
 */
#ifndef DROVER_SERVER_PERSIST_H
#define DROVER_SERVER_PERSIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct audit;
struct core;
struct effect;
struct effects;
struct err;
struct store;

/* Whether a batch has anything to write. */
bool persist_needed(const struct effects *fx);
/* Writes a batch's rows, and its records into the audit log (NULL = none is kept), in one transaction that checks the
 * leader's epoch, and commits; in the one that look-ups of the batch began, if they did. 0 when it is on disk; -1 when
 * nothing of it is (store_failure says why). The core's thread. */
int persist_commit(struct store *s, const struct effects *fx, struct audit *audit, int64_t epoch, struct err *e);

/* Whether a write reaches the disk: one that changes nothing, in a transaction that checks the epoch. 0 or -1. */
int persist_probe(struct store *s, int64_t epoch, struct err *e);

/* Starts a life: raises the epoch in the rows and returns it, or -1. */
int64_t persist_new_epoch(struct store *s, struct err *e);
/* The time of the newest event, 0 when there is none, or -1: nothing that is recorded from now on may be earlier. */
int64_t persist_last_moment(struct store *s, struct err *e);
/* A core with all nodes and live jobs of the rows. A job that its rows do not make (its config is no longer accepted)
 * is ended there as FAILED, with the reason. NULL on error. `seed` is 32 bytes. */
struct core *persist_load_core(struct store *s, int64_t epoch, const unsigned char *seed, struct clock_now now,
                               struct err *e);

#endif
