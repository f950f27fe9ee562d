/* SPDX-License-Identifier: MIT
 *
 * Rows of table lease: debug reservations.
 */
#ifndef DROVER_JOBS_LEASE_STORE_H
#define DROVER_JOBS_LEASE_STORE_H

#include "jobs/lease.h"

struct err;
struct store;

/* Inserts the row, or brings what changes of it up to date. 0 or -1. Inside a transaction. */
int lease_store_put(struct store *s, const struct lease *l, struct err *e);

/* Which leases to read; zeroed: all that are live, in the order in which they were made. */
struct lease_store_which {
    const char *job_id; /* those of a job, live or not; NULL: of any */
    const char *reader; /* of whose jobs this user may read; NULL: of all */
    bool ended;         /* those that have ended, too, newest first */
    int limit;          /* 0 = no limit */
};

/* Told each lease, borrowed for the call; non-zero stops and is returned. */
typedef int lease_store_fn(void *ctx, const struct lease *l);
/* Calls `fn` for each. 0, -1 on error, or what `fn` returned. */
int lease_store_each(struct store *s, const struct lease_store_which *which, lease_store_fn *fn, void *ctx,
                     struct err *e);

#endif
