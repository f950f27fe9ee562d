/* SPDX-License-Identifier: MIT
 *
 * Changes of ended jobs, as the core orders them: functions for command_write (core/command.h). They run on the core's
 * thread inside the batch's transaction. 0, or -1 with the error for the sender.
 */
#ifndef DROVER_JOBS_JOBS_WRITE_H
#define DROVER_JOBS_JOBS_WRITE_H

#include <stdbool.h>

#include "base/clock.h"
#include "jobs/job.h"

struct err;
struct store;

struct jobs_archive {
    const char *job;             /* "user~name" or the UUID */
    const char *by;              /* who asks */
    bool admin;                  /* may archive the jobs of others */
    char user[JOB_USER_MAX + 1]; /* set: whose it is */
};

/* `what` is a struct jobs_archive. Puts an ended job away: its name is free again, lists do not show it, and its UUID
 * goes on naming it with all that it left. Twice is no error. ERR_NO_JOB, ERR_FORBIDDEN; ERR_CONFLICT_JOB while it has
 * not ended. */
int jobs_write_archive(struct store *s, void *what, struct clock_now now, struct err *e);

#endif
