/* SPDX-License-Identifier: MIT
 *
 * GET /jobs/{job}/profile.
 */
#ifndef DROVER_SERVER_API_JOB_PROFILE_H
#define DROVER_SERVER_API_JOB_PROFILE_H

#include "server/http/route.h"

/* What kind of work the newest job attempt does, what holds it up, how far it is (a route's handler). */
route_handler_fn api_job_profile;

#endif
