/* SPDX-License-Identifier: MIT
 *
 * Web apps of jobs: what a job's reply tells of them, who may open one, and the calls that go to them.
 */
#ifndef DROVER_SERVER_API_APP_H
#define DROVER_SERVER_API_APP_H

#include "server/http/route.h"

struct app_grant;
struct api;
struct err;
struct job_view;
struct json_out;

/* POST /jobs/{job}/apps/{app}: a link that opens the app once. */
route_handler_fn api_app_open;
/* The member "apps" of a job's reply. */
void app_write_list(struct json_out *j, const struct job_view *v, const struct api *a);
/* For apps_deps.check; `ctx` is the struct api. */
int app_check(void *ctx, struct app_grant *g, struct err *e);
/* The row for http_config.foreign. */
const struct route *app_foreign(void);

#endif
