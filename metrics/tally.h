/* SPDX-License-Identifier: MIT
 *
 * Jobs that started and ended since droverd was started, by virtual cluster, and what tasks moved over the network:
 * what /metrics counts. Counts begin anew
 * with each start, as Prometheus expects of counters; what the rows know for good is in reports. Any thread.
 */
#ifndef DROVER_METRICS_TALLY_H
#define DROVER_METRICS_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inventory/vc.h"

struct tally;

enum { TALLY_VCS_MAX = 1000 /* of more, those that came last are not counted */ };

enum tally_end { TALLY_SUCCEEDED, TALLY_FAILED, TALLY_STOPPED, TALLY_ENDS };

/* Upper ends of the buckets of waits, in seconds, as exposition_buckets wants them. */
#define TALLY_BOUNDS 11
extern const char *const tally_bounds[TALLY_BOUNDS];

struct tally_row {
    char vc[VC_NAME_MAX];
    uint64_t ended[TALLY_ENDS];
    uint64_t waits[TALLY_BOUNDS + 1];
    double wait_sum; /* seconds */
};

/* NULL on out of memory. */
struct tally *tally_create(void);
void tally_destroy(struct tally *t);

/* A job of that virtual cluster has ended. */
void tally_ended(struct tally *t, const char *vc, enum tally_end how);
/* A job started for the first time, so long after its submission. */
void tally_started(struct tally *t, const char *vc, int64_t waited_ms);

/* Tasks of this machine have received and sent so many bytes more; 0 too says that they are known. */
void tally_network(struct tally *t, uint64_t received, uint64_t sent);
/* False: nobody has ever told. */
bool tally_network_read(struct tally *t, uint64_t *received, uint64_t *sent);

/* The rows, in the order in which their virtual clusters were first met. How many; with `out` NULL only that. */
size_t tally_read(struct tally *t, struct tally_row *out, size_t max);

#endif
