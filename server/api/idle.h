/* SPDX-License-Identifier: MIT
 *
 * GPUs that are held and not used, in the API: a snooze.
 */
#ifndef DROVER_SERVER_API_IDLE_H
#define DROVER_SERVER_API_IDLE_H

struct err;
struct request;

/* A handler of the route table: PUT of a job's snooze. */
int api_job_snooze(struct request *r, void *context, struct err *e);

#endif
