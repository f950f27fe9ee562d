/* SPDX-License-Identifier: MIT
 *
 * The list of jobs: what it can be filtered and ordered by, and its pages. Conventions as in jobs/jobs_store.h.
 */
#ifndef DROVER_JOBS_JOBS_STORE_LIST_H
#define DROVER_JOBS_JOBS_STORE_LIST_H

#include "jobs/jobs_store.h"

/* COMPLETED: not completed is last when ascending, first when descending; so is a priority that was not given. */
/* clang-format off */
enum job_order {
    JOB_ORDER_SUBMITTED, JOB_ORDER_NAME, JOB_ORDER_USER, JOB_ORDER_VC,
    JOB_ORDER_RETRIES, JOB_ORDER_TASKS, JOB_ORDER_GPUS, JOB_ORDER_STATE,
    JOB_ORDER_COMPLETED, JOB_ORDER_PRIORITY, JOB_ORDER_COUNT
};
/* clang-format on */

/* A list of values of which a job must have one (or none, for tags_none); count 0 = any. */
struct job_values {
    const char *const *list;
    size_t count;
};

struct job_filter {
    struct job_values users, vcs, priorities, tags_any, tags_none;
    const char *reader;    /* only what this user may read: view readable_vc; NULL = everything */
    bool priority_default; /* also jobs without a priority class */
    unsigned states;       /* mask of own states, 0 = any */
    const char *keyword;   /* within user, name or VC, ASCII without case; NULL = any */
    enum job_order order;
    bool descending; /* ties: in order of submission, in the same direction */
    bool archived;   /* the archived ones instead of the others */
    int64_t offset, limit;
    int64_t after;  /* seq of the job behind which the page begins, in this order; 0 = from the start */
    int64_t *total; /* gets the number of all that match; NULL: not wanted */
};

/* Whether a job keeps its place in that order for ever, so that `after` misses none and shows none twice. */
bool jobs_store_order_is_fixed(enum job_order order);
/* A page of jobs. ERR_INVALID_PARAMETERS for more than 500 values in the filter. */
int jobs_store_list(struct store *s, const struct job_filter *filter, jobs_store_job_fn *fn, void *ctx, struct err *e);
#define JOBS_STORE_LIST_MAX_VALUES 500

#endif
