/* SPDX-License-Identifier: MIT
 *
 * How long logs are kept: a virtual cluster's keepLogsDays for what its jobs wrote, else the site's. What is set now
 * counts, also for logs written before.
 */
#ifndef DROVER_SERVER_RETENTION_H
#define DROVER_SERVER_RETENTION_H

#include <stdint.h>

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

#endif
