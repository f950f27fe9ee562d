/* SPDX-License-Identifier: MIT
 *
 * Rows of table decision: what was decided about jobs, and why.
 */
#ifndef DROVER_JOBS_DECISION_STORE_H
#define DROVER_JOBS_DECISION_STORE_H

#include <stdint.h>

struct err;
struct store;

/* Table decision. */
struct decision_row {
    int64_t id;
    const char *job_id;
    int job_attempt;
    const char *kind;
    int64_t time_ms;
    const char *record; /* JSON object */
};

/* Told each decision; non-zero stops and is returned. */
typedef int decision_store_fn(void *ctx, const struct decision_row *row);
/* Adds one. 0 or -1. */
int decision_store_add(struct store *s, const struct decision_row *row, struct err *e);
/* Calls `fn` for the decisions about a job, newest first, `limit` at most. 0, -1 on error, or what `fn` returned. */
struct decision_store_which {
    const char *job_id;
    int limit;
};
int decision_store_each(struct store *s, const struct decision_store_which *which, decision_store_fn *fn, void *ctx,
                        struct err *e);

#endif
