/* SPDX-License-Identifier: MIT
 *
 * Feeds a report from the tables of jobs and attempts: two scans, nothing kept but the report's groups.
 */
#ifndef DROVER_METRICS_REPORT_STORE_H
#define DROVER_METRICS_REPORT_STORE_H

#include <stdint.h>

struct err;
struct report;
struct report_range;
struct store;

/* Whose jobs. NULL: everybody's. `vcs`: of these virtual clusters, too; NULL-terminated or NULL. */
struct report_whose {
    const char *user;
    const char *const *vcs;
};

/* Adds what was used and which jobs there were in the range. 0 or -1. */
int report_store_read(struct store *s, const struct report_range *range, const struct report_whose *whose,
                      struct report *r, struct err *e);

#endif
