/* SPDX-License-Identifier: MIT
 *
 * How long logs are kept: a virtual cluster's keepLogsDays for what its jobs wrote, else the site's. What is set now
 * counts, also for logs written before.
 */
#ifndef DROVER_SERVER_RETENTION_H
#define DROVER_SERVER_RETENTION_H

#include <stdint.h>

struct jobs_store_owner;
struct readers;
struct snapshots;

#define RETENTION_DAY_MS (INT64_C(24) * 3600 * 1000)

/* Plain data; what it points to is borrowed. */
struct retention {
    struct readers *readers;
    struct snapshots *snapshots;
    int64_t usual_ms; /* the site's; 0 = for ever */
};

/* For janitor_policy.logs_of with a struct retention: ms from the end of a task attempt, 0 = for ever, -1 = it cannot
 * be told now. Any thread. */
int64_t retention_logs_ms(void *ctx, const char *attempt);
/* Whose a task attempt is, for those who keep order in what is left: as jobs_store_find_owner, with a reader of its
 * own; why it cannot be told (-1) is logged. Any thread. */
int retention_owner(struct readers *readers, const char *attempt, struct jobs_store_owner *out);

#endif
