/* SPDX-License-Identifier: MIT
 *
 * Clears away what ended task attempts left on the node: after so many days their working folders, later everything.
 * One thread that looks once an hour; and, where a task or a user may take so much disk and no more, every few seconds
 * at that.
 */
#ifndef DROVER_ENGINES_LOCAL_JANITOR_H
#define DROVER_ENGINES_LOCAL_JANITOR_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct janitor;
struct quota;

/* What is kept of an attempt, from its end on (milliseconds; 0 = for ever), and what it may take while it runs. */
struct janitor_policy {
    int64_t files_ms; /* the folders where it worked */
    int64_t logs_ms;  /* its logs, and with them the whole folder */
    /* Says so instead of logs_ms of an attempt that is not young; -1: nobody knows now. Called by the thread that
     * looks; NULL = nobody says otherwise. */
    int64_t (*logs_of)(void *ctx, const char *attempt);
    void *ctx;
    int64_t disk_bytes;  /* in those folders; 0 = any number */
    struct quota *quota; /* what each user keeps, of all attempts; borrowed, NULL = nobody counts */
};

/* Counts of one look. */
struct janitor_result {
    size_t files, logs; /* attempts of which these were removed */
    size_t failed;      /* attempts of which something could not be removed */
};

/* One look over DATA/run at the wall time `now_ms`. What runs, or has ended without the core knowing (it asks for the
 * folder's `exit` at its next start, so nothing younger than a day is touched), is left alone. 0 or -1. Any thread. */
int janitor_look(const char *data, const struct janitor_policy *policy, int64_t now_ms, struct janitor_result *out,
                 struct err *e);

/* One look at what the disk holds. A task whose folders hold more than policy->disk_bytes, or that has pushed its user
 * beyond what the quota allows, is stopped by its shim, and ends with EXIT_CODE_DISK. How many were; -1. Any thread,
 * one at a time. */
int janitor_look_at_disk(const char *data, const struct janitor_policy *policy, struct err *e);

/* Starts the thread for the data folder (borrowed). NULL on error. */
struct janitor *janitor_create(const char *data, const struct janitor_policy *policy, struct err *e);
/* Ends it, after the look that is under way. NULL ok. */
void janitor_destroy(struct janitor *j);

#endif
